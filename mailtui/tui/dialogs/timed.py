"""Owns the questions before something that is scheduled goes out at once, or something does not go out at all."""

from __future__ import annotations

from mailtui.service.scheduled_rows import ScheduledKind, ScheduledRow
from mailtui.service.views import CampaignView
from mailtui.tui.dialogs.confirm import ConfirmDialog


def ask_send_now(row: ScheduledRow) -> ConfirmDialog:
    """Whether it is to go out without waiting for its time."""
    people = "everybody on its list" if row.recipients is None else f"{row.recipients:,}"
    lines = [f"It goes to {people}, at once."]
    if row.kind is ScheduledKind.RECURRING:
        lines.append("Its times stay what they are: the next one comes, too.")
    elif row.kind is ScheduledKind.WAITING:
        lines.append("A limit that is reached, or hours that are over, hold it up again.")
    return ConfirmDialog(f"Send {row.name} now?", lines, yes="Send it now", no="Let it wait")


def ask_cancel(row: ScheduledRow) -> ConfirmDialog:
    """Whether it is to be taken back."""
    lines = ["Nobody gets a mail of it."]
    if row.kind is ScheduledKind.RECURRING:
        lines = ["It does not go out again. What it has sent so far is not touched."]
    elif row.kind is ScheduledKind.WAITING:
        lines = ["Who has the mail has it; who waits gets nothing."]
    lines.append("This cannot be undone.")
    return ConfirmDialog(f"Take {row.name} back?", lines, yes="Take it back", no="Leave it")


def ask_stop(view: CampaignView) -> ConfirmDialog:
    """Whether a campaign that has begun is to be stopped for good."""
    no = "Go on sending" if view.state == "running" else "Leave it as it is"
    return ConfirmDialog(f"Stop {view.name} for good?", _what_stopping_does(view), yes="Stop it for good", no=no)


def _what_stopping_does(view: CampaignView) -> list[str]:
    counts = view.counts
    waiting = counts.queued + counts.claimed + counts.deferred
    under_way = f"{counts.in_flight:,} in flight: these finish, and are reported as they end."
    return [
        f"{counts.sent:,} sent: they have their mail.",
        *([under_way] if counts.in_flight else []),
        f"{waiting:,} waiting: these get nothing. The report lists them as cancelled.",
        "",
        "A pause can be undone; this cannot.",
    ]
