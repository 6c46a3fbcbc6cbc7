"""Owns the `dispatch:` section of the campaign file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mailtui.dispatch.plan import MAX_RENDER_PROCESSES, MAX_WORKERS, SendPlan
from mailtui.kit.durations import parse_duration
from mailtui.kit.rates import parse_rate
from mailtui.kit.validation import Duration, Spec, shown
from mailtui.smtp.gear import MAX_WINDOW
from mailtui.smtp.limits_spec import CampaignLimitsSpec, Rate


def _is_whole(value: object, least: int, most: int) -> bool:
    """YAML's `true` is a number to Python, and to nobody else."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_window(value: object) -> object:
    if not _is_whole(value, 1, MAX_WINDOW):
        raise ValueError(f"window should be a whole number from 1 to {MAX_WINDOW}; got {shown(value)}")
    return value


def _is_processes(value: object) -> object:
    if value != "auto" and not _is_whole(value, 0, MAX_RENDER_PROCESSES):
        most = MAX_RENDER_PROCESSES
        raise ValueError(f"render_processes should be auto or a number from 0 to {most}; got {shown(value)}")
    return value


class RetrySpec(Spec):
    """How often a message that was refused for now is tried, and for how long."""

    max_attempts: int = Field(default=5, ge=1, le=50, description="Attempts at most, the first included.")
    give_up_after: Duration = Field(
        default="48h", description="How long after its first attempt a message may still be tried."
    )


class DispatchSpec(Spec):
    """How the campaign is sent."""

    workers: int = Field(default=8, ge=1, le=MAX_WORKERS, description="Connections to the server at the same time.")
    window: Annotated[int, BeforeValidator(_is_window)] = Field(
        default=1,
        ge=1,
        le=MAX_WINDOW,
        description="Messages in flight per connection at most; above 1 for servers that offer CHUNKING.",
    )
    rate: Rate | None = Field(default=None, description="The most messages in a time, such as 10/s, 600/m or 5000/h.")
    burst: int = Field(default=1, ge=1, le=100_000, description="How many may go at once after a rest.")
    render_processes: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=0, le=MAX_RENDER_PROCESSES)], BeforeValidator(_is_processes)
    ] = Field(
        default="auto",
        description="Processes that render mails besides the one that sends them: auto for as many as make it faster.",
    )
    limits: CampaignLimitsSpec = Field(
        default=CampaignLimitsSpec(), description="More limits of the campaign; those of its accounts hold as well."
    )
    retry: RetrySpec = RetrySpec()

    def plan(self) -> SendPlan:
        """The values the runner works with."""
        return SendPlan(
            workers=self.workers,
            rate=None if self.rate is None else parse_rate(self.rate),
            burst=self.burst,
            limits=self.limits.limits(),
            window=self.window,
            render_processes=None if self.render_processes == "auto" else self.render_processes,
            max_attempts=self.retry.max_attempts,
            give_up_after=parse_duration(self.retry.give_up_after),
        )
