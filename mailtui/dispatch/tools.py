"""Owns what every campaign of a runner shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mailtui.dispatch.attention import Attention
from mailtui.dispatch.budget import BodyBudget
from mailtui.dispatch.meters import Meters
from mailtui.dispatch.notices import Herald
from mailtui.dispatch.paces import Paces
from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.sharing import Sharing
from mailtui.dispatch.staffing import Cores, Load
from mailtui.dispatch.standing import Standing
from mailtui.dispatch.storage import Storage
from mailtui.dispatch.watchdog import Watchdog
from mailtui.outbox.ports import Ledger
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint


class Secrets(Protocol):
    """What accounts prove themselves with, from wherever it is kept."""

    async def login(self, endpoint: Endpoint, *, refused: Credential | None = None) -> Credential:
        """What to log in with. Raises `AccountError` when there is nothing.

        `refused` is what the server would not have: another token takes its place, a password is not asked for anew.
        """
        ...

    async def signing_key(self, account: str) -> bytes:
        """The key that an account signs its mails with, as PEM. Raises `AccountError`."""
        ...

    async def settle(self) -> None:
        """Wait for what is under way and would be lost if it broke off; called when nobody logs in any more."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every campaign of a runner shares. `scale` shortens waiting in tests; `wall` is epoch seconds."""

    ledger: Ledger
    recorder: Recorder
    storage: Storage
    secrets: Secrets
    standing: Standing
    wall: Callable[[], float]
    scale: float
    watchdog: Watchdog
    meters: Meters
    paces: Paces
    attention: Attention
    cores: Cores = field(default_factory=Cores)
    load: Load = field(default_factory=Load)
    bodies: BodyBudget = field(default_factory=BodyBudget)
    sharing: Sharing = field(default_factory=Sharing)
    herald: Herald | None = None
    """Who tells others what becomes of campaigns; None: nobody is told."""
