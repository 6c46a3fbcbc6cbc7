"""Memory does not grow with the list."""

from __future__ import annotations

import sys

import pytest

from tests.cli.program import Mailtui, people

resource = pytest.importorskip("resource")
PEAK = """
import resource, sys
from mailtui.__main__ import main
sys.argv = ["mailtui", *sys.argv[1:]]
code = main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def peak(mailtui: Mailtui, *arguments: str) -> float:
    """The most memory a command had, in MB."""
    import subprocess

    command = [sys.executable, "-c", PEAK, *arguments]
    done = subprocess.run(command, env=mailtui.environment(), cwd=mailtui.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1]) / 1024


def test_memory_is_flat_in_rows(mailtui: Mailtui) -> None:
    used = {}
    for rows in (1_000, 50_000):
        campaign = str(mailtui.campaign(rows, port=9, name=f"c{rows}"))
        (mailtui.folder / f"c{rows}" / "contacts.csv").write_text("\n".join(people(rows)) + "\n")
        used[rows] = [
            peak(mailtui, "audience", campaign, "--count", "--json"),
            peak(mailtui, "audience", campaign, "--count", "--full", "--json"),
            peak(mailtui, "audience", campaign, "--json"),
        ]
    for small, large in zip(*used.values(), strict=True):
        assert large - small < 12, used
