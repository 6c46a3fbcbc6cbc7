"""Owns the table of recipients in a report, one page at a time."""

from __future__ import annotations

from collections.abc import Iterable

from mailtui.service.reports import ReportLine
from mailtui.tui.states import DELIVERIES
from mailtui.tui.text import plain
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
        self.show({str(line.row): _row(line) for line in lines})


def _row(line: ReportLine) -> Row:
    said = f"{line.code} {line.reply}" if line.code is not None else line.reason
    return (
        plain(f"{line.row:,}", "$text-muted"),
        DELIVERIES[line.state].content,
        plain(line.address),
        plain(str(line.attempts), "$text-muted"),
        plain(line.at[:19].replace("T", " "), "$text-muted"),
        plain(said, "$text-muted" if line.state == "sent" else ""),
    )
