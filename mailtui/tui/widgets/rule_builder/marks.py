"""Owns which parts of a filter hold for one row, by their places in the tree."""

from __future__ import annotations

from collections.abc import Mapping

from mailtui.service.lists import Explanation
from mailtui.tui.widgets.rule_builder.lines import Where


def marks_of(explanation: Explanation | None) -> Mapping[Where, bool]:
    """Whether each node holds; nothing for a row that cannot be explained."""
    marks: dict[Where, bool] = {}
    waiting: list[tuple[Where, Explanation]] = [] if explanation is None else [((), explanation)]
    while waiting:
        path, here = waiting.pop()
        marks[path] = here.held
        waiting.extend(((*path, at), part) for at, part in enumerate(here.parts))
    return marks
