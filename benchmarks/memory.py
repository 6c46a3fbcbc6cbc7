"""Peak memory by the length of the list: `python -m benchmarks.memory [--rows N ...]`.

`run` covers reading, checking, launching and sending in one process; `runner` is the engine alone, on an outbox that
another process has filled.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.campaigns import write_campaign
from benchmarks.measured import run
from tests.servers.smtp_sink import smtp_sink

_MAILTUI = [sys.executable, "-m", "mailtui"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--workers", type=int, default=8)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailtui-bench-"))
    print(f"{'recipients':>12}{'runner, peak MB':>18}{'run, peak MB':>16}")
    try:
        for rows in options.rows:
            with smtp_sink() as sink:
                campaign = write_campaign(folder / f"c{rows}", port=sink.port, rows=rows, workers=options.workers)
                launched = run([sys.executable, "-m", "benchmarks.launch", str(campaign)], folder / f"a{rows}")
                outbox = str(launched.said["outbox"])
                engine = run([*_MAILTUI, "runner", "--until-idle", "--json", "--outbox", outbox], folder / f"a{rows}")
                whole = run([*_MAILTUI, "run", str(campaign), "--yes", "--json"], folder / f"b{rows}")
                print(f"{rows:>12,}{engine.peak_mb:>18.1f}{whole.peak_mb:>16.1f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
