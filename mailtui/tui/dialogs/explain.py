"""Owns the answer to why a row is in or out: clause by clause, with the cells they saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from mailtui.kit.words import sentence
from mailtui.service.lists import Explanation, RowView
from mailtui.tui.text import Plain, joined, plain

_CELL = 200
_NAME = 18


class ExplainDialog(ModalScreen[None]):
    """One row: in or out, why, and its cells."""

    AUTO_FOCUS = "#explained"
    DEFAULT_CSS = "ExplainDialog #explained { height: auto; max-height: 70vh; }"
    BINDINGS: ClassVar = [Binding("escape,enter,e,q", "app.pop_screen", "Close")]

    def __init__(self, view: RowView, filter_text: str) -> None:
        super().__init__()
        self._view = view
        self._filter = filter_text

    def compose(self) -> ComposeResult:
        view = self._view
        with Vertical(classes="dialog"):
            yield Plain(_verdict(view), classes="title")
            with VerticalScroll(id="explained"):
                yield Plain(joined(*self._lines(), separator="\n"))
            yield Plain("esc closes   arrows scroll", classes="muted")

    def _lines(self) -> Iterator[Content]:
        view = self._view
        if view.problem is not None:
            kind = view.problem.kind.replace("_", " ")
            yield joined(plain(f"× {kind}: ", "$text-error"), plain(sentence(view.problem.reason), limit=300))
        if view.explanation is not None:
            yield from _explained(view.explanation, 0)
        elif self._filter:
            yield plain("A row that cannot be read never matches a filter.", "$text-muted")
        elif view.problem is None:
            yield plain("There is no filter, so every row with a usable address is in.", "$text-muted")
        yield plain("")
        if view.problem is not None and not view.fields:
            yield plain(view.problem.text, limit=500)
        for name, cell in view.fields.items():
            label = plain(name, "$text-muted", limit=_NAME)
            gap = " " * max(2, _NAME + 2 - label.cell_length)
            yield joined(label, gap, plain(cell, limit=_CELL) if cell else plain("empty", "italic $text-disabled"))


def _verdict(view: RowView) -> Content:
    within = view.matched and view.problem is None
    state = plain("+ in: gets a mail", "$text-success") if within else plain("× out: gets no mail", "$text-error")
    return joined(f"Row {view.row:,} (line {view.line:,})   ", state)


def _explained(explanation: Explanation, depth: int) -> Iterator[Content]:
    mark = plain("+ yes  ", "$text-success") if explanation.held else plain("- no   ", "$text-error")
    line = joined("  " * depth, mark, plain(explanation.text, limit=300))
    if explanation.actual is not None:
        actual = plain(explanation.actual, "bold", limit=80) if explanation.actual else plain("empty", "bold")
        line = joined(line, plain("   it is ", "$text-muted"), actual)
    if explanation.note and explanation.actual:
        line = joined(line, plain(f" ({explanation.note})", "$text-muted"))
    yield line
    for part in explanation.parts:
        yield from _explained(part, depth + 1)
