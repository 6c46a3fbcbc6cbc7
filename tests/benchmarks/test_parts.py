"""The parts of the benchmarks are named where they are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import PARTS

_ROOT = Path(__file__).parents[2]


def test_a_part_there_is_not_is_answered_with_those_there_are() -> None:
    command = [sys.executable, "-m", "benchmarks", "callz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, timeout=60, check=False)
    assert done.returncode == 2
    assert f"there is no part callz; the parts are {', '.join(PARTS)}" in done.stderr
