"""Owns running a program to its end and reading what the system says it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LAUNCHER = """
import json, os, resource, subprocess, sys, time
start = time.perf_counter()
pipe = subprocess.PIPE
try:
    done = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, timeout=float(sys.argv[1]))
except subprocess.TimeoutExpired:
    sys.exit(124)
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
said, complained = (text.decode(errors="replace")[-20_000:] for text in (done.stdout, done.stderr))
print(json.dumps([done.returncode, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said, complained]))
"""
ROOT = Path(__file__).parents[1]


class Failed(Exception):
    """A program that was measured did not end as it should."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took, with its children: wall and CPU seconds, peak memory in MB; and the JSON it printed."""

    wall: float
    cpu: float
    peak_mb: float
    said: Mapping[str, Any]


def run(command: Sequence[str | Path], home: Path, *, patience: float = 3600.0, reads: bool = True) -> Run:
    """Run a command that prints one JSON object last, in a home of its own; `reads` false when it prints other things.

    Memory is measured over a small launcher, since a child starts out with its parent's peak. Raises `Failed` when it
    ends with anything but 0, or not within `patience` seconds.
    """
    environ = {**os.environ, "MAILTUI_HOME": str(home), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", _LAUNCHER, str(patience), *map(str, command)]
    done = subprocess.run(words, env=environ, stdout=subprocess.PIPE, check=False)
    if done.returncode == 124:
        raise Failed(f"{_shown(command)} did not end within {patience:.0f} s")
    if done.returncode != 0:
        raise Failed(f"{_shown(command)} could not be run")
    code, wall, cpu, peak, printed, complained = json.loads(done.stdout)
    if code != 0:
        raise Failed(f"{_shown(command)} ended with {code}:\n{complained}\n{printed}")
    lines = printed.strip().splitlines() if reads else []
    return Run(wall, cpu, peak, json.loads(lines[-1]) if lines else {})


def _shown(command: Sequence[str | Path]) -> str:
    return " ".join(map(str, command))
