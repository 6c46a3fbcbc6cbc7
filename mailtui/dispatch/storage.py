"""Owns the runner's patience with its outbox: a busy one is asked again, a full one is waited for, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailtui.errors import OutboxBusy, OutboxError, OutboxUnwritable
from mailtui.kit.words import sentence

Value = TypeVar("Value")

_BUSY_PAUSE = 0.005
_FULL_PAUSE = 0.25
WORTH_SAYING = 1.0  # seconds of a busy outbox after which people are told


class Storage:
    """What the runner knows about the health of its outbox."""

    def __init__(self, *, patience: float, say: Callable[[str], None]) -> None:
        """`patience`: seconds that a full disk may last before the runner gives up; `say` tells people."""
        self._patience = patience
        self._say = say
        self._since: float | None = None
        self.error: OutboxError | None = None

    def report(self, error: OutboxError | None) -> None:
        """The outbox refused a write, or (None) took one again."""
        before, self.error = self.error, error
        if error is None:
            self._since = None
            if before is not None:
                self._say("The outbox takes writes again; going on.")
            return
        if self._since is None:
            self._since = asyncio.get_running_loop().time()
        if before is None or before.title != error.title:
            self._say(f"{sentence(error.title)} Nothing is sent until it can. {error.detail}")

    def check(self) -> None:
        """Raise the error once it has lasted too long. Another writer is waited for, however long it takes."""
        if (
            self.error is not None
            and not isinstance(self.error, OutboxBusy)
            and self._since is not None
            and asyncio.get_running_loop().time() - self._since > self._patience
        ):
            raise self.error

    async def patiently(self, call: Callable[[], Awaitable[Value]]) -> Value:
        """Call until the outbox takes it. Raises the error when it lasts.

        Only trouble of its own is over when it succeeds: a small write may fit where the recorder's did not.
        """
        refused = False
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            try:
                value = await call()
            except OutboxBusy as error:
                if self.error is None and loop.time() - began > WORTH_SAYING:
                    refused = True
                    self.report(error)
                await asyncio.sleep(_BUSY_PAUSE)
                continue
            except OutboxUnwritable as error:
                refused = refused or self.error is None
                self.report(error)
                self.check()
                await asyncio.sleep(_FULL_PAUSE)
                continue
            if refused:
                self.report(None)
            return value
