"""Owns that a campaign which is paused for a time goes on by itself, and that a runner stays for it."""

from __future__ import annotations

from mailtui.dispatch.campaign_state import put_on_record
from mailtui.dispatch.tools import Tools
from mailtui.kit.journal import note
from mailtui.outbox.states import CampaignState


class Waking:
    """Looks after the campaigns of an outbox that have a time at which they go on."""

    def __init__(self, tools: Tools, *, only: int | None) -> None:
        """`only`: a runner for one campaign, which ends when that rests, and leaves waiting to others."""
        self._tools = tools
        self._minds = only is None
        self.awaited = False
        """Whether a campaign is to go on by itself later."""

    async def look(self) -> bool:
        """Have those go on whose time has come; whether there were any."""
        if not self._minds:
            return False
        paused = await self._tools.ledger.to_resume()
        now = self._tools.wall()
        due = [campaign for campaign in paused if campaign.resume_at is not None and campaign.resume_at <= now]
        for campaign in due:
            note("campaign goes on by itself", campaign=campaign.number, id=campaign.id)
            await put_on_record(self._tools, campaign.number, CampaignState.RUNNING, "runner")
        self.awaited = len(paused) > len(due)
        return bool(due)
