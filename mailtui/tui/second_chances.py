"""Owns what a person is asked before mails are sent again or settled, and giving the order; screens only show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.app import App

from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.orders import Retried
from mailtui.service.reports import ReportLine
from mailtui.service.views import CampaignView
from mailtui.tui.dialogs.address import AddressDialog
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.dialogs.resolve import ResolveDialog
from mailtui.tui.text import plain


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that was given: what is told of it, and whether so much mail goes out by it that it is watched."""

    answer: str
    sends: bool


async def retry(app: App[Any], service: Service, view: CampaignView, only: Retried | None) -> Ordered | None:
    """Ask whether all who failed are to be tried again; None when not."""
    counts = {"failed": view.counts.failed, "deferred": view.counts.deferred}
    chosen = {state: count for state, count in counts.items() if count and only in (None, state)}
    what = " and ".join(f"{count:,} {state}" for state, count in chosen.items())
    total = sum(chosen.values())
    asked = ConfirmDialog(
        f"Send {counted(total, 'mail')} again?",
        [plain(f"{what}. None of them was taken by the server. a corrects a single address.")],
        yes="Send again",
        no="Leave it",
    )
    if not await app.push_screen_wait(asked):
        return None
    answer = await asking_password(app, service, lambda: service.orders.retry(view, only=only))
    return Ordered(answer, not _paused(view))


async def resolve(app: App[Any], service: Service, view: CampaignView, line: ReportLine | None) -> Ordered | None:
    """Ask what became of what is unknown: of the one in this line, or of all; None when that is not said."""
    about = (line.address, line.message_id or "") if line is not None else ("", "")
    resolved = await app.push_screen_wait(ResolveDialog(view.counts.unknown, *about))
    if resolved is None:
        return None
    one = None
    if line is not None and not resolved.all:
        one = await service.orders.find(view, to=line.address, copy_of=line.copy_of)
    answer = await asking_password(app, service, lambda: service.orders.resolve(view, resolved.decision, one))
    return Ordered(answer, resolved.decision == "resend" and not _paused(view))


async def correct(app: App[Any], service: Service, view: CampaignView, line: ReportLine) -> Ordered | None:
    """Ask for the right address of one recipient, and send to it; None when none is given.

    Nobody is led away by it: there may be more of them to be corrected, one after another.
    """
    taken = ""

    async def use(address: str) -> str:
        nonlocal taken
        taken = address
        one = await service.orders.find(view, to=line.address, copy_of=line.copy_of)
        return await asking_password(app, service, lambda: service.orders.retry(view, delivery=one, address=address))

    answer = await app.push_screen_wait(AddressDialog(line, use))
    if answer is None:
        return None
    when = "when the campaign goes on" if _paused(view) else "now"
    return Ordered(f"it goes out to {taken} {when}", sends=False)


def _paused(view: CampaignView) -> bool:
    """What is queued for a paused campaign waits until somebody goes on with it."""
    return view.state == "paused"
