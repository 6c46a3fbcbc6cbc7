"""Owns the table of a send's workers, one row each."""

from __future__ import annotations

from mailtui.kit.durations import show_duration
from mailtui.service.views import CampaignView
from mailtui.tui.states import is_live
from mailtui.tui.text import plain
from mailtui.tui.widgets.table import Column, KeyedTable

_COLUMNS = (
    Column("number", "#", 3, right=True),
    Column("stage", "Stage", 8),
    Column("recipient", "Recipient"),
    Column("sent", "Sent", 7, right=True),
    Column("failed", "Failed", 6, right=True),
    Column("rate", "Rate", 7, right=True),
    Column("age", "Conn.", 7, right=True, least=70),
    Column("gear", "Stepping", 17, least=116),
    Column("reply", "Last reply", least=76),
)


class WorkerTable(KeyedTable):
    """Shows one snapshot after another; when a campaign rests, what each worker has done."""

    def __init__(self, *, id: str) -> None:
        super().__init__(_COLUMNS, id=id)

    def show_view(self, view: CampaignView) -> None:
        """Show the workers as the runner saw them last."""
        workers = view.snapshot.workers if view.snapshot is not None else ()
        live = is_live(view)
        self.show(
            {
                str(worker.number): (
                    plain(str(worker.number), "$text-muted"),
                    plain(worker.stage if live else ""),
                    plain(worker.recipient if live else ""),
                    plain(f"{worker.sent:,}", "$text-success" if worker.sent else "$text-muted"),
                    plain(f"{worker.failed:,}", "$text-error" if worker.failed else "$text-muted"),
                    plain(f"{worker.rate:,.1f}/s" if live else ""),
                    plain(show_duration(worker.age) if worker.age and live else "", "$text-muted"),
                    plain(worker.gear, "$text-muted"),
                    plain(worker.reply, "$text-muted"),
                )
                for worker in workers
            }
        )
