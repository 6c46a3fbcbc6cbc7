"""Columns that stand in for the campaign's own values (A4), and several rows in one mail (A6)."""

from __future__ import annotations

import dataclasses
import email.policy
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.audience.recipient import GROUP_LIMIT, Recipient, recipient_of
from mailtui.errors import TemplateError
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Preflight
from mailtui.message.reference import self_check
from mailtui.message.rendered import RenderedMessage, RenderProblem
from tests.message.samples import CONTROLS, DATE, SECRET, body_text, header_text, refused, rendered, source

COLUMNS = ("email", "full_name", "sender", "answer_to", "subject_line", "text_column")
ROLES = tuple(zip(("name", "from", "reply_to", "subject", "body"), COLUMNS[1:], strict=True))


def own(message: MessageSource | None = None, columns: Any = ROLES) -> CompiledMessage:
    base = message or source(subject="Spring", text="The campaign's text\n", reply_to="help@acme.test")
    return compile_message(dataclasses.replace(base, columns=columns), COLUMNS, secret=SECRET)


def row(address: str = "ada@list.test", **cells: str) -> Recipient:
    return Recipient(address, 7, address, dict.fromkeys(COLUMNS, "") | {"email": address} | cells)


def read(message: RenderedMessage) -> Any:
    return BytesParser(policy=email.policy.default).parsebytes(message.data)


def test_a4_every_cell_stands_in_for_the_campaigns_own_value() -> None:
    mail = rendered(
        own(),
        row(
            full_name="Ada Lovelace",
            sender='"Shop, Ltd" <shop@other.test>',
            answer_to="ask@other.test",
            subject_line="Your {{ order }}",
            text_column="{{ 7 * 7 }}\nsee you",
        ),
    )
    seen = read(mail)
    assert seen["To"] == "Ada Lovelace <ada@list.test>"
    assert seen["From"] == '"Shop, Ltd" <shop@other.test>'
    assert (mail.sender, seen["Reply-To"]) == ("shop@other.test", "ask@other.test")
    assert seen["Subject"] == mail.subject == "Your {{ order }}", "cells are never read as templates"
    assert mail.text == "{{ 7 * 7 }}\nsee you\n"
    assert mail.message_id.endswith("@other.test>")


@pytest.mark.parametrize("blank", ["", "  ", "\t", "\n"])
def test_a4_a_blank_cell_leaves_the_campaigns_own_value(blank: str) -> None:
    cells = dict.fromkeys(COLUMNS[1:], blank)
    assert rendered(own(), row(**cells)).data == rendered(own(columns=()), row(**cells)).data


def test_a4_a_column_may_be_the_only_one_to_say_it() -> None:
    bare = MessageSource(sender="", subject="", text=None, html=None, columns=ROLES)
    message = compile_message(bare, COLUMNS, secret=SECRET)
    cells = {"sender": "a@acme.test", "subject_line": "Hi", "text_column": "Text"}
    assert rendered(message, row(**cells)).text == "Text\n"
    for role, column in (("from", "sender"), ("subject", "subject_line"), ("text", "text_column")):
        problem = refused(message, row(**{**cells, column: " "}))
        assert problem.reason == f"the column {column} is blank, and the campaign gives no {role}"
        assert (problem.row, problem.place.key) == (7, f"audience.columns.{role.replace('text', 'body')}")


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("full_name", "Ada\r\nBcc: x@evil.test", "the column full_name has a line break in it"),
        ("full_name", "Ada\0", "the column full_name has a NUL"),
        ("sender", "nobody", "the column sender: "),
        ("sender", "a@acme.test, b@acme.test", "the column sender: "),
        ("answer_to", "x@y@z.test", "the column answer_to: "),
        ("subject_line", "Hi\nBcc: x@evil.test", "the column subject_line has a line break in it"),
        ("text_column", "a\0b", "the column text_column has a NUL"),
    ],
)
def test_a4_a_cell_that_cannot_be_sent_is_told_with_its_row_and_column(column: str, cell: str, said: str) -> None:
    problem = refused(own(), row(**{column: cell}))
    assert problem.reason.startswith(said)
    assert problem.row == 7


@given(name=st.one_of(header_text, st.sampled_from(CONTROLS), st.text(max_size=80)), text=body_text)
def test_a4_hostile_names_and_texts_are_read_back_as_they_were_or_refused(name: str, text: str) -> None:
    to = row("jörg@list.test", full_name=name, text_column=text)
    result = own().render(to, date=DATE, encoding=TransferEncoding.EIGHT_BIT, smtputf8=True)
    if isinstance(result, RenderProblem):
        assert "the column " in result.reason
    else:
        assert self_check(own(), to, date=DATE, encoding=TransferEncoding.EIGHT_BIT, smtputf8=True) == []
        assert result.data.count(b"\r\nTo: ") == 1


