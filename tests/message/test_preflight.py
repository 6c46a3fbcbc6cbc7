"""Preflight says what is wrong with a message and its list, and for which rows (B6, B-07, M-10, M-11)."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.errors import Place
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import ROWS_SHOWN, Finding, Preflight, is_special_domain
from mailtui.message.rendered import RenderProblem
from tests.message.samples import DATE, compiled, recipient, source

LEAVE = ("List-Unsubscribe", "<mailto:leave@acme.test>")


def check(rows: list[Recipient], **message: Any) -> Preflight:
    built = compiled(source(**{"headers": [LEAVE], **message}))
    preflight = Preflight(built)
    for row in rows:
        preflight.feed(row, built.render(row, date=DATE, encoding=TransferEncoding.EIGHT_BIT))
    return preflight


def find(preflight: Preflight, code: str) -> Finding | None:
    return next((finding for finding in preflight.findings() if finding.code == code), None)


def someone(row: int, **fields: str) -> Recipient:
    return recipient(row=row, address=f"p{row}@company.test", **fields)


def test_a_message_in_order_has_no_findings() -> None:
    preflight = check(
        [someone(row) for row in range(1, 5)], text="Hi {{ first_name }}", html="<p>Hi {{ first_name }}</p>"
    )
    # The list of these tests has a column called body, too.
    assert [finding.code for finding in preflight.findings()] == ["special-domain", "column-role"]
    assert preflight.passed


def test_rows_that_fail_to_render_are_errors_with_their_numbers() -> None:
    rows = [someone(row, body="0" if row % 2 else "1") for row in range(1, 101)]
    preflight = check(rows, text="{{ 10 // (body|int) }}")
    (finding,) = [found for found in preflight.findings() if found.severity == "error"]
    assert finding.code == "render"
    assert finding.count == 50
    assert finding.rows == tuple(range(1, 2 * ROWS_SHOWN, 2))
    assert str(finding.place) == "body.txt.j2:1"
    assert not preflight.passed


def test_one_mistake_of_a_template_is_told_once_whatever_cells_it_meets() -> None:
    names = ["Ann", "Bea", "Cid", "2024-05-01"]
    preflight = check(
        [someone(row, first_name=name) for row, name in enumerate(names, 1)], text="{{ first_name|date }}"
    )
    (finding,) = [found for found in preflight.findings() if found.severity == "error"]
    assert (finding.count, finding.rows) == (3, (1, 2, 3))
    assert "“Ann”, for one, in first_name is no date" in finding.message
    whole, part = preflight.take(), check([someone(9, first_name="Dan")], text="{{ first_name|date }}").take()
    for tally in (*whole, *part):
        preflight.absorb(tally)
    assert [found.count for found in preflight.findings() if found.severity == "error"] == [4], "of several processes"


def test_m11_blank_cells_that_leave_a_hole_are_counted() -> None:
    rows = [someone(row, first_name="" if row == 3 else "Anna", body="") for row in range(1, 6)]
    preflight = check(rows, text="{{ first_name }} {{ body|default('x') }}", subject="Hi")
    finding = find(preflight, "blank-field")
    assert finding is not None
    assert (finding.severity, finding.rows, finding.count) == ("warning", (3,), 1)
    assert "first_name is blank" in finding.message
    assert str(finding.place) == "body.txt.j2:1:4"


def test_a_list_with_a_hundred_thousand_bad_rows_takes_no_more_memory_than_one_with_a_thousand() -> None:
    built = compiled(source(text="{{ body.split(',')[3] }}"))
    preflight = Preflight(built)
    row = someone(1, first_name="")
    problem = built.render(row, date=DATE, encoding=TransferEncoding.EIGHT_BIT)
    for _ in range(1_000):
        preflight.feed(row, problem)
    tracemalloc.start()
    for _ in range(20_000):
        preflight.feed(row, problem)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20_000
    assert all(len(finding.rows) <= ROWS_SHOWN for finding in preflight.findings())


def test_thousands_of_different_problems_are_summed_up() -> None:
    preflight = Preflight(compiled(source(headers=[LEAVE])))
    for row in range(1, 1_001):
        preflight.feed(someone(row), RenderProblem(row, f"reason {row}", Place()))
    errors = [finding for finding in preflight.findings() if finding.code == "render"]
    assert len(errors) <= 201
    assert sum(finding.count for finding in errors) == 1_000


def test_b07_commercial_mail_needs_an_address_and_a_way_out() -> None:
    strict = check([], commercial=True, headers=[])
    assert {finding.code for finding in strict.findings() if finding.severity == "error"} == {
        "no-unsubscribe",
        "no-postal-address",
    }
    mild = check([], headers=[])
    assert find(mild, "no-postal-address") is None
    unsubscribe = find(mild, "no-unsubscribe")
    assert unsubscribe is not None
    assert unsubscribe.severity == "warning"
    shown = check([], commercial=True, postal_address="1 Main St", text="{{ postal_address }}")
    assert shown.passed
    hidden = find(check([], commercial=True, postal_address="1 Main St"), "postal-address-unused")
    assert hidden is not None
    assert hidden.severity == "error"


def test_html_alone_is_a_warning() -> None:
    assert find(check([], text=None, html="<p>x"), "no-text-part") is not None
    assert find(check([], text="x", html="<p>x"), "no-text-part") is None


def test_m10_ways_for_a_cell_into_the_html_are_flagged_with_their_place() -> None:
    html = "<p>\n{{ body|safe }}</p><a href={{ body }}>x</a>\n{% autoescape false %}{{ body }}{% endautoescape %}"
    findings = check([], html=html).findings()
    assert {(finding.code, str(finding.place)) for finding in findings} == {
        ("unescaped", "body.html.j2:2:9"),
        ("unescaped", "body.html.j2:3"),
        ("unquoted-attribute", "body.html.j2:2"),
    }
    assert find(check([], html="{{ '<b>'|safe }}"), "unescaped") is None
    assert find(check([], html="<a href='{{ body }}'>{{ body }}</a>"), "unquoted-attribute") is None
    in_quotes = '<p class="x"><a href="https://acme.test/?plan={{ body }}">{{ body }}</a>'
    assert find(check([], html=in_quotes), "unquoted-attribute") is None
    assert find(check([], html='<a class="x" href={{ body }}>x</a>'), "unquoted-attribute") is not None


def test_m10_a_link_from_the_list_that_runs_a_script_is_an_error() -> None:
    rows = [
        someone(1, body="https://acme.test"),
        someone(2, body="JavaScript:alert(1)"),
        someone(3, body="http://a.test"),
    ]
    preflight = check(rows, text="x", html='<html xmlns="http://www.w3.org/1999/xhtml"><a href="{{ body }}">x</a>')
    active, plain = find(preflight, "active-link"), find(preflight, "plain-http")
    assert active is not None
    assert (active.severity, active.rows) == ("error", (2,))
    assert plain is not None
    assert (plain.severity, plain.rows) == ("note", (3,))


def test_special_domains_are_one_note() -> None:
    addresses = ["a@list.test", "a@example.com", "a@mail.example.org"]
    preflight = check([recipient(row=row, address=address) for row, address in enumerate(addresses, 1)])
    finding = find(preflight, "special-domain")
    assert finding is not None
    assert (finding.severity, finding.rows) == ("note", (1, 2, 3))
    assert preflight.passed


@pytest.mark.parametrize(
    "domain", ["list.test", "TEST", "example.com", "x.example.NET", "a.example", "localhost", "b.local"]
)
def test_domains_that_are_kept_for_tests(domain: str) -> None:
    assert is_special_domain(domain)


@pytest.mark.parametrize("domain", ["list.contest", "example.com.mytest", "test.mytest", "myexample.com", "local.host"])
def test_domains_that_are_not(domain: str) -> None:
    assert not is_special_domain(domain)


def test_a_default_for_a_column_that_is_not_there_is_a_warning() -> None:
    finding = find(check([], text="{{ frist_name|default('friend') }}"), "unknown-field")
    assert finding is not None
    assert finding.hint == "Did you mean first_name?"


def test_a_blank_body_is_a_warning() -> None:
    finding = find(check([someone(4, body="  ")], text="{{ body|default('') }}"), "blank-body")
    assert finding is not None
    assert finding.rows == (4,)


def test_the_place_of_a_problem_is_told_once() -> None:
    preflight = Preflight(compiled(source(headers=[LEAVE])))
    preflight.feed_message(someone(1), RenderProblem(1, "from: The address is empty.", Place(key="from")))
    finding = find(preflight, "render")
    assert finding is not None
    assert f"{finding.place}: {finding.message}" == "from: The address is empty."
