"""Owns ringing when a campaign has come to rest while the app is open, in whatever room it is, and nobody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from mailtui.errors import MailtuiError
from mailtui.kit.ringing import ringing
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.herald import in_short, is_worth_a_ring
from mailtui.service.views import CampaignView

_EVERY = 1.0
_ENDS = ("finished", "cancelled")


class Endings:
    """Looks after the campaigns that are being sent. `write` puts a text for the terminal out as it is."""

    def __init__(self, service: Service, write: Callable[[str], None], looks: Callable[[], bool]) -> None:
        """`looks`: whether somebody looks at the app."""
        self._service = service
        self._archive = Archive(service)
        self._write = write
        self._looks = looks
        self._under_way: dict[str, float] = {}

    async def watch(self) -> None:
        """Until it is cancelled. Reads nothing while nobody writes into the outbox, nor where there is none."""
        try:
            while True:
                try:
                    await self._look()
                except MailtuiError:
                    self._under_way.clear()  # the rooms tell what is wrong with the outbox, which may be mended
                await asyncio.sleep(_EVERY)
        finally:
            self._archive.close()

    async def _look(self) -> None:
        if self._service.outbox.path.exists():  # looking makes none
            active = await self._archive.active_campaigns()
            if active is not None:
                await self._take(active)

    async def _take(self, active: list[str]) -> None:
        now = time.monotonic()
        for campaign in [one for one in self._under_way if one not in active]:
            view, waited = await self._service.view(campaign), now - self._under_way.pop(campaign)
            wanted = self._service.settings.spec.notify.terminal
            if _is_over(view) and is_worth_a_ring(wanted, waited, looks=self._looks()):
                text = f"{view.name}: {in_short(view.state, view.counts, view.reason)}"
                self._write(ringing(text, self._service.environ))
        for campaign in active:
            self._under_way.setdefault(campaign, now)


def _is_over(view: CampaignView) -> bool:
    """Whether it has ended, or waits for somebody; a person who paused it knows."""
    return view.state in _ENDS or (view.state == "paused" and view.campaign.held and view.resume_at is None)
