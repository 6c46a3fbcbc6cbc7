"""Owns all meters of a runner, by key: what is on record of them, and what limits they have.

Keys: `acme` is an account, `acme gmail.com` a recipient domain of it, `campaign:ID` a campaign, `campaign:ID gmail.com`
a recipient domain of that. An account's limits are the account's alone, whatever campaign uses it: faces put them on
record, and a runner that lives takes them over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from mailtui.dispatch.line import Line
from mailtui.dispatch.meter import Meter
from mailtui.outbox.timed_records import MeterRow, SentSlot
from mailtui.smtp.limits import NO_LIMITS, Limits


def campaign_key(campaign: str) -> str:
    """The key of a campaign's meter, by its id."""
    return f"campaign:{campaign}"


def domain_key(owner: str, domain: str) -> str:
    """The key of the mails of an account or campaign to one recipient domain."""
    return f"{owner} {domain}"


class Meters:
    """Shared by all campaigns of a runner. `wall` is epoch seconds."""

    def __init__(
        self,
        *,
        wall: Callable[[], float],
        rows: Iterable[MeterRow] = (),
        sent: Iterable[SentSlot] = (),
        changed: Callable[[str], None] = lambda _key: None,
    ) -> None:
        """`rows` and `sent` (the oldest slot first) are what is on record; `changed` hears of a meter's key whose
        limits are others.
        """
        self._wall = wall
        self._changed = changed
        self._lines: dict[str, Line] = {}
        self._with_domains: set[str] = set()
        self._limits: dict[str, Limits] = {}
        self._on_record: set[str] = set()  # whose limits were put on record
        self._rows: dict[str, MeterRow] = {}
        self._sent: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for meter, slot, mails in sent:
            self._sent[meter].append((slot, mails))
        self.changes = 0
        """Grows whenever there is a meter more, or limits are others: who keeps a list of meters asks anew."""
        self.take_over(rows)

    def __iter__(self) -> Iterator[Meter]:
        return (line.meter for line in self._lines.values())

    # limits

    def take_over(self, rows: Iterable[MeterRow]) -> set[str]:
        """What is on record now; limits that a face has put there hold from now on. Whose limits that changed."""
        changed = set()
        for row in rows:
            self._rows.setdefault(row.meter, row)
            if row.limits:
                self._on_record.add(row.meter)
                if self._put(row.meter, Limits.from_json(row.limits)):
                    changed.add(row.meter)
        return changed

    def propose(self, owner: str, limits: Limits) -> None:
        """What a campaign says of an account's limits, from the time when they were not on record: it holds where
        nothing is.
        """
        if owner not in self._on_record:
            self._put(owner, limits)

    def put(self, owner: str, limits: Limits) -> None:
        """What holds for an account, or a campaign, from now on."""
        self._on_record.add(owner)
        self._put(owner, limits)

    def put_own(self, campaign: str, limits: Limits, *, begun: bool) -> None:
        """Have a campaign's own limits hold, by its id. Where it has begun without being counted, nobody knows what it
        has sent just now, and there is no burst to its credit.
        """
        key = campaign_key(campaign)
        self.put(key, limits)
        if begun and limits.is_counted and self.get(key).last_at is None:
            self.get(key).load((), first_at=None, last_at=self._wall())

    def _put(self, owner: str, limits: Limits) -> bool:
        before = self.limits(owner)
        if before == limits:
            return False
        self._limits[owner] = limits
        now = self._wall()
        domains = {name for name, _ in (*before.per_domain, *limits.per_domain)}
        for key, new in [(owner, limits), *((domain_key(owner, name), limits.of_domain(name)) for name in domains)]:
            if key in self._lines:
                self._lines[key].meter.set(new, now)
                self._lines[key].changed()
        self.changes += 1
        self._changed(owner)
        return True

    def limits(self, owner: str) -> Limits:
        """What holds for an account or a campaign."""
        return self._limits.get(owner, NO_LIMITS)

    # meters

    def line(self, key: str) -> Line:
        """The line of those who wait for a meter; there is one for every key."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(self._load(key), self._wall)
            owner, _, domain = key.partition(" ")
            if domain:
                self._with_domains.add(owner)
            self.changes += 1
        return line

    def get(self, key: str) -> Meter:
        """The meter of a key, as it is on record; it counts from now on."""
        return self.line(key).meter

    def known(self, key: str) -> Line | None:
        """The line of a key where anything is said or known of it: there are limits, or somebody has asked for it."""
        found = self._lines.get(key)
        return self.line(key) if found is None and self._limits_of(key).is_counted else found

    def has_domains(self, owner: str) -> bool:
        """Whether anything is said or known of the mails of an owner to single domains."""
        return bool(self.limits(owner).per_domain) or owner in self._with_domains

    def of_domain(self, owner: str, domain: str) -> Line | None:
        """That of an owner's mails to a domain."""
        return self.known(domain_key(owner, domain))

    def _limits_of(self, key: str) -> Limits:
        owner, _, domain = key.partition(" ")
        return self.limits(owner).of_domain(domain) if domain else self.limits(owner)

    def _load(self, key: str) -> Meter:
        return meter_on_record(key, self._limits_of(key), self._rows.pop(key, None), self._sent.pop(key, ()))

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds, and what is on record with it."""
        for key in [*self._rows, *self._sent]:
            self.get(key)  # what waits to be asked for counts by the old clock
        for meter in self:
            meter.clock_moved(by)

    def close(self) -> None:
        """Wake nobody any more."""
        for line in self._lines.values():
            line.close()


def meter_on_record(key: str, limits: Limits, row: MeterRow | None, slots: Iterable[tuple[int, int]]) -> Meter:
    """The meter of a key with what is on record of it: its row, and (slot, mails), the oldest first."""
    owner, _, domain = key.partition(" ")
    who = "this campaign" if owner.startswith(campaign_key("")) else owner
    meter = Meter(key, limits, said=f"{who} for {domain}" if domain else who)
    if row is not None or slots:
        first, last = (None, None) if row is None else (row.first_at, row.last_at)
        meter.load(slots, first_at=first, last_at=last)
    return meter
