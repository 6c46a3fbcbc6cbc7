"""Servers that misbehave at random: every job is answered once, and the books agree with what was accepted."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from mailtui.smtp.gear import DATA_GEARS, Gear
from mailtui.smtp.job import Job
from mailtui.smtp.verdict import Verdict
from tests.servers.scripted import ScriptError, Talk, scripted_peer
from tests.smtp.bench import QUICK, Owner, job, message, session_to, stuffed

MESSAGES = 12
CHUNKED = [(Gear.CHUNKED, window) for window in (1, 4, 16)]
SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 100))]


@dataclass
class WildServer:
    """Keeps SMTP's rules about transactions, and now and then breaks all others. `accepted` is the truth."""

    dice: random.Random
    chunked: bool = False
    accepted: list[bytes] = field(default_factory=list)

    async def __call__(self, talk: Talk) -> None:
        try:
            await self._serve(talk)
        except ScriptError:
            return  # the client is free to leave

    async def _serve(self, talk: Talk) -> None:
        recipient = False
        while True:
            line = await talk.line()
            fine = b"250 2.0.0 ok\r\n"
            if line.startswith(b"QUIT"):
                await self._say(talk, b"221 bye\r\n")
                return
            if line.startswith(b"MAIL"):
                recipient = False
            if line.startswith(b"RSET"):
                recipient = False
            if line.startswith(b"BDAT"):
                if not await self._chunk(talk, int(line.split()[1]), recipient):
                    return
                recipient = False
                continue
            if line.startswith(b"DATA"):
                fine = b"354 go\r\n" if recipient else b"554 5.5.1 no recipients\r\n"
            reply, goes_on = self._whim(talk, fine, refusable=not line.startswith(b"RSET"))
            await self._say(talk, reply)
            if not goes_on:
                return
            if line.startswith(b"RCPT"):
                recipient = reply.startswith(b"2")
            if line.startswith(b"DATA") and reply.startswith(b"354"):
                content = await talk.through(b"\r\n.\r\n")
                recipient = False
                reply, goes_on = self._whim(talk, b"250 2.0.0 queued\r\n", refusable=True)
                if reply.startswith(b"2") or (self.dice.random() < 0.5 and not reply):
                    self.accepted.append(content)
                await self._say(talk, reply)
                if not goes_on:
                    return

    async def _chunk(self, talk: Talk, size: int, recipient: bool) -> bool:
        """Take a whole message in; whether the connection goes on."""
        content = await talk.take(size)
        fine = b"250 2.0.0 queued\r\n" if recipient else b"503 5.5.1 no recipients\r\n"
        reply, goes_on = self._whim(talk, fine, refusable=True)
        if recipient and (reply.startswith(b"2") or (self.dice.random() < 0.5 and not reply)):
            self.accepted.append(content)
        await self._say(talk, reply)
        return goes_on

    def _whim(self, talk: Talk, fine: bytes, *, refusable: bool) -> tuple[bytes, bool]:
        """The reply, and whether the connection goes on after it."""
        roll = self.dice.random()
        if roll < 0.82:
            return fine, True
        if roll < 0.92 and refusable:
            return self.dice.choice([b"550 5.1.1 no\r\n", b"451 4.3.0 later\r\n", b"550-a\r\n550 b\r\n"]), True
        if roll < 0.94:
            return b"421 4.3.2 bye\r\n", False
        if roll < 0.96:
            return b"", False
        if roll < 0.97:
            talk.reset()
            return b"", False
        if roll < 0.98:
            return self.dice.choice([b"what?\r\n", b"999 x\r\n", b"55"]), False
        if fine.startswith(b"354"):
            return b"550 5.7.1 no\r\n", True
        if self.chunked:
            return fine + b"250-extra\r\n", True  # a whole one more cannot be seen among those that are due
        return fine + b"250 extra\r\n", True  # F-20

    async def _say(self, talk: Talk, reply: bytes) -> None:
        await talk.send(reply, chunk=self.dice.choice([None, None, 3, 9]), pause=0)


class WildOwner(Owner):
    """Marks hold at once, later, or not at all."""

    def __init__(self, todo: list[Job], dice: random.Random) -> None:
        super().__init__(todo, finish=True)
        self.dice = dice
        self.withdrawn: set[int] = set()

    def ask_mark(self, job: Job) -> None:
        self.asked.append(job)
        held = self.dice.random() > 0.05
        if not held:
            self.withdrawn.add(job.tag)
        asyncio.get_running_loop().call_later(self.dice.choice([0, 0, 0.002]), self._answer, job, held)

    def _answer(self, job: Job, held: bool) -> None:
        assert self.session is not None
        self.session.marked(job, held)
        if not self.todo and len(self.answers) + len(self.withdrawn) == len(self.given):
            self.session.finish()  # in the chunked gear nothing ends by a message that is withdrawn

    def _keep(self, job: Job, what: str, verdict: Verdict | None) -> None:
        super()._keep(job, what, verdict)
        if not self.todo and len(self.answers) + len(self.withdrawn) == len(self.given):
            assert self.session is not None
            self.session.finish()


@pytest.mark.parametrize(("gear", "window"), [*((gear, 1) for gear in DATA_GEARS), *CHUNKED])
@pytest.mark.parametrize("seed", SEEDS)
async def test_d15_whatever_the_server_does_the_books_agree(gear: Gear, window: int, seed: int) -> None:
    dice = random.Random(seed)
    chunked = gear is Gear.CHUNKED
    server = WildServer(dice, chunked)
    sent: set[int] = set()
    doubtful: set[int] = set()
    over: set[int] = set()
    async with scripted_peer(server, strict=False) as peer:
        for _ in range(40):
            todo = [number for number in range(1, MESSAGES + 1) if number not in over]
            if not todo:
                break
            owner = WildOwner([job(number) for number in todo], dice)
            async with session_to(peer.port, owner, gear, window=window, timeouts=QUICK):
                await owner.wait_ended()
                await asyncio.sleep(0.005)  # marks that are still asked for
            for given in owner.given:
                if given.tag in owner.withdrawn:
                    assert given.tag not in owner.answers
                    continue
                outcome = owner.outcome(given.tag)
                if outcome.startswith("settled 2"):
                    sent.add(given.tag)
                elif outcome == "in_doubt":
                    doubtful.add(given.tag)
                if outcome == "in_doubt" or outcome.startswith(("settled 2", "settled 5")):
                    over.add(given.tag)
            assert len([number for number in owner.answers if owner.outcome(number) == "in_doubt"]) <= window
    bodies = {message(number) if chunked else stuffed(number) + b".\r\n": number for number in range(1, MESSAGES + 1)}
    accepted = [bodies[content] for content in server.accepted]
    assert len(set(accepted)) == len(accepted), "nobody got it twice"
    assert sent <= set(accepted) <= sent | doubtful
