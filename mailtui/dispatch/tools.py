"""Owns what every campaign of a runner shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.storage import Storage
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
