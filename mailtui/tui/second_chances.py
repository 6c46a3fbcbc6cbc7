"""Owns what a person is asked before mails are sent again or settled, and giving the order; screens only show it."""

from __future__ import annotations

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


async def retry(app: App[Any], service: Service, view: CampaignView, only: Retried | None) -> str | None:
    """Ask whether all who failed are to be tried again; the runner's answer, None when not."""
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
    return await asking_password(app, service, lambda: service.orders.retry(view, only=only))


async def resolve(app: App[Any], service: Service, view: CampaignView, line: ReportLine | None) -> str | None:
    """Ask what became of what is unknown: of the one in this line, or of all; the runner's answer."""
    about = (line.address, line.message_id or "") if line is not None else ("", "")
    resolved = await app.push_screen_wait(ResolveDialog(view.counts.unknown, *about))
    if resolved is None:
        return None
    one = None if resolved.all or line is None else await service.orders.find(view, to=line.address)
    return await asking_password(app, service, lambda: service.orders.resolve(view, resolved.decision, one))


async def correct(app: App[Any], service: Service, view: CampaignView, line: ReportLine) -> str | None:
    """Ask for the right address of one recipient, and send to it; the runner's answer."""

    async def use(address: str) -> str:
        one = await service.orders.find(view, to=line.address)
        return await asking_password(app, service, lambda: service.orders.retry(view, delivery=one, address=address))

    return await app.push_screen_wait(AddressDialog(line, use))
