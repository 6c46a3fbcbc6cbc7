"""Owns the frozen values that cross the outbox's wall, in both directions.

Those that every recipient takes are named tuples: they are made four times as quickly as frozen dataclasses, and can
be bound to a statement as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from mailtui.message.files import FileRef
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind, RestKind
from mailtui.outbox.timed_records import MeterSnapshot


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as its face freezes it. `endpoint` and `plan` are JSON texts without secrets."""

    id: str
    series: str
    occurrence: int
    name: str
    message_digest: str
    message: bytes
    endpoint: str
    plan: str
    columns: tuple[str, ...]
    source: str
    filter: str
    secret: bytes
    list: str = ""
    """The list that it belongs to; whoever is suppressed for that one gets nothing. Empty for none."""
    schedule: str = ""
    """JSON, as it was frozen; empty for none."""
    recurrence: str = ""
    """Which one launches it, and for which of its times; empty and None for a campaign of its own."""
    occurrence_at: float | None = None
    hooks: str = "[]"
    """JSON: who is told when its state changes; no secrets."""


class NewDelivery(NamedTuple):
    """One recipient to be added; `fields` in the order of the campaign's columns.

    `suppressed` says why one who counts as audience gets no mail; empty for everybody else. Who is on the outbox's own
    suppression list needs no word: that is looked up when they are added.
    """

    key: str
    row: int
    address: str
    fields: tuple[str, ...]
    suppressed: str = ""
    more: tuple[tuple[str, ...], ...] = ()
    """The cells of this person's further rows, where they go into the same mail."""
    files: tuple[FileRef, ...] = ()
    """What is attached to this mail and to no other."""
    copy_of: tuple[str, str] | None = None
    """Key and address of the recipient whose mail this is a copy of, and who stands before it; `key` is `copy_key`'s
    then."""
    bound: str = ""
    """The From that this mail has for good, where accounts take turns (`campaign.senders`); else empty."""
    due_at: float = 0.0
    """This recipient's own time, a time of the wall in epoch seconds; 0: at once."""


class NewSuppression(NamedTuple):
    """Somebody who is to get nothing: `key` is an address in any spelling, or `@` and a domain.

    `scope`: `""` for every campaign, `list:NAME` for those of one list, `campaign:ID` for a single one. `reason` is a
    person's own words, `source` how it came here.
    """

    key: str
    scope: str = ""
    reason: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry of the suppression list; `added_at` in epoch seconds. A later entry has a higher id, always."""

    id: int
    key: str
    scope: str
    reason: str
    source: str
    actor: str
    added_at: float


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """A row of the list that became no delivery."""

    line: int
    row: int | None
    kind: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as the outbox holds it; times are epoch seconds."""

    number: int
    id: str
    series: str
    occurrence: int
    name: str
    state: CampaignState
    reason: str
    held: bool
    message_digest: str
    endpoint: str
    plan: str
    columns: tuple[str, ...]
    source: str
    filter: str
    secret: bytes = field(repr=False)
    encoding: str | None
    audience: int
    created_at: float
    launched_at: float | None
    first_claim_at: float | None
    settled_at: float | None
    list: str = ""
    copies: int = 0
    """How many of the audience are copies of other recipients' mails."""
    resume_at: float | None = None
    """When it goes on by itself, where it is paused for a time."""
    start_at: float | None = None
    """When it is to begin, where that is not at its launch; and below, when it did."""
    schedule: str = ""
    woke_at: float | None = None
    recurrence: str = ""
    occurrence_at: float | None = None
    hooks: str = "[]"


class Claim(NamedTuple):
    """A delivery that this runner holds. `fence` must match for anything to be recorded about it."""

    campaign: int
    id: int
    fence: int
    key: str
    row: int
    address: str
    fields: tuple[str, ...]
    attempts: int
    date_at: float
    edition: int
    """The campaign's message, by its number, whose From gives the Message-ID its domain."""
    repeats: int | None = None
    """The message to be sent whatever the campaign's is now: it may have arrived before."""
    forgiven: int = 0
    """Attempts before a person asked for another one; they count against no limit."""
    forgiven_at: float | None = None
    more: tuple[tuple[str, ...], ...] = ()
    """The cells of the person's further rows."""
    files: tuple[FileRef, ...] = ()
    copy_of: tuple[str, str] | None = None
    """Key and address of the recipient whose mail this is a copy of, and as whose it is rendered."""
    copied: int | None = None
    """The message that the recipient got, where that is not the campaign's any more."""
    bound: str = ""
    """The From that it has for good, and so only an account that may write it carries it; empty: the campaign's."""

    @property
    def says(self) -> int | None:
        """The message to be sent where that is not the campaign's now."""
        return self.copied if self.repeats is None else self.repeats


class Mark(NamedTuple):
    """The durable word that a delivery's last bytes are about to be written.

    `account` is who carries it, empty where nobody needs to know; it counts as a mail of each of `meters`.
    """

    campaign: int
    id: int
    fence: int
    account: str = ""
    meters: tuple[str, ...] = ()


