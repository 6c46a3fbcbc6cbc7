"""The locks hold what pyproject.toml asks for, with a hash for every file and no address to fetch it from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
_PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==([^ ;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / name).read_text("utf-8")))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def wanted(requirements: list[Any]) -> set[str]:
    names = [re.split(r"[<>=\[; ]", item)[0] for item in requirements if isinstance(item, str)]
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def test_there_is_a_lock_to_run_to_develop_to_fuzz_to_measure_and_to_set_up() -> None:
    groups = ["-bench", "-dev", "-fuzz", "-uv", ""]
    assert [path.name for path in LOCKS] == [f"requirements{group}.lock" for group in groups]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
class TestLock:
    def test_every_requirement_is_pinned_with_hashes(self, lock: Path) -> None:
        entries = re.split(r"\n(?=[a-z0-9])", lock.read_text("utf-8").strip())
        assert entries
        for entry in entries:
            assert _PIN.match(entry), entry
            assert "--hash=sha256:" in entry, entry

    def test_it_names_no_address_and_no_path(self, lock: Path) -> None:
        text = lock.read_text("utf-8")
        assert "://" not in text
        assert not re.search(r"^\s*(-i|-f|--(extra-)?index|--find-links)|(^|\s)/", text, re.MULTILINE)


def test_locks_hold_what_the_project_asks_for() -> None:
    data = project()
    groups = data["dependency-groups"]
    runtime = wanted(data["project"]["dependencies"]) | wanted(groups["build"])
    assert runtime <= set(pins("requirements.lock"))
    assert runtime | wanted(groups["dev"]) <= set(pins("requirements-dev.lock"))
    for group in ("bench", "fuzz"):
        assert wanted(groups[group]) <= set(pins(f"requirements-{group}.lock"))


def test_developing_and_running_use_the_same_releases() -> None:
    own = pins("requirements.lock")
    assert own.items() <= pins("requirements-dev.lock").items()
    assert {name: own[name] for name in own.keys() & pins("requirements-bench.lock")}.items() <= pins(
        "requirements-bench.lock"
    ).items()