def test_a4_a_name_does_not_make_an_address_fit_a_server_without_smtputf8() -> None:
    assert "SMTPUTF8" in refused(own(), row("jörg@list.test", full_name="Jörg")).reason
    mail = rendered(own(), row("jörg@list.test", full_name="Jörg"), smtputf8=True)
    assert b"To: =?utf-8?b?SsO2cmc=?= <j\xc3\xb6rg@list.test>\r\n" in mail.data


def test_a4_an_unknown_column_is_named_with_its_key_and_the_nearest() -> None:
    with pytest.raises(TemplateError) as caught:
        own(columns=(("name", "fullname"),))
    [problem] = caught.value.problems
    assert (problem.place.key, problem.hint) == ("audience.columns.name", "Did you mean full_name?")


def test_a4_nobody_elses_frozen_message_changes() -> None:
    plain = source()
    assert "columns" not in plain.to_json()
    assert "group" not in plain.to_json()
    told = dataclasses.replace(plain, columns=ROLES, group=True)
    assert MessageSource.from_json(told.to_json()) == told
    assert len({plain.digest, told.digest, dataclasses.replace(plain, group=True).digest}) == 3


def test_a4_a_column_that_is_called_like_a_role_is_mentioned_once() -> None:
    message = source(subject="Hi", text="Dear {{ name }}")
    compiled = compile_message(message, ["email", "name", "subject", "reply_to"], secret=SECRET)
    notes = [item for item in Preflight(compiled).findings() if item.code == "column-role"]
    assert [(item.severity, "columns: {reply_to: reply_to, subject: subject}" in item.hint) for item in notes] == [
        ("note", True)
    ]


# A6

ORDERS = ("email", "item", "amount")


def grouped(text: str, *, html: str | None = None) -> CompiledMessage:
    return compile_message(
        dataclasses.replace(source(subject="Hi", text=text, html=html), group=True), ORDERS, secret=SECRET
    )


def person(*items: tuple[str, str]) -> Recipient:
    first, *more = [("ada@list.test", *item) for item in items]
    return recipient_of(ORDERS, "ada@list.test", 3, "ada@list.test", first, more)


def test_a6_templates_have_all_rows_and_the_first_one_by_name() -> None:
    every = "{% for each in rows %} {{ each.item }}={{ each['amount'] }}{% endfor %}"
    text = "{{ item }} {{ row.item }} {{ rows|length }}:" + every
    both = grouped(text, html="<b>{% for each in rows %}{{ each.item }}{% endfor %}</b>")
    mail = rendered(both, person(("a<", "1"), ("b", "2")))
    assert mail.text == "a< a< 2: a<=1 b=2\n"
    assert mail.html == "<b>a&lt;b</b>\n"
    assert rendered(both, person(("a", "1"))).text == "a a 1: a=1\n"
    alone = person(("a", "1"))
    assert alone.rows == ()
    assert self_check(both, person(("x", "1"), ("y", "")), date=DATE, encoding=TransferEncoding.BASE64) == []


@pytest.mark.parametrize(
    "text",
    [
        "{% for each in rows %}{{ each.itme }}{% endfor %}",
        "{% for each in rows|reverse %}{% if each.item %}{{ each['itme'] }}{% endif %}{% endfor %}",
        "{% for each in rows[1:]|list %}{{ each.get('itme') }}{% endfor %}",
        "{{ rows[0].itme }}",
        "{{ (rows|first).itme }}",
        "{{ rows|map(attribute='itme')|join }}",
        "{% for each in rows|selectattr('itme')|sort(attribute='amount') %}{{ each.item }}{% endfor %}",
        "{% for each in rows if each.itme %}{{ each.item }}{% endfor %}",
    ],
)
def test_a6_a_column_that_rows_do_not_have_is_found_before_there_is_a_row(text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        grouped(text)
    [problem] = caught.value.problems
    assert problem.message == "the list has no column itme."
    assert "item" in problem.hint
    assert (problem.place.line, bool(problem.place.column)) == (1, True)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("{% for each in rows %}{{ each.item }}{% endfor %}", {"item"}),
        ("{{ rows|length }}", set()),
        ("{{ rows|map(attribute='amount')|map('float')|sum }}", {"amount"}),
        ("{% for each in rows %}{% for row in [1] %}{{ row }}{% endfor %}{{ each.item }}{% endfor %}", {"item"}),
        ("{{ rows }}", None),
        ("{% for each in rows %}{{ each.values()|join }}{% endfor %}", None),
        ("{% set one = rows[0] %}{{ one.item }}", None),
        ("{% for key, some in rows|groupby('item') %}{{ key }}{% endfor %}", None),
    ],
)
def test_a6_it_is_known_which_columns_rows_need(text: str, needed: set[str] | None) -> None:
    assert grouped(text).fields == needed


