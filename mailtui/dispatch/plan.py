"""Owns the dispatch section of a campaign as the runner reads it: how many, how fast, how often again."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any

from mailtui.smtp.gear import MAX_WINDOW
from mailtui.smtp.limits import NO_LIMITS, Limits

MAX_WORKERS = 256
MAX_RENDER_PROCESSES = 16


@dataclass(frozen=True, slots=True)
class SendPlan:
    """How a campaign is sent. `rate` in messages a second, None for no limit; `give_up_after` in seconds; `window`: the
    most transactions in flight on a connection; `render_processes`: how many render besides the runner, None for as
    many as pay; `limits` are the campaign's own beside `rate` and `burst`, and the account's hold as well.
    """

    workers: int = 8
    rate: float | None = None
    burst: int = 1
    max_attempts: int = 5
    give_up_after: float = 48 * 3600.0
    window: int = 1
    render_processes: int | None = None
    limits: Limits = NO_LIMITS

    @property
    def all_limits(self) -> Limits:
        """The campaign's limits with its pace."""
        return replace(self.limits, rate=self.rate, burst=self.burst)

    def to_json(self) -> str:
        return json.dumps(self.as_said())

    def as_said(self) -> dict[str, Any]:
        """As JSON has it."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "limits"}
        return {**said, "limits": self.limits.as_said()}

    @classmethod
    def from_json(cls, text: str) -> SendPlan:
        said = json.loads(text)
        return cls(**{**said, "limits": Limits.of(said.get("limits", {}))})

    def changed(self, arguments: dict[str, Any]) -> SendPlan:
        """The plan with what an order sets: `workers`, `rate` (None lifts the limit), `burst`, `window`, the retries'
        `max_attempts` and `give_up_after`, `render_processes` (None for as many as pay), and `limits`, in place of
        those that the campaign has, as `Limits.as_said` has them. A launch that adds to a campaign orders all of them.

        Raises ValueError with a sentence for what makes no plan.
        """
        known = {one.name: arguments[one.name] for one in fields(self) if one.name in arguments}
        if "limits" in known:
            known["limits"] = Limits.of(known["limits"])
        for key, value in known.items():
            if key == "limits" or (value is None and key in ("rate", "render_processes")):
                continue
            kind = int | float if key in ("rate", "give_up_after") else int
            number = isinstance(value, kind) and not isinstance(value, bool)
            if not number or value < 0 or (value == 0 and key != "render_processes"):
                raise ValueError(f"{key} cannot be {value!r}")
        if known.get("workers", 1) > MAX_WORKERS:
            raise ValueError(f"there cannot be more than {MAX_WORKERS} workers")
        if known.get("window", 1) > MAX_WINDOW:
            raise ValueError(f"the window cannot be larger than {MAX_WINDOW}")
        if (known.get("render_processes") or 0) > MAX_RENDER_PROCESSES:
            raise ValueError(f"there cannot be more than {MAX_RENDER_PROCESSES} render processes")
        return replace(self, **known)
