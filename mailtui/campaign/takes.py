"""Owns how long a launch takes at the least, by the limits that are said of its accounts, of itself and of domains,
and by what accounts have sent before.

What servers take comes on top, and what other campaigns send meanwhile; nobody can say that before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mailtui.dispatch.members import Member
from mailtui.dispatch.meters import domain_key
from mailtui.dispatch.plan import SendPlan
from mailtui.schedule.window import Window
from mailtui.smtp.limits import Limits, WarmUp

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_MINUTES = 24 * 60
_AT_MOST = 10 * 365 * _DAY
"""Where a span is not looked for any further; a campaign that takes ten years is none."""
_EXACT = 1.0  # seconds
_UNLIMITED = 10**12


@dataclass(frozen=True, slots=True)
class Sent:
    """What an account, or a domain of it, has sent lately when the first mail goes: (seconds ago, mails), and on which
    day its first mail was.
    """

    mails: tuple[tuple[float, int], ...] = ()
    first: date | None = None

    def within(self, seconds: float) -> int:
        """How many mails went out in the last so many seconds."""
        return sum(mails for ago, mails in self.mails if ago < seconds)


_NOTHING = Sent()
_Side = tuple[Limits, Sent]


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
    members: Sequence[Member],
    plan: SendPlan,
    mails: int,
    to_domains: Mapping[str, int],
    now: datetime,
    sent: Mapping[str, Sent] | None = None,
) -> Takes | None:
    """How long so many mails take; None where no limit is in their way. `to_domains`: how many of them go to domains
    that have limits of their own; `now`: when the first is sent, in local time; `sent`: what was sent before, by the
    keys of meters.
    """
    ways = _in_the_way(members, plan, mails, to_domains, sent or {})
    found = [least for limits, count, because in ways if (least := _by(limits, count, because, now)) is not None]
    return max(found, key=lambda one: one.seconds, default=None)


def _by(limits: Sequence[_Side], mails: int, because: str, now: datetime) -> Takes | None:
    seconds = _least(limits, mails, now)
    if not seconds:
        return None
    lately = seconds - _least([(one, _NOTHING) for one, _ in limits], mails, now) >= _EXACT
    return Takes(seconds, f"{because} and what was sent lately" if lately else because)


def named_domains(members: Sequence[Member], plan: SendPlan) -> frozenset[str]:
    """The domains that have limits of their own, in small letters."""
    everybodys = (plan.all_limits, *(member.limits for member in members))
    return frozenset(name for limits in everybodys for name, _ in limits.per_domain)


def _in_the_way(
    members: Sequence[Member], plan: SendPlan, mails: int, to_domains: Mapping[str, int], sent: Mapping[str, Sent]
) -> Iterator[tuple[list[_Side], int, str]]:
    """(limits of those who share the work, mails, whose limits that is)."""
    names = " and ".join(member.name or member.endpoint.host for member in members)
    yield [(one.limits, sent.get(one.name, _NOTHING)) for one in members], mails, f"by the limits of {names}"
    yield [(plan.all_limits, _NOTHING)], mails, "by the campaign's own limits"
    for domain, count in to_domains.items():
        theirs = [(one.limits.of_domain(domain), sent.get(domain_key(one.name, domain), _NOTHING)) for one in members]
        yield theirs, count, f"by the limits for {domain} of {names}"
        yield [(plan.all_limits.of_domain(domain), _NOTHING)], count, f"by the campaign's own limits for {domain}"


def _least(limits: Sequence[_Side], mails: int, now: datetime) -> float:
    """The shortest time in which they let so many mails through, in seconds."""

    def enough(seconds: float) -> bool:
        return sum(_let_through(one, sent, seconds, now) for one, sent in limits) >= mails

    if enough(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while not enough(high) and high < _AT_MOST:
        low, high = high, high * 2
    while high - low > _EXACT / 2:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _let_through(limits: Limits, sent: Sent, seconds: float, now: datetime) -> int:
    """How many mails these limits let through at the most from now until so many seconds later."""
    counts = [_UNLIMITED]
    if limits.rate is not None:
        counts.append(limits.burst + int(limits.rate * seconds))
    for most, span in ((limits.per_minute, _MINUTE), (limits.per_hour, _HOUR), (limits.per_day, _DAY)):
        if most is not None:
            whole, rest = divmod(seconds, span)
            counts.append(most * int(whole) + max(0, most - sent.within(span - rest)))
    if limits.min_gap:
        counts.append(1 + int(seconds / (limits.min_gap * (1 + limits.jitter / 2))))
    if limits.batch is not None:
        counts.append(limits.batch.size * (1 + int(seconds / limits.batch.rest)))
    if limits.warm_up is not None:
        counts.append(_warmed_up(limits.warm_up, sent, seconds, now))
    return min(counts)


def _warmed_up(warm_up: WarmUp, sent: Sent, seconds: float, now: datetime) -> int:
    """In any 24 hours no more than the number of the day on which they end."""
    first = warm_up.first(sent.first, now.date())

    def number(after: float) -> int:
        return warm_up.day(first, (now + timedelta(seconds=after)).date())

    whole, rest = divmod(seconds, _DAY)
    others = sum(number(seconds - nth * _DAY) for nth in range(int(whole)))
    return others + max(0, number(rest) - sent.within(_DAY - rest))