@pytest.mark.parametrize(
    "text",
    ["{% set one = rows[0] %}{{ one.item }}", "{% macro m(one) %}{{ one.item }}{% endmacro %}{{ m(rows|first) }}"],
)
def test_a6_a_row_that_is_handed_on_is_there(text: str) -> None:
    assert rendered(grouped(text), person(("a", "1"), ("b", "2"))).text == "a\n"


@pytest.mark.parametrize("text", ["{{ row.items }}", "{% for each in rows %}{{ each.items }}{% endfor %}"])
def test_a_column_called_as_a_method_of_rows_is_a_column(text: str) -> None:
    base = dataclasses.replace(source(subject="x", text=text), group=True)
    message = compile_message(base, ["email", "items"], secret=SECRET)
    assert rendered(message, Recipient("a@list.test", 1, "a@list.test", {"email": "", "items": "12"})).text == "12\n"
    with pytest.raises(TemplateError) as caught:
        compile_message(base, ["email"], secret=SECRET)
    assert "the list has no column items" in str(caught.value)


def test_a6_rows_without_grouping_is_a_mistake_that_says_what_to_do() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_message(source(text="{% for each in rows %}{{ each.item }}{% endfor %}"), ["first_name"], secret=SECRET)
    [problem] = caught.value.problems
    assert "group: true" in problem.hint
    own_column = compile_message(source(subject="x", text="{{ rows }}"), ["email", "rows"], secret=SECRET)
    assert rendered(own_column, Recipient("a@list.test", 1, "a@list.test", {"email": "", "rows": "12"})).text == "12\n"


def test_a6_a_blank_cell_in_any_of_the_rows_is_found() -> None:
    preflight = Preflight(grouped("{% for each in rows %}{{ each.item }}{% endfor %}{{ amount }}"))
    preflight.feed_row(person(("a", "1"), ("", "")))
    assert [item.code for item in preflight.findings() if item.severity == "warning" and item.rows] == ["blank-field"]


def test_a6_more_rows_than_a_mail_is_made_of_are_an_error_and_no_endless_mail() -> None:
    message = grouped("{{ rows|length }}")
    assert rendered(message, person(*[("a", "1")] * GROUP_LIMIT)).text == "1000\n"
    many = person(*[("a", "1")] * (10 * GROUP_LIMIT))
    assert refused(message, many).reason == "this address has more than 1,000 rows, the most that a mail is made of"
    assert "1,000,000 characters" in refused(message, person(("x" * 999_999, ""), ("xx", ""))).reason
    assert "more than 1,000 rows" in refused(grouped("Hello"), many).reason, "whether it shows them or not"
    preflight = Preflight(message)
    preflight.feed(many, refused(message, many))
    found = {item.code: item.severity for item in preflight.findings() if item.rows}
    assert found["too-many-rows"] == "warning", "the others get their mail"
    assert preflight.passed


def test_a6_a_template_cannot_change_what_the_next_mail_says() -> None:
    message = grouped("{{ rows|length }}{% set gone = rows[0] %}{{ gone.item }}")
    two = person(("a", "1"), ("b", "1"))
    assert [rendered(message, two).text for _ in range(2)] == ["2a\n", "2a\n"]
    assert "append" in refused(grouped("{{ rows.append(1) }}"), two).reason


def test_a6_a_row_of_a_loop_is_seen_by_a_file_that_is_included_there() -> None:
    base = source(
        subject="Hi",
        text="{% for each in rows %}{% include 'line.txt' %}{% endfor %}",
        includes=[("line.txt", "{{ each.item }};")],
    )
    message = compile_message(dataclasses.replace(base, group=True), ORDERS, secret=SECRET)
    assert rendered(message, person(("a", "1"), ("b", "2"))).text == "a;b;\n"
    assert message.fields is None, "the file may read any of a row's columns"
