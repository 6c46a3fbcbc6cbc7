"""As what the cells of a column compare: what real lists hold."""

from __future__ import annotations

import pytest

from mailtui.audience.column_types import find_types, type_notes
from mailtui.audience.findings import ColumnType
from mailtui.audience.typed import as_moment, as_number
from mailtui.errors import AudienceError


def one(name: str, *cells: str, **given: str) -> ColumnType:
    (found,) = find_types((name,), [[cell] for cell in cells], given)
    return found


@pytest.mark.parametrize(
    ("name", "cells", "kind", "style"),
    [
        ("age", ["30", "41", "", "27"], "number", ""),
        ("revenue", ["1234.50", "12", "-3.25"], "number", ""),
        ("revenue", ["1,234.50", "1,234", "99"], "number", "point"),
        ("umsatz", ["1.234,50", "1.234", "99"], "number", "comma"),
        ("umsatz", ["12,5", "1.234"], "number", "comma"),
        ("umsatz", ["1.234.567", "1.234"], "number", "comma"),
        ("score", ["5", "n/a", "7", "8", "9", "10"], "number", ""),
        ("customer_id", ["1001", "1002"], "number", ""),
        ("customer_id", ["0001", "0002"], "code", ""),
        ("customer_id", ["1001", "1002", "00042"], "code", ""),
        ("postcode", ["01234", "99999"], "code", ""),
        ("zip", ["10001", "99999"], "code", ""),
        ("PLZ", ["80331", "99999"], "code", ""),
        ("code postal", ["75001"], "code", ""),
        ("phone", ["+49 30 1234567", "030 1234567"], "code", ""),
        ("Téléphone", ["33123456789"], "code", ""),
        ("x", ["555-123-4567", "555-123-4568"], "code", ""),
        ("card", ["4111111111111111"], "code", ""),
        ("ratio", ["0.30000000000000004", "0.5"], "number", ""),
        ("joined", ["2025-01-31", "2026-02-28"], "date", ""),
        ("joined", ["2025-01-31T10:00:00Z", "2026-02-28 11:12"], "date", ""),
        ("joined", ["31.12.2025", "1.2.2026"], "date", ""),
        ("joined", ["05/01/2026", "25/01/2026"], "date", "dmy"),
        ("joined", ["1/01/2026", "25/01/2026"], "date", "dmy"),
        ("joined", ["05/01/2026", "01/25/2026"], "date", "mdy"),
        ("joined", ["May 31, 2026", "June 1, 2026"], "date", ""),
        ("joined", ["05/01/2026", "06/02/2026"], "text", ""),
        ("joined", ["05/01/2026", "25/01/2026", "01/25/2026"], "date", ""),
        ("name", ["Ann", "Bob"], "text", ""),
        ("plan", ["1E5", "2E5"], "text", ""),
        ("city", ["London", "42"], "text", ""),
        ("note", ["", " "], "empty", ""),
        ("price", ["€ 5", "$ 6"], "text", ""),
        ("carbs", ["5.5", "6.5"], "number", ""),
        ("capital", ["500", "700"], "number", ""),
    ],
)
def test_kinds_of_columns(name: str, cells: list[str], kind: str, style: str) -> None:
    found = one(name, *cells)
    assert (found.kind, found.style) == (kind, style), found.reason
    assert found.reason


def test_what_a_person_says_wins() -> None:
    assert one("phone", "0301234", phone="number") == ColumnType("number", "point", "given", "as you said")
    assert one("joined", "05/01/2026", JOINED="date mdy").style == "mdy"
    assert one("age", "30", age="text").kind == "text"
    with pytest.raises(AudienceError, match="no such column") as caught:
        one("joined", "x", joind="date")
    assert caught.value.hint == "Did you mean joined?"


def test_what_could_be_two_things_is_told_with_the_way_out() -> None:
    columns = ("joined", "seen", "sum", "sure")
    rows = [["05/01/2026", "2026-01-05", "1,234", "1,234"], ["06/01/2026", "06/01/2026", "5", "1.5"]]
    types = find_types(columns, rows, {})
    notes = type_notes(columns, rows, types)
    assert [note.split(",")[0] for note in notes] == ["In joined", "In seen", "In sum"]
    assert "--type 'joined=date dmy'" in notes[0]
    assert types[3].style == "point"
    given = find_types(columns, rows, {"joined": "date dmy", "seen": "date mdy", "sum": "number"})
    assert type_notes(columns, rows, given) == ()


def test_a_type_that_no_cell_has_is_told() -> None:
    columns, rows = ("city", "since", "code"), [["Oslo", "31.12.2025", ""], ["Rome", "n/a", ""]]
    types = find_types(columns, rows, {"city": "date ymd", "since": "date", "code": "number"})
    [note] = type_notes(columns, rows, types)
    assert note == "city is to be a date ymd, as you said, and none of its first cells is one: Oslo."
    assert type_notes(columns, rows, find_types(columns, rows, {"city": "text"})) == ()


def test_a_style_reads_what_it_was_inferred_from() -> None:
    for cells in (["05/01/2026", "25/01/2026"], ["05/01/2026", "01/25/2026"]):
        style = one("joined", *cells).style
        assert all(as_moment(cell, style) for cell in cells)
    for cells in (["1.234", "12,5"], ["1,234", "12.5"], ["1.234.567", "1.234"]):
        style = one("sum", *cells).style
        assert as_number(cells[0], style) in (1234, 1_234_567)
