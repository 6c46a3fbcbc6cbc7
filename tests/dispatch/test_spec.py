"""What may stand under `dispatch:`, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.dispatch.spec import DispatchSpec
from mailtui.errors import ConfigError
from mailtui.kit.validation import validate
from mailtui.kit.yaml_file import parse_yaml

_PROCESSES = "render_processes should be auto or a number from 0 to 16"
_WINDOW = "window should be a whole number from 1 to 64"


def _spec(text: str) -> DispatchSpec:
    return validate(DispatchSpec, parse_yaml(text, Path("c.yaml")), title="c.yaml has mistakes")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("render_processes: -1", f"{_PROCESSES}; got -1"),
        ("render_processes: 17", f"{_PROCESSES}; got 17"),
        ("render_processes: true", f"{_PROCESSES}; got true"),
        ("render_processes: many", f"{_PROCESSES}; got 'many'"),
        ("render_processes: [1]", f"{_PROCESSES}; got a list"),
        ("window: x", f"{_WINDOW}; got 'x'"),
        ("window: 0", f"{_WINDOW}; got 0"),
        ("window: 65", f"{_WINDOW}; got 65"),
        ("window: true", f"{_WINDOW}; got true"),
    ],
)
def test_a_wrong_number_is_told_once_and_in_plain_words(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _spec(text)
    assert [problem.message for problem in caught.value.problems] == [expected]
    assert caught.value.problems[0].place.key == text.partition(":")[0]


def test_what_the_file_says_is_what_the_runner_works_with() -> None:
    assert _spec("render_processes: auto").plan().render_processes is None
    assert _spec("{}").plan().render_processes is None
    assert [_spec(f"render_processes: {number}").plan().render_processes for number in (0, 16)] == [0, 16]
    assert [_spec(f"window: {number}").plan().window for number in (1, 64)] == [1, 64]
