"""mailtui against the usual app, on the same server, in turn: messages a second, CPU a message, and the ratio.

`python -m benchmarks.throughput [--rows N] [--workers N ...] [--rounds N]`. mailtui runs as its users run it, with
its outbox and durability on; its rate is from the first claim to the last result, its CPU that of the whole process
with start, checks and launch.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.campaigns import write_campaign
from benchmarks.measured import Run, run
from tests.servers.smtp_sink import smtp_sink


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailtui-bench-"))
    try:
        for workers in options.workers:
            with smtp_sink() as sink:
                _compare(folder, sink.port, options.rows, workers, options.rounds)
    finally:
        shutil.rmtree(folder)


def _compare(folder: Path, port: int, rows: int, workers: int, rounds: int) -> None:
    usual_rows = max(500, rows // 10)  # it is an order slower; the rate does not depend on the length of the list
    ours = write_campaign(folder / f"ours-{workers}", port=port, rows=rows, workers=workers)
    usual = write_campaign(folder / f"usual-{workers}", port=port, rows=usual_rows, workers=workers)
    mailtui: list[Run] = []
    app: list[Run] = []
    for number in range(rounds):
        home = folder / f"home-{workers}-{number}"
        mailtui.append(run([sys.executable, "-m", "mailtui", "run", str(ours), "--yes", "--json"], home))
        command = [sys.executable, "-m", "benchmarks.usual_app", str(usual.parent), str(port), str(workers)]
        app.append(run(command, home))
    our_rate = [rows / item.said["send_seconds"] for item in mailtui]
    app_rate = [item.said["sent"] / item.said["seconds"] for item in app]
    our_cpu = [item.cpu / rows * 1e6 for item in mailtui]
    app_cpu = [item.said["cpu"] / item.said["sent"] * 1e6 for item in app]
    print(f"\n{workers} workers, {rows:,} recipients, {rounds} rounds in turn; median [least - most]")
    _row("mailtui, messages a second", our_rate)
    _row("usual app, messages a second", app_rate)
    _row("mailtui, CPU us a message (whole process)", our_cpu)
    _row("usual app, CPU us a message (sending only)", app_cpu)
    _row("ratio of rates, round by round", [a / b for a, b in zip(our_rate, app_rate, strict=True)])
    _row("mailtui, peak memory MB", [item.peak_mb for item in mailtui])
    assert all(item.said["sent"] == rows and item.said["state"] == "finished" for item in mailtui)


def _row(label: str, values: list[float]) -> None:
    print(f"  {label:<46}{statistics.median(values):>10,.1f}  [{min(values):,.1f} - {max(values):,.1f}]")


if __name__ == "__main__":
    main()
