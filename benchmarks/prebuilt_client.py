"""Our session with mail that is built already, as a program: `python -m benchmarks.prebuilt_client --port P …`.

It connects as the product does, hands the connections to the product's sessions, and prints one JSON object: `sent`,
`seconds` from the first connection to the last result on record, `cpu` from the first MAIL on. The gear is what is
asked for, not what the server would allow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.books import RECORDS, Books, books
from benchmarks.mail import prebuilt
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.connect import connect
from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.gear import Gear, GearChoice
from mailtui.smtp.job import Job
from mailtui.smtp.opening import open_session
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Verdict

SENDER = "news@acme.test"


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, and how."""

    port: int
    connections: int
    messages: int
    size: int = 10_240
    gear: Gear = Gear.CROSS
    window: int = 1
    record: str = "none"
    ca: str = ""


@dataclass(slots=True)
class Shift:
    """What all connections of a run share."""

    order: Order
    lines: list[Line] = field(default_factory=list)
    sent: int = 0
    given: int = 0
    wrong: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def pump(self) -> None:
        for line in self.lines:
            line.session.pump()

    def fail(self, what: str) -> None:
        self.wrong = self.wrong or what
        self.over.set()


class Line:
    """The owner of one session: it hands out prebuilt mail, and whatever is not a plain 250 is an error."""

    session: Dialogue

    def __init__(self, shift: Shift, own: Books, capabilities: Capabilities) -> None:
        self.ended_event = asyncio.Event()
        self._shift = shift
        self._books = own
        self._capabilities = capabilities
        self._size = shift.order.size

    def next_job(self) -> Job | None:
        claim = self._books.next()
        if claim is None:
            return None
        shift = self._shift
        shift.given += 1
        # A copy of its own for each, as rendered mail is.
        return Job(SENDER, "p@example.com", prebuilt(self._size, shift.given), self._capabilities, claim)

    def ask_mark(self, job: Job) -> None:
        session = self.session
        self._books.mark(job.tag, lambda held: session.marked(job, held))

    def settled(self, job: Job, verdict: Verdict) -> None:
        if verdict.code != 250:
            self._shift.fail(f"a message was answered {verdict}")
            return
        self._books.sent(job.tag, verdict)
        self._shift.sent += 1
        if self._shift.sent == self._shift.order.messages:
            self._shift.over.set()

    def untouched(self, job: Job) -> None:
        self._shift.fail(f"{job.tag} was not sent")

    def in_doubt(self, job: Job, verdict: Verdict) -> None:
        self._shift.fail(f"{job.tag} is in doubt: {verdict}")

    def ended(self, verdict: Verdict) -> None:
        self.ended_event.set()
        if not self._shift.over.is_set():
            self._shift.fail(f"a connection ended: {verdict}")


async def send(order: Order, folder: Path) -> dict[str, Any]:
    """Send it all; what is printed. Raises RuntimeError when anything but all of it was accepted."""
    security = Security.TLS if order.ca else Security.PLAIN
    endpoint = Endpoint("benchmark", "127.0.0.1", order.port, security, ca=order.ca, helo="client.test")
    timeouts = Timeouts()
    shift = Shift(order)
    choice = GearChoice(order.gear, order.window, "the benchmark asks for it")
    async with books(order.record, folder, order.messages, gathers=order.gear is Gear.CHUNKED, more=shift.pump) as own:
        start = time.perf_counter()  # others count their connecting too
        connections = await asyncio.gather(
            *(connect(endpoint, None, timeouts=timeouts) for _ in range(order.connections))
        )
        for connection in connections:
            line = Line(shift, own, connection.capabilities)
            line.session = open_session(line, connection.capabilities, choice, timeouts)
            shift.lines.append(line)
        cpu = time.process_time()
        for line, connection in zip(shift.lines, connections, strict=True):
            line.session.start(connection.transport)
        await shift.over.wait()
        await own.settle()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        if shift.wrong:
            raise RuntimeError(shift.wrong)
        for line in shift.lines:
            line.session.finish()
        await asyncio.gather(*(line.ended_event.wait() for line in shift.lines))
    return {"sent": shift.sent, "seconds": seconds, "cpu": cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--size", type=int, default=10_240, help="octets of a message")
    parser.add_argument("--gear", type=Gear, default=Gear.CROSS, choices=list(Gear))
    parser.add_argument("--window", type=int, default=1)
    parser.add_argument("--record", choices=RECORDS, default="none")
    parser.add_argument("--ca", default="", help="speak TLS, and trust this authority")
    order = Order(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as folder:
        print(json.dumps(asyncio.run(send(order, Path(folder)))))


if __name__ == "__main__":
    main()
