"""Owns the table of rows that get no mail, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from mailtui.kit.words import counted
from mailtui.service.lists import AudienceCounts, RowProblem
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable

_WIDEST = 80


class ProblemsDialog(ModalScreen[int | None]):
    """The row to go to, or None."""

    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar = [Binding("escape,p,q", "leave", "Close")]
    DEFAULT_CSS = """
    ProblemsDialog > .dialog { width: 110; }
    ProblemsDialog RowTable { scrollbar-size-horizontal: 0; }
    ProblemsDialog #problem { height: auto; max-height: 4; margin-top: 1; }
    """

    def __init__(self, problems: Sequence[RowProblem], counts: AudienceCounts) -> None:
        super().__init__()
        self._problems = problems
        self._counts = counts

    def compose(self) -> ComposeResult:
        counts = self._counts
        left = counts.problems + counts.duplicates - len(self._problems)
        with Vertical(classes="dialog"):
            yield Plain(
                f"Rows that get no mail: {counts.problems:,} unusable, {counted(counts.duplicates, 'duplicate')}",
                classes="title",
            )
            if left > 0:
                more = f"The first {len(self._problems):,} by line, and {left:,} more: mailtui audience LIST --problems"
                yield Plain(more, classes="muted")
            yield RowTable(id="problems")
            yield Plain(id="problem")
            yield Plain("enter goes to the row   esc closes", classes="muted")

    def on_mount(self) -> None:
        rows = [
            TableRow(number, _row(problem), (f"{problem.line:,}", problem.kind.replace("_", " "), problem.reason))
            for number, problem in enumerate(self._problems)
        ]
        table = self.query_one(RowTable)
        table.show_rows(("line", "kind", "reason"), rows, label="row", widest=_WIDEST)
        table.styles.height = len(rows) + 1
        table.styles.max_height = "50vh"

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        if event.table.rows:
            problem = self._problems[event.table.cursor]
            reason = plain(problem.reason, "$text-error", limit=160)
            self.query_one("#problem", Plain).show(joined(reason, plain(problem.text, limit=300), separator="\n"))

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        self.dismiss(self._problems[event.table.cursor].row)

    def action_leave(self) -> None:
        self.dismiss(None)


def _row(problem: RowProblem) -> str:
    """The number that the row has everywhere else; damage before the first row has none."""
    return "-" if problem.row is None else f"{problem.row:,}"
