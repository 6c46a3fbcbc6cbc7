"""Owns that nothing of a campaign is sent outside the hours it may be sent in: nobody's mark is asked for then, and one
that comes too late is not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from mailtui.errors import OutboxError
from mailtui.outbox.records import Campaign
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.window import Window
from mailtui.schedule.words import show_moment
from mailtui.schedule.zones import zone_named

CLOSED = "sending window closed"
"""How the reason begins for which a campaign waits for its hours."""

_MARGIN = 1.0
"""Seconds before it closes in which no mark is asked for any more: a commit may have to wait for the disk."""


class SendingWindow:
    """The hours of one campaign, by the clocks of its zone; all hours where its schedule names none. `wall` is epoch
    seconds.
    """

    def __init__(self, campaign: Campaign, wall: Callable[[], float]) -> None:
        """Raises `OutboxError`."""
        self._window: Window | None = None
        self._zone = ""
        self._wall = wall
        self._from = self._until = 0.0
        """It is open from this time until that, as far as it was looked at: everybody asks who sends a mail."""
        self.take_over(campaign)

    def take_over(self, campaign: Campaign) -> None:
        """Go by the hours that a campaign's schedule names by now. Raises `OutboxError`, and changes nothing then."""
        try:
            said = Schedule.from_json(campaign.schedule)
            if said.window is not None:
                zone_named(said.timezone)
        except ValueError as error:
            raise OutboxError(f"The schedule of {campaign.id} cannot be read", detail=str(error)) from error
        self._window, self._zone = said.window, said.timezone
        self._from = self._until = 0.0

    def is_open(self, spare: float = _MARGIN) -> bool:
        """Whether a mail may be marked now, with so many seconds to `spare`."""
        if self._window is None:
            return True
        now = self._wall()
        if not self._from <= now < self._until:
            self._from, self._until = now, self._window.closes_at(now, self._zone)
        return now < self._until - spare

    def is_past(self) -> bool:
        """Whether it has closed, also for a mail whose mark was asked for in time."""
        return not self.is_open(spare=0.0)

    def closes_in(self) -> float:
        """For how many seconds marks may be asked for; 0.0 or less for not at all, infinity for ever."""
        if self._window is None:
            return math.inf
        return self._until - _MARGIN - self._wall() if self.is_open() else 0.0

    def opens_at(self) -> float:
        """When the next mail may be marked, in epoch seconds: now, where it is open."""
        now = self._wall()
        if self._window is None or self.is_open():
            return now
        return self._window.opens_at(self._window.closes_at(now, self._zone), self._zone)

    @property
    def note(self) -> str:
        """What a person reads while it is closed, or comes to rest for hours that were just taken away."""
        if self._window is None:
            return "sending window taken away; it goes on"
        return f"{CLOSED}; opens {show_moment(self.opens_at(), self._zone)}"
