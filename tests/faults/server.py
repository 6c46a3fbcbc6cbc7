"""Owns a mail server that keeps SMTP's rules until it is told to strike, and the list of what it accepted.

It speaks through `tests.servers.scripted`, so that a strike may be any bytes at any moment. A strike falls once the
list has got somewhere (`after` messages were accepted), so that a test sees who else suffers from it.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from mailtui.smtp.gear import Gear
from mailtui.smtp.verdict import Stage
from tests.servers.scripted import Close, Reset, ScriptError, Send, Silence, Step, Talk

END = b"\r\n.\r\n"
GREETING = b"220 fault.example ESMTP\r\n"
OK = b"250 2.0.0 ok\r\n"
GO = b"354 go on\r\n"

Deed = Sequence[Step] | Callable[[Talk], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens instead of the usual reply at a stage.

    With `effect` the command takes effect all the same; at the dot that means the message is accepted. `after` so
    many accepted messages, `times` at most (None: always). A deed that is a function ends the connection, unless it
    has an effect.
    """

    stage: Stage
    deed: Deed
    effect: bool = False
    after: int = 4
    times: int | None = 1

    @property
    def ends(self) -> bool:
        if callable(self.deed):
            return not self.effect
        return any(isinstance(step, Close | Reset | Silence) for step in self.deed)


@dataclass
class FaultServer:
    """A script for `scripted_peer` with the state of all its connections."""

    gear: Gear
    strikes: tuple[Strike, ...] = ()
    users: bool = False
    """Whether it wants a login; it believes every password."""
    tls: ssl.SSLContext | None = None
    """For STARTTLS, which it offers then."""
    offers: tuple[bytes, ...] = ()
    chunk: int | None = None
    """Every reply in pieces of so many bytes."""
    line_end: bytes = b"\r\n"
    accepted: Counter[str] = field(default_factory=Counter)
    """How often a message to each recipient was accepted: the truth."""
    ended: Counter[str] = field(default_factory=Counter)
    """How often the end of a message to each recipient came, whatever became of it."""
    contents: dict[str, set[bytes]] = field(default_factory=dict)
    struck: list[tuple[Stage, str]] = field(default_factory=list)
    """Each strike and the recipient of the transaction it fell into, where that was known."""
    connections: int = 0
    open: int = 0
    logins: int = 0
    login_in_clear: bool = False
    spoken: Gear = Gear.LOCKSTEP
    """The fastest gear that the client was seen in before the first strike."""

    def heal(self) -> None:
        """Strike no more."""
        self.strikes = ()

    async def __call__(self, talk: Talk) -> None:
        self.connections += 1
        self.open += 1
        try:
            await _Connection(self, talk).serve()
        except (ScriptError, ssl.SSLError):
            return  # the client is free to leave, and to find our certificate wanting
        finally:
            self.open -= 1

    def note(self, gear: Gear) -> None:
        """The client wrote ahead as in this gear."""
        if not self.struck and not (self.connections == 1 and self.gear is Gear.FLIGHT):
            self.spoken = max(gear, self.spoken, key=lambda item: item.rank)

    @property
    def total(self) -> int:
        return sum(self.accepted.values())

    def due(self, stage: Stage) -> Strike | None:
        """The strike that falls now."""
        for strike in self.strikes:
            so_far = sum(1 for at, _ in self.struck if at is stage)
            if strike.stage is stage and self.total >= strike.after and (strike.times is None or so_far < strike.times):
                return strike
        return None

    def hello(self, *, secured: bool) -> bytes:
        """The reply to EHLO."""
        words = list(self.offers)
        if self.gear is not Gear.LOCKSTEP:
            words.append(b"PIPELINING")
        if self.gear is Gear.CHUNKED:
            words.append(b"CHUNKING")
        if self.tls is not None and not secured:
            words.append(b"STARTTLS")
        if self.users:
            words.append(b"AUTH PLAIN LOGIN")
        *first, last = chain([b"fault.example", b"8BITMIME"], words)
        return b"".join(b"250-%b\r\n" % word for word in first) + b"250 %b\r\n" % last


