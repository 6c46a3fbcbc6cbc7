"""Workbooks as lists: what stands in a cell as a person reads it, the right tab, and files that are none explained."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from mailtui.audience.audience import Audience
from mailtui.audience.formats import archives
from mailtui.errors import AudienceError
from tests.audience.conftest import Opener
from tests.audience.other_workbooks import ods, xls

PEOPLE = [["email", "name"], ["a@example.com", "Ann"], ["b@example.com", "Bob"]]


def workbook(*tabs: tuple[str, Sequence[Sequence[Any]]], change: Callable[[Worksheet], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for title, rows in tabs:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        if change is not None:
            change(sheet)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def value(audience: Audience, key: str) -> str:
    found = audience.understanding.setting(key)
    assert found is not None
    return found.value


def notes(audience: Audience) -> str:
    return "\n".join(audience.understanding.notes)


CELLS = [
    (1234.0, "1234"),
    (-5, "-5"),
    (0.1 + 0.2, "0.3"),
    (19.989999999999998, "19.99"),
    (1.5, "1.5"),
    (123456789012345, "123456789012345"),
    (1234567890123400, "1234567890123400"),
    (True, "true"),
    (False, "false"),
    (datetime.date(2026, 2, 28), "2026-02-28"),
    (datetime.datetime(2026, 2, 28, 3, 4, 5), "2026-02-28 03:04:05"),  # noqa: DTZ001 - cells know no zones
    (datetime.time(8, 5), "08:05:00"),
    (datetime.timedelta(hours=30, minutes=5), "30:05:00"),
    ("01234", "01234"),
    ("two\nlines", "two\nlines"),
    (None, ""),
]


def test_cells_are_text_as_a_person_reads_them(opened_as: Opener) -> None:
    header = ["email", *(f"c{number}" for number in range(len(CELLS)))]
    audience = opened_as("l.xlsx", workbook(("L", [header, ["a@example.com", *(cell for cell, _ in CELLS)]])))
    fields = next(audience.recipients()).fields
    assert [fields[name] for name in header[1:]] == [text for _, text in CELLS]
    assert audience.understanding.unit == "row"


def test_a_title_block_empty_rows_and_a_left_margin(opened_as: Opener) -> None:
    rows: list[list[str | None]] = [
        [None, "Members of the club"],
        [],
        [None, "email", "name", None],
        [None, "a@example.com", "Ann"],
        [],
        [None, "no address", "Bob"],
        [None, "c@example.com", "Cid", None, "by the way"],
    ]
    data = workbook(("L", rows), change=lambda sheet: sheet.merge_cells("B1:D1"))
    audience = opened_as("l.xlsx", data)
    assert audience.columns[:2] == ("email", "name")
    assert value(audience, "header") == "3"
    assert "Members of the club" in notes(audience)
    assert [(one.line, one.row, one.kind) for one in audience.problems()] == [(6, 2, "bad_address")]
    assert audience.row(3).line == 7
    assert "by the way" in audience.row(3).fields.values()


def test_a_cell_beyond_the_columns_is_told_and_not_dropped(opened_as: Opener) -> None:
    rows: list[list[str]] = [
        *PEOPLE,
        *([f"u{n}@example.com", "x"] for n in range(400)),
        ["z@example.com", "Zoe", "lost?"],
    ]
    audience = opened_as("l.xlsx", workbook(("L", rows)))
    (problem,) = audience.problems()
    assert (problem.line, problem.kind) == (404, "bad_row")
    assert "beyond its 2 columns, such as lost?" in problem.reason
    assert problem.text == "z@example.com, Zoe, lost?"


def test_numbers_where_zeros_may_be_lost_are_pointed_out(opened_as: Opener) -> None:
    def format_them(sheet: Worksheet) -> None:
        sheet["B2"].number_format = "00000"

    rows: list[list[object]] = [
        ["email", "PLZ", "Tel.", "iban", "n", "customer id"],
        ["a@example.com", 1234, "0049", 12345678901234567, 7, 1042],
    ]
    audience = opened_as("l.xlsx", workbook(("L", rows), change=format_them))
    assert "Column PLZ holds numbers, not text, such as 1234" in notes(audience)
    assert "Save the tab as CSV" in notes(audience)
    assert "Column iban has numbers of more than 15 digits" in notes(audience)
    assert "Column customer id holds numbers" in notes(audience)
    assert "Column n " not in notes(audience)
    assert "Column Tel." not in notes(audience)


def test_errors_and_formulas_nobody_worked_out_are_told(opened_as: Opener) -> None:
    def spoil(sheet: Worksheet) -> None:
        if sheet.title == "L":
            sheet["B2"].value, sheet["B2"].data_type = "#N/A", "e"
            sheet["B3"].value = "=A1&A2"

    audience = opened_as("l.xlsx", workbook(("Other", [["x"]]), ("L", PEOPLE), change=spoil))
    assert [one.fields["name"] for one in audience.recipients()] == ["", ""]
    assert "1 cell with an error such as #N/A: B2" in notes(audience)
    assert "1 formula that no program has worked out: B3" in notes(audience)


def test_rows_that_a_filter_hides_are_read_and_told(opened_as: Opener) -> None:
    def hide(sheet: Worksheet) -> None:
        sheet.auto_filter.ref = "A1:B3"
        sheet.row_dimensions[3].hidden = sheet.row_dimensions[9].hidden = True

    audience = opened_as("l.xlsx", workbook(("L", PEOPLE), change=hide))
    assert audience.size == 2
    assert "1 row is hidden in the spreadsheet, by a filter there perhaps. It is read" in notes(audience)


def test_the_tab_with_addresses_is_read_and_others_by_name_or_number(opened_as: Opener) -> None:
    def hide(sheet: Worksheet) -> None:
        if sheet.title == "Old":
            sheet.sheet_state = "hidden"

    data = workbook(
        ("Read me", [["What this is"], ["A list"]]),
        ("Old", [["email"], ["old@example.com"]]),
        ("People", PEOPLE),
        ("Staff", [["email", "role"], ["s@example.com", "x"]]),
        change=hide,
    )
    audience = opened_as("l.xlsx", data)
    assert value(audience, "sheet") == "People"
    assert "Of 4 tabs only People is read, not Read me, Old, Staff." in notes(audience)
    for sheet in ("staff", 4, "4"):
        assert [one.address for one in opened_as("l.xlsx", data, sheet=sheet).recipients()] == ["s@example.com"]
    assert [one.address for one in opened_as("l.xlsx", data, sheet="Old").recipients()] == ["old@example.com"]
    with pytest.raises(AudienceError, match=r"no tab Peple\n.*\nDid you mean People\?"):
        opened_as("l.xlsx", data, sheet="Peple")
    with pytest.raises(AudienceError, match="no tab 5"):
        opened_as("l.xlsx", data, sheet=5)


def test_a_header_that_is_given_stands_in_the_tab_with_the_addresses(opened_as: Opener) -> None:
    """A shorter tab before it, which has no such row, stops nothing; a row that no tab has is told."""
    data = workbook(("Read me", [["What this is"]]), ("People", [["Members"], [], ["mail"], ["a@example.com"]]))
    audience = opened_as("l.xlsx", data, header=3)
    assert (value(audience, "sheet"), audience.columns) == ("People", ("mail",))
    with pytest.raises(AudienceError, match="No row of the list starts on row 9"):
        opened_as("l.xlsx", data, header=9)


def test_a_range_and_a_header_that_are_given(opened_as: Opener) -> None:
    rows: list[list[object]] = [
        ["x", "a@example.com", "title"],
        ["x", "email", "name", "out"],
        ["x", "b@example.com", "Bob", 1],
        ["x", "c@example.com", "Cid", 2],
        ["x", "d@example.com", "Dan", 3],
    ]
    data = workbook(("L", rows))
    for area in ("B2:C4", "b2:c4", "$B$2:$C$4", "C4:B2"):
        audience = opened_as("l.xlsx", data, range=area)
        assert audience.columns == ("email", "name")
        assert [(one.address, one.fields["name"]) for one in audience.recipients()] == [
            ("b@example.com", "Bob"),
            ("c@example.com", "Cid"),
        ]
        assert audience.row(1).line == 3
    assert opened_as("l.xlsx", data, range="B3:D", header=False).columns == ("column_1", "column_2", "column_3")
    assert opened_as("l.xlsx", data, header=2, address="email").counts().recipients == 3
    with pytest.raises(AudienceError, match="is empty in G7:H9"):
        opened_as("l.xlsx", data, range="G7:H9")


def test_a_workbook_that_is_called_csv_is_read_and_a_csv_that_is_called_xlsx_too(opened_as: Opener) -> None:
    audience = opened_as("l.csv", workbook(("L", PEOPLE)))
    assert audience.understanding.format.value == "xlsx"
    assert "though its name ends in .csv" in audience.understanding.format.reason
    text = opened_as("m.xlsx", "email,name\na@example.com,Ann\n")
    assert text.understanding.format.value == "csv"
    assert "though its name ends in .xlsx" in text.understanding.format.reason


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return target.getvalue()


def ole(stream: str) -> bytes:
    """The beginning of an old Office file with a stream of that name."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + stream.encode("utf-16-le") + b"\0" * 900


