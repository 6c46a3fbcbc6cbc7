"""Owns what was measured, as values: several takes of one thing, targets, and what a part of the benchmarks reports."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.page import table


@dataclass(frozen=True, slots=True)
class Spread:
    """Takes of one figure, in the order in which they were taken."""

    takes: tuple[float, ...]

    @classmethod
    def of(cls, takes: Iterable[float]) -> Spread:
        return cls(tuple(takes))

    @property
    def median(self) -> float:
        return statistics.median(self.takes)

    def show(self, digits: int = 2) -> str:
        """The median, and in brackets the least and the most."""
        middle, least, most = (f"{value:,.{digits}f}" for value in (self.median, min(self.takes), max(self.takes)))
        return middle if len(self.takes) == 1 else f"{middle} [{least}–{most}]"

    def over(self, other: Spread) -> Spread:
        """The ratio, take by take, so that what the machine did meanwhile falls on both."""
        return Spread(tuple(a / b for a, b in zip(self.takes, other.takes, strict=True)))

    def as_json(self) -> dict[str, Any]:
        return {"median": self.median, "least": min(self.takes), "most": max(self.takes), "takes": list(self.takes)}


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that is to be reached: at least `goal`, or at most where `most` says so."""

    name: str
    goal: float
    found: float
    most: bool = False
    unit: str = "×"
    digits: int = 2

    @property
    def met(self) -> bool:
        return self.found <= self.goal if self.most else self.found >= self.goal

    def says(self) -> str:
        """The goal and what was found."""
        goal, found = (f"{value:,.{self.digits}f}{_unit(self.unit)}" for value in (self.goal, self.found))
        return f"{self.name}: {'at most' if self.most else 'at least'} {goal}; it is {found}"

    def show(self) -> str:
        return f"{self.says()}, {'met' if self.met else '**not met**'}."


@dataclass(slots=True)
class Report:
    """What a part found: lines of Markdown, the targets, and the same as values for the JSON file."""

    lines: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def add_table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        if self.lines:
            self.lines.append("")
        self.lines += table(head, rows)

    def say(self, *lines: str) -> None:
        """A paragraph."""
        if self.lines:
            self.lines.append("")
        self.lines += lines

    def with_targets(self, *, judged: bool) -> list[str]:
        """The lines, with what was to be reached below them. A run too short to judge by shows no targets."""
        if not self.targets or not judged:
            return self.lines
        return [*self.lines, "", *(f"- {target.show()}" for target in self.targets)]

    def as_json(self) -> dict[str, Any]:
        targets = [
            {
                "name": item.name,
                "says": item.says(),
                "goal": item.goal,
                "at_most": item.most,
                "found": item.found,
                "met": item.met,
            }
            for item in self.targets
        ]
        return {**self.data, "targets": targets}


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
