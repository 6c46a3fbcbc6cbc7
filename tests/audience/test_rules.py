"""The rule tree: one tree, three spellings, lossless; mistakes are told with their place."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtui.audience.rules import DEPTH_LIMIT, AllOf, AnyOf, Clause, Not, Operator, Rule
from mailtui.audience.rules_text import format_rule, parse_rule
from mailtui.audience.rules_tree import from_tree, read_rule, to_tree
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import ConfigError, RuleError
from mailtui.kit.validation import validate
from mailtui.kit.yaml_file import parse_yaml

texts = st.one_of(
    st.text(max_size=12),
    st.text(st.sampled_from("ab\\\"'`\n\r\tnrt 0.:-"), max_size=8),
    st.sampled_from(["", "01234", "2022-01-01", "true", "and", "30", "O'Brien", "\\d+"]),
)
numbers = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(texts, numbers)
columns = st.one_of(
    st.sampled_from(["city", "first name", "in", "is", "not", "2fa", "a-b", "x.y", "`", "Größe"]),
    st.text(min_size=1, max_size=8),
)
OF_SCALAR = [Operator.EQ, Operator.NE, Operator.GT, Operator.GE, Operator.LT, Operator.LE, Operator.WITHIN]
OF_TEXT = [Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH, Operator.MATCHES, Operator.BEFORE, Operator.AFTER]
comparisons = st.one_of(
    st.builds(Clause, columns, st.sampled_from(OF_SCALAR), scalars),
    st.builds(Clause, columns, st.sampled_from(OF_TEXT), texts),
    st.builds(Clause, columns, st.just(Operator.EMPTY)),
    st.builds(Clause, columns, st.just(Operator.IN), st.lists(scalars, min_size=1, max_size=4).map(tuple)),
    st.builds(Clause, columns, st.just(Operator.WITHIN), st.tuples(texts, texts)),
)
rules: st.SearchStrategy[Rule] = st.recursive(
    comparisons,
    lambda below: st.one_of(
        st.builds(AllOf, st.lists(below, min_size=2, max_size=4).map(tuple)),
        st.builds(AnyOf, st.lists(below, min_size=2, max_size=4).map(tuple)),
        st.builds(Not, below),
    ),
    max_leaves=12,
)


@settings(max_examples=250, deadline=None)
@given(rules)
@example(Clause("a", Operator.IN, (1.234, -0.125, 5.0, 1234.5)))
def test_text_and_tree_come_back_as_the_same_rule(rule: Rule) -> None:
    assert parse_rule(format_rule(rule)) == rule
    assert from_tree(to_tree(rule)) == rule
    assert read_rule(json.dumps(to_tree(rule))) == rule
    assert format_rule(from_tree(to_tree(parse_rule(format_rule(rule))))) == format_rule(rule)


@settings(max_examples=250, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["a", "==", '"x"', "and", "or", "not", "(", ")", "in", ",", "5", "empty", "!", "`b c`", "is", "within"]
            ),
            max_size=12,
        ).map(" ".join),
    )
)
def test_any_text_is_a_rule_or_a_rule_error_with_a_place(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError as error:
        assert error.problems
        assert error.problems[0].message
        column = error.problems[0].place.column
        assert column is None or 1 <= column <= len(text) + 1
        return
    assert parse_rule(format_rule(rule)) == rule


EQ, NE = Operator.EQ, Operator.NE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'city == "London" and not (unsubscribed == "yes")',
            AllOf((Clause("city", EQ, "London"), Not(Clause("unsubscribed", EQ, "yes")))),
        ),
        # Mailgrid, as its filter reference documents it
        ('tier = "pro"', Clause("tier", EQ, "pro")),
        (
            'tier == "vip" || tier == "premium" && country == "US"',
            AnyOf((Clause("tier", EQ, "vip"), AllOf((Clause("tier", EQ, "premium"), Clause("country", EQ, "US"))))),
        ),
        (
            '(tier == "vip" || tier == "premium") && age >= 18',
            AllOf((AnyOf((Clause("tier", EQ, "vip"), Clause("tier", EQ, "premium"))), Clause("age", Operator.GE, 18))),
        ),
        ('!email contains "@test.com"', Not(Clause("email", Operator.CONTAINS, "@test.com"))),
        ('contains(company, "tech")', Clause("company", Operator.CONTAINS, "tech")),
        (
            'startsWith(email, "admin") OR ENDSWITH(email, "x")',
            AnyOf((Clause("email", Operator.STARTSWITH, "admin"), Clause("email", Operator.ENDSWITH, "x"))),
        ),
        ("company", Not(Clause("company", Operator.EMPTY))),
        ("!company", Clause("company", Operator.EMPTY)),
        ('company != ""', Clause("company", NE, "")),
        # beyond it
        ("postcode == 01234", Clause("postcode", EQ, "01234")),
        ("age == 30", Clause("age", EQ, 30)),
        ("age == -1.50", Clause("age", EQ, -1.5)),
        ('`first name` in ("Ann", "Bob")', Clause("first name", Operator.IN, ("Ann", "Bob"))),
        ('city not in ["A"]', Not(Clause("city", Operator.IN, ("A",)))),
        ("city is not empty", Not(Clause("city", Operator.EMPTY))),
        ("signup after 2022-01-01", Clause("signup", Operator.AFTER, "2022-01-01")),
        (r'code matches "^\d+$"', Clause("code", Operator.MATCHES, r"^\d+$")),
        ('signup within "last 30 days"', Clause("signup", Operator.WITHIN, "last 30 days")),
        ("city == 'O\"Brien'", Clause("city", EQ, 'O"Brien')),
        ("phone contains 007", Clause("phone", Operator.CONTAINS, "007")),
    ],
)
def test_spellings(text: str, expected: Rule) -> None:
    assert parse_rule(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("tier == premium", 9, 'Put text in quotes: "premium"'),
        ('city contians "x"', 6, "Did you mean contains?"),
        ('city == "London', 9, "never closed"),
        ('(city == "London"', 18, "never closed"),
        ('city == "London" and', 21, "the filter ends"),
        ("city ==", 8, "the filter ends"),
        ('first name == "x"', 7, "not a known comparison"),
        ("a == 1 b == 2", 8, "Join comparisons with and, or"),
        ('a in "x"', 6, "list in brackets"),
        ("== 5", 1, "column name is expected"),
        ("a contains (1)", 12, "value is expected"),
        ('city is "London"', 6, "Did you mean ==?"),
        ('city LIKE "Lon"', 6, "Did you mean contains?"),
        ("age between 1 and 5", 5, "age >= 30 and age <= 40"),
        ("city == NULL", 9, "An empty cell: company empty"),
        ("city == \u201cLondon\u201d", 9, "straight ones"),
        ("revenue > 5000,50 and a", 15, 'Put it in quotes: "5000,50"'),
        ("since after 01.02.2026", 13, 'Put it in quotes: "01.02.2026"'),
        ("since before 01/02/2026", 16, 'Put it in quotes: "01/02/2026"'),
    ],
)
def test_mistakes_are_told_with_their_column(text: str, column: int, part: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    (problem,) = caught.value.problems
    assert problem.place.column == column
    assert part in str(problem)


@pytest.mark.parametrize(
    ("tree", "part"),
    [
        ({"op": "EQL", "field": "a", "value": "x"}, "Did you mean EQ?"),
        ({"op": "EQ", "feild": "a", "value": "x"}, "Did you mean field?"),
        ({"op": "AND", "rules": []}, "at least one"),
        ({"op": "AND", "rules": [{"op": "EQ", "field": "a"}]}, "filter: rules[0].value: == needs a value"),
        ({"op": "NOT", "rules": [{"op": "EMPTY", "field": "a"}] * 2}, "NOT takes one rule"),
        ({"op": "EQ", "field": "a", "value": ["x"]}, "not a list"),
        ({"op": "EQ", "value": "x"}, "column is missing"),
        ({"field": "a", "value": "x"}, "op is missing"),
        ({"op": "EQ", "field": "a", "value": {"x": 1}}, "a text or a number"),
        ("{not json", "not valid JSON"),
    ],
)
def test_mistakes_in_a_tree_name_the_key(tree: object, part: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_rule(tree)  # type: ignore[arg-type]
    assert part in str(caught.value)


def test_trees_are_read_kindly() -> None:
    one = {"op": "eq", "field": "a", "value": True}
    assert from_tree({"op": "AND", "rules": [one]}) == Clause("a", EQ, "true")
    assert from_tree({"op": "CONTAINS", "field": "a", "value": 49}) == Clause("a", Operator.CONTAINS, "49")


def test_nesting_and_size_are_limited() -> None:
    for text in ("not " * (DEPTH_LIMIT + 1) + "a", "(" * 5_000 + "a" + ")" * 5_000, "a == " * 10_000):
        try:
            parse_rule(text)
        except RuleError:
            continue
        assert text.startswith("(")
    deep: object = {"op": "EMPTY", "field": "a"}
    for _ in range(DEPTH_LIMIT + 1):
        deep = {"op": "NOT", "rules": [deep]}
    with pytest.raises(RuleError, match="cannot be read"):
        from_tree(deep)
    with pytest.raises(RuleError):
        read_rule('{"op":"NOT","rules":[' * 100_000)


def test_a_filter_in_a_campaign_file_is_checked_there() -> None:
    document = parse_yaml('source: a.csv\nfilter: city === "x"\n', Path("c.yaml"))
    with pytest.raises(ConfigError) as caught:
        validate(AudienceSpec, document, title="x")
    (problem,) = caught.value.problems
    assert problem.place.line == 2
    assert "filter:8" in problem.message
    spec = validate(
        AudienceSpec,
        parse_yaml("source: a.csv\ndelimiter: tab\nfilter: {op: EQ, field: city, value: London}\n", Path("c.yaml")),
        title="x",
    )
    assert spec.delimiter == "\t"
    assert read_rule(spec.filter) == Clause("city", EQ, "London")


@pytest.mark.parametrize("line", ["encoding: utf-88", "encoding: base64", "delimiter: abc", "quote: ab", "source: ''"])
def test_overrides_are_checked(line: str) -> None:
    text = line if line.startswith("source") else f"source: a.csv\n{line}"
    with pytest.raises(ConfigError):
        validate(AudienceSpec, parse_yaml(text + "\n", Path("c.yaml")), title="x")


def test_a2_a_bare_number_that_reads_two_ways_keeps_its_spelling() -> None:
    rule = parse_rule("a > 5.000")
    assert format_rule(rule) == "a > 5.000" and parse_rule(format_rule(rule)) == rule
    assert rule != Clause("a", Operator.GT, 5.0) and to_tree(rule)["value"] == 5.0
    assert pickle.loads(pickle.dumps(rule)) == rule
