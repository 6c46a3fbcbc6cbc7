"""What a recipient costs, in time and in memory, by the length of the list."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.campaigns import write_campaign
from benchmarks.contest import Size, WrongCount
from benchmarks.figures import Report, Spread, Target
from benchmarks.measured import run
from benchmarks.sinks import Sink, own_sink

_ROWS = (1_000, 10_000, 100_000, 1_000_000)
_SHORT = (1_000, 3_000)
_ONCE = 1_000_000  # so many are sent once, and not in every round
_WORKERS = 32
_ALONE = {"render_processes": 0}  # long lists would get helpers that short ones do not need


@dataclass(frozen=True, slots=True)
class Cost:
    """One list from its file to its end: microseconds a recipient, and peak memory in MB."""

    launch_us: float
    send_us: float
    cpu_us: float
    launch_mb: float
    runner_mb: float
    outbox_mb: float


def by_size(size: Size) -> Report:
    """The launch and the runner, each in a process of its own."""
    report = Report()
    lengths = _SHORT if size.short else _ROWS
    found: dict[int, list[Cost]] = {rows: [] for rows in lengths}
    with own_sink() as sink:
        for turn in range(size.rounds):
            for rows in lengths:
                if rows < _ONCE or turn == 0:
                    found[rows].append(_send(sink, rows))
    table: list[Sequence[object]] = []
    for rows, costs in found.items():
        report.data[str(rows)] = {name: _spread(costs, name).as_json() for name in Cost.__slots__}
        table.append((rows, *(_spread(costs, name).show(digits) for name, digits in _COLUMNS.items())))
    head = (
        "recipients", "sending, µs a recipient", "runner's CPU, µs", "launch, µs", "runner, peak MB", "launch, peak MB",
        "outbox, MB",
    )  # fmt: skip
    report.add_table(head, table)
    report.say(
        f"{_WORKERS} connections, on a server that is not the limit; the runner renders alone. Lists of a million are "
        "sent once."
    )
    if not size.short:
        _judge(report, found)
    return report


_COLUMNS = {"send_us": 0, "cpu_us": 0, "launch_us": 0, "runner_mb": 1, "launch_mb": 1, "outbox_mb": 1}


def _judge(report: Report, found: dict[int, list[Cost]]) -> None:
    many, few = found[1_000_000], found[10_000]
    grown = _spread(many, "runner_mb").median - _spread(few, "runner_mb").median
    slower = _spread(many, "send_us").median / _spread(few, "send_us").median
    report.targets += [
        Target("Runner's memory at 1,000,000 recipients above that at 10,000", 1.0, grown, most=True, unit="MB"),
        Target("Time a recipient at 1,000,000, of that at 10,000", 1.1, slower, most=True),
    ]


def _send(sink: Sink, rows: int) -> Cost:
    folder = Path(tempfile.mkdtemp(prefix="mailtui-bench-"))
    try:
        campaign = write_campaign(folder / "list", port=sink.port, rows=rows, workers=_WORKERS, dispatch=_ALONE)
        home = folder / "home"
        launched = run([sys.executable, "-m", "benchmarks.launch", campaign], home)
        outbox = str(launched.said["outbox"])
        before = sink.counts()
        words = [sys.executable, "-m", "mailtui", "runner", "--until-idle", "--json", "--outbox", outbox]
        runner = run(words, home)
        arrived = sink.counts().messages - before.messages
        if arrived != rows:
            raise WrongCount(f"{rows:,} were to be sent, and {arrived:,} arrived")
        stored = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
        status = [sys.executable, "-m", "mailtui", "status", launched.said["campaign"], "--json", "--outbox", outbox]
        said = run(status, home).said
    finally:
        shutil.rmtree(folder)
    print(
        f"    {rows:,} recipients: {said['send_seconds']:.1f} s, {runner.peak_mb:.1f} MB", file=sys.stderr, flush=True
    )
    return Cost(
        launch_us=launched.wall / rows * 1e6,
        send_us=said["send_seconds"] / rows * 1e6,
        cpu_us=runner.cpu / rows * 1e6,
        launch_mb=launched.peak_mb,
        runner_mb=runner.peak_mb,
        outbox_mb=stored / 1e6,
    )


def _spread(costs: Sequence[Cost], name: str) -> Spread:
    return Spread.of(getattr(cost, name) for cost in costs)
