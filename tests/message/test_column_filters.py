"""Filters read a cell as its column is written in the list, and say so when they cannot."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mailtui.audience.column_types import find_types
from mailtui.audience.findings import Finding, Understanding
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.conventions import with_types
from mailtui.message.frozen import MessageSource
from tests.message.pages import html_of, page
from tests.message.samples import SECRET, recipient, refused, rendered, source

COLUMNS = ("email", "price", "joined", "Unit price", "note")
ROWS = (
    ("a@list.test", "1.234,50", "25/04/2026", "0,5", "x"),
    ("b@list.test", "2.000", "03/04/2026", "7,25", "1.5"),
)


def understood(
    columns: tuple[str, ...] = COLUMNS, rows: tuple[tuple[str, ...], ...] = ROWS, **given: str
) -> Understanding:
    types = find_types(columns, rows, {name.replace("_", " "): kind for name, kind in given.items()})
    return Understanding(Finding("csv", "certain", ""), (), columns, types, Finding("email", "certain", ""))


def message(text: str, found: Understanding | None = None, **parts: Any) -> CompiledMessage:
    """Frozen and thawed, as a runner has it."""
    typed = with_types(dataclasses.replace(source(subject="Hi", text=text), **parts), found or understood())
    return compile_message(MessageSource.from_json(typed.to_json()), COLUMNS, secret=SECRET)


def said(text: str, row: int = 0, **parts: Any) -> str:
    cells = dict(zip(COLUMNS, ROWS[row], strict=True))
    to = dataclasses.replace(
        recipient(), fields=cells, rows=tuple(dict(zip(COLUMNS, each, strict=True)) for each in ROWS)
    )
    return (rendered(message(text, **parts), to).text or "").rstrip("\n")


@pytest.mark.parametrize(
    ("template", "row", "shown"),
    [
        ('{{ price|money("EUR") }}', 0, "€1,234.50"),
        ('{{ price|money("EUR") }}', 1, "€2,000.00"),
        ("{{ joined|date }}", 1, "Apr 3, 2026"),
        ('{{ row["Unit price"]|number(2, "de") }}', 1, "7,25"),
        ('{{ row.get("price")|trim|number }}', 1, "2,000"),
        ('{{ price|default("0")|number }}', 1, "2,000"),
        ('{{ price.replace(" ", "").strip()|number }}', 1, "2,000"),
        ("{{ price|float * 2 }}", 1, "4000.0"),
        ("{{ price|int + 1 }}", 0, "1235"),
        ('{{ price|number(read="point") }}', 1, "2"),
        ("{{ note|float }} {{ note|int }}", 1, "1.5 1"),
        ("{% set p = price %}{{ p|number }}", 1, "2"),
        ('{% set p = price %}{{ p|number(column="price") }}', 1, "2,000"),
        ('{% macro m(price) %}{{ price|number }}{% endmacro %}{{ m("2.000") }}', 1, "2"),
        ('{% for price in ["2.000"] %}{{ price|number }}{% endfor %}', 1, "2"),
        ('{% include "part" %}', 1, "2,000"),
    ],
)
def test_b1_a_cell_is_read_as_its_column_is_written(template: str, row: int, shown: str) -> None:
    parts = source(includes=[("part", "{{ price|number }}")]).includes if "include" in template else ()
    assert said(template, row, includes=parts) == shown


def test_rows_of_an_address_are_read_the_same_way() -> None:
    each = "{% for each in rows %}{{ each.price|float }} {% endfor %}"
    total = '{{ rows|map(attribute="price")|map("float")|sum }} {{ (rows|last).joined|date("short", "de") }}'
    assert said(each + total, group=True) == "1234.5 2000.0 3234.5 03.04.26"


@pytest.mark.parametrize(
    ("template", "cell", "reason"),
    [
        ('{{ price|money("EUR") }}', "12.50.1", "“12.50.1” in price is no number, read with a decimal comma"),
        ("{{ price|float }}", "n/a", "“n/a” in price is no number, read with a decimal comma"),
        ("{{ price|int }}", "1,2,3", "in price is no number, read with a decimal comma"),
        ("{{ joined|date }}", "31/31/2026", "“31/31/2026” in joined is no date, read with the day first"),
        ("{{ note|number }}", "1,234", "“1,234” in note is no number that can be read in one way"),
    ],
)
def test_a_cell_that_cannot_be_read_names_its_column_and_how_it_was_read(template: str, cell: str, reason: str) -> None:
    cells = dict(zip(COLUMNS, ROWS[0], strict=True)) | dict.fromkeys(("price", "joined", "note"), cell)
    problem = refused(message(template), dataclasses.replace(recipient(), fields=cells))
    assert reason in problem.reason and problem.place.file == "body.txt.j2"


def test_a_default_that_the_template_gives_stands_in_for_what_is_no_number() -> None:
    cells = dict(zip(COLUMNS, ROWS[0], strict=True)) | {"price": "n/a"}
    made = rendered(message("{{ price|float(7) }} {{ price|int(8) }}"), dataclasses.replace(recipient(), fields=cells))
    assert made.text == "7 8\n"


def test_only_columns_that_filters_read_count_for_the_message() -> None:
    plain = source(subject="Hi", text="{{ price }} {{ note|number }}")
    assert with_types(plain, understood()) == plain and "types" not in plain.to_json()
    reads = source(subject="{{ joined|date }}", text="x")
    typed = with_types(reads, understood())
    assert typed.types == (("joined", "date dmy"),) and typed.digest != reads.digest
    assert with_types(reads, understood(joined="date mdy")).types == (("joined", "date mdy"),)
    assert with_types(reads, understood(rows=())) == reads


def test_a_page_reads_cells_the_same_way() -> None:
    body = page("**{{ url|money('EUR') }}**", "markdown").source
    found = understood(("email", "name", "url"), (("a@list.test", "Ann", "1.234,50"),))
    made = compile_message(with_types(body, found), ("email", "name", "url"), secret=SECRET)
    assert "<strong>€2,000.00</strong>" in html_of(made, "Ann", "2.000")
