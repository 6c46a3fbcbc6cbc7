"""Owns the list of what a check found, the gravest first; a finding about rows leads to the first of them."""

from __future__ import annotations

from collections.abc import Mapping

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailtui.service.drafts import CheckFinding
from mailtui.service.lists import CheckReport
from mailtui.tui.states import Look
from mailtui.tui.text import joined, plain

_LOOKS: Mapping[str, Look] = {
    "error": Look("×", "error", "bold $text-error"),
    "warning": Look("!", "warning", "$text-warning"),
    "note": Look("·", "note", "$text-muted"),
}
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
        &:focus { border: none; }
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

    def tell(self, report: CheckReport) -> None:
        """Show what a check found."""
        self._found = report.findings
        self.clear_options()
        self.add_options([Option(_content(finding)) for finding in report.findings])
        if report.findings:
            self.highlighted = 0

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


def _content(finding: CheckFinding) -> Content:
    look = _LOOKS[finding.severity]
    place = plain(f"{finding.place}: ", "$text-accent") if str(finding.place) else plain("")
    return joined(
        plain(f"{look.symbol} {look.word:<8}", look.style),
        place,
        plain(finding.message, limit=_MESSAGE),
        plain(_rows(finding), "$text-muted"),
    )


def _rows(finding: CheckFinding) -> str:
    if not finding.rows:
        return ""
    shown = ", ".join(f"{row:,}" for row in finding.rows[:_ROWS])
    more = f" and {finding.count - _ROWS:,} more" if finding.count > _ROWS else ""
    return f"  [row {shown}]" if finding.count == 1 else f"  [rows {shown}{more}]"
