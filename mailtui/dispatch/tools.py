"""Owns what every campaign of a runner shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from mailtui.dispatch.budget import BodyBudget
from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.staffing import Cores, Load
from mailtui.dispatch.storage import Storage
from mailtui.dispatch.watchdog import Watchdog
from mailtui.outbox.ports import Ledger

Secrets = Callable[[str], Awaitable[str]]
"""Asks for the password of an account by name; raises `AccountError` when there is none."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every campaign of a runner shares. `scale` shortens waiting in tests; `wall` is epoch seconds."""

    ledger: Ledger
    recorder: Recorder
    storage: Storage
    secrets: Secrets
    wall: Callable[[], float]
    scale: float
    watchdog: Watchdog
    cores: Cores = field(default_factory=Cores)
    load: Load = field(default_factory=Load)
    bodies: BodyBudget = field(default_factory=BodyBudget)
