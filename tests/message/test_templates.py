"""Mistakes in templates are told with their place before anything is sent (M-11), and HTML is escaped (M-10)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.errors import TemplateError
from mailtui.message.compose import compile_message
from mailtui.message.fields import spelling, used_fields
from mailtui.message.frozen import MessageSource
from mailtui.message.syntax import tokenize
from mailtui.message.templates import TemplateSet, TemplateText
from tests.message.samples import COLUMNS, SECRET, compiled, recipient, refused, rendered, source


def problems(message: MessageSource, columns: Sequence[str] = COLUMNS) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        compile_message(message, columns, secret=SECRET)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("hi {{ first name }}", "body.txt.j2:1:13"),
        ("a\n  {{ a ? b }}", "body.txt.j2:2:8"),
        ("{% if a %}\n{{ b }}\n  {% endfor %}", "body.txt.j2:3:6"),
        ("\n\n {% fi first_name %}", "body.txt.j2:3:5"),
        ("{% for x y %}", "body.txt.j2:1:10"),
        ("{{ first_name }", "body.txt.j2:1:15"),
        ("x\n{{ first_name|uper }}", "body.txt.j2:2:15"),
        ("{{ 'a' is blnk }}", "body.txt.j2:1:11"),
        ("ä {% include 'nope.txt' %}", "body.txt.j2:1:14"),
        ("{% include first_name %}", "body.txt.j2:1"),
        ("{% if first_name %}", "body.txt.j2:1:4"),
        ("{% if a %}{% endif %}\n{% if a %}\n{% for x in a %}{% if x %}{% endif %}{% endfor %}\nb", "body.txt.j2:2:4"),
    ],
)
def test_m11_a_mistake_is_told_with_line_and_column(text: str, place: str) -> None:
    (found,) = problems(source(text=text))
    assert found.startswith(place + ": ")


@pytest.mark.parametrize(
    "text", ["{{ email.upper }}", "{% set name = row.email.title %}{{ name }}", '{{ row["email"].strip ~ "x" }}']
)
def test_m11_a_method_that_is_not_called_never_shows_where_in_memory_it_is(text: str) -> None:
    (found,) = problems(source(text=text))
    assert "is named here and not called. Write " in found


def test_all_mistakes_are_told_at_once() -> None:
    message = source(
        sender="nobody",
        subject="{{ frist_name }}",
        text="{{ ",
        html="<p>\n{{ emial }}",
        headers=[("Bcc", "x"), ("X-A", "{{ nope|x }}")],
    )
    found = "\n".join(problems(message))
    for part in (
        "headers.Bcc",
        "subject:1:4",
        "body.txt.j2:1",
        "body.html.j2:2:4",
        "headers.X-A:1:4",
        "headers.X-A:1:9",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ frist_name }}", "Did you mean first_name?"),
        ("{{ First_name }}", "Did you mean first_name?"),
        ("{{ row['Frst name'] }}", 'Did you mean row["First name"]?'),
        ("{{ campain }}", "Did you mean campaign?"),
        ("{{ zzz }}", 'Known: email, first_name, body, row["First name"].'),
        ("{{ postal_address }}", "Add it to the campaign file."),
    ],
)
def test_m11_a_name_that_no_column_has_is_an_error_with_the_nearest(template: str, hint: str) -> None:
    (found,) = problems(source(text=template))
    assert found.endswith(hint)
    assert found.startswith("body.txt.j2:1:")


def test_a_name_with_underscores_finds_the_title_with_blanks() -> None:
    (found,) = problems(source(text="{{ last_name }}", subject="x"), ["email", "Last name"])
    assert found.endswith('Did you mean row["Last name"]?')


def test_a_column_with_any_title_is_reached_through_the_row() -> None:
    columns = ["email", "First name", 'a"b\\c', "in", "größe", "row", "1st", "{{ x }}"]
    template = "".join("{{ " + spelling(column) + " }}|" for column in columns)
    message = compiled(source(subject="x", text=template), columns)
    to = recipient()
    to = type(to)(to.key, 1, to.address, {column: f"<{column}>" for column in columns})
    assert rendered(message, to).text == "".join(f"<{column}>|" for column in columns) + "\n"
    assert message.fields == frozenset(columns)


@pytest.mark.parametrize(
    ("template", "needed"),
    [
        ("{{ first_name }}", {"first_name"}),
        ("{{ row['First name'] }} {{ row.body }} {{ row.get('email') }}", {"First name", "body", "email"}),
        ("{% set x = body %}{{ x }}", {"body"}),
        ("{% for x in body.split() %}{{ x }}{{ loop.index }}{% endfor %}", {"body"}),
        ("{{ campaign }} {{ now }} {{ recipient }}", set()),
        ("{% if nick is defined %}{{ nick }}{% endif %}", set()),
        ("{{ nick|default(body) }}", {"body"}),
        ("{% for key in row %}{{ key }}{% endfor %}", None),
        ("{{ row[first_name] }}", None),
        ("{{ row|length }}", None),
        ("{{ row.items()|list|length }}", None),
    ],
)
def test_what_a_template_needs_is_known_without_rendering(template: str, needed: set[str] | None) -> None:
    assert compiled(source(subject="x", text=template)).fields == needed


@pytest.mark.parametrize(
    ("template", "holes"),
    [
        ("{{ first_name }}", {"first_name"}),
        ("{{ first_name|upper }}", {"first_name"}),
        ("{{ first_name|default('x') }}", set()),
        ("{{ first_name|trim|default('x') }}", set()),
        ("{% if first_name %}{{ first_name }}{% endif %}", set()),
        ("{{ first_name if first_name else body }}", {"body"}),
        ("{% if body %}{{ first_name }}{% endif %}", {"first_name"}),
    ],
)
def test_m11_which_blank_cells_leave_a_hole_is_known_without_rendering(template: str, holes: set[str]) -> None:
    assert used_fields([TemplateText("t", template)]).never_blank(COLUMNS) == holes


def test_an_include_sees_what_its_includer_set() -> None:
    loop = "{% for word in body.split() %}{% include 'word.txt' %}{% endfor %}"
    base, word = "[{% block main %}{% endblock %}]", "({{ word }} {{ first_name }})"
    message = compiled(
        source(
            text="{% extends 'base.txt' %}{% block main %}" + loop + "{% endblock %}",
            includes=[("base.txt", base), ("word.txt", word)],
        )
    )
    assert rendered(message, recipient(body="a b")).text == "[(a Anna)(b Anna)]\n"
    assert message.fields == frozenset({"body", "first_name"})


@pytest.mark.parametrize(
    "around",
    [
        "{{% macro m() %}}\n {}{{% endmacro %}}{{{{ m() }}}}",
        "{{% macro m() %}}{{{{ caller() }}}}{{% endmacro %}}{{% call m() %}}\n {}{{% endcall %}}",
        "{{% filter upper %}}{{% if first_name %}}\n {}{{% endif %}}{{% endfilter %}}",
        "{{% set a %}}\n {}{{% endset %}}",
        "{{% for a in first_name recursive %}}\n {}{{% endfor %}}",
    ],
)
def test_m11_an_include_whose_text_would_go_astray_is_a_mistake(around: str) -> None:
    alone = around.format("{% include 'note.txt' without context %}")
    (found,) = problems(source(text=alone, includes=[("note.txt", "note")]))
    assert found.startswith("body.txt.j2:2:5: an include without context does not work inside of {% ")
    compiled(source(text=around.format("{% include 'note.txt' %}"), includes=[("note.txt", "note")]))


@pytest.mark.parametrize("chain", ["row|map('upper')", "first_name|select", "row.values()|unique", "row|items"])
def test_m11_values_one_by_one_are_no_text(chain: str) -> None:
    (found,) = problems(source(text=f"Hello\n {{{{ {chain} }}}}"))
    assert found.startswith(f"body.txt.j2:2:{6 + chain.index('|')}: the filter ")
    assert rendered(compiled(source(text=f"{{{{ {chain}|list|length }}}}")), recipient(first_name="A")).text


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'note.txt' without context %}",
        "{% for a in first_name %}{% include 'note.txt' without context %}{% endfor %}",
        "{% filter upper %}{% block a %}{% include 'note.txt' without context %}{% endblock %}{% endfilter %}",
    ],
)
def test_an_include_without_context_stands_where_it_works(text: str) -> None:
    message = rendered(compiled(source(text=text, includes=[("note.txt", "note")])), recipient(first_name="A"))
    assert message.text is not None and message.text.lower() == "note\n"


def test_one_include_is_escaped_in_html_and_not_in_text() -> None:
    body = "{% include 'hello' %}"
    message = rendered(
        compiled(source(text=body, html=body, includes=[("hello", "{{ first_name }}")])), recipient(first_name="<&>")
    )
    assert message.text == "<&>\n"
    assert message.html == "&lt;&amp;&gt;\n"


XSS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "' onmouseover='alert(1)",
    "</title><script>x</script>", "<a href='javascript:x'>", "{{ 7*7 }}", "<!-- -->", "&lt;script&gt;", "</p><p>",
]  # fmt: skip


@given(st.one_of(st.sampled_from(XSS), st.text(st.sampled_from("<>&\"'/ =abc!-{}%"), max_size=60)))
def test_m10_no_cell_becomes_an_element_or_an_attribute(cell: str) -> None:
    from html.parser import HTMLParser

    seen: list[tuple[str, list[tuple[str, str | None]]]] = []
    words: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, attrs))

        def handle_data(self, data: str) -> None:
            words.append(data)

        def handle_comment(self, data: str) -> None:
            seen.append(("comment", []))

    message = compiled(source(subject="x", html='<p title="{{ body }}">{{ body }}</p>{{ row["body"] }}', text=None))
    Reader().feed(rendered(message, recipient(body=cell)).html or "")
    assert [tag for tag, _ in seen] == ["p"]
    assert seen[0][1] == [("title", cell)]
    assert "".join(words).startswith(cell + cell)


def test_a_cell_is_never_read_as_a_template() -> None:
    message = compiled(source(subject="{{ first_name }}", text="{{ first_name }}"))
    sent = rendered(message, recipient(first_name="{{ 7 * 7 }}{% x"))
    assert sent.text == "{{ 7 * 7 }}{% x\n"
    assert sent.subject == "{{ 7 * 7 }}{% x"


def test_what_goes_wrong_for_one_row_says_where() -> None:
    message = compiled(source(text="fine\n{{ 10 // (body|int) }}", html="<p>\n\n{{ body.split(',')[3] }}"))
    divided = refused(message, recipient(row=7, body="0"))
    assert (divided.row, str(divided.place)) == (7, "body.txt.j2:2")
    assert "zero" in divided.reason
    short = refused(message, recipient(body="1"))
    assert str(short.place) == "body.html.j2:3"
    inside = compiled(source(text="x\n{% include 'a.txt' %}", includes=[("a.txt", "\n\n\n{{ body[0].foo }}")]))
    assert str(refused(inside, recipient(body="b")).place) == "a.txt:4"


def test_a_column_wins_over_a_provided_name_but_for_row() -> None:
    columns = [*COLUMNS, "campaign", "now", "row"]
    message = compiled(source(text="{{ campaign }} {{ now }} {{ row['row'] }} {{ recipient }}"), columns)
    to = recipient()
    to = type(to)(to.key, 1, to.address, {**to.fields, "campaign": "mine", "now": "never", "row": "r"})
    assert rendered(message, to).text == "mine never r anna@list.test\n"
    plain = compiled(source(text="{{ campaign }} {{ now }} {{ postal_address }}", postal_address="1 Main St"))
    assert rendered(plain, recipient()).text == "Spring news 2027-01-15T08:00:00Z 1 Main St\n"


@given(st.text(st.sampled_from("ab {}%#'\"\n\r-+é😀_|"), max_size=60))
def test_every_token_stands_where_it_is_said_to(text: str) -> None:
    from jinja2.exceptions import TemplateSyntaxError

    templates = TemplateSet(())
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        tokens = list(tokenize(templates.plain, text))
    except TemplateSyntaxError:
        return
    for token in tokens:
        first = token.text.split("\n")[0]
        assert lines[token.line - 1][token.column - 1 :].startswith(first)


@given(st.text(st.sampled_from("ab {}%#'\"\n-|.()[]if"), max_size=80))
def test_no_text_makes_the_compiler_fail_in_another_way(text: str) -> None:
    try:
        compiled(source(text=text, html=text))
    except TemplateError as error:
        assert error.problems


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in body %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ body" + " + body" * 3000 + " }}",
        "{{ body" + "|upper" * 3000 + " }}",
        "{% if body %}" * 300 + "{% endif %}" * 300,
        "{{ " + "not " * 3000 + "body }}",
    ],
)
def test_a_template_nested_too_deeply_is_a_mistake_and_no_crash(text: str) -> None:
    (found,) = problems(source(text=text))
    assert "nested too deeply" in found


def test_a_block_that_stands_twice_is_a_mistake() -> None:
    (found,) = problems(source(text="{% block a %}{% endblock %}\n{% block a %}{% endblock %}"))
    assert found.startswith("body.txt.j2:2: ")
