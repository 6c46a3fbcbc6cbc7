"""The fault matrix: what a server does, and what must become of the one message it does it to.

A row an id and variant. F-01 to F-07 happen before anybody's message is at stake, F-08 to F-19 are refusals and slow
or odd answers, F-20 to F-29 replies that do not add up, F-30 to F-32 idle connections, F-33 to F-36 the body, F-40 to
F-50 the reply to the message and the leave-taking. TLS, limits, providers and processes have tests of their own.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import cycle
from typing import Any

from mailtui.smtp.gear import DATA_GEARS, Gear
from mailtui.smtp.verdict import Stage
from tests.faults.server import END, GO, OK, Deed, Strike, said
from tests.servers.scripted import Close, Reset, Send, Silence, Sleep, Step, Talk

WINDOW = 65_536
BIG = 800_000  # bytes of a body that the buffers on the way do not hold, when the server's window is that small


class Fate(Enum):
    """What becomes of the delivery that a fault strikes."""

    SENT = "S"
    QUEUED = "Q0"  # back to the queue at once, no attempt counted
    DEFERRED = "Qd"  # tried again after a pause, an attempt counted
    UNKNOWN = "U"  # never sent again by itself
    FAILED = "X"
    HELD = "H"  # the campaign pauses, no row is touched


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. `then` is the fate, `cross` and `chunked` another one in that gear. `scale` shortens all waiting.

    In the chunked gear a connection that breaks leaves everything in doubt that was written and whose answer was not
    heard: what follows in the window, and also what came before, where RST or nonsense takes the answers along.

    `pace` in messages a second, so that connections fall idle; `big`: a body that no buffer holds.
    """

    id: str
    what: str
    then: Fate
    strikes: tuple[Strike, ...] = ()
    gears: tuple[Gear, ...] = tuple(Gear)
    cross: Fate | None = None
    chunked: Fate | None = None
    code: int | None = None
    scale: float = 0.02
    pace: float | None = None
    big: bool = False
    users: bool = False
    chunk: int | None = None
    line_end: bytes = b"\r\n"

    def fate(self, gear: Gear) -> Fate:
        other = {Gear.CROSS: self.cross, Gear.CHUNKED: self.chunked}.get(gear)
        return self.then if other is None else other

    def cases(self) -> Iterator[tuple[Row, Gear, str]]:
        """This row in each of its gears, with the name of the test."""
        for gear in self.gears:
            yield self, gear, f"{self.id} {self.what}, {gear}"


ONE = (Gear.LOCKSTEP,)  # before MAIL no gear matters
HASTE = 0.002  # a greeting and a command 0.6 s, the dot 1.2 s, DATA 0.24 s, a block 0.36 s


def once(stage: Stage, *lines: bytes, effect: bool = False, times: int | None = 1) -> tuple[Strike, ...]:
    """Answer one command with these lines."""
    first = stage in (Stage.GREETING, Stage.EHLO, Stage.TLS, Stage.AUTH)
    return (Strike(stage, said(*lines), effect=effect, after=0 if first else 4, times=times),)


def breaks(stage: Stage, deed: Deed, *, effect: bool = False) -> tuple[Strike, ...]:
    """Do this once instead of answering."""
    first = stage in (Stage.GREETING, Stage.EHLO, Stage.TLS, Stage.AUTH)
    return (Strike(stage, deed, effect=effect, after=0 if first else 4),)


async def drip(talk: Talk) -> None:
    """A line of a reply again and again, which never ends."""
    while not talk.writer.is_closing():
        await talk.send(b"250-wait\r\n")
        await asyncio.sleep(0.02)


async def stop_reading(talk: Talk) -> None:
    """Take none of the body."""
    talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not talk.writer.transport.is_closing():
        await asyncio.sleep(0.02)
        if _reset_by_client(talk):
            return


def _reset_by_client(talk: Talk) -> bool:
    """Whether the connection is gone, read from the kernel since nothing else is read."""
    raw = talk.writer.get_extra_info("socket")
    state = struct.unpack("B", raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0]
    return bool(state != 1)  # TCP_ESTABLISHED


async def read_and_reset(talk: Talk, size: int) -> None:
    """Take `size` bytes of the body, then RST."""
    taken = len(talk.ahead)
    while taken < size:
        data = await talk.reader.read(min(WINDOW, size - taken))
        if not data:
            return
        taken += len(data)
    talk.reset()


def at_byte(size: int) -> Deed:
    async def deed(talk: Talk) -> None:
        await read_and_reset(talk, size)

    return deed