def stray(sheet: Worksheet) -> None:
    sheet.cell(1_048_576, 16_384, "x")


SOUND = workbook(("L", PEOPLE))
BOMB = "a bomb"  # made when it is needed: it takes long
BROKEN = {
    "cut off": (SOUND[: len(SOUND) // 2], "is damaged or cut off\nIts end is missing"),
    "a byte wrong in the middle": (
        SOUND.replace(SOUND[600:604], b"\xff\xff\xff\xff", 1),
        "is damaged or cut off",
    ),
    "no zip at all": (b"PK\x03\x04" + b"x" * 500, "is damaged or cut off"),
    BOMB: (b"", "would unpack to 70 MiB"),
    "empty": (workbook(("L", []), ("M", [])), "is empty"),
    "no tabs it knows": (zipped(xl__workbook_dot_xml=b"<workbook/>"), "l.xlsx (is damaged|has no tab)"),
    "a stray cell far out": (
        workbook(("L", PEOPLE), change=stray),
        "goes on to row 1,048,576 and column 16,384",
    ),
    "a zip of lists": (zipped(people_dot_csv=b"email\n"), r"zip archive\nIn it: people.csv"),
    "a Word document": (zipped(word__document_dot_xml=b"x"), "Word document"),
    "Numbers": (zipped(Index__Document_dot_iwa=b"x"), "Apple Numbers"),
    "locked": (ole("EncryptedPackage"), "locked with a password"),
    "an old Word document": (ole("WordDocument"), "is a Word document"),
    "an old workbook cut off": (ole("Workbook"), "is damaged or cut off"),
    "a web page": (b"\xef\xbb\xbf\n<!DOCTYPE html><title>Log in</title>", "is a web page, saved as .xlsx"),
    "another office's XML": (b"<?xml version='1.0'?><Workbook/>", "is an XML file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_workbook_is_explained(opened_as: Opener, case: str) -> None:
    data, words = BROKEN[case]
    if case == BOMB:
        data = zipped(xl__workbook_dot_xml=b"x", xl__sheet_dot_xml=b" " * (70 << 20))
    with pytest.raises(AudienceError, match=words) as caught:
        opened_as("l.xlsx", data)
    assert caught.value.hint or case in ("empty",)


def test_a_workbook_that_is_too_large_is_refused(opened_as: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "UNPACKED_LIMIT", 1_000)
    with pytest.raises(AudienceError, match="or so large"):
        opened_as("l.xlsx", SOUND)


def test_cells_out_of_a_strangers_program_are_text(opened_as: Opener) -> None:
    """NUL and the like cannot stand in a workbook's XML; what it can hold comes out as it is."""
    rows = [["email", "x"], ["a@example.com", "\u202e=cmd()|' /C calc'!A0"], ["b@example.com", "x" * 30_000]]
    cells = [one.fields["x"] for one in opened_as("l.xlsx", workbook(("L", rows))).recipients()]
    assert cells == [rows[1][1], rows[2][1]]


OTHERS: list[list[str | float]] = [["email", "PLZ"], ["a@example.com", 1234.0], ["b@example.com", "Zo\xeb"]]


@pytest.mark.parametrize("data", [xls(OTHERS), ods(OTHERS)], ids=["xls", "ods"])
def test_old_and_open_workbooks_are_read(opened: Opener, data: bytes) -> None:
    audience = opened(data)
    assert [(one.address, one.fields["PLZ"]) for one in audience.recipients()] == [
        ("a@example.com", "1234"),
        ("b@example.com", "Zo\xeb"),
    ]
    assert audience.size == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (xls(OTHERS, last_row_down=65_000, last_row_right=65_000), "cannot be opened as a workbook"),
        (
            ods(OTHERS, repeated='table:number-columns-repeated="1000000"'),
            "goes on to row 1,000,002 and column 1,000,001",
        ),
    ],
    ids=["xls", "ods"],
)
def test_a_cell_for_which_no_memory_is_enough_is_refused_before_it_is_tried(
    opened: Opener, data: bytes, words: str
) -> None:
    with pytest.raises(AudienceError, match=words):
        opened(data)
