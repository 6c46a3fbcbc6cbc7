"""`python -m benchmarks [PART]…`: measure mailtui against other senders, and print tables.

Ratios count; absolute rates are this machine's mood. Every run checks that each of its messages arrived. `--short`
makes each part small, for a try; `--results FOLDER` is where the figures go as JSON, one file a part; `--write` puts
the tables into docs/performance.md. Ends with 1 when a part could not be measured; a target that is missed is told, and
is no error.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contest import Size
from benchmarks.figures import Report
from benchmarks.parts.audience import audience
from benchmarks.parts.costs import calls, profile
from benchmarks.parts.dkim import dkim
from benchmarks.parts.durability import durability
from benchmarks.parts.endtoend import cores, endtoend
from benchmarks.parts.mime import mime
from benchmarks.parts.prebuilt import prebuilt
from benchmarks.parts.preflight import preflight
from benchmarks.parts.rtt import rtt
from benchmarks.parts.size import by_size
from benchmarks.parts.steps import steps
from benchmarks.parts.tls import tls
from benchmarks.sinks import NotHere
from scripts import page

_HERE = Path(__file__).parent
_PAGE = _HERE.parent / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the benchmarks; `minutes` is how long it takes in full size, about."""

    measure: Callable[[Size], Report]
    minutes: float
    seconds: float = 3.0


# What targets are judged by comes first, as far as it is quick: whoever has less than the hour ends it when they must.
PARTS = {
    "calls": Part(calls, 1),
    "audience": Part(audience, 2),
    "preflight": Part(preflight, 1),
    "endtoend": Part(endtoend, 7, seconds=4.0),
    "prebuilt": Part(prebuilt, 10, seconds=2.0),
    "rtt": Part(rtt, 14, seconds=12.0),
    "durability": Part(durability, 6, seconds=4.0),
    "cores": Part(cores, 5, seconds=4.0),
    "size": Part(by_size, 8),
    "profile": Part(profile, 1),
    "tls": Part(tls, 3, seconds=1.5),
    "steps": Part(steps, 1.5),
    "mime": Part(mime, 0.5),
    "dkim": Part(dkim, 0.5),
}
_SHORT = Size(seconds=0.5, rounds=1, short=True)


def main() -> int:
    """Run the parts that are named, one after another, so that none disturbs another."""
    options = _parse()
    names = options.parts or list(PARTS)
    if len(names) == 1:
        return _measure(names[0], options)
    failed = [name for name in names if _apart(name, sys.argv[1:], options.parts) != 0]
    if failed:
        print(f"Could not be measured: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _apart(name: str, arguments: Sequence[str], parts: Sequence[str]) -> int:
    """Run one part in a process of its own, with an end to its time."""
    command = [sys.executable, "-m", "benchmarks", name, *(word for word in arguments if word not in parts)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        return process.wait(timeout=3 * 60 * PARTS[name].minutes)
    except subprocess.TimeoutExpired:
        print(f"{name} took more than {3 * PARTS[name].minutes:g} minutes, and was ended.", file=sys.stderr)
        return 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _measure(name: str, options: argparse.Namespace) -> int:
    part = PARTS[name]
    # Every sender has its byte code, as an installed program does: whole commands would compile mailtui each time where
    # the environment keeps Python from writing it, as some machines for tests do.
    for code in ("mailtui", "benchmarks"):
        compileall.compile_dir(_HERE.parent / code, quiet=1)
    size = _SHORT if options.short else Size(seconds=part.seconds, rounds=options.rounds)
    print(f"== {name}" + ("" if options.short else f", about {part.minutes:g} minutes"), flush=True)
    start = time.monotonic()
    try:
        report = part.measure(size)
    except NotHere as error:
        print(f"Not measured: {error}.", flush=True)
        return 0
    below = ["", page.dated(f"make bench PARTS={name}{' ARGS=--short' * options.short}")]
    print("\n".join([*report.with_targets(judged=not options.short), *below]), flush=True)
    print(f"({(time.monotonic() - start) / 60:.1f} minutes)", flush=True)
    folder = options.results / "short" if options.short else options.results
    _keep(folder, name, report, time.monotonic() - start)
    if options.write:
        page.write_block(_PAGE, "measured", name, [*report.lines, *below])
        page.write_block(_PAGE, "measured", "targets", _summary(name, report))
    return 0


def _summary(name: str, report: Report) -> list[str]:
    """The table of all targets, with those of this part anew; the others stay as the page has them."""
    kept = page.rows_of(_PAGE, "measured", "targets")
    rows = [row for row in kept if row[0] in PARTS and row[0] != name]
    rows += [(name, target.says(), "yes" if target.met else "**no**") for target in report.targets]
    rows.sort(key=lambda row: row[0])
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    return [*page.table(("part", "target, and what was measured", "met"), rows), "", f"Measured on {machine}."]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--short", action="store_true", help="each part small, for a try")
    parser.add_argument("--rounds", type=int, default=3, help="of each contest (3)")
    parser.add_argument("--results", type=Path, default=_HERE / "results", metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    options = parser.parse_args()
    if options.write and options.short:
        parser.error("a short run is not for the page")
    for name in options.parts:
        if name not in PARTS:
            parser.error(f"there is no part {name}; the parts are {', '.join(PARTS)}")
    return options


def _keep(folder: Path, name: str, report: Report, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.platform(), "seconds": round(seconds, 1)}
    (folder / f"{name}.json").write_text(json.dumps({"machine": machine, **report.as_json()}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
