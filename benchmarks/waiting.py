"""How late a runner wakes for what is scheduled, and what it takes while it waits.

    python -m benchmarks.waiting [--campaigns 1000] [--rows 1000000] [--seconds 60] [--json]

Half of the rows belong to campaigns that begin in a week, the others to one campaign whose recipients have times of
their own from tomorrow on. A runner is a process of its own over that outbox; for so many seconds it has nothing to do,
and is looked at. Then a quarter of the campaigns are scheduled beside the others, with a recipient each, and begin at
instants of their own within as many seconds; as many recipients more of the running campaign are due at the same
instants. Their server takes everything. Prints how late campaigns began, and
how late the server had taken the mails, in milliseconds, and the runner's CPU, its turns at it, and what it wrote. No
campaign may begin early, or twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measured import ROOT, Failed
from benchmarks.sinks import cpu_seconds, own_sink
from mailtui.dispatch.members import Member, members_to_json
from mailtui.dispatch.plan import SendPlan
from mailtui.message.frozen import MessageSource
from mailtui.message.templates import TemplateText
from mailtui.outbox.opening import Outbox, parse_outbox, sqlite_url
from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.records import NewCampaign, NewDelivery
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind
from mailtui.schedule.schedule import Schedule
from mailtui.smtp.endpoint import Endpoint, Security

DAY = 86_400.0
_OWN_TIMES = "owntimes"
_SETTLES = 1.0  # seconds of its start that are not looked at
_READY = 120.0  # seconds a runner may take to begin
_LATEST = 60.0  # seconds after its time at which a campaign that has not begun is missing


@dataclass(frozen=True, slots=True)
class Late:
    """How late something was, in milliseconds: the middle, 99 of 100, and the worst."""

    count: int
    median: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Late:
        """Of at least one value. Raises `Failed` where something came before its time."""
        late = sorted(seconds)
        if late[0] < 0:
            raise Failed(f"something came {-late[0]:.6f} s before its time")
        nth = (len(late) // 2, min(len(late) - 1, len(late) * 99 // 100), len(late) - 1)
        return cls(len(late), *(round(late[n] * 1e3, 2) for n in nth))


@dataclass(frozen=True, slots=True)
class Waited:
    """What was measured. `cpu` is a share of one core while nothing was to be done, in percent; `turns` are how often
    a second the runner was given the CPU then, and `written` how many bytes a second it wrote. `ready` are seconds
    from its start until it was on record, `memory` its MB.
    """

    ready: float
    cpu: float
    turns: float
    written: float
    memory: float
    campaigns: Late
    first_mails: Late
    own_times: Late


def main() -> None:
    """Measure in a folder that is thrown away, and print a table or a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailtui-waiting-") as folder:
        waited = measure(Path(folder), given.campaigns, given.rows, given.seconds)
    if given.json:
        print(json.dumps(asdict(waited)))
        return
    print(f"{given.campaigns:,} campaigns, {given.rows:,} rows that are due later; {given.seconds:g} s of each")
    print(f"  the runner begins after     {waited.ready:10.2f} s     and takes {waited.memory:.0f} MB")
    print(f"  while it waits              {waited.cpu:10.3f} % of a core, {waited.turns:.1f} turns a second, ")
    print(f"                              {waited.written / 1024:10.1f} KB written a second")
    for name, late in (
        ("campaigns begin late by", waited.campaigns),
        ("their first mail is taken", waited.first_mails),
        ("recipients' own times", waited.own_times),
    ):
        print(f"  {name:27} {late.median:10.1f} ms    p99 {late.p99:.1f}, most {late.most:.1f} ({late.count})")


def measure(folder: Path, campaigns: int, rows: int, seconds: float) -> Waited:
    """Make the outbox and watch a runner over it. Raises `Failed`, `NotHere`."""
    outbox = parse_outbox(sqlite_url(folder / "outbox.db"))
    with own_sink() as sink:
        return asyncio.run(_measure(folder, outbox, sink.port, campaigns, rows, seconds))


