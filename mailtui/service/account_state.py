"""Owns how accounts stand for people: what they have sent lately, what they rest for, and their part in a campaign."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailtui.campaign.takes import Sent
from mailtui.dispatch.members import Member, members_from_json
from mailtui.dispatch.meter import KEPT, SLOT, WaitKind
from mailtui.dispatch.meter_words import in_words
from mailtui.dispatch.meters import meter_on_record
from mailtui.kit.durations import show_moment
from mailtui.kit.words import counted
from mailtui.outbox.ports import Reader
from mailtui.outbox.records import AccountRest, Campaign, WorkerSnapshot
from mailtui.outbox.timed_records import MeterRow
from mailtui.smtp.limits import Limits


@dataclass(frozen=True, slots=True)
class AccountNow:
    """How an account stands, all campaigns together. `hour` and `day` are mails of the last 60 minutes and 24 hours.

    `until` is when it is used again (epoch seconds), and `reason` why not before, in a sentence; both are nothing where
    it is well. With a `reason` and no `until`, a person has to see to it.
    """

    name: str
    hour: int = 0
    day: int = 0
    per_hour: int | None = None
    per_day: int | None = None
    until: float | None = None
    reason: str = ""
    quota: str = ""
    """How much of its limits is used: `310 of 500 an hour, 900 of 2,000 a day`; empty where it has none."""

    @property
    def well(self) -> bool:
        return not self.reason

    @property
    def state(self) -> str:
        """In a word or few: well, resting until 15:00:00, or out."""
        if self.well:
            return "well"
        return "out" if self.until is None else f"resting until {show_moment(self.until)}"

    def to_json(self) -> dict[str, Any]:
        return {
            "account": self.name,
            "well": self.well,
            "until": None
            if self.until is None
            else datetime.fromtimestamp(self.until, UTC).isoformat(timespec="seconds"),
            "reason": self.reason,
            "hour": {"sent": self.hour, "limit": self.per_hour},
            "day": {"sent": self.day, "limit": self.per_day},
        }


@dataclass(frozen=True, slots=True)
class AccountPart:
    """An account's part in a campaign: `sent` mails that its server took, `workers` that have a connection now."""

    now: AccountNow
    weight: int = 1
    sent: int = 0
    workers: int = 0

    @property
    def name(self) -> str:
        return self.now.name

    def facts(self, *, at_work: bool) -> str:
        """What there is to say for people, the most important first; of connections only where somebody is `at_work`.

        Such as `120 sent, resting until 15:00:00, 500 of 500 an hour: its limits in the settings are reached`.
        """
        well = counted(self.workers, "worker") if at_work else ""
        said = ", ".join(
            filter(None, (f"{self.sent:,} sent", well if self.now.well else self.now.state, self.now.quota))
        )
        return said if self.now.well else f"{said}: {self.now.reason}"

    def to_json(self) -> dict[str, Any]:
        """As `status --json` has it."""
        return {**self.now.to_json(), "weight": self.weight, "sent": self.sent, "workers": self.workers}


async def accounts_now(reader: Reader, members: Sequence[Member], now: float) -> dict[str, AccountNow]:
    """How these accounts stand, by name."""
    rests = {rest.account: rest for rest in await reader.account_rests()}
    rows = {row.meter: row for row in await reader.meters()}
    sent: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for meter, slot, mails in await reader.sent_since(now - KEPT):
        sent[meter].append((slot, mails))
    return {
        name: _stands(member, rests.get(name), rows.get(name), sent[name], now)
        for name, member in ((member.name, member) for member in members)
    }


async def sent_lately(reader: Reader, at: float) -> dict[str, Sent]:
    """What counts of what was sent, for who begins at a time, by the keys of meters."""
    first = {row.meter: row.first_at for row in await reader.meters()}
    mails: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for meter, slot, number in await reader.sent_since(at - KEPT):
        mails[meter].append((at - (slot + 1) * SLOT, number))
    return {
        meter: Sent(tuple(mails[meter]), None if since is None else datetime.fromtimestamp(since).astimezone().date())
        for meter, since in first.items()
    }


async def parts_of(
    reader: Reader, campaign: Campaign, workers: Iterable[WorkerSnapshot], now: float
) -> tuple[AccountPart, ...]:
    """The parts of a campaign's accounts, as many as it has; none where it has one without a limit."""
    members = members_from_json(campaign.endpoint)
    if len(members) == 1 and not members[0].limits:
        return ()
    stands = await accounts_now(reader, members, now)
    sent, busy = await reader.carried(campaign.number), Counter(worker.account for worker in workers)
    return tuple(
        AccountPart(stands[member.name], member.weight, sent.get(member.name, 0), busy[member.name])
        for member in members
    )


def _stands(
    member: Member, rest: AccountRest | None, row: MeterRow | None, slots: Iterable[tuple[int, int]], now: float
) -> AccountNow:
    limits = member.limits if row is None or not row.limits else Limits.from_json(row.limits)
    meter = meter_on_record(member.name, limits, row, slots)
    wait = meter.wait(now)
    until, reason = (None, "") if wait is None or wait.kind is WaitKind.PACE else (wait.until, wait.reason)
    if rest is not None and (rest.until is None or rest.until > now):
        until, reason = (None if rest.until is None else max(rest.until, until or 0)), rest.reason
    _, hour, day = meter.used(now)
    return AccountNow(member.name, hour, day, limits.per_hour, limits.per_day, until, reason, in_words(meter, now))
