"""Owns a server that answers by dice: splits and glues its replies, contradicts itself, talks out of turn, hangs up.

What it accepted is decided when it hears the end of a message and is the truth, whatever it then says on the wire.
One sort of lie is left out because no client can see through it: a surplus 2xx that arrives after the client has
written a dot and before the real reply to it. Surplus replies therefore travel in one write with the reply before, and
where whole transactions are in flight, so that a due reply follows nearly every one, none is a whole reply by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

_GARBAGE = (
    b"what?\r\n", b"\r\n", b" 250 ok\r\n", b"+25 ok\r\n", b"999 x\r\n", b"25\r\n", b"250ok\r\n", b"199 early\r\n",
    b"\x00\xff\r\n", b"HTTP/1.1 200 OK\r\n", b"250" + b"-" * 9000 + b"\r\n",
)  # fmt: skip
_REFUSALS = (b"550 5.1.1 no\r\n", b"451 4.3.0 later\r\n", b"550-a\r\n550 b\r\n", b"452 4.3.1 full\r\n", b"552 big\n")
_STRAYS = (b"250 stray\r\n", b"250-a\r\n250 b\r\n", b"354 go\r\n250 queued\r\n", b"550 stray\r\n", b"220 hello\r\n",
           b"25", b"250-half\r\n")  # fmt: skip
_BROKEN = (b"354 go\r\n250 queued\r\n", b"25", b"250-half\r\n")
_TORN = (b"2", b"25", b"250", b"250 ok", b"250-ok\r\n", b"354", b"550 n", b"4")


class Liar(asyncio.Protocol):
    """One connection. `accepted` has the numbers of the messages it took (their Subject), `oddities` what it did."""

    def __init__(self, dice: random.Random, *, oddness: float, chunked: bool = False) -> None:
        self.accepted: list[int] = []
        self.oddities: Counter[str] = Counter()
        self._dice = dice
        self._oddness = oddness
        self._strays = _BROKEN if chunked else _STRAYS
        self._transport: asyncio.Transport | None = None
        self._input = bytearray()
        self._in_content = False
        self._chunk = 0  # octets of a chunk that are still to come
        self._sender = False
        self._recipient = False
        self._kept_back = b""
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._input += data
        while not self._over and self._take():
            pass

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True

    def _take(self) -> bool:
        if self._chunk:
            return self._take_chunk()
        end = b"\r\n.\r\n" if self._in_content else b"\r\n"
        at = self._input.find(end)
        if at < 0:
            return False
        taken = bytes(self._input[: at + len(end)])
        del self._input[: at + len(end)]
        if self._in_content:
            self._in_content = False
            self._content(taken)
        else:
            self._command(taken)
        return True

    def _take_chunk(self) -> bool:
        if len(self._input) < self._chunk:
            return False
        taken = bytes(self._input[: self._chunk])
        del self._input[: self._chunk]
        self._chunk = 0
        if self._recipient:
            self._recipient = False
            self._content(taken)
        else:  # taken in all the same (RFC 3030 section 2)
            self._say(self._whim(b"503 5.5.1 no recipients\r\n")[0])
        return True

    def _content(self, taken: bytes) -> None:
        number = int(taken.split(b"\r\n", 1)[0].removeprefix(b"Subject: ") or 0)
        honest = self._dice.choice(_REFUSALS) if self._dice.random() < self._oddness else self._fine(b"250", b"queued")
        said, understood = self._whim(honest)
        takes_it = honest.startswith(b"2") if understood else self._dice.random() < 0.5
        if said.startswith(b"421"):
            takes_it = False  # a final 4yz says "not accepted" (RFC 5321 section 4.2.1), and is believed
        if takes_it and number:
            self.accepted.append(number)
        self._say(said)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"BDAT":
            if self._dice.random() < self._oddness / 4:
                self.oddities["no BDAT"] += 1  # announced, not known: what follows is taken for commands
                self._say(b"502 5.5.1 what?\r\n")
            else:
                self._chunk = int(line.split()[1])
            return
        honest = self._fine(b"250", b"ok")
        if verb == b"QUIT":
            honest = b"221 bye\r\n"
        elif verb == b"DATA":
            honest = self._fine(b"354", b"go") if self._recipient else b"554 5.5.1 no recipients\r\n"
        elif verb not in (b"MAIL", b"RCPT", b"RSET"):
            honest = b"500 5.5.2 what?\r\n"  # a line of a message that it did not take for one
        elif verb != b"RSET" and self._dice.random() < self._oddness:
            honest = self._dice.choice(_REFUSALS)
        if verb in (b"MAIL", b"RSET"):
            self._recipient = False
            self._sender = verb == b"MAIL" and honest.startswith(b"2")
        said, _ = self._whim(honest)
        if verb == b"RCPT":
            self._recipient = self._sender and honest.startswith(b"2")
        elif verb == b"DATA":
            self._in_content = self._recipient and honest.startswith(b"354")
            self._recipient = False
        self._say(said)

    def _fine(self, code: bytes, text: bytes) -> bytes:
        """A correct reply in one of the forms that RFC 5321 section 4.2 allows, or a line feed alone for its end."""
        form = self._dice.random()
        if form < 0.6:
            return code + b" " + text + b"\r\n"
        if form < 0.7:
            return code + b"\r\n"
        if form < 0.8:
            return code + b" " + text + b"\n"
        return code + b"-" + text + b"\r\n" + code + b"-\r\n" + code + b" " + text * 30 + b"\r\n"

    def _whim(self, honest: bytes) -> tuple[bytes, bool]:
        """What is said instead, and whether a strict reader hears the honest reply in it."""
        if self._dice.random() >= self._oddness:
            return honest, True
        kind = self._dice.choice(("stray", "garbage", "contradiction", "torn", "close", "reset", "keep", "bye"))
        self.oddities[kind] += 1
        if kind == "stray":
            return honest + self._dice.choice(self._strays), True
        if kind == "garbage":
            garbage = self._dice.choice(_GARBAGE)
            return (garbage + honest if self._dice.random() < 0.5 else garbage), False
        if kind == "contradiction":
            return self._dice.choice((b"550-no\r\n250 ok\r\n", b"250-ok\r\n550 no\r\n", b"250-ok\r\n354 go\r\n")), False
        if kind == "torn":
            self._over = True
            return self._dice.choice(_TORN), False
        if kind == "keep":
            # Said together with the next reply; in lockstep the client waits for it, so it is said a moment later.
            self._kept_back += honest
            asyncio.get_running_loop().call_later(0.001, self._say, b"")
            return b"", True
        self._over = True
        if kind == "bye":
            return b"421 4.3.2 bye\r\n", False
        if kind == "reset" and self._transport is not None:
            self._transport.abort()
        return b"", False

    def _say(self, said: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if not said and not self._over and not self._kept_back:
            return
        data, self._kept_back = self._kept_back + said, b""
        cuttable = not any(data.endswith(stray) for stray in _STRAYS)
        if data and cuttable and self._dice.random() < 0.3:
            cut = self._dice.randrange(len(data))
            transport.write(data[:cut])
            self._kept_back = data[cut:]
            asyncio.get_running_loop().call_soon(self._say, b"")
            return
        transport.write(data)
        if self._over:
            transport.close()
