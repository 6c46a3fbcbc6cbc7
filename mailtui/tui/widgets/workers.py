"""Owns the table of a send's workers, one row each.

It is drawn as one text, since it changes as a whole several times a second: Textual's table draws each cell by itself
and takes ten times as long.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from mailtui.kit.durations import show_duration
from mailtui.service.views import CampaignView
from mailtui.tui.states import is_live
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.table import Column, Layout, Row, fit, lay_out

_COLUMNS = (
    Column("number", "#", 3, right=True),
    Column("stage", "Stage", 8),
    Column("account", "Account", 12, least=90),
    Column("recipient", "Recipient"),
    Column("sent", "Sent", 7, right=True),
    Column("failed", "Failed", 6, right=True),
    Column("rate", "Rate", 7, right=True),
    Column("age", "Conn.", 7, right=True, least=100),
    Column("gear", "Gear", 18, least=112),
    Column("reply", "Last reply", least=76),
)


class WorkerTable(Vertical):
    """Shows one snapshot after another; when a campaign rests, what each worker has done."""

    DEFAULT_CSS = """
    WorkerTable .heading {
        height: 1;
        background: $panel;
        text-style: bold;
    }

    WorkerTable VerticalScroll {
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }

    WorkerTable .rows {
        height: auto;
    }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._view: CampaignView | None = None
        self.row_count = 0

    def compose(self) -> ComposeResult:
        yield Plain(classes="heading")
        with VerticalScroll():
            yield Plain(classes="rows")

    def show_view(self, view: CampaignView) -> None:
        """Show the workers as the runner saw them last."""
        self._view = view
        self._draw()

    def on_resize(self, _: events.Resize) -> None:
        self.row_count = 0
        self._draw()

    def _draw(self) -> None:
        place = self.query_one(".rows", Plain)
        if not place.size.width:
            return
        view = self._view
        several = view is not None and len(view.accounts) > 1
        columns = _COLUMNS if several else [column for column in _COLUMNS if column.key != "account"]
        layout = lay_out(columns, place.size.width)
        self.query_one(".heading", Plain).show(
            _line([plain(column.title) for column in _COLUMNS], layout), same_size=True
        )
        if view is None:
            return
        lines = [_line(cells, layout) for cells in _rows(view)]
        place.show(joined(*lines, separator="\n"), same_size=len(lines) == self.row_count)
        self.row_count = len(lines)


def _rows(view: CampaignView) -> list[Row]:
    workers = view.snapshot.workers if view.snapshot is not None else ()
    live = is_live(view)
    return [
        (
            plain(str(worker.number), "$text-muted"),
            plain(worker.stage if live else ""),
            plain(worker.account, "$text-muted", limit=12),
            plain(worker.recipient if live else ""),
            plain(f"{worker.sent:,}", "$text-success" if worker.sent else "$text-muted"),
            plain(f"{worker.failed:,}", "$text-error" if worker.failed else "$text-muted"),
            plain(f"{worker.rate:,.1f}/s" if live else ""),
            plain(show_duration(worker.age) if worker.age and live else "", "$text-muted"),
            plain(_gear(worker.gear, worker.window), "$text-muted"),
            plain(worker.reply, "$text-muted"),
        )
        for worker in workers
        if live or worker.sent or worker.failed
    ]


def _gear(gear: str, window: int) -> str:
    return gear if window == 1 else f"{gear}, window {window}"


def _line(cells: Row, layout: Layout) -> Content:
    named = {column.key: cell for column, cell in zip(_COLUMNS, cells, strict=True)}
    return joined(*(_to(fit(named[column.key], width, right=column.right), width + 1) for column, width in layout))


def _to(cell: Content, width: int) -> Content:
    """A cell with blanks after it, up to the next column."""
    return cell.pad_right(width - cell.cell_length)
