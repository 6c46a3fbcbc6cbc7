"""Every id of the fault matrix has a test, and what is proved elsewhere is there."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from tests.faults.matrix import ROWS

TESTS = Path(__file__).parents[1]
NUMBERS = (*range(1, 37), *range(40, 56), *range(60, 64), 70)
MATRIX = [f"F-{number:02}" for number in NUMBERS]

ELSEWHERE = {
    # What happens to the process and its disk, each with real signals, processes and files: the promises it breaks on.
    "F-70": ("d01", "d02", "d14", "t05", "s03", "s04", "s05"),
    "F-36": ("f36",),  # the last byte but one, where only the mark's answer stands between body and dot
}


@functools.cache
def _tests(path: Path) -> tuple[str, ...]:
    found = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    named = (node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return tuple(name for name in named if name.startswith("test_"))


def _ids_in_names() -> set[str]:
    names = [name for path in (TESTS / "faults").glob("test_*.py") for name in _tests(path)]
    return {f"F-{number}" for name in names for number in re.findall(r"(?<=_f)\d\d(?=_)", name)}


@pytest.mark.parametrize("id", MATRIX)
def test_every_id_of_the_matrix_has_a_test_with_a_whole_list(id: str) -> None:
    assert id in {row.id for row in ROWS} | _ids_in_names() | set(ELSEWHERE)


def test_no_row_has_an_id_that_the_matrix_does_not_know() -> None:
    assert {row.id for row in ROWS} <= set(MATRIX)


@pytest.mark.parametrize("promise", [promise for promises in ELSEWHERE.values() for promise in promises])
def test_what_is_proved_elsewhere_is_there(promise: str) -> None:
    names = [name for path in TESTS.glob("*/test_*.py") if path.parent.name != "faults" for name in _tests(path)]
    assert [name for name in names if name.startswith(f"test_{promise}_")]
