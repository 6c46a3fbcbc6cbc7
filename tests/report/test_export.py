"""The report's lines: JSON that says the same everywhere, CSV in which no cell is a formula."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.report.export import ReportLine, as_csv, as_json, csv_header

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", '"=1', "'=1", " '\"=1", "＝1", "＋1", "－1", "＠x",
    "=cmd|' /C calc'!A0",
]  # fmt: skip


def line(**values: object) -> ReportLine:
    plain = {
        "row": 1,
        "address": "a@x.test",
        "state": "failed",
        "code": 550,
        "enhanced": "5.1.1",
        "reply": "no",
        "reason": "",
        "stage": "rcpt",
        "attempts": 1,
        "message_id": "<1@x.test>",
        "at": "2026-01-01T00:00:00+00:00",
    }
    return ReportLine(**{**plain, **values})  # type: ignore[arg-type]


def cells(one: ReportLine) -> dict[str, str]:
    [row] = csv.DictReader(io.StringIO(csv_header() + as_csv(one), newline=""))
    return row


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_defused_and_can_be_had_back(text: str) -> None:
    cell = cells(line(reply=text))["reply"]
    assert cell.startswith("'")
    assert cell[1:] == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back_and_begins_no_formula(text: str) -> None:
    cell = cells(line(reply=text, address=text))["reply"]
    assert (cell.removeprefix("'") if cell != text else cell) == text
    assert not cell.lstrip(' "').startswith(tuple("=+-@\t\r＝＋－＠"))


@given(st.text(max_size=60))
def test_json_is_one_line_that_says_the_same(text: str) -> None:
    written = as_json(line(reply=text))
    assert json.loads(written)["reply"] == text
    assert "\n" not in written
    written.encode()


def test_nothing_is_blank_in_csv_and_null_in_json() -> None:
    empty = line(code=None, reply=None, enhanced=None)
    assert (cells(empty)["code"], cells(empty)["reply"]) == ("", "")
    assert json.loads(as_json(empty))["code"] is None
    assert as_csv(empty).endswith("\r\n")
