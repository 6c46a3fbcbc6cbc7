"""Owns the runner's patience with its outbox: a busy one is asked again, a full one is waited for, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailtui.errors import OutboxBusy, OutboxError, OutboxFull

Value = TypeVar("Value")

_BUSY_PAUSE = 0.005
_FULL_PAUSE = 0.25


class Storage:
    """What the runner knows about the health of its outbox."""

    def __init__(self, *, patience: float) -> None:
        """`patience`: seconds that a full disk may last before the runner gives up."""
        self._patience = patience
        self._since: float | None = None
        self.error: OutboxError | None = None

    def report(self, error: OutboxError | None) -> None:
        """The outbox refused a write, or (None) took one again."""
        self.error = error
        if error is None:
            self._since = None
        elif self._since is None:
            self._since = asyncio.get_running_loop().time()

    def check(self) -> None:
        """Raise the error once it has lasted too long."""
        if (
            self.error is not None
            and self._since is not None
            and asyncio.get_running_loop().time() - self._since > self._patience
        ):
            raise self.error

    async def patiently(self, call: Callable[[], Awaitable[Value]]) -> Value:
        """Call until the outbox takes it. Raises the error when it lasts.

        Only trouble of its own is over when it succeeds: a small write may fit where the recorder's did not.
        """
        refused = False
        while True:
            try:
                value = await call()
            except OutboxBusy:
                await asyncio.sleep(_BUSY_PAUSE)
                continue
            except OutboxFull as error:
                refused = refused or self.error is None
                self.report(error)
                self.check()
                await asyncio.sleep(_FULL_PAUSE)
                continue
            if refused:
                self.report(None)
            return value
