"""Owns the bytes of one connection: what came in and is not used yet, what waits to go out, and how it ends.

It knows no SMTP. Replies gather in `out` and are written together; they wait while a message among them is not
stored yet (`uncommitted`) or while a fault holds them back (`hold`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum, auto
from typing import cast

RECEIVE_BUFFER = 65_536
HELD_LIMIT = 262_144  # bytes taken in while a reply is held back, before the client is made to wait


class Ending(Enum):
    """How a connection is brought to an end: with FIN after what was written, or with RST."""

    CLOSE = auto()
    RESET = auto()


class Wire(asyncio.BufferedProtocol, ABC):
    """The base of a connection. A buffered protocol, since asyncio else allocates 256 KiB for every read."""

    def __init__(self, *, quiet_seconds: float) -> None:
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._receive = bytearray(RECEIVE_BUFFER)
        self._received = memoryview(self._receive)
        self.buffer = bytearray()
        self.at = 0  # where in the buffer the unused part begins
        self.out = bytearray()
        self.uncommitted = 0
        self.ending: Ending | None = None
        self._silent = False
        self._hold: asyncio.TimerHandle | None = None
        self._quiet_seconds = quiet_seconds
        self._heard = self._loop.time()
        self._watch = self._loop.call_later(quiet_seconds, self._check_quiet)

    # what a subclass says

    @abstractmethod
    def opened(self) -> None:
        """The connection stands."""

    @abstractmethod
    def take(self) -> bool:
        """Use up a piece of the buffer from `at` on; False when there is no whole piece."""

    @abstractmethod
    def dropped(self, count: int) -> None:
        """The first `count` bytes of the buffer are gone; mend what counts from its beginning."""

    @abstractmethod
    def timed_out(self) -> None:
        """The client said nothing for too long; a last word may be put into `out`."""

    @abstractmethod
    def lost(self) -> None:
        """The connection is gone."""

    # what a subclass uses

    @property
    def idle(self) -> bool:
        """Whether the next bytes would be looked at."""
        return self._hold is None and self.ending is None and not self._silent

    def hold(self, seconds: float, then: Callable[[], None]) -> None:
        """Do nothing more on this connection for a while, then `then`."""
        self._hold = self._loop.call_later(seconds, self._release, then)
        self.flush()

    def cancel_hold(self) -> None:
        """Forget what was held back."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def fall_silent(self) -> None:
        """Take everything in and never answer again."""
        self._silent = True

    def end(self, ending: Ending) -> None:
        """Write what there is to write, then end the connection."""
        self.ending = self.ending or ending
        self.flush()

    def flush(self) -> None:
        """Write the replies that have gathered and may go out, then end if it is time."""
        if self.uncommitted or self._transport.is_closing():
            return
        if self.out:
            self._transport.write(bytes(self.out))
            self.out.clear()
        if self.ending is None or self._hold is not None:
            return
        if self.ending is Ending.RESET:
            raw = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError):  # the client may have gone already
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.opened()
        self.flush()

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        return self._receive

    def buffer_updated(self, nbytes: int) -> None:
        if self._silent or self.ending is not None:
            return
        self._heard = self._loop.time()
        self.buffer += self._received[:nbytes]
        if self._hold is None:
            self._work()
        elif len(self.buffer) > HELD_LIMIT:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client has said all; it still gets the replies that are under way."""
        self.end(Ending.CLOSE)
        return True

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._hold is None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.ending = self.ending or Ending.CLOSE
        self._watch.cancel()
        self.cancel_hold()
        self.lost()

    def _work(self) -> None:
        while self.idle and self.take():
            pass
        if self.at:
            count, self.at = self.at, 0
            del self.buffer[:count]
            self.dropped(count)
        self.flush()

    def _release(self, then: Callable[[], None]) -> None:
        self._hold = None
        then()
        if self.ending is None:
            self._transport.resume_reading()
            self._work()
        else:
            self.flush()

    def _check_quiet(self) -> None:
        left = self._heard + self._quiet_seconds - self._loop.time()
        if left > 0 or self._hold is not None:
            self._watch = self._loop.call_later(max(left, 1.0), self._check_quiet)
            return
        if not self._silent:
            self.timed_out()
        self.end(Ending.CLOSE)
