"""Owns which recipients' domains rest because they asked for it, and when one message may try again.

A domain that says "slow down" rests for as long as the rule about its words says; its rows go back with a due time and
no attempt counted, and all other domains go on. When the rest is over a single message goes first: accepted, it opens
the domain; refused, the domain rests again. What rests is kept in memory only: after a restart the first message to
such a domain hears of it anew.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_SHORTEST_REST = 60.0
_PROBE_EVERY = 60.0
_JITTER = 0.1


@dataclass(slots=True)
class _Rest:
    since: float  # of the first refusal since the last success
    until: float
    probe: int | None = None  # the delivery that tries first
    probe_until: float = 0.0
    heard: float = 0.0  # of the last refusal
    first_is_due: bool = False  # whether a row was told to come back right at the end, to be the probe


class Domains:
    """Shared by the workers of one campaign. Times are seconds of one clock; `scale` shortens the rests in tests."""

    def __init__(self, *, scale: float, give_up_after: float) -> None:
        """`give_up_after`: seconds, not scaled, after which a domain that takes nothing is waited for no longer."""
        self.give_up_after = give_up_after
        self._scale = scale
        self._resting: dict[str, _Rest] = {}

    def __bool__(self) -> bool:
        return bool(self._resting)

    def rest(self, domain: str, seconds: float, now: float) -> None:
        """The domain asked for a pause of so many seconds."""
        until = now + max(_SHORTEST_REST, seconds) * self._scale
        known = self._resting.get(domain)
        since = known.since if known is not None else now
        if known is None or now >= known.until:
            known = self._resting[domain] = _Rest(since, until)
        else:
            known.until = max(known.until, until)  # several were under way to it, and all heard the same
        known.heard = now

    def accepted(self, domain: str) -> None:
        """The domain took a message."""
        self._resting.pop(domain, None)

    def due(self, domain: str, delivery: int, now: float) -> float | None:
        """When this delivery may be tried, or None for now. Asked of each one that is about to be sent."""
        rest = self._resting.get(domain)
        if rest is None:
            return None
        if now < rest.until:
            if not rest.first_is_due:
                rest.first_is_due = True
                return max(rest.until, now + self._pause())
            return rest.until + self._pause()
        if rest.probe in (None, delivery) or now >= rest.probe_until:
            rest.probe = delivery
            rest.probe_until = now + _PROBE_EVERY * self._scale
            return None
        return now + self._pause()

    def given_up(self, domain: str) -> bool:
        """Whether the domain has refused for so long that its mail is given up.

        A machine that slept for days has to hear of it once more first.
        """
        rest = self._resting.get(domain)
        return rest is not None and rest.heard - rest.since > self.give_up_after * self._scale

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds; every rest ends when it would have."""
        for rest in self._resting.values():
            rest.since += by
            rest.until += by
            rest.probe_until += by
            rest.heard += by

    def _pause(self) -> float:
        return _PROBE_EVERY * (1 + random.random() * _JITTER) * self._scale  # noqa: S311

    @property
    def note(self) -> str:
        """What rests, in a few words; empty when nothing does."""
        if not self._resting:
            return ""
        first, others = next(iter(self._resting)), len(self._resting) - 1
        if not others:
            return f"{first} asked for a pause; its mail waits"
        return f"{first} and {others} other domain{'s' if others > 1 else ''} asked for a pause; their mail waits"


def domain_of(address: str) -> str:
    """What stands behind the last @ of an address or key, in small letters."""
    return address.rpartition("@")[2].lower()
