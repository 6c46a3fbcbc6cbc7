"""Where the work goes: system calls a message, and the processor's time by room."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import syscalls
from benchmarks.campaigns import write_campaign
from benchmarks.contenders import AIOSMTPLIB, SMTP_SOURCE, SMTPLIB, our_name
from benchmarks.contest import Size, WrongCount
from benchmarks.figures import Report, Target
from benchmarks.measured import run
from benchmarks.profile import ROOMS
from benchmarks.sinks import Sink, own_sink
from mailtui.smtp.gear import Gear

_ROWS, _SHORT = 100_000, 3_000
_FUNCTIONS = 15


def calls(_size: Size) -> Report:
    """System calls a message, counted by strace."""
    report = Report()
    gears = ((Gear.LOCKSTEP, 1), (Gear.FLIGHT, 1), (Gear.CROSS, 1), (Gear.CHUNKED, 8))
    found = {}
    with own_sink() as sink:
        counters: dict[str, Callable[[], float]] = {
            SMTP_SOURCE: lambda: syscalls.of_source(sink),
            SMTPLIB: lambda: syscalls.of_peer(sink, "threads"),
            AIOSMTPLIB: lambda: syscalls.of_peer(sink, "asyncio"),
        }
        for record in ("none", "group"):
            for gear, window in gears:
                counters[our_name(gear, window, record)] = _counter(sink, gear, window, record)
        for name, count in counters.items():
            found[name] = count()
            print(f"    {name:<42}{found[name]:>10.2f}", file=sys.stderr, flush=True)
    report.add_table(("client", "system calls a message"), [(name, f"{value:.2f}") for name, value in found.items()])
    report.say(f"Prebuilt mail of 10 KB, {syscalls.CONNECTIONS} connections, on a server that is not the limit.")
    report.data = {"calls": found}
    for name, goal in ((our_name(Gear.CROSS), 2.3), (our_name(Gear.LOCKSTEP), 9.0)):
        report.targets.append(Target(f"System calls a message, {name}", goal, found[name], most=True, unit=""))
    return report


def _counter(sink: Sink, gear: Gear, window: int, record: str) -> Callable[[], float]:
    return lambda: syscalls.of_ours(sink, gear, window=window, record=record)


def profile(size: Size) -> Report:
    """A hundred thousand messages, sampled: which room the processor's time goes to."""
    rows = _SHORT if size.short else _ROWS
    folder = Path(tempfile.mkdtemp(prefix="mailtui-bench-"))
    try:
        with own_sink() as sink:
            campaign = write_campaign(
                folder / "list", port=sink.port, rows=rows, workers=32, dispatch={"render_processes": 0}
            )
            outbox = str(run([sys.executable, "-m", "benchmarks.launch", campaign], folder / "home").said["outbox"])
            words = ["runner", "--until-idle", "--json", "--outbox", outbox]
            samples = folder / "samples.json"
            done = run([sys.executable, "-m", "benchmarks.profile", samples, *words], folder / "home")
            if sink.counts().messages != rows:
                raise WrongCount(f"{rows:,} were to be sent, and {sink.counts().messages:,} arrived")
        found = json.loads(samples.read_text())
    finally:
        shutil.rmtree(folder)
    return _profiled(found, rows, done.cpu / rows * 1e6)


def _profiled(found: dict[str, object], rows: int, microseconds: float) -> Report:
    report = Report(data={"rows": rows, "cpu_us": microseconds, **found})
    rooms, functions, samples = found["rooms"], found["functions"], found["samples"]
    assert isinstance(rooms, dict)
    assert isinstance(functions, dict)
    assert isinstance(samples, int)

    def row(name: str, count: int) -> Sequence[object]:
        share = count / samples
        return name, f"{share:.1%}", f"{share * microseconds:.1f}"

    report.add_table(("room", "share", "µs a message"), [row(room, rooms.get(room, 0)) for room in ROOMS])
    report.add_table(("function, with what it calls outside of the rooms", "share", "µs a message"), [
        row(f"`{name}`", count) for name, count in list(functions.items())[:_FUNCTIONS]
    ])  # fmt: skip
    report.say(f"{rows:,} messages of 10 KB end to end, 32 connections, one process, {samples:,} samples.")
    return report
