"""Owns the answer to why a row is in or out: clause by clause, with the cells they saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from mailtui.kit.words import counted, sentence
from mailtui.service.lists import GROUP_LIMIT, Explanation, RowView
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.wrapped import Line, Wrapped

_CELL = 1_000
_TEXT = 2_000
_NAME = 18
_ROWS = 50


class ExplainDialog(ModalScreen[None]):
    """One row: in or out, why, and its cells."""

    AUTO_FOCUS = "#explained"
    DEFAULT_CSS = """
    ExplainDialog #explained { height: auto; max-height: 70vh; }
    ExplainDialog #explained-lines { height: auto; }
    """
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
                yield Wrapped(id="explained-lines")
            yield Plain("esc closes   arrows scroll", classes="muted")

    def on_mount(self) -> None:
        self.query_one(Wrapped).show_lines(list(self._lines()))

    def _lines(self) -> Iterator[Line]:
        view = self._view
        if view.problem is not None:
            kind = view.problem.kind.replace("_", " ")
            label = plain(f"× {kind}: ", "$text-error")
            yield Line(plain(sentence(view.problem.reason), limit=300), label, plain("  "))
        if view.with_row is not None:
            with_row = f"The rows of one address make one mail: it is part of row {view.with_row:,}'s."
            yield Line(plain(with_row), plain("= ", "$text-accent"), plain("  "))
        if view.further:
            yield Line(plain(_further(view.further)), plain("= ", "$text-accent"), plain("  "))
        said = view.problem.reason if view.problem is not None else ""
        for flag in (flag for flag in view.flags if flag != said):
            yield Line(plain(sentence(flag)), plain("! ", "$text-warning"), plain("  "))
        if view.explanation is not None:
            yield from _explained(view.explanation, 0)
        elif self._filter:
            yield Line(plain("A row that cannot be read never matches a filter.", "$text-muted"))
        elif view.problem is None:
            yield Line(plain("There is no filter, so every row with a usable address is in.", "$text-muted"))
        yield Line(plain(""))
        if view.problem is not None and not view.fields:
            yield Line(plain("As it stands in the list:", "$text-muted"))
            yield Line(plain(view.problem.text, limit=_TEXT))
        for name, cell in view.fields.items():
            label = plain(name, "$text-muted", limit=_NAME)
            gap = " " * max(2, _NAME + 2 - label.cell_length)
            value = plain(cell, limit=_CELL) if cell else plain("empty", "italic $text-disabled")
            yield Line(value, joined(label, gap))


def _verdict(view: RowView) -> Content:
    within = view.matched and view.problem is None
    gets = "+ in: gets a mail" if view.with_row is None else "+ in: goes into another row's mail"
    state = plain(gets, "$text-success") if within else plain("× out: gets no mail", "$text-error")
    return joined(f"Row {view.row:,} (line {view.line:,})   ", state)


def _further(rows: Sequence[int]) -> str:
    """The rows that go into one mail with the row before them."""
    if len(rows) >= GROUP_LIMIT:
        return f"More than {GROUP_LIMIT:,} rows have this address, and no mail is made of so many."
    told = ", ".join(f"{row:,}" for row in rows[:_ROWS])
    more = f" and {len(rows) - _ROWS:,} more" if len(rows) > _ROWS else ""
    return f"{counted(len(rows), 'further row')} {'goes' if len(rows) == 1 else 'go'} into this mail: {told}{more}."


def _explained(explanation: Explanation, depth: int) -> Iterator[Line]:
    mark = plain("+ yes  ", "$text-success") if explanation.held else plain("- no   ", "$text-error")
    line = plain(explanation.text, limit=300)
    if explanation.actual is not None:
        actual = plain(explanation.actual, "bold", limit=80) if explanation.actual else plain("empty", "bold")
        line = joined(line, plain("   it is ", "$text-muted"), actual)
    if explanation.note and explanation.actual:
        line = joined(line, plain(f" ({explanation.note})", "$text-muted"))
    yield Line(line, joined("  " * depth, mark))
    for part in explanation.parts:
        yield from _explained(part, depth + 1)