async def take_slowly(talk: Talk) -> None:
    """Take the body a bit at a time, for longer than a block may take."""
    while END not in talk.ahead:
        await asyncio.sleep(0.03)
        if not await talk.more(32_768):
            return


def refuse_in_the_middle(*lines: bytes) -> Deed:
    """Take some of the body, say no, and close a moment later."""

    async def deed(talk: Talk) -> None:
        for _ in range(3):
            await talk.more(16_384)
        if lines:
            await talk.send(b"".join(line + b"\r\n" for line in lines))
            await asyncio.sleep(0.2)
        talk.writer.close()

    return deed


def before() -> Iterator[Row]:
    """F-01 to F-10: no message is at stake yet, or the account is."""
    yield Row("F-01", "RST at once", Fate.QUEUED, breaks(Stage.GREETING, [Reset()]), ONE)
    yield Row("F-02", "silence", Fate.QUEUED, breaks(Stage.GREETING, [Silence()]), ONE, scale=HASTE)
    yield Row("F-03", "closed at once", Fate.QUEUED, breaks(Stage.GREETING, [Close()]), ONE)
    yield Row("F-04", "421", Fate.QUEUED, breaks(Stage.GREETING, (*said(b"421 4.3.2 busy"), Close())), ONE)
    yield Row("F-04", "554", Fate.HELD, once(Stage.GREETING, b"554 5.7.1 go away"), ONE)
    for stage in (Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA):
        gears = ONE if stage is Stage.EHLO else DATA_GEARS if stage is Stage.DATA else tuple(Gear)
        down: Deed = (*said(b"421 4.3.2 going down"), Close())
        yield Row("F-05", f"421 at {stage}", Fate.QUEUED, breaks(stage, down), gears)
        yield Row("F-06", f"closed at {stage}", Fate.QUEUED, breaks(stage, [Close()]), gears, chunked=Fate.UNKNOWN)
        yield Row("F-07", f"RST at {stage}", Fate.QUEUED, breaks(stage, [Reset()]), gears, chunked=Fate.UNKNOWN)
    yield Row("F-08", "EHLO refused, HELO taken", Fate.SENT, once(Stage.EHLO, b"502 5.5.1 what?", times=None), ONE)
    for code in (b"535 5.7.8", b"534 5.7.9", b"530 5.7.0"):
        yield Row("F-09", code[:3].decode(), Fate.HELD, once(Stage.AUTH, code + b" no"), ONE, users=True)
    yield Row("F-10", "454 for now", Fate.QUEUED, once(Stage.AUTH, b"454 4.7.0 later"), ONE, users=True)
    token = once(Stage.AUTH, b"334 eyJzdGF0dXMiOiI0MDEifQ==")
    yield Row("F-10", "334, a token that expired", Fate.HELD, token, ONE, users=True)


def envelope() -> Iterator[Row]:
    """F-11 to F-19: refusals, and answers that are late or unusual."""
    for line in (b"450 4.3.0 hm", b"451 4.7.1 greylisted", b"452 4.3.1 no space"):
        yield Row("F-11", line.decode(), Fate.DEFERRED, once(Stage.MAIL, line), code=int(line[:3]))
    yield Row("F-12", "552 5.3.4", Fate.HELD, once(Stage.MAIL, b"552 5.3.4 too big"))
    for line in (b"550 5.4.5 daily limit exceeded", b"550 5.7.1 sender refused"):
        yield Row("F-13", line[:9].decode(), Fate.HELD, once(Stage.MAIL, line))
    yield Row("F-14", "550 5.1.1", Fate.FAILED, once(Stage.RCPT, b"550 5.1.1 no such user"), code=550)
    for line in (b"450 4.2.1 too quickly", b"451 4.7.1 greylisted", b"452 4.2.2 full"):
        yield Row("F-15", line[:9].decode(), Fate.DEFERRED, once(Stage.RCPT, line), code=int(line[:3]))
    yield Row("F-16", "550 5.7.1", Fate.FAILED, once(Stage.RCPT, b"550 5.7.1 policy"), code=550)
    for line in (b"550 5.7.26 unauthenticated", b"550 5.7.515 access denied"):
        yield Row("F-16", line.split()[1].decode(), Fate.HELD, once(Stage.RCPT, line))
    for code in (b"251", b"252"):
        yield Row("F-17", code.decode(), Fate.SENT, once(Stage.RCPT, code + b" I will see", effect=True))
    late = Strike(Stage.DATA, (Sleep(0.12), Send(GO)), effect=True)
    yield Row("F-18", "354 late", Fate.SENT, (late,), DATA_GEARS, scale=0.01)
    yield Row("F-18", "354 never", Fate.QUEUED, breaks(Stage.DATA, [Silence()]), DATA_GEARS, scale=HASTE)
    yield Row("F-19", "451", Fate.DEFERRED, once(Stage.DATA, b"451 4.3.0 trouble"), DATA_GEARS, code=451)
    yield Row("F-19", "554", Fate.FAILED, once(Stage.DATA, b"554 5.6.0 no"), DATA_GEARS, code=554)


