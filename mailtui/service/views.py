"""Owns the frozen values that faces show. Where another room's value is already right, faces get that one."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from mailtui.dispatch.missed import SKIP_MISSED
from mailtui.errors import ExitCode
from mailtui.kit.durations import show_duration, show_moment
from mailtui.outbox.records import Campaign, Counts, ProgressSnapshot, WorkerSnapshot
from mailtui.outbox.states import ACTIVE_CAMPAIGNS, CampaignState
from mailtui.service.account_state import AccountPart
from mailtui.service.scheduled_rows import lateness_of
from mailtui.service.told import Telling

STALE_SNAPSHOT = 3.0  # seconds after which a rate is not shown as if it were live
_SILENT_AFTER = 3.0  # seconds; a runner that can write does so at least once a second, also when it only waits

_SOME_SUPPRESSED = "Who is on the suppression list by now gets nothing."


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign at one moment. `runner` is the process id of the one that lives on its outbox, or None.

    `heartbeat` is when that one last wrote to the outbox (epoch seconds), None before it first does.
    """

    campaign: Campaign
    counts: Counts
    snapshot: ProgressSnapshot | None
    runner: int | None
    seen_at: float
    heartbeat: float | None = None
    log: str = ""
    """Where that runner's log is; empty while it writes, and where it has none of its own."""
    next_try: float | None = None
    """When the first of those who are deferred is to be tried again (epoch seconds), None when nobody is."""
    next_due: float | None = None
    """When the next of those who wait is due (epoch seconds), while it is being sent; None when nobody waits."""
    accounts: tuple[AccountPart, ...] = ()
    """The parts of its accounts; none where it has one without a limit."""
    told: tuple[Telling, ...] = ()
    """Who is told by webhooks what became of it, the oldest first."""
    suppression_grew: bool = False
    """Whether some of those who wait while it is paused may be on the suppression list by now: it has grown since."""

    @property
    def id(self) -> str:
        return self.campaign.id

    @property
    def name(self) -> str:
        return self.campaign.name

    @property
    def state(self) -> str:
        return self.campaign.state

    @property
    def active(self) -> bool:
        """Whether a runner should be working on it."""
        return self.campaign.state in ACTIVE_CAMPAIGNS

    @property
    def lost(self) -> bool:
        """It has work left, yet no runner lives: the process was killed or the machine went down."""
        return (self.active or self._added_to) and self.runner is None

    @property
    def _added_to(self) -> bool:
        """Whether recipients were added after its end and no runner was told: the launch died in between."""
        return self.campaign.state is CampaignState.FINISHED and self.counts.open > 0

    @property
    def silent_seconds(self) -> float:
        """How long the runner that should work on it has not been able to write; 0.0 while it does.

        It cannot put that on record itself: the disk is full, somebody holds the outbox, or the process is stopped.
        """
        if self.heartbeat is None or self.runner is None or not self.active:
            return 0.0
        silent = self.seen_at - self.heartbeat
        return silent if silent > _SILENT_AFTER else 0.0

    @property
    def silence(self) -> str:
        """The same as a sentence for people; empty while it writes."""
        if not self.silent_seconds:
            return ""
        process = f"process {self.runner}" if self.runner else "its process"
        said = (
            f"The runner ({process}) has not been able to write for {show_duration(self.silent_seconds)}: "
            "is the disk full, the outbox locked, or the process stopped?"
        )
        return f"{said} Its log: {self.log}" if self.log else said

    @property
    def reason(self) -> str:
        return self.campaign.reason

    @property
    def asks_about_missed(self) -> bool:
        """Whether a person is to say what becomes of recipients whose own times passed."""
        return self.campaign.state is CampaignState.PAUSED and SKIP_MISSED in self.reason

    @property
    def resume_at(self) -> float | None:
        """When it goes on by itself (epoch seconds); None where it is not paused for a time."""
        return self.campaign.resume_at if self.campaign.state is CampaignState.PAUSED else None

    @property
    def resumes(self) -> str:
        """The same for people, behind what it is: `goes on by itself at 15:00:00, in 12 min 05 s`."""
        if self.resume_at is None:
            return ""
        left = self.resume_at - self.seen_at
        when = f"at {show_moment(self.resume_at)}, in {show_duration(left)}" if left > 0 else "now"
        return (
            f"goes on by itself {when}" if self.runner is not None else f"can go on {when}; no process waits for that"
        )

    @property
    def begins_at(self) -> float | None:
        """When it is to begin (epoch seconds); None for one that has begun, or that nothing begins by itself."""
        return self.campaign.start_at if self.campaign.state is CampaignState.SCHEDULED else None

    @property
    def begins(self) -> str:
        """The same for people, behind what it is: `begins at 2026-12-01 09:00:00, in 8 d 14 h`."""
        if self.begins_at is None:
            return ""
        left = self.begins_at - self.seen_at
        when = f"at {show_moment(self.begins_at)}"
        span = f"in {show_duration(left)}" if left > 0 else f"{show_duration(-left)} ago"
        if self.runner is not None:
            return f"begins {when}, {span}" if left > 0 else f"was to begin {when}, {span}"
        return f"is to begin {when}, {span}, and no process waits for that"

    @property
    def awaited(self) -> bool:
        """Whether a runner waits for its time."""
        return self.begins_at is not None and self.runner is not None

    @property
    def lateness(self) -> float | None:
        """How many seconds after its time it began, as measured; None for one that had no time, has not begun, or was
        sent before its time by a person's word.
        """
        return lateness_of(self.campaign)

    @property
    def waits(self) -> str:
        """Until when nothing of it is sent, while it is under way: a limit, or times of the recipients' own; else
        empty.
        """
        until = self.waits_until
        return "" if until is None else f"goes on at {show_moment(until)}, in {show_duration(until - self.seen_at)}"

    @property
    def waits_until(self) -> float | None:
        """The same in epoch seconds, None where nothing keeps it waiting."""
        if self.campaign.state is not CampaignState.RUNNING or self.lost:
            return None
        until = None if self.live is None else self.live.waits_until
        if until is None and not self.counts.deferred and not self.counts.claimed and not self.counts.in_flight:
            until = self.next_due
        return None if until is None or until <= self.seen_at else until

    @property
    def live(self) -> ProgressSnapshot | None:
        """The snapshot, while it is fresh and the campaign is being sent."""
        if self.snapshot is None or not self.active or self.seen_at - self.snapshot.at > STALE_SNAPSHOT:
            return None
        return self.snapshot

    @property
    def rate(self) -> float:
        return self.live.rate if self.live is not None else 0.0

    @property
    def eta_seconds(self) -> float | None:
        return self.live.eta_seconds if self.live is not None else None

    @property
    def some_suppressed(self) -> str:
        """A sentence about those who wait and will get nothing; empty where there can be none."""
        return _SOME_SUPPRESSED if self.suppression_grew else ""

    @property
    def note(self) -> str:
        return self.live.note if self.live is not None else ""

    @property
    def gear(self) -> str:
        """The gears of its connections, and why, in a line; of one that rests those that it was sent in last.

        Such as `cross: the server offers PIPELINING`, and `3 chunked (window 8), 1 cross: …`; empty while not known.
        Where the reason names the window, the gear does not.
        """
        snapshot = self.snapshot
        if snapshot is None:
            return ""
        used = Counter(_gear(worker, snapshot.gear_note) for worker in snapshot.workers if worker.gear)
        named = ", ".join(used) if len(used) < 2 else ", ".join(f"{count} {name}" for name, count in used.items())
        return ": ".join(filter(None, (named, snapshot.gear_note))) if named else ""

    @property
    def workers(self) -> tuple[WorkerSnapshot, ...]:
        return self.live.workers if self.live is not None else ()

    @property
    def at_work(self) -> bool:
        """Whether a runner has somebody to send to now; not while it is lost, stuck, or only waits for a next try."""
        counts = self.counts
        at_hand = counts.queued or counts.claimed or counts.in_flight
        return bool(self.active and self.runner is not None and not self.silent_seconds and at_hand)

    @property
    def seconds(self) -> float:
        """From the launch, or from when it began at its time, to the last result, or to now while it is at work."""
        return _span(
            self.campaign.woke_at or self.campaign.launched_at,
            self.campaign.settled_at,
            self.seen_at if self.at_work else None,
        )

    @property
    def send_seconds(self) -> float:
        """From the first claim to the last result, or to now while it is at work."""
        return _span(self.campaign.first_claim_at, self.campaign.settled_at, self.seen_at if self.at_work else None)

    @property
    def exit_code(self) -> ExitCode:
        """What a command that watched it to this point tells the shell."""
        state = self.campaign.state
        if self.lost or self._added_to:
            return ExitCode.UNEXPECTED
        if state in (CampaignState.CANCELLED, CampaignState.CANCELLING, CampaignState.PAUSING) or (
            state is CampaignState.PAUSED and not self.campaign.held
        ):
            return ExitCode.INTERRUPTED
        if self.campaign.held and state is CampaignState.PAUSED:
            return ExitCode.PAUSED
        if self.counts.unknown:
            return ExitCode.SOME_UNKNOWN
        if self.counts.failed or self.counts.expired:
            return ExitCode.SOME_FAILED
        return ExitCode.DONE

    def to_json(self) -> dict[str, Any]:
        """The object that `run --json` and `status --json` print; its delivery states add up to `audience`."""
        return {
            "campaign": self.campaign.id,
            "name": self.campaign.name,
            "state": str(self.campaign.state),
            "lost": self.lost,
            "silent_seconds": round(self.silent_seconds, 1),
            "reason": self.campaign.reason,
            "audience": self.campaign.audience,
            "copies": self.campaign.copies,
            "resume_at": None if self.resume_at is None else _utc(self.resume_at),
            "start_at": None if self.campaign.start_at is None else _utc(self.campaign.start_at),
            "late_seconds": None if self.lateness is None else round(self.lateness, 3),
            "recurrence": self.campaign.recurrence,
            "note": self.note,
            "waits_until": None if self.waits_until is None else _utc(self.waits_until),
            "accounts": [part.to_json() for part in self.accounts],
            "notices": [one.to_json() for one in self.told],
            **asdict(self.counts),
            "seconds": round(self.seconds, 3),
            "send_seconds": round(self.send_seconds, 3),
            "rate": round(self.rate, 1),
            "eta_seconds": None if self.eta_seconds is None else round(self.eta_seconds, 1),
            "suppression_grew": self.suppression_grew,
            "next_try": None if self.next_try is None else _utc(self.next_try),
            "gear": self.gear,
            "workers": [asdict(worker) for worker in self.workers],
        }


def _gear(worker: WorkerSnapshot, reason: str) -> str:
    said = worker.window == 1 or reason.startswith(f"window {worker.window} ")
    return worker.gear if said else f"{worker.gear} (window {worker.window})"


def _span(start: float | None, last: float | None, now: float | None) -> float:
    if start is None:
        return 0.0
    end = now if now is not None else last
    return max(0.0, end - start) if end is not None else 0.0


def _utc(at: float) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def now() -> float:
    """Epoch seconds; here so that views and their makers use one clock."""
    return time.time()
