"""Owns the list of what a check found, the gravest first, and what to do about the one under the cursor.

A finding about rows leads to their mails, one row after another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailtui.service.drafts import CheckFinding
from mailtui.service.lists import CheckReport
from mailtui.tui.states import Look
from mailtui.tui.text import from_home, joined, plain
from mailtui.tui.widgets.wrapped import Line

_LOOKS: Mapping[str, Look] = {
    "error": Look("×", "error", "bold $text-error"),
    "warning": Look("!", "warning", "$text-warning"),
    "note": Look("·", "note", "$text-muted"),
}
_WAYS: Mapping[str, str] = {"bad-rows": "; see why: 2, then p"}
"""What in the app does what a finding's command does."""
_UNDER = Content(" " * 10)  # as wide as a severity and its symbol
_MESSAGE = 400


class Findings(OptionList):
    """What a check found."""

    DEFAULT_CSS = """
    Findings {
        background: $background;
        border: none;
        padding: 0;
        height: auto;
        &:focus { border: none; background-tint: transparent; }
        & > .option-list--option-highlighted { background: $panel; color: $foreground; text-style: none; }
        &:focus > .option-list--option-highlighted { background: $primary-muted; color: $foreground; text-style: bold; }
    }
    """

    BINDINGS: ClassVar = [
        Binding("right,full_stop", "row(1)", "Next row", show=False),
        Binding("left,comma", "row(-1)", "Row before", show=False),
        Binding("f", "only", "Kind", show=False),
        Binding("a", "enlarge", "All", show=False),
    ]

    class Chosen(Message):
        """A finding was chosen, and of the rows it is about this one."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    class Enlarged(Message):
        """More room is asked for, or less again."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._all: tuple[CheckFinding, ...] = ()
        self._found: list[CheckFinding] = []  # those that are shown
        self._only = ""  # the severity of those, '' for all
        self._report: CheckReport | None = None
        self._row = 0  # which row of the one under the cursor was looked at last
        self._open: int | None = None  # the one that says what to do
        self._wrapped_to = 0

    def tell(self, report: CheckReport) -> None:
        """Show what a check found."""
        self._all, self._report, self._only = report.findings, report, ""
        self._found = list(self._all)
        self._show(0)

    @property
    def only(self) -> str:
        """The severity of those that are shown, '' for all."""
        return self._only

    def on_resize(self, _: events.Resize) -> None:
        if self._wrapped_to != self._room:
            self._show(self.highlighted or 0)

    @property
    def _room(self) -> int:
        """How wide a line of a finding may be: Textual leaves a blank on both sides."""
        return self.scrollable_content_region.width - 2

    def _show(self, at: int) -> None:
        self._wrapped_to = self._room
        self._row, self._open = 0, None
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options([Option(self._said(number)) for number in range(len(self._found))])
            if self._found:
                self.highlighted = at
        if self._found:
            self._advise(at)

    def _said(self, number: int, *, advice: bool = False) -> Content:
        finding = self._found[number]
        lines = _line(finding, self._report.whose(finding) if self._report else "").rows(self._wrapped_to)
        if advice and finding.hint:
            advised = Line(plain(from_home(finding.hint), "$text-accent", limit=_MESSAGE), _UNDER)
            lines += advised.rows(self._wrapped_to)
        return Content("\n").join(lines)

    def _advise(self, number: int) -> None:
        """What to do stands below the finding under the cursor, and below no other."""
        if self._open is not None and self._open < len(self._found):
            self.replace_option_prompt_at_index(self._open, self._said(self._open))
        self._open = number
        self.replace_option_prompt_at_index(number, self._said(number, advice=True))

    @on(OptionList.OptionHighlighted)
    def moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index != self._open:
            self._row = 0
            self._advise(event.option_index)

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._row = 0
        self.action_row(0)

    def action_row(self, step: int) -> None:
        """Go to the mail of another row of the finding under the cursor; those that are kept go round."""
        finding = self._found[self.highlighted or 0] if self._found else None
        if finding is not None and finding.rows:
            self._row = (self._row + step) % len(finding.rows)
            self.post_message(self.Chosen(finding.rows[self._row]))

    def action_only(self) -> None:
        """Only errors, only warnings, only notes, or all again: whatever of them there is."""
        kinds = ["", *(kind for kind in _LOOKS if any(finding.severity == kind for finding in self._all))]
        self._only = kinds[(kinds.index(self._only) + 1) % len(kinds)]
        self._found = [finding for finding in self._all if self._only in ("", finding.severity)]
        self._show(0)

    def action_enlarge(self) -> None:
        self.post_message(self.Enlarged())


def summary(report: CheckReport) -> Content:
    """How many findings of each kind."""
    parts = []
    for severity, look in _LOOKS.items():
        count = sum(finding.severity == severity for finding in report.findings)
        if count:
            word = look.word if count == 1 else f"{look.word}s"
            parts.append(plain(f"{look.symbol} {count} {word}", look.style))
    return joined(*parts, separator="  ") if parts else plain("+ nothing to complain about", "$text-success")


def _line(finding: CheckFinding, whose: str) -> Line:
    look = _LOOKS[finding.severity]
    where = from_home(str(finding.place))
    place = plain(f"{where}: ", "$text-accent") if where else plain("")
    said = finding.message + _WAYS.get(finding.code, "")
    text = joined(place, plain(from_home(said), limit=_MESSAGE), plain(f"  [{whose}]" if whose else "", "$text-muted"))
    return Line(text, plain(f"{look.symbol} {look.word:<8}", look.style))