def framing() -> Iterator[Row]:
    """F-20 to F-29: replies that do not add up, or look odd."""
    extra: Deed = (*said(b"250 ok", b"250 extra"), Silence())
    yield Row("F-20", "250 twice", Fate.QUEUED, breaks(Stage.DATA, extra), DATA_GEARS)
    yield Row("F-20", "250 twice to RCPT", Fate.QUEUED, breaks(Stage.RCPT, extra), (Gear.LOCKSTEP,))
    ahead: Deed = (*said(b"250 ok", b"354 go", b"250 queued"), *said(b"554 no"), Silence())
    yield Row("F-21", "the whole dialogue at once", Fate.QUEUED, breaks(Stage.RCPT, ahead), DATA_GEARS)
    yield Row("F-22", "in pieces of 3", Fate.SENT, chunk=3)
    yield Row("F-23", "550- then 250", Fate.UNKNOWN, breaks(Stage.DOT, (*said(b"550-no", b"250 ok"), Silence())))
    yield Row("F-24", "250- then 550", Fate.UNKNOWN, breaks(Stage.DOT, (*said(b"250-ok", b"550 no"), Silence())))
    yield Row("F-25", "endless at RCPT", Fate.QUEUED, breaks(Stage.RCPT, drip), chunked=Fate.UNKNOWN, scale=HASTE)
    yield Row("F-25", "endless at the dot", Fate.UNKNOWN, breaks(Stage.DOT, drip), scale=HASTE)
    yield Row("F-26", "600 bytes", Fate.SENT, once(Stage.RCPT, b"250 " + b"x" * 600, effect=True))
    odd: tuple[tuple[str, tuple[Step, ...], float], ...] = (
        ("9 KB", said(b"250 " + b"x" * 9_000), 0.02),
        ("9 KB without an end", (Send(b"250 " + b"x" * 9_000),), 0.02),
        ("40 KB in lines", said(*[b"250-" + b"x" * 800] * 50), 0.02),
        ("no CRLF", (Send(b"250 ok"),), HASTE),
    )
    for (what, deed, scale), gear in zip(odd, cycle(Gear), strict=False):
        mute = (*deed, Silence())
        yield Row(
            "F-26", f"{what} at RCPT", Fate.QUEUED, breaks(Stage.RCPT, mute), (gear,), scale=scale, chunked=Fate.UNKNOWN
        )
        yield Row("F-26", f"{what} at the dot", Fate.UNKNOWN, breaks(Stage.DOT, mute), (gear,), scale=scale)
    hostile = "\x1b]0;PWNED\x07 \x00 [/] [@click=app.quit]x[/] \u202e".encode() + b" \xff"
    yield Row("F-27", "taken", Fate.SENT, once(Stage.DOT, b"250 2.0.0 " + hostile, effect=True), code=250)
    yield Row("F-27", "refused", Fate.FAILED, once(Stage.RCPT, b"550 5.1.1 " + hostile), code=550)
    lines = (b" 250 ok", b"+25 ok", b"999 ok", b"25", b"what?", b"", b"2 50 ok", b"250ok", b"150 hm")
    for line, gear in zip(lines, cycle(Gear), strict=False):  # the reader is the same in all of them
        name = repr(line.decode())
        mute = (*said(line), Silence())
        yield Row("F-28", f"{name} at RCPT", Fate.QUEUED, breaks(Stage.RCPT, mute), (gear,), chunked=Fate.UNKNOWN)
        yield Row("F-28", f"{name} at the dot", Fate.UNKNOWN, breaks(Stage.DOT, mute), (gear,))
    yield Row("F-29", "LF alone", Fate.SENT, line_end=b"\n")


def idle() -> Iterator[Row]:
    """F-30 to F-32: what happens to a connection while nothing is said on it."""

    def quiet(id: str, what: str, *deed: Step, scale: float = 0.02, chunked: Fate | None = None) -> Row:
        strike = Strike(Stage.IDLE, deed, after=2)
        return Row(id, what, Fate.QUEUED, (strike,), chunked=chunked, pace=20, scale=scale)

    yield quiet("F-30", "closed", Close())
    yield quiet("F-31", "421", *said(b"421 4.4.2 idle for too long"), Close())
    yield quiet(
        "F-32", "half open", Silence(), scale=HASTE, chunked=Fate.UNKNOWN
    )  # which waits for nothing before the body


