"""An owner that keeps everything a session tells it, and sessions set straight on a socket, without a login."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.gear import Gear, GearChoice
from mailtui.smtp.job import Job
from mailtui.smtp.opening import open_session
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Verdict

PLAIN = Capabilities()
OFFERED = Capabilities(pipelining=True, chunking=True)
QUICK = Timeouts().scaled(0.001)  # a command 0.3 s, the dot 0.6 s, QUIT 5 ms

Answer = tuple[str, Verdict | None]


def message(number: int) -> bytes:
    return f"Subject: {number}\r\n\r\n.dot {number}\r\nend\r\n".encode()


def stuffed(number: int) -> bytes:
    """The same as it stands on the wire, without the last dot."""
    return f"Subject: {number}\r\n\r\n..dot {number}\r\nend\r\n".encode()


def job(number: int, *, data: bytes | None = None) -> Job:
    return Job("a@sender.example", f"r{number}@x.test", data if data is not None else message(number), PLAIN, number)


def jobs(count: int) -> list[Job]:
    return [job(number) for number in range(1, count + 1)]


class Owner:
    """Hands out jobs; marks hold at once unless `by_hand`. What it hears stands in `answers`, by the job's tag."""

    def __init__(self, todo: Iterable[Job] = (), *, by_hand: bool = False, finish: bool = False) -> None:
        self.todo = deque(todo)
        self.by_hand = by_hand
        self.finish = finish
        self.asked: list[Job] = []
        self.given: list[Job] = []
        self.answers: dict[int, list[Answer]] = {}
        self.end: list[Verdict] = []
        self.ended_event = asyncio.Event()
        self.asked_event = asyncio.Event()
        self.session: Dialogue | None = None

    # what a session asks

    def next_job(self) -> Job | None:
        if not self.todo:
            return None
        self.given.append(self.todo.popleft())
        return self.given[-1]

    def ask_mark(self, job: Job) -> None:
        self.asked.append(job)
        self.asked_event.set()
        if not self.by_hand:
            assert self.session is not None
            asyncio.get_running_loop().call_soon(partial(self.session.marked, job, held=True))

    def settled(self, job: Job, verdict: Verdict) -> None:
        self._keep(job, "settled", verdict)

    def untouched(self, job: Job) -> None:
        self._keep(job, "untouched", None)

    def in_doubt(self, job: Job, verdict: Verdict) -> None:
        self._keep(job, "in_doubt", verdict)

    def ended(self, verdict: Verdict) -> None:
        self.end.append(verdict)
        self.ended_event.set()

    def _keep(self, job: Job, what: str, verdict: Verdict | None) -> None:
        self.answers.setdefault(job.tag, []).append((what, verdict))
        if self.finish and not self.todo and len(self.answers) == len(self.given):
            assert self.session is not None
            self.session.finish()

    # what tests ask

    async def wait_ended(self, seconds: float = 5.0) -> Verdict:
        async with asyncio.timeout(seconds):
            await self.ended_event.wait()
        assert len(self.end) == 1, "the end is told once"
        return self.end[0]

    def outcome(self, number: int) -> str:
        """`settled 250`, `untouched`, `in_doubt`: the one answer for a job."""
        answers = self.answers.get(number, [])
        assert len(answers) == 1, f"job {number} was answered {len(answers)} times: {answers}"
        what, verdict = answers[0]
        return f"{what} {verdict.code}" if what == "settled" and verdict is not None else what

    def verdict(self, number: int) -> Verdict:
        [(_, verdict)] = self.answers[number]
        assert verdict is not None
        return verdict


@asynccontextmanager
async def session_to(
    port: int,
    owner: Owner,
    gear: Gear,
    *,
    window: int = 1,
    timeouts: Timeouts | None = None,
    start: bool = True,
) -> AsyncIterator[Dialogue]:
    """A session on a bare connection, as after EHLO; aborted when the block ends."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
    session = open_session(owner, OFFERED, GearChoice(gear, window), timeouts or Timeouts())
    owner.session = session
    if start:
        session.start(transport)
    try:
        yield session
    finally:
        session.abort("the test is over")
        transport.abort()
        await asyncio.sleep(0)
