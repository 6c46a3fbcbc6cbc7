"""Peak memory of mailtui by the length of the list: `python -m benchmarks.memory [--rows N ...]`.

`run` hosts the engine in its own process, so its peak covers reading, checking, launching and sending. The engine
alone is measured as `mailtui runner` on an outbox that was launched before.
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailtui-bench-"))
    print(f"{'recipients':>12}{'run, peak MB':>16}{'send seconds':>16}")
    try:
        for rows in options.rows:
            with smtp_sink() as sink:
                campaign = write_campaign(folder / f"c{rows}", port=sink.port, rows=rows, workers=8)
                home = folder / f"home{rows}"
                command = [sys.executable, "-m", "mailtui", "run", str(campaign), "--yes", "--json"]
                done = run(command, home)
                print(f"{rows:>12,}{done.peak_mb:>16.1f}{done.said['send_seconds']:>16.1f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
