"""Owns how many connections may be open at once: as many as there are workers, until the server finds that too many.

A server that says "too many connections" is taken at its word: as many as stood at that moment are used from then on,
and one more is tried every few minutes, for the limit may be shared with others and change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

_TRY_MORE_AFTER = 120.0


class Slots:
    """Shared by the workers of one account in one campaign. `scale` shortens the time to the next trial in tests."""

    def __init__(self, *, scale: float) -> None:
        self._scale = scale
        self._limit: int | None = None
        self._taken = 0
        self._waiting = 0
        self._standing = 0
        self._freed = asyncio.Event()
        self._more: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> int | None:
        """How many connections may be used at once; None for as many as there are workers."""
        return self._limit

    @property
    def standing(self) -> int:
        """How many connections are greeted and logged in."""
        return self._standing

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait until one connection more may be tried and used; inside, it is."""
        self._waiting += 1
        try:
            while self._limit is not None and self._taken >= self._limit:
                self._freed.clear()
                await self._freed.wait()
        finally:
            self._waiting -= 1
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._freed.set()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """The server let a connection in; inside, it stands."""
        self._standing += 1
        if self._limit is not None:
            self._limit = max(self._limit, self._standing)
        try:
            yield
        finally:
            self._standing -= 1

    def too_many(self) -> bool:
        """The server refused a connection as one too many; False when none of ours stands, so that it is not ours."""
        self._limit = max(1, self._standing)
        self._try_more_later()
        return self._standing > 0

    def only(self, number: int, seconds: float) -> None:
        """The server wants no more than so many for so many seconds; then one more is tried now and then."""
        self._limit = number
        self._try_more_later(seconds)

    def close(self) -> None:
        """Try no more."""
        if self._more is not None:
            self._more.cancel()
            self._more = None

    def _try_more_later(self, seconds: float = _TRY_MORE_AFTER) -> None:
        self.close()
        self._more = asyncio.get_running_loop().call_later(seconds * self._scale, self._try_more)

    def _try_more(self) -> None:
        assert self._limit is not None
        self._limit += 1
        self._freed.set()
        self._try_more_later()

    @property
    def note(self) -> str:
        """The limit in a few words, while it keeps somebody waiting; else empty."""
        if self._limit is None or not self._waiting:
            return ""
        return f"the server allows no more than {self._limit} connection{'s' if self._limit > 1 else ''} at once"
