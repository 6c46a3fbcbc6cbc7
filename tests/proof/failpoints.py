"""A runner that ends itself, as kill -9 would, at one exact step of one message: `python -m tests.proof.failpoints`.

Reads a JSON object a line (`FailpointOrder`), and answers each with the exit code of the process that carried it out:
`DIED` when the step was reached. Each order runs in a fork of this process, which itself opens no outbox and no loop.
The steps are found from outside: in what the socket's transport is given to write, in what the session hears, and in
SQLite's own commit hook, which runs when everything of a transaction but its commit is done.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio import selector_events
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from mailtui.dispatch.gearbox import GearBox
from mailtui.dispatch.runner import Runner
from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.sqlite_ledger import SqliteLedger
from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.gear import Gear, GearChoice
from tests.dispatch.bench import Passwords, options

DIED = 99


class Step(StrEnum):
    """The steps of a message's way, in their order."""

    CLAIM = "claim commit"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "last body byte"
    MARK = "mark commit"
    DOT = "dot"
    REPLY = "reply"
    RESULT = "result commit"


@dataclass(frozen=True, slots=True)
class FailpointOrder:
    """Die before or after the step of the message with that number (from 1) on the one connection."""

    outbox: str
    gear: Gear
    window: int
    step: Step
    after: bool
    message: int

    def to_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> FailpointOrder:
        raw: dict[str, Any] = json.loads(line)
        return cls(
            raw["outbox"],
            Gear(raw["gear"]),
            int(raw["window"]),
            Step(raw["step"]),
            bool(raw["after"]),
            int(raw["message"]),
        )


def _die(*_: object) -> bool:
    os._exit(DIED)


class _Trap:
    """Counts how often the step came, and springs at the wanted one."""

    def __init__(self, order: FailpointOrder) -> None:
        self.order = order
        self.count = 0

    def is_due(self, step: Step, times: int = 1) -> bool:
        """Whether the wanted one is among the `times` more that are about to happen."""
        if step is not self.order.step or not times:
            return False
        before, self.count = self.count, self.count + times
        return before < self.order.message <= self.count

    def around(self, due: bool, work: Callable[[], object]) -> None:
        if due and not self.order.after:
            _die()
        work()
        if due:
            _die()


_SIGNS: dict[Step, Callable[[bytes], int]] = {
    Step.MAIL: lambda data: data.count(b"MAIL FROM:"),
    Step.RCPT: lambda data: data.count(b"RCPT TO:"),
    Step.DATA: lambda data: data.count(b"DATA\r\n") + data.count(b"BDAT "),
    Step.BODY: lambda data: data.count(b"\r\nHello "),
    Step.DOT: lambda data: (data == b".\r\n") + data.count(b"\r\n.\r\n") + data.count(b" LAST\r\n"),
}
"""How often a write holds a step; the chunked gear writes several messages at once."""


def _trap_writes(trap: _Trap) -> None:
    sign = _SIGNS.get(trap.order.step)
    if sign is None:
        return
    transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    write = transport.write

    def trapped(self: object, data: bytes) -> None:
        due = trap.is_due(trap.order.step, sign(bytes(data)))
        trap.around(due, partial(write, self, data))

    transport.write = trapped


def _trap_replies(trap: _Trap) -> None:
    if trap.order.step is not Step.REPLY:
        return
    heard: Any = Dialogue.buffer_updated

    def trapped(self: Any, nbytes: int) -> None:
        due = trap.is_due(Step.REPLY, bytes(self._view[:nbytes]).count(b": kept as "))  # the sandbox's words
        trap.around(due, partial(heard, self, nbytes))

    Dialogue.buffer_updated = trapped  # type: ignore[method-assign]


def _trap_commits(trap: _Trap) -> None:
    commit: Any = SqliteLedger.commit
    claim: Any = SqliteLedger.claim

    async def guarded(self: Any, due: bool, work: Callable[[], Any]) -> Any:
        if due and not trap.order.after:
            self._connection.set_commit_hook(_die)
        done = await work()
        if due:
            _die()
        return done

    async def trapped_commit(self: Any, marks: Any, results: Any, snapshots: Any, *, now: float) -> Any:
        due = trap.is_due(Step.MARK, len(marks)) or trap.is_due(Step.RESULT, len(results))
        return await guarded(self, due, lambda: commit(self, marks, results, snapshots, now=now))

    async def trapped_claim(
        self: Any, campaign: int, limit: int, *, now: float, lease: float, bounds: Sequence[str] | None = None
    ) -> Any:
        due = trap.order.step is Step.CLAIM
        return await guarded(self, due, lambda: claim(self, campaign, limit, now=now, lease=lease, bounds=bounds))

    SqliteLedger.commit = trapped_commit  # type: ignore[method-assign]
    SqliteLedger.claim = trapped_claim  # type: ignore[method-assign]


def _carry_out(order: FailpointOrder) -> None:
    trap = _Trap(order)
    GearBox.choose = lambda *_: GearChoice(order.gear, order.window)  # type: ignore[method-assign]
    _trap_writes(trap)
    _trap_replies(trap)
    _trap_commits(trap)
    outbox = parse_outbox(order.outbox)
    runner = Runner(outbox, options(outbox, scale=0.05, say=print), Passwords())
    asyncio.run(runner.run(lambda: None))


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _carry_out(FailpointOrder.from_line(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
