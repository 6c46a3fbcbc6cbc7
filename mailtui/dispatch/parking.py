"""Owns claims whose recipient's domain has no room now, so that those of other domains go on.

A few of each domain wait at hand, for as long as its next mails may take. The others go back to the outbox and are due
one after the other, as fast as the domain takes them: so they are claimed again about when they can go.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, deque
from collections.abc import Callable

from mailtui.dispatch.domain_room import DomainRoom
from mailtui.dispatch.meter import Wait
from mailtui.dispatch.rendering import Outcome
from mailtui.outbox.records import Claim

_AHEAD = 30.0  # seconds, for which mails of a domain wait at hand
_MOST = 64  # of one domain
_SPREAD = 600.0  # seconds, over which a few rows are spread at the most: a domain may take more by then
_LOOKS = 20.0  # rows a second that are looked at again, where there are many
_JITTER = 0.1
_AFTER_THE_FIRST = 60.0  # seconds; the others come when the first one after a rest has been answered
_UNDER_WAY = 1.0  # seconds, after which it is looked whether mails of other campaigns are through
_SOONEST = 0.001


def gave_up(domain: str) -> str:
    """Why a mail is tried no more whose domain has asked for less, and taken nothing, for too long."""
    return f"gave up: {domain} took no mail"


class Parking:
    """Of one campaign. `wall` is epoch seconds; `scale` shortens all times in tests."""

    def __init__(self, *, wall: Callable[[], float], scale: float, arrived: Callable[[], None]) -> None:
        """`arrived` is called when there may be room for one that waits here."""
        self._wall = wall
        self._scale = scale
        self._arrived = arrived
        self._kept: dict[str, deque[tuple[Claim, Outcome | None]]] = {}  # by domain, with what was rendered
        self._look_at: dict[DomainRoom, float] = {}  # when an account is to look again, at the earliest
        self._last_due: dict[str, float] = {}  # of those that went back, by domain
        self._sent_back: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self.size = 0
        """How many are here."""

    def take(self, room: DomainRoom) -> tuple[Claim, Outcome | None] | None:
        """The next one whose domain has room for a mail of this account."""
        now = self._wall()
        look_at = self._look_at.get(room, 0.0)
        if now < look_at:
            self._arm(look_at - now)  # a timer's clock is another one, and may have been early
            return None
        soonest = now + _AHEAD * self._scale
        for domain, kept in self._kept.items():
            wait = room.wait(domain, now)
            if wait is None:
                return self._pop(domain, kept)
            soonest = min(now + _UNDER_WAY * self._scale if wait.until is None else wait.until, soonest)
        self._look_at[room] = soonest
        self._arm(soonest - now)
        return None

    def _pop(self, domain: str, kept: deque[tuple[Claim, Outcome | None]]) -> tuple[Claim, Outcome | None]:
        del self._kept[domain]
        taken = kept.popleft()
        if kept:
            self._kept[domain] = kept  # at the end: each domain has its turn
        self.size -= 1
        return taken

    def keeps(self, claim: Claim, outcome: Outcome | None, domain: str, wait: Wait, room: DomainRoom) -> bool:
        """Whether it waits here; otherwise it is to go back to the outbox."""
        now = self._wall()
        kept = self._kept.get(domain, ())
        soon = 0.0 if wait.until is None else wait.until - now
        if len(kept) >= _MOST or soon + len(kept) * room.gap(domain) > _AHEAD * self._scale:
            return False
        self._kept.setdefault(domain, deque()).append((claim, outcome))
        self.size += 1
        if wait.until is not None:
            self._look_at[room] = min(self._look_at.get(room, math.inf), wait.until)
            self._arm(wait.until - now)
        return True

    def due(self, domain: str, wait: Wait, room: DomainRoom) -> float:
        """When one that goes back is due, in epoch seconds."""
        now = self._wall()
        begins = now if wait.until is None else max(now, wait.until)
        last = self._last_due.get(domain, 0.0)
        if last < begins:
            self._last_due[domain] = begins
            self._sent_back[domain] = 0
            return begins
        self._sent_back[domain] += 1
        after = last + room.gap(domain) * (1 + (random.random() - 0.5) * _JITTER)  # noqa: S311
        if room.rests(domain):
            after = max(after, begins + _AFTER_THE_FIRST * self._scale)
        longest = begins + max(_SPREAD * self._scale, self._sent_back[domain] / _LOOKS)
        if after > longest:
            return begins + random.random() * (longest - begins)  # noqa: S311
        self._last_due[domain] = after
        return after

    def look(self) -> None:
        """There may be room where there was none."""
        if self._kept:
            self._look_at.clear()
            self._arm(0.0)

    def _arm(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + max(_SOONEST, seconds)
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._kept:
            self._arrived()

    def change(self, changed: Callable[[Claim], Claim]) -> None:
        """Put another claim in the place of each: the clock was put."""
        self._look_at.clear()
        self._last_due.clear()
        for domain, kept in self._kept.items():
            self._kept[domain] = deque((changed(claim), outcome) for claim, outcome in kept)

    def drop(self) -> list[Claim]:
        """Forget them all; whose they were."""
        claims = [claim for kept in self._kept.values() for claim, _ in kept]
        self._kept.clear()
        self.size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return claims
