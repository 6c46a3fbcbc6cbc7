"""The Makefile lists its targets, and `.ci/run` and it stay within what a fresh machine has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A make that runs the tests tells its own children about itself, which this one is not to hear.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    command = ["make", "-C", str(ROOT), "--no-print-directory", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=30, check=False)


def test_help_lists_every_target() -> None:
    [line] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    shown = re.findall(r"^  make (\S+)", make("help").stdout, re.MULTILINE)
    assert sorted(shown) == sorted(line.split())


def test_a_python_that_will_not_do_is_told_in_a_sentence(tmp_path: Path) -> None:
    done = make("demo", "PYTHON=false", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_ci_runs_every_check() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert re.findall(r"^make (\w+)", text, re.MULTILINE) == ["lint", "types", "imports", "test"]
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0


_NO_TEXT = (".pdf", ".png")


def test_no_page_and_no_sample_names_a_machine() -> None:
    places = re.compile(
        r"(?<![\w.$~])/(?:work|root|opt|home/\w|Users/\w)|\b[a-z]*pypi\b|files\.pythonhosted", re.IGNORECASE
    )
    shipped = [*ROOT.glob("*.md"), *ROOT.glob("*.lock"), ROOT / "Makefile", ROOT / ".ci" / "run"]
    for folder in ("docs", "sample_data", "themes"):
        shipped += [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix not in _NO_TEXT]
    for path in shipped:
        found = places.search(path.read_text("utf-8"))
        assert found is None, f"{path}: {found}"