def body() -> Iterator[Row]:
    """F-33 to F-36: in cross and chunked body and end leave together, so that a body cut short may have been whole."""

    def cut(id: str, what: str, deed: Deed, then: Fate, cross: Fate, **more: Any) -> Row:
        return Row(id, what, then, (Strike(Stage.BODY, deed, after=1),), cross=cross, chunked=cross, big=True, **more)

    yield cut("F-33", "takes nothing", stop_reading, Fate.QUEUED, Fate.UNKNOWN, scale=HASTE)
    slow = Strike(Stage.BODY, take_slowly, after=1, effect=True)
    yield Row("F-34", "slow but moving", Fate.SENT, (slow,), DATA_GEARS, scale=0.003, big=True)
    no = refuse_in_the_middle(b"550 5.7.1 no more")
    yield cut("F-35", "550", no, Fate.FAILED, Fate.FAILED, code=550)
    full = refuse_in_the_middle(b"552 5.2.2 over quota")
    yield cut("F-35", "552 5.2.2", full, Fate.DEFERRED, Fate.DEFERRED, code=552)
    large = refuse_in_the_middle(b"552 5.3.4 too big")
    yield cut("F-35", "552 5.3.4", large, Fate.HELD, Fate.HELD)
    yield cut("F-35", "no reply", refuse_in_the_middle(), Fate.QUEUED, Fate.UNKNOWN)
    # The last byte but one, where only the mark's answer stands between body and dot, is the session's own test.
    yield cut("F-36", "RST at the first byte", at_byte(1), Fate.QUEUED, Fate.UNKNOWN)
    yield cut("F-36", "RST in the middle", at_byte(BIG // 2), Fate.QUEUED, Fate.UNKNOWN)


def verdict() -> Iterator[Row]:
    """F-40 to F-50: the reply to the message, and QUIT."""
    yield Row("F-40", "accepted, then closed", Fate.UNKNOWN, breaks(Stage.DOT, (Close(),), effect=True))
    yield Row("F-41", "accepted, then RST", Fate.UNKNOWN, breaks(Stage.DOT, (Reset(),), effect=True))
    yield Row("F-42", "accepted, then silence", Fate.UNKNOWN, breaks(Stage.DOT, [Silence()], effect=True), scale=HASTE)
    yield Row("F-43", "not accepted, closed", Fate.UNKNOWN, breaks(Stage.DOT, [Close()]))
    late = Strike(Stage.DOT, (Sleep(1.8), Send(OK)), effect=True)  # nine of ten minutes
    yield Row("F-44", "after nine minutes", Fate.SENT, (late,), scale=1 / 300)
    yield Row("F-45", "25", Fate.UNKNOWN, breaks(Stage.DOT, [Send(b"25"), Close()]))
    yield Row("F-45", "250 without an end", Fate.UNKNOWN, breaks(Stage.DOT, [Send(b"250 ok"), Close()], effect=True))
    down: Deed = (*said(b"421 4.3.2 going down"), Close())
    yield Row("F-46", "421", Fate.DEFERRED, breaks(Stage.DOT, down), code=421)
    for line in (b"451 4.3.0 trouble", b"452 4.3.1 no space"):
        yield Row("F-47", line[:3].decode(), Fate.DEFERRED, once(Stage.DOT, line), code=int(line[:3]))
    yield Row("F-48", "550 5.7.1", Fate.FAILED, once(Stage.DOT, b"550 5.7.1 spam"), code=550)
    yield Row("F-48", "552 5.2.2", Fate.DEFERRED, once(Stage.DOT, b"552 5.2.2 over quota"), code=552)
    yield Row("F-48", "554", Fate.FAILED, once(Stage.DOT, b"554 5.6.0 no"), code=554)
    for code in (b"251", b"252", b"299"):
        yield Row("F-49", code.decode(), Fate.SENT, once(Stage.DOT, code + b" ok", effect=True), code=int(code))
    yield Row("F-50", "closed", Fate.SENT, (Strike(Stage.QUIT, (Close(),), after=0),))
    yield Row("F-50", "silence", Fate.SENT, (Strike(Stage.QUIT, (Silence(),), after=0),))


ROWS = (*before(), *envelope(), *framing(), *idle(), *body(), *verdict())
