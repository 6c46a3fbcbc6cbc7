"""Tables on a narrow terminal."""

from __future__ import annotations

from mailtui.cli.output import table_lines

HEADINGS = ["id", "state", "launched", "name"]
ROWS = [["v4wcre94", "finished", "2026-11-22 19:22", "Spring news"], ["enw6hdsm", "cancelled", "", "Autumn"]]


def test_a_table_that_fits_and_one_without_a_terminal_have_every_column() -> None:
    for width in (None, 80):
        lines, left_out = table_lines(HEADINGS, ROWS, right=[], spare=[2], width=width)
        assert lines[0] == "id        state      launched          name" and left_out == 0
        assert len(lines) == 3


def test_what_is_spare_is_left_out_before_a_line_breaks() -> None:
    lines, left_out = table_lines(HEADINGS, ROWS, right=[], spare=[2], width=35)
    assert left_out == 1
    assert lines == [
        "id        state      name",
        "v4wcre94  finished   Spring news",
        "enw6hdsm  cancelled  Autumn",
    ]


def test_the_last_column_is_below_where_even_that_is_too_wide() -> None:
    lines, left_out = table_lines(HEADINGS, ROWS, right=[], spare=[2], width=25)
    assert left_out == 1
    assert lines[2:4] == ["v4wcre94  finished", "          Spring news"]
    assert all(len(line) <= 25 for line in lines)
