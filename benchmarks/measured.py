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


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took: wall and CPU seconds, peak memory in MB; and the JSON object it printed."""

    wall: float
    cpu: float
    peak_mb: float
    said: Mapping[str, Any]


def run(command: Sequence[str], home: Path) -> Run:
    """Run a command that prints one JSON object or nothing, in a home of its own. Raises when it fails.

    Memory is measured over a small launcher, since a child starts out with its parent's peak.
    """
    environ = {**os.environ, "MAILTUI_HOME": str(home)}
    launcher = (
        "import json,os,resource,subprocess,sys,time\n"
        "t=time.perf_counter(); p=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE)\n"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([p.returncode,time.perf_counter()-t,u.ru_utime+u.ru_stime,u.ru_maxrss/1024,"
        "p.stdout.decode()]))"
    )
    done = subprocess.run([sys.executable, "-c", launcher, *command], env=environ, stdout=subprocess.PIPE, check=True)
    code, wall, cpu, peak, printed = json.loads(done.stdout)
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {printed}")
    lines = printed.strip().splitlines()
    return Run(wall, cpu, peak, json.loads(lines[-1]) if lines else {})