class Result(NamedTuple):
    """A recorded move of one delivery out of `claimed` or `in_flight`.

    `attempt` says whether it counts as an attempt; `due_at` (epoch seconds) matters for `deferred`.
    """

    campaign: int
    id: int
    fence: int
    before: DeliveryState
    after: DeliveryState
    attempts: int
    attempt: bool = True
    due_at: float = 0.0
    reason: str = ""
    stage: str | None = None
    code: int | None = None
    enhanced: str | None = None
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a face asks for; `arguments` by kind: `set` takes workers, rate, burst, schedule; `resume` skip_missed;
    `retry` and `resolve` what `dispatch.second_chance` reads. `answered`: the person was told, and steps remain."""

    id: int
    campaign: int
    kind: OrderKind
    arguments: Mapping[str, Any]
    actor: str
    given_at: float = 0.0
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Redo:
    """Moves that a person ordered: every delivery in one of `before` (or this one only) becomes `after`.

    Moves out of `unknown` are a resolution, and are kept as one. `address` takes the place of a single delivery's.
    """

    before: tuple[DeliveryState, ...]
    after: DeliveryState
    delivery: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a part of such an order came to; `moved` counts from its first part on.

    `taken`: nothing was changed, since the campaign has the new address already. `left_out`: of those that this part
    moved, how many are on the suppression list and get nothing.
    """

    moved: int
    done: bool
    taken: bool = False
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries of a campaign are in each state."""

    queued: int = 0
    claimed: int = 0
    in_flight: int = 0
    sent: int = 0
    failed: int = 0
    deferred: int = 0
    unknown: int = 0
    suppressed: int = 0
    skipped: int = 0
    cancelled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        return sum(asdict(self).values())

    @property
    def open(self) -> int:
        """Deliveries that may still move by themselves."""
        return self.queued + self.claimed + self.in_flight + self.deferred

    @property
    def settled(self) -> int:
        return self.total - self.open


@dataclass(frozen=True, slots=True)
class WorkerSnapshot:
    """What one worker was doing. `rate` in messages a second, `age` of its connection in seconds, `window` the
    most transactions that may be in flight on it.
    """

    number: int
    stage: str
    recipient: str
    sent: int
    failed: int
    rate: float
    reply: str
    age: float
    gear: str
    window: int = 1
    account: str = ""
    """Whose connection it is, in campaigns with several accounts."""


def _fields_of(value: ProgressSnapshot | WorkerSnapshot | MeterSnapshot) -> dict[str, Any]:
    """As `asdict` has it, without a copy of everything: these are written ten times a second and campaign."""
    return {name: getattr(value, name) for name in value.__slots__}


@dataclass(frozen=True, slots=True)
class ProgressSnapshot:
    """The only live value a face reads: written by the runner up to ten times a second."""

    at: float
    rate: float
    eta_seconds: float | None
    next_due: float | None
    note: str
    workers: tuple[WorkerSnapshot, ...]
    gear_note: str = ""
    """Why the gear is what it is, in a sentence; empty while that is not known."""
    waits_until: float | None = None
    """Until when nothing is sent, because of a limit or a window."""
    meters: tuple[MeterSnapshot, ...] = ()

    def to_json(self) -> str:
        return json.dumps(self, default=_fields_of, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ProgressSnapshot:
        raw = json.loads(text)
        workers = tuple(WorkerSnapshot(**worker) for worker in raw.pop("workers"))
        meters = tuple(MeterSnapshot(**meter) for meter in raw.pop("meters", ()))
        return cls(workers=workers, meters=meters, **raw)


@dataclass(frozen=True, slots=True)
class RunnerRow:
    """A runner as it last said it is alive; for display, the lock is the truth."""

    id: str
    pid: int
    host: str
    version: str
    started_at: float
    heartbeat_at: float


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One recipient's line of the report."""

    id: int
    key: str
    row: int
    address: str
    state: DeliveryState
    reason: str
    attempts: int
    due_at: float
    stage: str | None
    code: int | None
    enhanced: str | None
    reply: str | None
    updated_at: float
    fields: tuple[str, ...]
    edition: int
    more: tuple[tuple[str, ...], ...] = ()
    files: tuple[FileRef, ...] = ()
    copy_of: tuple[str, str] | None = None
    bound: str = ""
    account: str = ""
    """Who carried it last; empty where one account sends the campaign and has no limits."""
    send_at: float = 0.0
    """Its own time, where it has one."""


@dataclass(frozen=True, slots=True)
class AccountRest:
    """An account that nothing is sent through for now, in any campaign; `reason` is a sentence.

    `until` and `since` in epoch seconds; `until` None: until a person has seen to it.
    """

    account: str
    until: float | None
    kind: RestKind
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a starting runner found left over from one that died."""

    requeued: int
    unknown: int
