"""Owns the list of what is to go out, with how long it is until then, and all that is known of the one under the
cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable

from mailtui.kit.words import counted, sentence
from mailtui.service.scheduled_rows import ScheduledKind, ScheduledRow
from mailtui.service.schedules import countdown
from mailtui.service.views import now
from mailtui.tui.states import CAMPAIGNS, Look
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.coming import upcoming_lines
from mailtui.tui.widgets.table import Column, KeyedTable, Row

MOST = 200
"""How many are listed; the first to come."""
_COLUMNS = (
    Column("kind", "What", 12),
    Column("name", "Campaign"),
    Column("away", "Goes out", 16, right=True),
    Column("when", "At", 28, least=76),
    Column("people", "To", 9, right=True, least=90),
    Column("late", "Late", 8, right=True, least=110),
)
_LOOKS: Mapping[ScheduledKind, Look] = {
    ScheduledKind.ONCE: CAMPAIGNS["scheduled"],
    ScheduledKind.RECURRING: Look("°", "recurring", "$text-accent"),
    ScheduledKind.WAITING: Look("~", "waiting", "$text-warning"),
}
_TALL = 30
_LEAD = 6  # columns before the next times


class ComingList(Vertical):
    """`show` says what is to come; `tick` has the time go on."""

    DEFAULT_CSS = """
    ComingList { height: 1fr; }
    ComingList #coming-rows { height: 1fr; min-height: 3; padding: 0 1; background: $background; }
    ComingList #coming-row { height: auto; max-height: 10; padding: 0 1; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: dict[str, ScheduledRow] = {}

    def compose(self) -> ComposeResult:
        yield KeyedTable(_COLUMNS, id="coming-rows")
        yield Plain(id="coming-row")

    @property
    def row(self) -> ScheduledRow | None:
        """The one under the cursor."""
        key = self.query_one(KeyedTable).key
        return None if key is None else self._rows.get(key)

    def show(self, rows: Sequence[ScheduledRow]) -> None:
        """Show these, in their order."""
        self._rows = {row.id: row for row in rows[:MOST]}
        self.tick()

    def tick(self) -> None:
        """Say anew how long it is until each of them."""
        at = now()
        self.query_one(KeyedTable).show({key: _cells(row, at) for key, row in self._rows.items()})
        self._tell()

    def on_resize(self, _: events.Resize) -> None:
        self._tell()

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._tell()
        self.screen.refresh_bindings()

    def _tell(self) -> None:
        row = self.row
        place = self.query_one("#coming-row", Plain)
        place.display = row is not None
        if row is not None:
            size = self.app.size
            lines = _facts(row, now(), tall=size.height >= _TALL, width=size.width - 2)
            place.show(joined(*lines, separator="\n"))


def _cells(row: ScheduledRow, at: float) -> Row:
    look = CAMPAIGNS["paused"] if row.at is None else _LOOKS[row.kind]
    away, style = _away(row, at)
    return (
        look.content,
        plain(row.name, "bold"),
        plain(away, style),
        plain(row.due.partition(" (")[0], "$text-muted"),
        plain("" if row.recipients is None else f"{row.recipients:,}", "$text-muted"),
        plain(row.late, "$text-muted"),
    )


def _away(row: ScheduledRow, at: float) -> tuple[str, str]:
    """How long it is until it goes out, as of now and not of when it was read."""
    if row.at is None:
        return "asks", "$text-warning"
    left = row.at - at
    return (f"in {countdown(left)}", "$text-accent") if left > 0 else (f"{countdown(-left)} ago", "$text-warning")


def _facts(row: ScheduledRow, at: float, *, tall: bool, width: int) -> Iterator[Content]:
    """What is known of one: what it waits for, when, what comes after, and what became of the last one."""
    people = "its list is read each time" if row.recipients is None else counted(row.recipients, "recipient")
    sent = f", sent {counted(row.runs, 'time')}" if row.runs else ""
    late = f", the last one {row.late} after its time" if row.late else ""
    yield joined(plain(f"{row.id}  "), plain(row.name, "bold", limit=60), plain(f", {people}{sent}{late}"))
    if row.words:
        yield plain(sentence(row.words[:1].upper() + row.words[1:]), limit=300)
    if row.reason and row.reason != row.words:
        yield plain(sentence(row.reason[:1].upper() + row.reason[1:]), "$text-warning", limit=400)
    if row.upcoming and (tall or any(one.note for one in row.upcoming)):
        yield from upcoming_lines(row.upcoming, at)
    elif row.upcoming:
        yield from in_rows([one.said.partition(" (")[0] for one in row.upcoming], width)
    elif row.at is not None and row.kind is ScheduledKind.WAITING:
        yield joined(plain("next  ", "$text-muted"), plain(row.due))


def in_rows(times: Sequence[str], width: int) -> Iterator[Content]:
    """The next times, as many side by side as there is room for, in two lines at most."""
    beside = max(1, (width - _LEAD + 2) // (max(map(len, times)) + 2))
    yield joined(plain(f"{'next':<{_LEAD}}", "$text-muted"), plain("  ".join(times[:beside])))
    if further := times[beside : 2 * beside]:
        yield plain(" " * _LEAD + "  ".join(further))
