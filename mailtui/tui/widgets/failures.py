"""Owns the first reasons why mails of a campaign did not arrive, and how many each kept; for the report."""

from __future__ import annotations

from mailtui.service.archive import Archive
from mailtui.service.views import CampaignView
from mailtui.tui.states import failure_content
from mailtui.tui.text import Plain, joined

_SHOWN = 5


class Failures(Plain):
    """Hidden while there are none."""

    def __init__(self, archive: Archive, *, id: str) -> None:
        super().__init__(id=id)
        self._archive = archive
        self._known: tuple[object, ...] = ()
        """The campaign and the counts whose failures are shown."""

    async def read(self, view: CampaignView) -> None:
        """Read those of a campaign, where its counts have changed since they were read."""
        known = (view.id, view.counts)
        if known == self._known:
            return
        failures = await self._archive.failures(view, _SHOWN)
        self._known = known
        self.display = bool(failures)
        self.show(joined(*(failure_content(*failure) for failure in failures), separator="\n"))
