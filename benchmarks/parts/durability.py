"""What it costs to have every message on record, synced, before its last bytes are written."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.campaigns import write_campaign
from benchmarks.contest import Contender, Size, Take, contest
from benchmarks.figures import Report, Target
from benchmarks.measured import run
from benchmarks.sinks import Sink, own_sink

_NOTHING, _OUTBOX, _EACH = "nothing on record", "outbox", "two commits a message"
_KINDS = {_NOTHING: "none", _OUTBOX: "group", _EACH: "each"}
_CASES = ((0, 8), (0, 32), (20, 8), (20, 32))  # milliseconds, connections
_GOALS = {(0, 32): 0.85, (20, 8): 0.95, (20, 32): 0.95}


def durability(size: Size) -> Report:
    """The whole engine, rendering in one process, with three ways to keep the record."""
    report = Report()
    rows: list[Sequence[object]] = []
    for milliseconds, connections in _CASES[:1] if size.short else _CASES:
        with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as name, own_sink(round_trip_ms=milliseconds) as sink:
            kinds = [kind for kind in _KINDS if kind != _EACH or not milliseconds]  # a long way hides commits
            engines = [_engine(Path(name), connections, kind, milliseconds) for kind in kinds]
            results = contest(sink, engines, size)
        way = f"{milliseconds} ms" if milliseconds else "none"
        for kind, result in results.items():
            ratio = result.rate.over(results[_NOTHING].rate)
            rows.append((way, connections, kind, ratio.show(), result.rate.show(0), result.cpu.show(0)))
            goal = _GOALS.get((milliseconds, connections))
            if kind == _OUTBOX and goal is not None:
                where = f"With the outbox, of the rate without, round trip {way}, {connections} connections"
                report.targets.append(Target(where, goal, ratio.median))
        report.data[f"{milliseconds} ms, {connections} connections"] = {
            kind: result.as_json() for kind, result in results.items()
        }
    head = ("round trip", "connections", "record", f"× {_NOTHING}", "messages/s", "CPU µs a message")
    report.add_table(head, rows)
    return report


def _engine(folder: Path, connections: int, kind: str, milliseconds: int) -> Contender:
    def send(sink: Sink, messages: int, patience: float) -> Take:
        campaign = write_campaign(
            folder / "ours", port=sink.port, rows=messages, workers=connections, dispatch={"render_processes": 0}
        )
        home = folder / "home"
        words: list[str | Path] = [sys.executable, "-m", "benchmarks.swapped", campaign, _KINDS[kind]]
        said = run(words, home, patience=patience).said
        shutil.rmtree(home)
        return Take(int(said["sent"]), said["seconds"], said["cpu"])

    # The first second and a half of a campaign are its connections' beginning, longer where the way is long.
    return Contender(kind, send, first=max(1_000, connections * milliseconds))
