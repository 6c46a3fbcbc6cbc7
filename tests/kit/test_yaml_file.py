"""The dialect that people write, and mistakes told with line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.errors import ConfigError
from mailtui.kit.yaml_file import parse_yaml, read_yaml

FILE = Path("some.yaml")


def parse(text: str) -> Any:
    return parse_yaml(text, FILE).data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("NO", "NO"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("a:", {"a": None}),
        ("010", "010"), ("0o10", "0o10"), ("0x1f", "0x1f"), ("12", 12), ("-7", -7), ("0", 0), ("1_000", 1000),
        ("1_", "1_"), ("1__0", "1__0"),
        ("1.5", 1.5), ("1e5", "1e5"), (".inf", ".inf"), ("2026-12-01", "2026-12-01"), ("12:30:45", "12:30:45"),
        ("[no, se]", ["no", "se"]), ("{a: 010}", {"a": "010"}), ('"1"', "1"), ("'true'", "true"), ("=", "="),
        ("1: x", {"1": "x"}), ("true: x", {"true": "x"}), ("<<: x", {"<<": "x"}), ("- a\n- b", ["a", "b"]),
        ("|\n  a\n  b\n", "a\nb\n"), ("\ufeffa: 1", {"a": 1}),
    ],
)  # fmt: skip
def test_values_are_what_they_look_like(text: str, value: object, tmp_path: Path) -> None:
    assert parse(text.removeprefix("\ufeff")) == value
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    assert read_yaml(path).data == value


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, 2, "flow sequence"),
        ("a: 1\n  b: 2\n", 2, 4, "mapping values"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "second time"),
        ("a:\n  b: 1\n  b: 2\n", 3, 3, "second time"),
        ("a: &x 1\nb: *x\n", 1, 4, "alias"),
        ("a: !!python/object:os.system x\n", 1, 4, "not read"),
        ("a: !mine x\n", 1, 4, "not read"),
        ("a: !!binary aGk=\n", 1, 4, "not read"),
        ("? [a, b]\n: 1\n", 1, 3, "plain text"),
        ("a: 1\n\tb: 2\n", 2, 1, "tab"),
        ("a: 1\n---\nb: 2\n", 2, 1, "another document"),
        ("a: 'open\n", 2, 1, "end of stream"),
    ],
)  # fmt: skip
def test_mistakes_are_told_by_line_and_column(text: str, line: int, column: int, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    [problem] = caught.value.problems
    assert (problem.place.file, problem.place.line, problem.place.column) == ("some.yaml", line, column)
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: 1\n\tb: 2\n", "begins with a tab"),
        ("subject: {{ name }} hello\n", "stands in quotes"),
        ("a: 'open\n", "Check the indentation"),
    ],
)
def test_what_mends_the_usual_slips_is_said(text: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="not valid YAML") as caught:
        parse(text)
    assert hint in str(caught.value.hint)


def test_aliases_that_would_grow_to_gigabytes_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="alias"):
        parse("\n".join(lines))


def test_very_deep_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(ConfigError):
        parse("[" * 20_000 + "]" * 20_000)


def test_a_place_is_that_of_the_key_or_of_the_nearest_above() -> None:
    document = parse_yaml("a: 1\nb:\n  c: 2\n  d: [5, 6]\n", FILE)
    places = {loc: document.place(loc) for loc in [("b", "c"), ("b", "d", 1), ("b", "x"), ("z",)]}
    assert [(place.line, place.column, place.key) for place in places.values()] == [
        (3, 3, "b.c"), (4, 10, "b.d.1"), (2, 1, "b.x"), (1, 1, "z"),
    ]  # fmt: skip


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a folder"):
        read_yaml(tmp_path)
    big = tmp_path / "big.yaml"
    big.write_bytes(b"# " + b"x" * (4 << 20))
    with pytest.raises(ConfigError, match="too large"):
        read_yaml(big)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        read_yaml(latin)
    assert caught.value.problems[0].place.line == 2


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_kindly(text: str) -> None:
    try:
        parse(text)
    except ConfigError as error:
        assert "some.yaml" in str(error)


@pytest.mark.parametrize("text", ["!!float", "a: !!int x", "a: !!int 0b", "a: !!float 1:99", "a: " + "9" * 5_000])
def test_what_is_tagged_as_a_number_and_is_none_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, tmp_path / "c.yaml")
    [problem] = caught.value.problems
    assert "is not a number" in problem.message
    assert problem.place.line == 1
