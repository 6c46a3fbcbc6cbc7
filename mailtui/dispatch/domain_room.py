"""Owns whether one account may send to a recipient's domain now: what limits and servers say of single domains.

For most accounts nothing is said, and nothing is asked.
"""

from __future__ import annotations

from mailtui.dispatch.line import Line
from mailtui.dispatch.meter import Wait, WaitKind
from mailtui.dispatch.meters import Meters, campaign_key
from mailtui.dispatch.paces import AccountPaces
from mailtui.kit.words import counted
from mailtui.smtp.limits import Limits

_MOST_KNOWN = 10_000  # domains that are remembered to be of no interest
_WINDOWS = (("per_minute", 60.0), ("per_hour", 3600.0), ("per_day", 24 * 3600.0))


def domain_of(address: str) -> str:
    """What stands behind the last @ of an address or key, in small letters."""
    return address.rpartition("@")[2].lower()


class DomainRoom:
    """Of one account in one campaign. `now` is epoch seconds; domains are in small letters."""

    def __init__(self, meters: Meters, paces: AccountPaces, *, account: str, campaign: str) -> None:
        """`campaign` is its id."""
        self._meters = meters
        self._paces = paces
        self._owners = (account, campaign_key(campaign))
        self._seen = -1
        self._said = False
        self._unsaid: set[str] = set()  # domains of which nothing is said, as most

    def __bool__(self) -> bool:
        """Whether anything is said of a domain."""
        if self._seen != self._meters.changes:
            self._said = any(self._meters.has_domains(owner) for owner in self._owners)
            self._seen = self._meters.changes
            self._unsaid.clear()
        return self._said

    def _lines(self, domain: str) -> list[Line]:
        found = (self._meters.of_domain(owner, domain) for owner in self._owners)
        return [line for line in found if line is not None]

    def _limits(self, domain: str) -> list[Limits]:
        return [self._meters.limits(owner).of_domain(domain) for owner in self._owners]

    def wait(self, domain: str, now: float) -> Wait | None:
        """What keeps a mail to a domain from beginning; None when one may."""
        if domain in self._unsaid:
            return None
        lines = self._lines(domain)
        most = min((limits.connections for limits in self._limits(domain) if limits.connections), default=None)
        if not lines and most is None:
            if self and len(self._unsaid) < _MOST_KNOWN:
                self._unsaid.add(domain)
            return None
        if most is not None and self._paces.under_way(domain) >= most:
            return Wait(None, f"{domain}: {counted(most, 'mail')} at a time", WaitKind.UNDER_WAY)
        waits = [wait for line in lines if (wait := line.meter.wait(now)) is not None]
        timed = [wait for wait in waits if wait.until is not None]
        return max(timed, key=lambda wait: wait.until or 0.0) if timed else next(iter(waits), None)

    def gap(self, domain: str) -> float:
        """Seconds between two mails to a domain, on the whole; 0 where nothing is said of that."""
        gaps = [0.0]
        for limits in self._limits(domain):
            gaps += [1 / limits.rate] if limits.rate else []
            gaps += [limits.min_gap]
            gaps += [span / number for name, span in _WINDOWS if (number := getattr(limits, name))]
        pace = self._paces.of_domain(domain)
        if pace is not None:
            gaps += [pace.gap]
        return max(gaps)

    def rests(self, domain: str) -> bool:
        """Whether a domain asked for a pause, and has taken nothing since."""
        pace = self._paces.of_domain(domain)
        return pace is not None and pace.rests_until is not None

    def refuses_for(self, domain: str) -> float:
        """Seconds for which a domain has taken nothing and asked for less, before any scale."""
        pace = self._paces.of_domain(domain)
        return 0.0 if pace is None else pace.refuses_for
