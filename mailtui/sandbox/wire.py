"""Owns the bytes of one connection: what came in and is not used yet, what waits to go out, and how it ends.

It knows no SMTP. Replies gather in `out` and are written together; they wait while a message among them is not
stored yet (`uncommitted`). Nothing more is looked at while a fault holds the connection (`hold`) or TLS begins
(`secure`); reading itself can be slowed down and stopped (`read_slowly`, `stall`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import cast

RECEIVE_BUFFER = 65_536
HELD_LIMIT = 262_144  # bytes taken in while a reply is held back, before the client is made to wait
_LINGER_SECONDS = 5.0
_SLOW_STEP = 0.05  # seconds between two reads of a slow reader


class Ending(Enum):
    """How a connection is brought to an end.

    With FIN after what was written; with RST; with FIN but without the close_notify that TLS asks for; or with FIN,
    swallowing what still comes, so that no RST overtakes what was written.
    """

    CLOSE = auto()
    RESET = auto()
    CUT = auto()
    LINGER = auto()


class Wire(asyncio.BufferedProtocol, ABC):
    """The base of a connection. A buffered protocol, since asyncio else allocates 256 KiB for every read."""

    def __init__(self, *, quiet_seconds: float) -> None:
        self._transport: asyncio.Transport
        self._raw: asyncio.Transport  # below TLS; the same without
        self.secured = False
        self._loop = asyncio.get_running_loop()
        self._received = memoryview(bytearray(RECEIVE_BUFFER))
        self.buffer = bytearray()
        self.at = 0  # where in the buffer the unused part begins
        self.out = bytearray()
        self.uncommitted = 0
        self.ending: Ending | None = None
        self._silent = False
        self._hold: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._pace: asyncio.TimerHandle | None = None
        self._stalled = False
        self._step = 0  # bytes that one read of a slow reader takes; 0: as many as there are
        self._slow_pause = 0.0
        self._gone = False
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
        return self._hold is None and self.ending is None and not (self._silent or self._stalled or self._handshake)

    @property
    def slow(self) -> bool:
        """Whether it reads slowly."""
        return self._step > 0

    def hold(self, seconds: float, then: Callable[[], None]) -> None:
        """Do nothing more on this connection for a while, then `then`."""
        self._hold = self._loop.call_later(seconds, self._release, then)
        self.flush()

    def cancel_hold(self) -> None:
        """Forget what was held back."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def write_in_pieces(self, pieces: Iterator[bytes], pause: float, then: Callable[[], None]) -> None:
        """Write piece by piece, each in a segment of its own, `pause` seconds apart, then `then`."""
        piece = next(pieces, None)
        if piece is None or self.ending is not None:
            then()
            return
        self.flush()
        self.out += piece
        self.hold(pause, lambda: self.write_in_pieces(pieces, pause, then))

    def fall_silent(self) -> None:
        """Take everything in and never answer again."""
        self._silent = True

    def stall(self, seconds: float) -> None:
        """Take nothing in for so long, 0 for ever, so that the client's window closes."""
        self._stalled = True
        self._transport.pause_reading()
        if seconds:
            self._pace = self._loop.call_later(seconds, self._read_on)

    def read_slowly(self, rate: float) -> None:
        """From now on take in so many bytes a second; 0: as fast as they come."""
        self._step = max(1, int(rate * _SLOW_STEP)) if rate else 0
        self._slow_pause = max(_SLOW_STEP, 1 / rate) if rate else 0.0

    def secure(self, context: ssl.SSLContext, then: Callable[[], None]) -> None:
        """Write what there is, begin TLS as its server, then `then`. What came in clear before is forgotten."""
        del self.buffer[self.at :]
        self.flush()
        self._handshake = self._loop.create_task(self._shake_hands(context, then), name="handshake")

    def end(self, ending: Ending) -> None:
        """Write what there is to write, then end the connection."""
        self.ending = self.ending or ending
        self.flush()

    def flush(self) -> None:
        """Write the replies that have gathered and may go out, then end if it is time."""
        if self.uncommitted or self._gone or self._transport.is_closing():
            return
        if self.out:
            self._transport.write(bytes(self.out))
            self.out.clear()
        if self.ending is None or self._hold is not None:
            return
        if self._handshake is not None:
            self._handshake.cancel()
        elif self.ending is Ending.RESET:
            with contextlib.suppress(OSError):  # the client may have gone already
                raw = self._raw.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._raw.abort()
        elif self.ending is Ending.CUT:
            self._raw.close()
        elif self.ending is Ending.LINGER and self._raw.can_write_eof() and not self.secured:
            if self._lingering is None:
                self._raw.write_eof()
                self._lingering = self._loop.call_later(_LINGER_SECONDS, self._raw.close)
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._handshake is not None:
            self._handshake.cancel()
        self._raw.abort()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._raw = cast(asyncio.Transport, transport)
        self.opened()
        self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        # a view, since asyncio's TLS fills slices of it, and those of a bytearray are copies
        return self._received[: self._step] if self._step else self._received

    def buffer_updated(self, nbytes: int) -> None:
        if self._silent or self.ending is not None:
            return
        self._heard = self._loop.time()
        self.buffer += self._received[:nbytes]
        if self._step:
            self._transport.pause_reading()
            self._pace = self._loop.call_later(self._slow_pause * nbytes / self._step, self._read_on)
        if self._handshake is not None:
            return
        if self._hold is None:
            self._work()
        elif len(self.buffer) > HELD_LIMIT:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client has said all; it still gets the replies that are under way."""
        if self.ending is Ending.LINGER:
            self.ending = Ending.CLOSE
        self.end(Ending.CLOSE)
        return not self.secured

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._gone:
            return
        self._gone = True
        self.ending = self.ending or Ending.CLOSE
        self._watch.cancel()
        self.cancel_hold()
        for timer in (self._lingering, self._pace):
            if timer is not None:
                timer.cancel()
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
            self._resume()
            self._work()
        else:
            self.flush()

    def _read_on(self) -> None:
        self._pace = None
        self._stalled = False
        self._resume()
        if self._hold is None:
            self._work()

    def _resume(self) -> None:
        """Take in again what the client says, unless something else stands against it."""
        if self._hold is None and not self._stalled and self._pace is None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def _shake_hands(self, context: ssl.SSLContext, then: Callable[[], None]) -> None:
        transport: asyncio.Transport | None = None
        try:
            transport = await self._loop.start_tls(
                self._raw, self, context, server_side=True, ssl_handshake_timeout=self._quiet_seconds
            )
        except OSError:  # the client refuses our certificate, talks something else, or left: nothing to tell it
            pass
        finally:
            self._handshake = None
            if transport is None:  # asyncio does not tell of the end of a connection before its handshake is done
                self._raw.close()
                self.connection_lost(None)
        if transport is None:
            return
        self._transport = transport
        self.secured = True
        then()
        self._work()

    def _check_quiet(self) -> None:
        left = self._heard + self._quiet_seconds - self._loop.time()
        if left > 0 or self._hold is not None or self._stalled:
            self._watch = self._loop.call_later(max(left, 1.0), self._check_quiet)
            return
        if not self._silent:
            self.timed_out()
        self.end(Ending.CLOSE)
