"""Owns how long a launch takes at the least, by the limits that are said of its accounts, of itself and of domains.

What servers take, and what accounts have sent to-day already, comes on top; nobody can say that before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.schedule.window import Window
from mailtui.smtp.limits import Limits

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_MINUTES = 24 * 60
_AT_MOST = 10 * 365 * _DAY
"""Where a span is not looked for any further; a campaign that takes ten years is none."""
_EXACT = 1.0  # seconds
_UNLIMITED = 10**12


@dataclass(frozen=True, slots=True)
class Takes:
    """The least number of `seconds` from the first mail to the last, and whose limits that is for: a half-sentence."""

    seconds: float
    because: str

    def within(self, window: Window) -> Takes:
        """The same where mails go in some hours only: as good as all days are alike, and it begins as those do."""
        open_for = ((window.closes - window.opens) % _MINUTES or _MINUTES) * _MINUTE
        days, rest = divmod(self.seconds, open_for)
        if not days:
            return self
        return Takes(days * 7 / len(window.days) * _DAY + rest, f"{self.because}, in its hours ({window.words})")


def takes(
    members: Sequence[Member], plan: SendPlan, mails: int, to_domains: Mapping[str, int], now: datetime
) -> Takes | None:
    """How long so many mails take; None where no limit is in their way. `to_domains`: how many of them go to domains
    that have limits of their own; `now`: when the first is sent, in local time.
    """
    found = [
        Takes(seconds, because)
        for limits, count, because in _in_the_way(members, plan, mails, to_domains)
        if (seconds := _least(limits, count, now)) > 0
    ]
    return max(found, key=lambda one: one.seconds, default=None)


def named_domains(members: Sequence[Member], plan: SendPlan) -> frozenset[str]:
    """The domains that have limits of their own, in small letters."""
    everybodys = (plan.all_limits, *(member.limits for member in members))
    return frozenset(name for limits in everybodys for name, _ in limits.per_domain)


def _in_the_way(
    members: Sequence[Member], plan: SendPlan, mails: int, to_domains: Mapping[str, int]
) -> Iterator[tuple[list[Limits], int, str]]:
    """(limits of those who share the work, mails, whose limits that is)."""
    names = " and ".join(member.name or member.endpoint.host for member in members)
    yield [member.limits for member in members], mails, f"by the limits of {names}"
    yield [plan.all_limits], mails, "by the campaign's own limits"
    for domain, count in to_domains.items():
        yield [member.limits.of_domain(domain) for member in members], count, f"by the limits for {domain} of {names}"
        yield [plan.all_limits.of_domain(domain)], count, f"by the campaign's own limits for {domain}"


def _least(limits: Sequence[Limits], mails: int, now: datetime) -> float:
    """The shortest time in which they let so many mails through, in seconds."""

    def enough(seconds: float) -> bool:
        return sum(_let_through(one, seconds, now) for one in limits) >= mails

    if enough(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while not enough(high) and high < _AT_MOST:
        low, high = high, high * 2
    while high - low > _EXACT / 2:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _let_through(limits: Limits, seconds: float, now: datetime) -> int:
    """How many mails these limits let through at the most from now until so many seconds later."""
    counts = [_UNLIMITED]
    if limits.rate is not None:
        counts.append(limits.burst + int(limits.rate * seconds))
    for most, span in ((limits.per_minute, _MINUTE), (limits.per_hour, _HOUR), (limits.per_day, _DAY)):
        if most is not None:
            counts.append(most * (1 + int(seconds / span)))
    if limits.min_gap:
        counts.append(1 + int(seconds / (limits.min_gap * (1 + limits.jitter / 2))))
    if limits.batch is not None:
        counts.append(limits.batch.size * (1 + int(seconds / limits.batch.rest)))
    if limits.warm_up is not None:
        today, last = now.date(), (now + timedelta(seconds=seconds)).date()
        first = limits.warm_up.first(None, today)
        days = ((today + timedelta(days=nth)) for nth in range((last - today).days + 1))
        counts.append(sum(limits.warm_up.day(first, day) for day in days))
    return min(counts)
