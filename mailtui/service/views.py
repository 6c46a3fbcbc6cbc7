"""Owns the frozen values that faces show. Where another room's value is already right, faces get that one."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from mailtui.errors import ExitCode
from mailtui.outbox.records import Campaign, Counts, ProgressSnapshot, WorkerSnapshot
from mailtui.outbox.states import ACTIVE_CAMPAIGNS, CampaignState

STALE_SNAPSHOT = 3.0  # seconds after which a rate is not shown as if it were live


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign at one moment. `runner` is the process id of the one that lives on its outbox, or None."""

    campaign: Campaign
    counts: Counts
    snapshot: ProgressSnapshot | None
    runner: int | None
    seen_at: float

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
    def reason(self) -> str:
        return self.campaign.reason

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
    def note(self) -> str:
        return self.live.note if self.live is not None else ""

    @property
    def workers(self) -> tuple[WorkerSnapshot, ...]:
        return self.live.workers if self.live is not None else ()

    @property
    def seconds(self) -> float:
        """From the launch to the last result, or to now while it is being sent."""
        return _span(self.campaign.launched_at, self.campaign.settled_at, self.seen_at if self.active else None)

    @property
    def send_seconds(self) -> float:
        """From the first claim to the last result, or to now while it is being sent."""
        return _span(self.campaign.first_claim_at, self.campaign.settled_at, self.seen_at if self.active else None)

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
            "reason": self.campaign.reason,
            "audience": self.campaign.audience,
            **asdict(self.counts),
            "seconds": round(self.seconds, 3),
            "send_seconds": round(self.send_seconds, 3),
            "rate": round(self.rate, 1),
            "eta_seconds": None if self.eta_seconds is None else round(self.eta_seconds, 1),
            "workers": [asdict(worker) for worker in self.workers],
        }


def _span(start: float | None, last: float | None, now: float | None) -> float:
    if start is None:
        return 0.0
    end = now if now is not None else last
    return max(0.0, end - start) if end is not None else 0.0


def now() -> float:
    """Epoch seconds; here so that views and their makers use one clock."""
    return time.time()
