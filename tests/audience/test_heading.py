"""Where the column names of a list stand: first, below a title, or nowhere."""

from __future__ import annotations

import pytest

from mailtui.audience.heading import COLUMN_LIMIT, Heading, find_heading, unique_names
from mailtui.errors import AudienceError

DATA = ["Ann|a@example.com|London|1", "Bob|b@example.com|Paris|2"]


def found(*lines: str, given: bool | int | None = None, address: str | None = None) -> Heading:
    rows = [(number, line.split("|")) for number, line in enumerate(lines, start=1) if line]
    return find_heading(rows, given, address=address)


def test_names_in_the_first_row() -> None:
    heading = found("name|email|city|visits", *DATA)
    assert (heading.finding.value, heading.finding.confidence) == ("1", "certain")
    assert (heading.columns, heading.first, heading.notes) == (("name", "email", "city", "visits"), 1, ())
    assert found("wer|wohin|wo|wie", *DATA).finding.confidence == "likely"


def test_a_title_block_is_left_out_and_told() -> None:
    heading = found("Customers 2026", "", "exported on|2026-01-31", "name|email|city|visits", *DATA)
    assert (heading.finding.value, heading.finding.confidence, heading.first) == ("4", "likely", 3)
    assert "2 lines stand above it" in heading.finding.reason
    assert heading.columns == ("name", "email", "city", "visits")
    assert heading.notes == (
        "Line 1 stands above the column names and is left out: Customers 2026",
        "Line 3 stands above the column names and is left out: exported on 2026-01-31",
    )


@pytest.mark.parametrize(
    "above",
    [
        ["Customers 2026|||", "|||", "exported on|2026-01-31||"],  # as spreadsheets write it
        ["Person||Where|"],  # headings over headings
        ["a|b|c|d|e|f"],  # wider than the rest
        ["x"] * 12,
    ],
)
def test_titles_of_other_shapes(above: list[str]) -> None:
    heading = found(*above, "name|e-mail|city|visits", *DATA)
    assert heading.columns == ("name", "e-mail", "city", "visits")
    assert heading.line == len(above) + 1
    assert heading.notes


def test_names_that_say_nothing_below_a_title() -> None:
    heading = found("Customers 2026", "wer|wohin|wo|wie", *DATA)
    assert heading.columns == ("wer", "wohin", "wo", "wie")


def test_a_row_without_an_address_below_the_names_is_data() -> None:
    heading = found("name|email|city|visits", "Cid||Rome|3", *DATA)
    assert (heading.line, heading.first) == (1, 1)


def test_no_names_at_all() -> None:
    heading = found(*DATA)
    assert (heading.finding.value, heading.finding.confidence, heading.first) == ("none", "certain", 0)
    assert heading.columns == ("column_1", "column_2", "column_3", "column_4")
    assert "a@example.com" in heading.finding.reason


def test_a_title_above_rows_without_names_stays_a_row_to_be_reported() -> None:
    heading = found("Customers 2026", *DATA)
    assert (heading.finding.value, heading.finding.confidence, heading.first) == ("none", "guess", 0)
    assert len(heading.columns) == 4


def test_one_column() -> None:
    assert found("My list", "", "E-Mail", "a@example.com").line == 3
    assert found("anything", "a@example.com").columns == ("anything",)


def test_no_address_in_sight() -> None:
    heading = found("name|email", "Ann|none yet")
    assert (heading.line, heading.finding.confidence) == (1, "likely")
    assert found("Members", "name|email", "Ann|none yet").line == 2
    assert found("Members", "wer|wohin", "Ann|none yet", address="Wohin").line == 2


def test_what_a_person_says_wins() -> None:
    lines = ("name|email", "Ann|a@example.com", "Bob|b@example.com")
    assert found(*lines, given=2).columns == ("Ann", "a@example.com")
    assert found(*lines, given=2).finding.confidence == "given"
    assert found(*lines, given=False).finding.value == "none"
    assert found(*lines, given=True).line == 1
    assert found("Title", *lines, given=True).line == 2
    assert found(*DATA, given=True).line == 1
    with pytest.raises(AudienceError, match="No row of the list starts on line 9") as caught:
        found(*lines, given=9)
    assert "1, 2, 3" in caught.value.detail


def test_names_are_made_different() -> None:
    names, notes = unique_names(["email", "Name", "", "name", "Name_2", " a \n b ", "column_3", ""])
    assert names == ("email", "Name", "column_3_2", "name_3", "Name_2", "a b", "column_3", "column_8")
    assert notes == (
        "A second column name is called name_3 here.",
        "A column without a name is called column_3_2 here.",
    )


def test_more_columns_than_can_be_kept() -> None:
    with pytest.raises(AudienceError, match="2,000 columns") as caught:
        find_heading([(1, [f"c{number}" for number in range(2_000)])], None)
    assert f"{COLUMN_LIMIT:,}" in caught.value.detail


def test_a_first_row_whose_address_is_none_is_no_row_of_names() -> None:
    for address in ("ann@example", "ann@@example.com", "Ann <ann@example.com>", "ann(at)example.com"):
        heading = found(f"Ann|{address}|London|3", *DATA)
        assert (heading.line, heading.first) == (None, 0)
        assert address in heading.finding.reason
    assert found("name|email|@handle|on x@y", *DATA).line == 1
    assert found("Name|@ddress|city|visits", *DATA).line == 1


def test_a_first_row_with_nothing_where_others_have_an_address_is_no_row_of_names() -> None:
    heading = found("Cid||Rome|3", *DATA)
    assert (heading.line, heading.first) == (None, 0)
    assert found("Cid||Rome|3", *DATA, given=True).line == 1
    assert found("|wohin|wo|wie", *DATA).line == 1