async def _measure(folder: Path, outbox: Outbox, port: int, campaigns: int, rows: int, seconds: float) -> Waited:
    few = campaigns // 4
    desk, reader = outbox.desk(), outbox.reader()
    later, each = time.time() + 7 * DAY, rows // 2 // (campaigns - few)
    for number in range(few, campaigns):
        await _launch(desk, port, f"c{number}", [0.0] * each, later + number)
    own = [time.time() + DAY + n * 7 * DAY / rows for n in range(rows // 2)]
    number = await _launch(desk, port, _OWN_TIMES, own, None)
    with _runner(folder, outbox) as runner:
        ready = await _until_ready(runner, reader, folder)
        await asyncio.sleep(min(_SETTLES, seconds))
        idle = await _watch_idle(runner, seconds)
        first = time.time() + 0.5 + few / 50
        chance = random.Random(1)
        times = [chance.uniform(first, first + seconds) for _ in range(few)]
        for n, at in enumerate(times):
            await _launch(desk, port, f"c{n}", [0.0], at)
        await desk.add(number, _rows("late", times), now=time.time())
        await desk.order(number, OrderKind.TOP_UP, {}, actor="benchmark", now=time.time())
        if time.time() > first:
            raise Failed("the machine was too slow to launch what is to begin")
        await asyncio.sleep(first + seconds - time.time())
        async with asyncio.timeout(_LATEST):
            while (await reader.counts(number)).sent < few or not await _all_rest(reader, few):
                await asyncio.sleep(0.1)
        _require_alive(runner, folder)
    try:
        return await _late(reader, number, times, ready, idle)
    finally:
        desk.close()
        reader.close()


async def _until_ready(runner: subprocess.Popen[bytes], reader: Reader, folder: Path) -> float:
    """Seconds until the runner is on record."""
    began = time.monotonic()
    while not await reader.runners():
        _require_alive(runner, folder)
        if time.monotonic() - began > _READY:
            raise Failed(f"the runner did not begin: {_said(folder)}")
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def _watch_idle(runner: subprocess.Popen[bytes], seconds: float) -> tuple[float, float, float, float]:
    """Its share of a core in percent, turns and bytes a second, and its memory."""
    process = runner.pid
    began, before = time.monotonic(), (cpu_seconds(process), _turns(process), _written(process))
    await asyncio.sleep(seconds)
    after, took = (cpu_seconds(process), _turns(process), _written(process)), time.monotonic() - began
    cpu, turns, written = ((now - then) / took for now, then in zip(after, before, strict=True))
    return cpu * 100, turns, written, _memory(process)


async def _late(
    reader: Reader, number: int, times: Sequence[float], ready: float, idle: tuple[float, float, float, float]
) -> Waited:
    found = {campaign.id: campaign for campaign in await reader.campaigns()}
    begun = [found[f"c{n}"] for n in range(len(times))]
    early = [campaign.id for campaign in found.values() if campaign.woke_at and campaign not in begun]
    woke = [campaign.woke_at for campaign in begun if campaign.woke_at is not None]
    taken = [campaign.settled_at for campaign in begun if campaign.settled_at is not None]
    if early or len(woke) != len(times) or len(taken) != len(times):
        raise Failed(f"{len(woke)} of {len(times)} campaigns began, and these that should not have: {early}")
    sent = await reader.deliveries(number, states=[DeliveryState.SENT], limit=len(times) + 1)
    if len(sent) != len(times):
        raise Failed(f"{len(times)} people were due, and {len(sent)} got a mail")
    cpu, turns, written, memory = idle
    return Waited(
        ready=round(ready, 2),
        cpu=round(cpu, 3),
        turns=round(turns, 1),
        written=round(written),
        memory=round(memory, 1),
        campaigns=Late.of(at - due for at, due in zip(woke, times, strict=True)),
        first_mails=Late.of(at - due for at, due in zip(taken, times, strict=True)),
        own_times=Late.of(row.updated_at - row.send_at for row in sent),
    )


async def _all_rest(reader: Reader, few: int) -> bool:
    states = {campaign.id: campaign.state for campaign in await reader.campaigns()}
    return all(states[f"c{n}"] is CampaignState.FINISHED for n in range(few))


async def _launch(desk: Desk, port: int, id: str, due: Sequence[float], start_at: float | None) -> int:
    message = MessageSource(
        sender="News <news@acme.test>",
        subject="Hi {{ name }}",
        text=TemplateText("text", "Hello {{ name }}\n"),
        html=None,
        campaign=id,
    )
    draft = await desk.create_draft(
        NewCampaign(
            id=id,
            series=id,
            occurrence=1,
            name=id,
            message_digest=message.digest,
            message=message.to_json().encode(),
            endpoint=members_to_json((Member(Endpoint("acme", "127.0.0.1", port, Security.PLAIN)),)),
            plan=SendPlan(workers=2).to_json(),
            columns=("name",),
            source="list.csv",
            filter="",
            secret=b"secret",
            schedule="" if start_at is None else Schedule(at="2026-12-01 09:00", timezone="UTC").to_json(),
        ),
        now=time.time(),
    )
    assert draft is not None
    await desk.add(draft.number, _rows(id, due), now=time.time())
    await desk.go_live(draft.number, actor="benchmark", now=time.time(), start_at=start_at)
    return draft.number


def _rows(id: str, due: Sequence[float]) -> Iterator[NewDelivery]:
    for n, at in enumerate(due, 1):
        address = f"u{n}.{id}@example.com"
        yield NewDelivery(address, n, address, (f"Zoé {n}",), due_at=at)


@contextmanager
def _runner(folder: Path, outbox: Outbox) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "MAILTUI_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mailtui", "runner", "--outbox", outbox.url]
    with (folder / "runner.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)


def _require_alive(runner: subprocess.Popen[bytes], folder: Path) -> None:
    if runner.poll() is not None:
        raise Failed(f"the runner ended: {_said(folder)}")


def _said(folder: Path) -> str:
    return (folder / "runner.log").read_text(errors="replace")[-2_000:]


def _status(process: int, name: str) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise Failed(f"the system does not say {name} of a process")


def _turns(process: int) -> float:
    return float(_status(process, "voluntary_ctxt_switches"))


def _memory(process: int) -> float:
    return _status(process, "VmRSS") / 1024


def _written(process: int) -> float:
    for line in Path(f"/proc/{process}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return float(line.split()[1])
    raise Failed("the system does not say what a process wrote")


if __name__ == "__main__":
    main()
