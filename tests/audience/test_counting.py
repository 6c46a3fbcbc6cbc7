"""Counting in one pass: as quick as can be, and the same as asking row by row."""

from __future__ import annotations

import string
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtui.audience.address import are_plain, is_address, plain_address
from mailtui.audience.counting import count_stream
from mailtui.audience.csv_blocks import Columns
from mailtui.audience.findings import ColumnType
from mailtui.audience.match import Matcher
from mailtui.audience.match_columns import column_counter
from mailtui.audience.match_many import answer_at_once
from mailtui.audience.rules import AllOf, AnyOf, Clause, Not, Operator, Rule
from mailtui.audience.spec import AudienceSpec

COLUMNS = ("email", "city", "age")
_CELLS = st.sampled_from(["", " ", "London", "LONDON ", "Paris", "30", "30.0", "007", "2026-01-05", "31.12.2025", "é"])
_CLAUSES = st.builds(
    Clause,
    st.sampled_from(COLUMNS),
    st.sampled_from([
        Operator.EQ, Operator.NE, Operator.GT, Operator.LE, Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH
    ]),
    st.sampled_from(["London", "o", "30", "2026-01-01"]),
) | st.builds(Clause, st.sampled_from(COLUMNS), st.just(Operator.EMPTY))  # fmt: skip
_RULES: st.SearchStrategy[Rule] = st.recursive(
    _CLAUSES,
    lambda below: (
        st.builds(Not, below)
        | st.builds(AllOf, st.lists(below, min_size=2, max_size=4).map(tuple))
        | st.builds(AnyOf, st.lists(below, min_size=2, max_size=4).map(tuple))
    ),
    max_leaves=12,
)
_ADDRESSES = st.builds(
    "{}@{}".format,
    st.text(st.sampled_from(string.ascii_letters + "0.!-_'"), max_size=66),
    st.lists(st.text(st.sampled_from("aZ09-"), max_size=64), min_size=1, max_size=4).map(".".join),
)


@settings(max_examples=150, deadline=None)
@given(rule=_RULES, rows=st.lists(st.tuples(_CELLS, _CELLS, _CELLS), min_size=1, max_size=30), turns=st.integers(1, 3))
def test_columns_and_rows_agree(rule: Rule, rows: list[tuple[str, ...]], turns: int) -> None:
    matcher = Matcher(rule, COLUMNS, now=datetime(2026, 2, 1))  # noqa: DTZ001
    count = column_counter(matcher)
    batch = Columns(1, len(rows), len(COLUMNS), [cell for row in rows for cell in row])
    for _ in range(turns):  # what is asked first changes from batch to batch
        assert count(batch) == sum(map(matcher.test, rows))


@settings(max_examples=200, deadline=None)
@given(clause=_CLAUSES, cells=st.lists(_CELLS | st.text(max_size=6), max_size=8), style=st.sampled_from(["", "comma"]))
@example(Clause("age", Operator.GT, 29), ["30", "+30", "-1.5", "1.500", "007", "1e5", "1_0", "٣٠"], "")
@example(Clause("age", Operator.GT, 29), ["30", "1.500"], "comma")
@example(Clause("age", Operator.GT, 10**39), ["30", "1.500"], "")
@example(Clause("age", Operator.GE, 9_007_199_254_740_993), ["9007199254740992", "9007199254740993"], "")
@example(Clause("city", Operator.CONTAINS, "ss"), ["STRASSE", "straße", "a\nss", "x"], "")
@example(Clause("city", Operator.STARTSWITH, "\u00e9"), ["e\u0301", "\u0301x", "e", "\u0301"], "")
def test_many_cells_at_once_and_one_by_one_agree(clause: Clause, cells: list[str], style: str) -> None:
    types = [ColumnType("number", style, "given", "")] * 3
    matcher = Matcher(clause, COLUMNS, types=types, now=datetime(2026, 2, 1))  # noqa: DTZ001
    at_once = answer_at_once(clause, matcher)
    answers = at_once(cells) if at_once is not None else None
    if answers is not None:
        assert list(answers) == list(map(matcher.cell_test(clause), cells))


@settings(max_examples=250, deadline=None)
@given(texts=st.lists(_ADDRESSES | st.sampled_from(["a@b.co", "a@b.co\nc@d.co", "", "a@b.co "]), max_size=4))
def test_many_plain_addresses_are_plain_one_by_one(texts: list[str]) -> None:
    if are_plain(texts):
        assert None not in map(plain_address, texts)


def test_usual_addresses_take_the_quick_way() -> None:
    assert are_plain([f"user.{number}+tag@mail-{number}.example.com" for number in range(5_000)])
    assert are_plain([])
    assert not are_plain(["user@example.com", "user@example"])


def test_one_pass_counts_what_a_plain_reading_does(tmp_path: Path) -> None:
    def rows(number: int) -> Sequence[str]:
        if number % 97 == 0:
            return ("broken", "row")
        address = "nobody" if number % 89 == 0 else f"user{number}@example.com"
        name = '"Smith, Bob"' if number % 61 == 0 else "Bob"
        return (address, name, str(number % 60))

    lines = [",".join(rows(number)) for number in range(1, 20_001)]
    lines[10_000] = 'user@example.com,"never closed,30'
    (tmp_path / "list.csv").write_text("email,name,age\n" + "\n".join(lines) + "\n")
    found = count_stream(AudienceSpec(source="list.csv", filter="age >= 30 and name contains 'Bob'"), tmp_path)
    whole = [rows(number) for number in range(1, 20_001) if number % 97 and number != 10_001]
    bad = 20_000 - len(whole) + sum(1 for row in whole if not is_address(row[0]))
    assert (found.rows, found.problems) == (20_000, bad)
    assert found.matched == sum(1 for row in whole if int(row[2]) >= 30)
