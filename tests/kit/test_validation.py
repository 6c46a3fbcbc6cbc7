"""What pydantic finds wrong becomes sentences with file, line, key and a did-you-mean."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pydantic
import pytest

from mailtui.errors import ConfigError
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.validation import Spec, validate
from mailtui.kit.yaml_file import parse_yaml


class Inner(Spec):
    width: int = 1
    colour: Literal["red", "blue"] = "red"


class Other(Spec):
    height: int = 1


class Outer(Spec):
    name: str
    inner: Inner = Inner()
    many: list[Inner] = pydantic.Field(default_factory=list)
    either: Inner | Other | None = None
    by_name: dict[str, Inner] = pydantic.Field(default_factory=dict)
    limited: int = pydantic.Field(default=1, ge=1, le=5)
    nick: str = pydantic.Field(default="", alias="short-name")

    @pydantic.field_validator("name")
    @classmethod
    def _no_x(cls, value: str) -> str:
        if value == "x":
            raise ValueError("x is nobody's name")
        return value


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(Outer, parse_yaml(text, Path("f.yaml")), title="f.yaml has mistakes")
    assert caught.value.title == "f.yaml has mistakes"
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nam: a\nname: b", "f.yaml:1:1: nam: this key is not known. Did you mean name?"),
        ("name: a\ninner:\n  widht: 3", "f.yaml:3:3: inner.widht: this key is not known. Did you mean width?"),
        (
            "name: a\nmany:\n  - width: 1\n  - wdth: 2",
            "f.yaml:4:5: many.1.wdth: this key is not known. Did you mean width?",
        ),
        ("name: a\nby_name: {k: {wdth: 2}}", "f.yaml:2:15: by_name.k.wdth: this key is not known. Did you mean width?"),
        ("name: a\nshort-nam: q", "f.yaml:2:1: short-nam: this key is not known. Did you mean short-name?"),
        ("name: a\ninner: {zzz: 1}", "f.yaml:2:9: inner.zzz: this key is not known. Known: width, colour."),
        ("inner: {width: 2}", "f.yaml:1:1: name: this key is missing."),
        ("name: x", "f.yaml:1:1: name: x is nobody's name"),
        ("name: a\nlimited: 9", "f.yaml:2:1: limited: should be 5 or less; got 9"),
        ("name: [a]", "f.yaml:1:1: name: should be a valid string; got a list"),
        ("name: a\ninner: {colour: green}", "f.yaml:2:9: inner.colour: should be 'red' or 'blue'; got 'green'"),
    ],
)
def test_each_mistake_has_its_sentence(text: str, expected: str) -> None:
    assert mistakes(text) == [expected]


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes("limited: 9\ninner: {width: a, x: 1}")) == 4


def test_a_mistake_in_a_union_names_the_key_of_the_file_and_no_class() -> None:
    text = " ".join(mistakes("name: a\neither: {heigth: 2}"))
    assert "f.yaml:2:10: either.heigth: this key is not known." in text
    assert "Did you mean height?" in text
    assert "Inner" not in text


def test_a_long_value_is_cut() -> None:
    [text] = mistakes(f"name: a\nlimited: {'q' * 500}")
    assert len(text) < 200
    assert text.endswith("...")


def test_a_file_that_is_no_map() -> None:
    assert mistakes("- a") == ["f.yaml:1:1: a map of keys and values is expected here"]
    assert mistakes("") == ["f.yaml:1:1: a map of keys and values is expected here"]


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("Subjet", ["subject", "sender"], "Did you mean subject?"),
        ("zzz", ["subject", "sender"], "Known: subject, sender."),
        ("zzz", [], ""),
        ("zzz", [f"a{n}" for n in range(30)], ""),
    ],
)
def test_did_you_mean(name: str, known: list[str], sentence: str) -> None:
    assert did_you_mean(name, known) == sentence
