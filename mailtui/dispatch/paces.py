"""Owns what servers let the accounts of a runner, and their recipient domains, have: who is told of which reply.

What is found out holds for all campaigns of an account, is put on record, and outlasts the runner.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from mailtui.dispatch.adaptive import Adaptive, Known
from mailtui.dispatch.meters import Meters, domain_key
from mailtui.kit.durations import show_moment
from mailtui.kit.safe_text import safe_text
from mailtui.outbox.timed_records import MeterRow, MeterSnapshot
from mailtui.smtp.outcome import Outcome, Scope, SlowDown
from mailtui.smtp.verdict import Verdict

_ACCOUNT = ""  # in the place of a domain
_FIRST_REST = 1.0  # seconds, of an account whose server takes nothing for now
_DOMAINS_FIRST_REST = 60.0  # nobody else waits for a domain
_SEVERAL = 3  # domains that ask for less at the same time: it is said of the account
_AT_THE_SAME_TIME = 5.0  # seconds
_KEPT = 24 * 3600.0  # seconds for which what is on record says something
_OF_INTEREST = 300.0  # seconds since something was heard of a pace that people are told of
_MOST_SHOWN = 8
_RECORDED_EVERY = 5.0  # seconds
_SHOWN = 160  # characters of a server's words


class AccountPaces:
    """Of one account. `who` is a delivery's number. It is false, and nothing need be told it, until a server has asked
    for less.
    """

    def __init__(self, account: str, meters: Meters, *, scale: float, wall: Callable[[], float]) -> None:
        self._account = account
        self._meters = meters
        self._scale = scale
        self._wall = wall
        self._paces: dict[str, Adaptive] = {}  # by domain
        self._domains: dict[int, str] = {}  # of mails under way
        self._under_way: Counter[str] = Counter()
        self._gone: set[str] = set()  # domains of which nothing is known any more, and the record does not know that
        self._asked: deque[tuple[float, str]] = deque()  # the domains that asked for less just now

    def __bool__(self) -> bool:
        return bool(self._paces)

    @property
    def is_unrecorded(self) -> bool:
        """Whether something may have to be put on record."""
        return bool(self._paces or self._gone)

    def of_domain(self, domain: str) -> Adaptive | None:
        """What is known of a domain."""
        return self._paces.get(domain)

    # mails

    def begin(self, who: int, domain: str) -> None:
        """A mail begins; `over` is to be said of it."""
        now = self._wall()
        self._domains[who] = domain
        self._under_way[domain] += 1
        for key in (_ACCOUNT, domain):
            pace = self._paces.get(key)
            if pace is not None:
                pace.begin(now, who)

    def over(self, who: int) -> bool:
        """A mail is under way no more, whatever became of it. Whether others may have waited for that."""
        domain = self._domains.pop(who, None)
        if domain is None:
            return False
        self._under_way[domain] -= 1
        if not self._under_way[domain]:
            del self._under_way[domain]
        for key in (_ACCOUNT, domain):
            pace = self._paces.get(key)
            if pace is not None:
                pace.over(who)
                if pace.at_once is not None:
                    self._meters.line(self._key(key)).changed()
        return True

    def under_way(self, domain: str) -> int:
        """How many mails to a domain are under way, of those that `begin` was said of."""
        return self._under_way[domain]

    def answered(self, who: int, domain: str, *, taken: bool) -> None:
        """A mail got its final word: it was accepted (`taken`), or refused for good."""
        now = self._wall()
        for key in (_ACCOUNT, domain):
            pace = self._paces.get(key)
            if pace is not None and pace.answered(now, who, taken=taken):
                self._changed(key, pace)

    # replies

    def refused(self, verdict: Verdict, outcome: Outcome, *, who: int | None, domain: str, before: float = 0.0) -> None:
        """A reply asks for less. `who` and `domain`: the mail that was refused, None and empty on connecting;
        `before`: messages a second that the account has had accepted lately, 0 where that is not known.
        """
        if outcome.slow is None:
            return
        if outcome.scope is not Scope.DOMAIN:
            self._slow(_ACCOUNT, outcome.slow, verdict, who, before)
            return
        self._slow(domain, outcome.slow, verdict, who, 0.0)
        if not outcome.slow.at_once and self._is_said_of_all(domain):
            self._slow(_ACCOUNT, outcome.slow, verdict, who, before)

    def _slow(self, key: str, slow: SlowDown, verdict: Verdict, who: int | None, before: float) -> None:
        now = self._wall()
        pace = self._paces.get(key)
        if pace is None:
            first_rest = _DOMAINS_FIRST_REST if key else _FIRST_REST
            pace = self._paces[key] = Adaptive(scale=self._scale, first_rest=first_rest)
            self._gone.discard(key)
        name = key or self._account
        asked = "asked for a pause" if slow.at_once else "asked to slow down"
        if not key:
            asked = f"was {asked}"
        at = time.strftime("%H:%M", time.localtime(now))
        if pace.refused(
            slow, f"{name} {asked} at {at}: {safe_text(str(verdict), limit=_SHOWN)}", now, who, before=before
        ):
            self._changed(key, pace)

    def _is_said_of_all(self, domain: str) -> bool:
        """Whether so many domains ask for less at the same time that it must be meant for the account."""
        now = self._wall()
        self._asked.append((now, domain))
        while self._asked[0][0] < now - _AT_THE_SAME_TIME * self._scale:
            self._asked.popleft()
        return len({name for _, name in self._asked}) >= _SEVERAL

    def _changed(self, key: str, pace: Adaptive) -> None:
        if pace.is_open:
            del self._paces[key]
            self._gone.add(key)
        line = self._meters.line(self._key(key))
        line.meter.pace = None if pace.is_open else pace
        line.changed()

    def _key(self, domain: str) -> str:
        return domain_key(self._account, domain) if domain else self._account

    def forgive(self, *, before: float) -> None:
        """A person wants the account to be tried again that was told to rest before a time: one mail goes first."""
        pace = self._paces.get(_ACCOUNT)
        if pace is not None and pace.told_at < before and pace.rests_until is not None:
            pace.try_now(self._wall())
            self._changed(_ACCOUNT, pace)

    # the record, and people

    def take_up(self, domain: str, known: Known) -> None:
        """What is on record of the account (empty), or of a domain."""
        first_rest = _DOMAINS_FIRST_REST if domain else _FIRST_REST
        pace = self._paces[domain] = Adaptive(scale=self._scale, first_rest=first_rest, known=known)
        self._changed(domain, pace)

    def take_unrecorded(self) -> list[tuple[str, Known]]:
        """What is to be put on record, by meter."""
        self._forget_old()
        found = [(self._key(key), known) for key, pace in self._paces.items() if (known := pace.take_unrecorded())]
        found += [(self._key(key), Known(None, "", self._wall())) for key in self._gone]
        self._gone.clear()
        return found

    def _forget_old(self) -> None:
        for key in [key for key, pace in self._paces.items() if not pace.was_heard_of(self._wall() - _KEPT)]:
            del self._paces[key]
            self._gone.add(key)
            self._meters.get(self._key(key)).pace = None

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds."""
        for pace in self._paces.values():
            pace.clock_moved(by)

    @property
    def note(self) -> str:
        """What a campaign's board says of them; empty while nothing is known."""
        if not self._paces:
            return ""
        now = self._wall()
        paces = self._of_interest(now)
        if not paces:
            return ""
        if len(paces) == 1 or _ACCOUNT in paces:
            said, until = paces.get(_ACCOUNT, next(iter(paces.values()))).said(now)
            return said if until is None else f"{said}; waits until {show_moment(until)}"
        domains = f"{len(paces) - 1} other domain{'s' if len(paces) > 2 else ''}"
        return f"{next(iter(paces))} and {domains} asked to slow down; their mail waits its turn"

    def _of_interest(self, now: float) -> dict[str, Adaptive]:
        """Those of which something was heard lately."""
        since = now - _OF_INTEREST * self._scale
        return {key: pace for key, pace in self._paces.items() if pace.was_heard_of(since)}

    def snapshots(self) -> list[MeterSnapshot]:
        """What a person is told of those that matter now."""
        now = self._wall()
        shown = sorted(self._of_interest(now).items())[:_MOST_SHOWN]  # the account first
        return [MeterSnapshot(self._key(key), *pace.said(now)) for key, pace in shown]


