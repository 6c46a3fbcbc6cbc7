"""What the steps of one message cost by themselves: rendering and MIME, and its record. No network."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks import mime, record
from benchmarks.contest import Size
from benchmarks.figures import Report

_ROWS, _FEW = 50_000, 2_000


def steps(size: Size) -> Report:
    """Medians, in microseconds."""
    report = Report()
    built = mime.measure(rounds=1 if size.short else 7, count=300)
    usual = built["EmailMessage"]
    rows = [(name, f"1/{usual / value:.1f}", f"{value:.1f}") for name, value in built.items()]
    report.add_table(("building a message", "of EmailMessage", "µs a message"), rows)
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as folder:
            for name, value in asyncio.run(record.measure(Path(folder), _FEW if size.short else _ROWS)).items():
                taken[name].append(value)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    report.add_table(("keeping the record", "median"), [(name, f"{value:.1f}") for name, value in medians.items()])
    report.data = {"building": built, "record": medians}
    return report
