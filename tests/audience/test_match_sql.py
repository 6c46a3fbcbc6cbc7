"""Rules in SQL mean what they mean in Python: on any rows, whatever stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import apsw
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from mailtui.audience.column_facts import ColumnFacts, FactsGatherer, facts_from_json, facts_to_json
from mailtui.audience.findings import ColumnType
from mailtui.audience.match import Matcher
from mailtui.audience.match_sql import compile_rule
from mailtui.audience.rules import AllOf, AnyOf, Clause, Not, Operator, Rule
from mailtui.audience.rules_text import parse_rule
from mailtui.errors import RuleError

NOW = datetime(2026, 6, 15, 13, 30)  # noqa: DTZ001 - the author's own calendar
NAMES = ("a", "b", "c")

NASTY = """
|London|LONDON | london|Straße|STRASSE|strasse|İstanbul|istanbul|i̇stanbul|ß|ﬁn|FIN|K|k|Ω|Ω|ſ|S
Müller|Mu\u0308ller|MÜLLER|\u0308x|\xa0|\xa0x\xa0|\u2003y|z\u3000|\u200b|\x1c|\x1c9|9\x1f|\x85|a\tb|\ta|a\r\nb
0|00|007|01234|1234|+1234|-0|-01|-1|1e5|1E5|1,234|1.234|1,5|0,5|1,234.50|1.234,50|1_000|inf|nan|.5|5.|9|10|9.0|9,00
9007199254740992|9007199254740993|9007199254740992.0|9223372036854775807|9223372036854775808|-9223372036854775809
1234567890123456789012345678901234567890|1234567890123456789012345678901234567891|-99999999999999999999|0.1|0.10
2026-06-15|2026-06-15 00:00|2026-06-15T13:30:05Z|2026-06-15T23:30-05:00|15.6.2026|05/06/2026|06/05/2026|31/12/2025
12/31/2025|5 Jun 2026|Jun 5, 2026|20260605|2026-02-30|0001-01-01|0001-01-01T00:00+05:00|9999-12-31|2026/6/5
2026-6-5 9:05|%|_|*|[a]|'|"|''|a'b|;--|\\|x' OR 1|\U0001f600|a\U0001f600b|\ufeff|·|null|NULL|true|no such|yes|Yes|YES
""".strip("\n")
CELLS = [cell for line in NASTY.split("\n") for cell in line.split("|")]

digits = st.text(st.sampled_from("0123456789.,-+ eE"), max_size=12)
letters = st.text(st.sampled_from("aAbBßıİſKkÄäÅ\u0308 \t\xa0\x1c\u3000_%'*["), max_size=8)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)  # a NUL among them
cells = st.one_of(st.sampled_from(CELLS), st.sampled_from(CELLS), digits, letters, anything)
kinds = st.sampled_from(
    [
        ColumnType("text", "", "likely", ""),
        ColumnType("text", "", "given", ""),
        ColumnType("code", "", "likely", ""),
        ColumnType("empty", "", "likely", ""),
        *(ColumnType("number", style, "likely", "") for style in ("", "comma", "point")),
        *(ColumnType("date", style, "likely", "") for style in ("", "dmy", "mdy", "ymd")),
    ]
)
numbers = st.one_of(st.integers(-20, 3_000), st.floats(-20, 20).map(lambda value: round(value, 2)), st.just(2**53 + 1))
numbers = st.one_of(numbers, st.integers(2**63 - 2, 2**63 + 2), st.integers(-(10**39), 10**39))
scalars: st.SearchStrategy[str | int | float] = st.one_of(cells, cells, cells, numbers)
dates = st.sampled_from(
    ["2026-06-15", "2026-06-15 12:00", "2026-06-15T13:30:05Z", "15.6.2026", "0001-01-01", "20260605"]
)


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    operator = draw(st.sampled_from(list(Operator)))
    value: str | int | float | tuple[str | int | float, ...] | None
    if operator is Operator.EMPTY:
        value = None
    elif operator is Operator.IN:
        value = tuple(draw(st.lists(scalars, min_size=1, max_size=5)))
    elif operator is Operator.WITHIN:
        spans: list[str | int | tuple[str, ...]] = [
            "30 days",
            "last 2 weeks",
            "next 1 year",
            7,
            ("2025-01-01", "2026-06-15"),
        ]
        value = draw(st.sampled_from(spans))
    elif operator in (Operator.BEFORE, Operator.AFTER):
        value = draw(dates)
    elif operator is Operator.MATCHES:
        value = draw(st.sampled_from(["^[0-9]+$", "(?i)str", "ß", r"^\s", "a|b"]))
    elif operator in (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH):
        value = draw(st.one_of(cells, st.sampled_from(["", "l", "ß", "ss", "0", " ", "i̇", "'", "%"])))
    else:
        value = draw(scalars)
    return Clause(draw(st.sampled_from(NAMES)), operator, value)


def rules_to(depth: int) -> st.SearchStrategy[Rule]:
    """Rules of up to so many levels."""
    if depth == 1:
        return clauses()
    below = rules_to(depth - 1)
    several = st.lists(below, min_size=2, max_size=3).map(tuple)
    return st.one_of(clauses(), several.map(AllOf), several.map(AnyOf), below.map(Not))


rules = rules_to(3)


def indexed(
    rows: Sequence[tuple[str, ...]], types: Sequence[ColumnType]
) -> tuple[apsw.Connection, tuple[ColumnFacts, ...]]:
    """Rows as an index has them, taken in in two batches."""
    gatherer = FactsGatherer(types, len(NAMES))
    connection = apsw.Connection(":memory:")
    names = [*gatherer.names, *(f"c{at} TEXT NOT NULL" for at in range(len(NAMES)))]
    connection.execute(f"CREATE TABLE entry (row INTEGER PRIMARY KEY, {', '.join(names)})")
    marks = ", ".join("?" * (len(names) + 1))
    number = 0
    for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        if part:
            columns = list(zip(*part, strict=True))
            taken = zip(*gatherer.look(columns), *columns, strict=True)
            for entry in taken:
                number += 1
                connection.execute(f"INSERT INTO entry VALUES ({marks})", (number, *entry))
    return connection, facts_from_json(facts_to_json(gatherer.facts()))


def in_sql(rows: Sequence[tuple[str, ...]], types: Sequence[ColumnType], matcher: Matcher) -> list[int]:
    connection, facts = indexed(rows, types)
    rule = compile_rule(matcher, facts)
    rule.install(connection)
    query = f"SELECT row, ({rule.text}) FROM entry ORDER BY row"
    answers = list(connection.execute(query, rule.bindings))
    assert {answer for _, answer in answers} <= {0, 1}, "never NULL"
    rule.remove(connection)
    return [int(str(row)) for row, answer in answers if answer]


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), st.tuples(kinds, kinds, kinds), rules)
def test_sql_python_and_the_explanation_agree(
    rows: list[tuple[str, str, str]], types: tuple[ColumnType, ...], rule: Rule
) -> None:
    try:
        matcher = Matcher(rule, NAMES, types=types, now=NOW)
    except RuleError:
        reject()
    plain = [number for number, row in enumerate(rows, start=1) if matcher.test(row)]
    assert in_sql(rows, types, matcher) == plain
    assert [number for number, row in enumerate(rows, start=1) if matcher.explain(row).held] == plain


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=5_000, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), st.tuples(kinds, kinds, kinds), rules)
def test_sql_python_and_the_explanation_agree_at_length(
    rows: list[tuple[str, str, str]], types: tuple[ColumnType, ...], rule: Rule
) -> None:
    test_sql_python_and_the_explanation_agree.hypothesis.inner_test(rows, types, rule)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["number", "date", "text"])
@pytest.mark.parametrize(
    "text",
    [
        'a == "007"', "a == 7", "a != 7", "a > 9", "a <= 9.0", "a in (9, 10, 'k')", "a == 9007199254740993",
        "a > 9007199254740992", "a >= 9223372036854775807", 'a == "2026-06-15"', "a after 2026-06-14",
        'a before "2026-06-15 12:00"', 'a within "30 days"', "a empty", 'a contains "s"', 'a startsWith "l"',
        'a endsWith "n"', 'a > "m"', 'a == "strasse"', "not (a > 9)", 'a matches "^[0-9]+$"',
    ],
)  # fmt: skip
def test_every_cell_under_every_operator(kind: str, text: str) -> None:
    types = [ColumnType(kind, "", "likely", "")] * 3  # type: ignore[arg-type]
    rows = [(cell, cell, cell) for cell in [*CELLS, "a\0b", "\0", "9" * 40]]
    matcher = Matcher(parse_rule(text), NAMES, types=types, now=NOW)
    assert in_sql(rows, types, matcher) == [number for number, row in enumerate(rows, start=1) if matcher.test(row)]
    for row in rows:  # alone, so that what is known of a column is what this cell allows
        assert bool(in_sql([row], types, matcher)) == matcher.test(row), row


def test_plain_columns_need_no_python() -> None:
    types = [
        ColumnType("text", "", "likely", ""),
        ColumnType("number", "", "likely", ""),
        ColumnType("date", "", "likely", ""),
    ]
    rows = [("London", "9.5", "2026-06-15"), ("Paris", "", ""), ("", "x", "5.6.2026")]
    text = 'a == "london" and b > 9 and c within "30 days" or not (a contains "o" or b in (1, 2)) or a empty'
    matcher = Matcher(parse_rule(text), NAMES, types=types, now=NOW)
    _, facts = indexed(rows, types)
    assert compile_rule(matcher, facts).functions == ()
    assert in_sql(rows, types, matcher) == [1, 2, 3]
    beyond = [*rows, ("Zürich", "", "")]
    _, facts = indexed(beyond, types)
    assert [one.ascii for one in facts] == [False, True, True]
    assert compile_rule(matcher, facts).functions != ()


def test_a_rule_of_thousands_of_clauses_and_values() -> None:
    types = [ColumnType("text", "", "likely", "")] * 3
    rows = [("v7", "", ""), ("v1999", "", ""), ("w", "", "")]
    many: Rule = AnyOf(tuple(Clause("a", Operator.EQ, f"v{number}") for number in range(2_000)))
    assert in_sql(rows, types, Matcher(many, NAMES, now=NOW)) == [1, 2]
    listed = AnyOf(tuple(Clause("a", Operator.IN, tuple(f"v{n}x{k}" for k in range(10_001))) for n in range(3)))
    assert in_sql(
        [("v2x10000", "", ""), ("v1x10000", "", ""), ("v", "", "")], types, Matcher(listed, NAMES, now=NOW)
    ) == [1, 2]


def test_numbers_are_read_in_the_style_of_their_column() -> None:
    rows = [("1.234", "", ""), ("1,5", "", ""), ("999", "", "")]
    for count in (1, 3):
        types = [ColumnType("number", "comma", "likely", "")] * 3
        assert in_sql(rows[:count], types, Matcher(parse_rule("a > 1000"), NAMES, types=types)) == [1]
    types = [ColumnType("number", "", "likely", "")] * 3
    assert in_sql(rows, types, Matcher(parse_rule("a > 1000"), NAMES, types=types)) == []


def test_a_number_that_its_shadow_rounds_is_compared_in_python() -> None:
    types = [ColumnType("number", "", "likely", "")] * 3
    rows = [("10000000000000000905969664", "", ""), ("10000000000000000905969665", "", "")]
    for operator, held in ((Operator.EQ, [1]), (Operator.GT, [2]), (Operator.NE, [2])):
        assert in_sql(rows, types, Matcher(Clause("a", operator, 1e25), NAMES, types=types)) == held