class _Connection:
    """One client."""

    def __init__(self, server: FaultServer, talk: Talk) -> None:
        self.server = server
        self.talk = talk
        self.sender = False
        self.recipient = ""
        self.secured = False
        self.over = False
        # Nobody begins in this gear: a first connection whose replies make no sense brings the client down to it.
        self.nonsense = server.gear is Gear.FLIGHT and server.connections == 1

    async def serve(self) -> None:
        await self.turn(Stage.GREETING, GREETING)
        while not self.over:
            line = (await self.talk.line()).rstrip(b"\r\n")
            verb = line[:4].upper()
            if verb == b"EHLO":
                await self.turn(Stage.EHLO, self.server.hello(secured=self.secured))
            elif verb == b"STAR":
                await self.protect()
            elif verb == b"AUTH":
                self.server.logins += 1
                self.server.login_in_clear |= not self.secured
                await self.turn(Stage.AUTH, b"235 2.7.0 welcome\r\n")
            elif verb == b"MAIL":
                await self.mail()
            elif verb == b"RCPT":
                await self.rcpt(line[9:-1].decode())
            elif verb == b"DATA":
                await self.data()
            elif verb == b"BDAT":
                await self.bdat(int(line.split()[1]))
            elif verb == b"QUIT":
                await self.turn(Stage.QUIT, b"221 2.0.0 bye\r\n")
                return
            else:  # HELO, RSET
                self.sender = False
                self.recipient = ""
                await self.say(OK)

    async def say(self, reply: bytes) -> None:
        await self.talk.send(reply.replace(b"\r\n", self.server.line_end), chunk=self.server.chunk, pause=0)

    async def turn(self, stage: Stage, usual: bytes, *, before: Callable[[], None] = lambda: None) -> bool:
        """Answer as usual or strike; whether the command takes effect, which is said by `before` the answer."""
        strike = self.server.due(stage)
        if strike is None:
            before()
            await self.say(usual)
            return True
        self.server.struck.append((stage, self.recipient))
        if strike.effect:
            before()
        self.over = strike.ends
        if callable(strike.deed):
            await strike.deed(self.talk)
        else:
            await self.talk.play_some(strike.deed)
        return strike.effect and not self.over

    async def mail(self) -> None:
        if self.talk.ahead:
            self.server.note(Gear.FLIGHT)
        if self.nonsense:
            await self.talk.send(b"what?\r\n")
            self.over = True
            return
        self.recipient = ""
        self.sender = await self.turn(Stage.MAIL, OK)

    async def rcpt(self, recipient: str) -> None:
        if not self.sender:
            await self.say(b"503 5.5.1 from whom?\r\n")
            return
        self.recipient = recipient
        if not await self.turn(Stage.RCPT, OK):
            self.recipient = ""

    async def data(self) -> None:
        if not self.recipient:
            await self.say(b"503 5.5.1 nobody to send it to\r\n")
            return
        if not await self.turn(Stage.DATA, GO):
            return
        if self.server.due(Stage.BODY) is not None and not await self.turn(Stage.BODY, b""):
            return
        content = await self.talk.through(END)
        if self.talk.ahead:
            self.server.note(Gear.CROSS)
        await self.end(content)

    async def bdat(self, octets: int) -> None:
        """A whole message in one chunk."""
        if not self.recipient:
            await self.talk.take(octets)
            await self.say(b"503 5.5.1 nobody to send it to\r\n")
            return
        if self.server.due(Stage.BODY) is not None and not await self.turn(Stage.BODY, b""):
            return
        content = await self.talk.take(octets)
        self.server.note(Gear.CHUNKED)
        await self.end(content)

    async def end(self, content: bytes) -> None:
        """The message is whole."""
        recipient = self.recipient
        self.server.ended[recipient] += 1
        self.server.contents.setdefault(recipient, set()).add(content)

        def accept() -> None:
            self.server.accepted[recipient] += 1

        await self.turn(Stage.DOT, b"250 2.0.0 queued\r\n", before=accept)
        self.sender = False
        self.recipient = ""
        if not self.over and self.server.due(Stage.IDLE) is not None:
            await self.turn(Stage.IDLE, b"")

    async def protect(self) -> None:
        assert self.server.tls is not None
        if await self.turn(Stage.TLS, b"220 2.0.0 ready\r\n"):
            await self.talk.protect(self.server.tls)
            self.secured = True


def said(*lines: bytes) -> tuple[Send, ...]:
    """A reply of these lines, each ended by CR LF, in one segment."""
    return (Send(b"".join(line + b"\r\n" for line in lines)),)
