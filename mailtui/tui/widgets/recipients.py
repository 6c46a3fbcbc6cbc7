"""Owns the table of recipients in a report, one page at a time."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from mailtui.service.reports import ReportLine, advice_for
from mailtui.tui.states import DELIVERIES
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.table import Column, KeyedTable, Row

_COLUMNS = (
    Column("row", "Row", 7, right=True),
    Column("state", "State", 11),
    Column("address", "Address"),
    Column("attempts", "Tries", 5, right=True, least=100),
    Column("at", "Last change, UTC", 19, least=116),
    Column("said", "Reply or reason"),
)


class RecipientTable(KeyedTable):
    """What became of some recipients."""

    def __init__(self, *, id: str) -> None:
        super().__init__(_COLUMNS, id=id)

    def show_lines(self, lines: Iterable[ReportLine]) -> None:
        """Show this page of the report."""
        self.show({line.name: _row(line) for line in lines})  # a row may stand for two, launched twice


def _row(line: ReportLine) -> Row:
    said = f"{line.code} {line.reply}" if line.code is not None else line.reason
    return (
        plain(f"{line.row:,}", "$text-muted"),
        DELIVERIES[line.state].content,
        plain(line.address if line.copy_of is None else f"{line.address} for {line.copy_of}"),
        plain(str(line.attempts), "$text-muted"),
        plain(line.at[:19].replace("T", " "), "$text-muted"),
        plain(said, "$text-muted" if line.state == "sent" else ""),
    )


def line_content(line: ReportLine) -> Content:
    """All that was said about one recipient, who said what became of it, and what can be done."""
    said = f"{line.code} {line.reply}" if line.code is not None else line.reason
    parts = [plain(line.address, "bold"), plain(f"   {said}" if said else "")]
    if line.account is not None:
        parts.append(plain(f"   through {line.account}", "$text-muted"))
    if line.copy_of is not None:
        parts.append(plain(f"   a copy of the mail to {line.copy_of}", "$text-muted"))
    if line.corrected_from is not None:
        parts.append(plain(f"   instead of {line.corrected_from}", "$text-muted"))
    if line.resolution is not None:
        at = (line.resolved_at or "")[:16].replace("T", " ")
        parts.append(plain(f"   {line.resolution}, said {line.resolved_by} at {at}", "$text-muted"))
    return joined(joined(*parts), plain(advice_for(line), "$text-muted"), separator="\n")
