"""Owns the table of rows that get no mail, and why: any number of them, by line, and into a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted, sentence
from mailtui.service.lists import AudienceCounts, RowProblem, Which
from mailtui.service.workbench import Workbench
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, from_home, joined, plain
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.view_bar import Kind, ViewBar

_WIDEST = 80
_KEYS = "enter goes there   tab other kinds   x into a file   esc closes"
_WRITTEN = "One line each: line, row, kind, reason, original text. End it with .csv."


class ProblemsDialog(ModalScreen[int | None]):
    """The row to go to, or None."""

    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar = [
        Binding("escape,p,q", "leave", "Close"),
        Binding("tab,f", "kind(1)", "Other kinds", show=False),
        Binding("shift+tab,F", "kind(-1)", "Other kinds", show=False),
        Binding("x", "export", "Export", show=False),
    ]
    CSS = """
    ProblemsDialog > .dialog { width: 116; }
    ProblemsDialog ViewBar { padding: 0; }
    ProblemsDialog RowTable { scrollbar-size-horizontal: 0; margin-top: 1; max-height: 50vh; }
    ProblemsDialog #problem { height: auto; max-height: 5; margin-top: 1; }
    ProblemsDialog.-short > .dialog { padding: 0 1; }
    """

    def __init__(self, bench: Workbench, counts: AudienceCounts) -> None:
        super().__init__()
        self._bench = bench
        kinds: list[Kind] = [
            Kind("problems", "unusable", counts.problems, "$text-error"),
            Kind("duplicates", counted(counts.duplicates, "duplicate").partition(" ")[2], counts.duplicates),
            Kind("excluded", "excluded", counts.excluded),
        ]
        self._kinds = [kind for kind in kinds if kind.count]
        self._taken: Which = self._kinds[0].which
        self._found: dict[int, RowProblem] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Rows that get no mail", classes="title")
            yield ViewBar()
            yield RowTable(id="problems")
            yield Plain(id="problem")
            yield Plain(_KEYS, id="said", classes="muted")

    def on_mount(self) -> None:
        self._turn(self._taken)

    def _turn(self, which: Which) -> None:
        """Show the rows of one kind."""
        self._taken, self._found = which, {}
        kind = next(kind for kind in self._kinds if kind.which == which)
        self.query_one(ViewBar).tell(self._kinds, which, plain(""))

        async def fetch(first: int, count: int) -> Sequence[TableRow]:
            problems = await self._bench.problem_page(which, first + 1, count)
            if which == self._taken:
                self._found.update(enumerate(problems, first))
            return [_row(place, problem) for place, problem in enumerate(problems, first)]

        table = self.query_one(RowTable)
        table.show(("line", "kind", "reason"), kind.count, fetch, widest=_WIDEST)
        table.styles.height = min(kind.count, 200) + 1

    @on(RowTable.Moved)
    def moved(self, event: RowTable.Moved) -> None:
        problem = self._found.get(event.table.cursor)
        if problem is not None:
            reason = plain(sentence(problem.reason), "$text-error", limit=200)
            self.query_one("#problem", Plain).show(joined(reason, plain(problem.text, limit=400), separator="\n"))

    @on(RowTable.Chosen)
    def chosen(self, event: RowTable.Chosen) -> None:
        problem = self._found.get(event.table.cursor)
        if problem is not None:
            self.dismiss(problem.row)

    @on(RowTable.Failed)
    def failed(self, event: RowTable.Failed) -> None:
        self._say(event.error)

    @on(ViewBar.Picked)
    def picked(self, event: ViewBar.Picked) -> None:
        self._turn(event.which)

    def action_kind(self, by: int) -> None:
        kinds = [kind.which for kind in self._kinds]
        self._turn(kinds[(kinds.index(self._taken) + by) % len(kinds)])

    def action_export(self) -> None:
        start(self, self._export, "export")

    async def _export(self) -> None:
        """All of them into a new file, whichever kind is shown."""
        total = sum(kind.count for kind in self._kinds)
        opened = self._bench.open_list
        proposed = Path.cwd() / f"{'list' if opened is None else Path(opened.name).stem}-problems.csv"
        dialog = ExportDialog(f"{counted(total, 'row')} that get no mail", proposed, note=_WRITTEN)
        path = await self.app.push_screen_wait(dialog)
        if path is None:
            return
        said = self.query_one("#said", Plain)
        said.show(plain(f"Writing {path.name} ...", "$text-warning"))
        written = await self._bench.save_problems(path)
        said.show(plain(f"{counted(written, 'row')} written to {from_home(str(path))}", "$text-success"))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._say(error)

    def _say(self, error: MailtuiError) -> None:
        told = " ".join(filter(None, (sentence(error.title), error.detail, error.hint)))
        self.query_one("#said", Plain).show(plain(told, "$text-error", limit=400))

    def action_leave(self) -> None:
        self.dismiss(None)


def _row(place: int, problem: RowProblem) -> TableRow:
    """Damage before the first row has no number of its own."""
    label = "-" if problem.row is None else f"{problem.row:,}"
    return TableRow(place, label, (f"{problem.line:,}", problem.kind.replace("_", " "), problem.reason))
