"""Owns the list of what a check found, the gravest first; a finding about rows leads to the first of them."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events, on
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailtui.service.drafts import CheckFinding
from mailtui.service.lists import CheckReport
from mailtui.tui.states import Look
from mailtui.tui.text import from_home, joined, plain
from mailtui.tui.widgets.wrapped import Line, folded

_LOOKS: Mapping[str, Look] = {
    "error": Look("×", "error", "bold $text-error"),
    "warning": Look("!", "warning", "$text-warning"),
    "note": Look("·", "note", "$text-muted"),
}
_WAYS: Mapping[str, str] = {"bad-rows": "; see why: 2, then p"}
"""What in the app does what a finding's command does."""
_ROWS = 5
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

    class Chosen(Message):
        """A finding was chosen; `row` is the first it is about."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._found: tuple[CheckFinding, ...] = ()
        self._wrapped_to = 0

    def tell(self, report: CheckReport) -> None:
        """Show what a check found."""
        self._found = report.findings
        self._show(0)

    def on_resize(self, _: events.Resize) -> None:
        if self._wrapped_to != self._room:
            self._show(self.highlighted or 0)

    @property
    def _room(self) -> int:
        """How wide a line of a finding may be: Textual leaves a blank on both sides."""
        return self.scrollable_content_region.width - 2

    def _show(self, at: int) -> None:
        self._wrapped_to = self._room
        self.clear_options()
        for finding in self._found:
            self.add_option(Option(Content("\n").join(folded(_line(finding), self._wrapped_to))))
        if self._found:
            self.highlighted = at

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        finding = self._found[event.option_index]
        if finding.rows:
            self.post_message(self.Chosen(finding.rows[0]))


def summary(report: CheckReport) -> Content:
    """How many findings of each kind."""
    parts = []
    for severity, look in _LOOKS.items():
        count = sum(finding.severity == severity for finding in report.findings)
        if count:
            word = look.word if count == 1 else f"{look.word}s"
            parts.append(plain(f"{look.symbol} {count} {word}", look.style))
    return joined(*parts, separator="  ") if parts else plain("+ nothing to complain about", "$text-success")


def _line(finding: CheckFinding) -> Line:
    look = _LOOKS[finding.severity]
    where = from_home(str(finding.place))
    place = plain(f"{where}: ", "$text-accent") if where else plain("")
    said = finding.message + _WAYS.get(finding.code, "")
    text = joined(place, plain(from_home(said), limit=_MESSAGE), plain(_rows(finding), "$text-muted"))
    return Line(text, plain(f"{look.symbol} {look.word:<8}", look.style))


def _rows(finding: CheckFinding) -> str:
    if not finding.rows:
        return ""
    shown = ", ".join(f"{row:,}" for row in finding.rows[:_ROWS])
    more = f" and {finding.count - _ROWS:,} more" if finding.count > _ROWS else ""
    return f"  [row {shown}]" if finding.count == 1 else f"  [rows {shown}{more}]"
