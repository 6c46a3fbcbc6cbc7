"""Owns running mailtui's commands to their end, in a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MAILTUI = [sys.executable, "-m", "mailtui"]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a mailtui with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILTUI_")}
    return {**kept, "MAILTUI_HOME": str(home), **more}


def mailtui(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*MAILTUI, *arguments], env=environment(home, **more), capture_output=True, text=True, check=False
    )


def report(home: Path, campaign: str) -> list[dict[str, Any]]:
    """The exported report, one object a recipient."""
    done = mailtui(home, "report", campaign, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