class Paces:
    """Shared by all campaigns of a runner. `wall` is epoch seconds."""

    def __init__(
        self, meters: Meters, *, scale: float, wall: Callable[[], float], rows: Iterable[MeterRow] = ()
    ) -> None:
        """`rows` are on record; `scale` shortens all times in tests."""
        self._meters = meters
        self._scale = scale
        self._wall = wall
        self._accounts: dict[str, AccountPaces] = {}
        self._recorded_at = 0.0
        for row in rows:
            self._take_up(row)

    def _take_up(self, row: MeterRow) -> None:
        rests = row.rests_until is not None and row.rests_until > self._wall()
        if row.cap_at is None or (self._wall() - row.cap_at > _KEPT and not rests):
            return
        account, _, domain = row.meter.partition(" ")
        known = Known(row.cap, row.cap_reason, row.cap_at, row.rests_until, row.at_once)
        self.of(account).take_up(domain, known)

    def of(self, account: str) -> AccountPaces:
        """An account's; one and the same for all its campaigns."""
        found = self._accounts.get(account)
        if found is None:
            found = AccountPaces(account, self._meters, scale=self._scale, wall=self._wall)
            self._accounts[account] = found
        return found

    def forgive(self, accounts: Iterable[str], *, before: float = math.inf) -> None:
        """A person wants these to be tried again; `before`: those alone that were told to rest before a time."""
        for account in accounts:
            self.of(account).forgive(before=before)

    @property
    def is_worth_recording(self) -> bool:
        """Whether it is time to put on record what has changed: a pace changes many times a second."""
        return self._wall() - self._recorded_at > _RECORDED_EVERY * self._scale and any(
            paces.is_unrecorded for paces in self._accounts.values()
        )

    def take_unrecorded(self) -> list[tuple[str, Known]]:
        """What is to be put on record, by meter; what is known of it no more is None in all."""
        self._recorded_at = self._wall()
        return [known for paces in self._accounts.values() for known in paces.take_unrecorded()]

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds, and what is on record with it."""
        self._recorded_at += by
        for paces in self._accounts.values():
            paces.clock_moved(by)
