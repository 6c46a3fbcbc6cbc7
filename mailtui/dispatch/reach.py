"""Owns whether a server can be reached: who may try to connect now, and when trying is hopeless.

While no connection is logged in, only one worker tries at a time: a server that is down is not stormed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_PATIENCE_AT_FIRST = 8.0
_PATIENCE_LATER = 15 * 60.0


class Reach:
    """Shared by the workers of one account in one campaign. `scale` shortens the pauses in tests."""

    def __init__(self, *, scale: float) -> None:
        self._scale = scale
        self._proven = False
        self._open = False  # whether several may try at the same time
        self._door = asyncio.Lock()
        self._pause = 0.0
        self._not_before = 0.0
        self.failing_since: float | None = None
        """When connections began to be of no use, by the loop's clock; None since one was."""
        self._loop = asyncio.get_running_loop()
        self.trouble = ""
        """Why there was no connection of use, since the last one that was."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until this worker may try to connect; inside, it does."""
        await self._rest()
        while not self._is_open():
            async with self._door:
                await self._rest()
                if not self._is_open():
                    yield
                    return
            # Opened by whoever went first: those who stood at the door go in together, not one behind the other.
            await self._rest()
        yield

    def _is_open(self) -> bool:
        return self._open  # asked anew each time: it changes while somebody waits

    async def _rest(self) -> None:
        while (wait := self._not_before - self._loop.time()) > 0:  # noqa: ASYNC110 - a failure meanwhile puts it off
            await asyncio.sleep(wait)

    def connected(self) -> None:
        """A connection was greeted and logged in: the others may try at the same time."""
        self._proven = True
        self._open = True
        self.trouble = ""

    def alone(self) -> None:
        """No connection stands any more, or a login was put off: whoever tries next tries alone."""
        self._open = False

    def useful(self) -> None:
        """A connection got an answer for a message: the server is well."""
        self._pause = 0.0
        self._not_before = 0.0
        self.failing_since = None
        self.trouble = ""

    def waited(self, seconds: float) -> None:
        """Nothing was tried for so long, since other campaigns had all connections: that says nothing of the server."""
        if self.failing_since is not None:
            self.failing_since = min(self.failing_since + seconds, self._loop.time())

    @property
    def failing_for(self) -> float:
        """Seconds for which no connection has been of use, 0 while one is; before `scale`."""
        return 0.0 if self.failing_since is None else (self._loop.time() - self.failing_since) / self._scale

    def failed(self, why: str) -> bool:
        """A connection could not be had, or ended before it was of use; True when it is time to give up."""
        self.trouble = why
        now = self._loop.time()
        if self.failing_since is None:
            self.failing_since = now
        if now >= self._not_before:
            # Several workers may fail in the same instant; together they are one failure.
            self._pause = min(_LONGEST_PAUSE, self._pause * 2 or _FIRST_PAUSE)
            self._not_before = now + self._pause * self._scale * (1 + random.random() * 0.2)  # noqa: S311
        patience = _PATIENCE_LATER if self._proven else _PATIENCE_AT_FIRST
        return now + self._pause * self._scale - self.failing_since > patience * self._scale
