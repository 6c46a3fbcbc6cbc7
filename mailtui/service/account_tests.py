"""Owns how each account's last test ended, kept for the next time: for a person to see, and for its server's limit.

It is a note and nothing else: a file that is lost or damaged means that nothing was tested.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailtui.kit.paths import Home, private_folder, write_atomically


@dataclass(frozen=True, slots=True)
class LastTest:
    """How the last test of an account ended: when (epoch seconds), at which step, and its word."""

    at: float
    ok: bool
    step: str
    text: str
    size: int | None = None
    """The largest mail in bytes that the server said it takes; None where it said nothing of it, 0 for any."""
    server: str = ""
    """HOST:PORT that was tested: of an account with another server by now, nothing is known."""


def _file(home: Home) -> Path:
    return home.state / "account-tests.json"


def last_tests(home: Home) -> Mapping[str, LastTest]:
    """The last test of each account that had one, by name."""
    try:
        said = json.loads(_file(home).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    read = {name: _read(test) for name, test in said.items()} if isinstance(said, dict) else {}
    return {name: test for name, test in read.items() if test is not None}


def _read(said: Any) -> LastTest | None:
    """A test as it was written; None for what is none."""
    match said:
        case {
            "at": int() | float() as at,
            "ok": bool() as ok,
            "step": str() as step,
            "text": str() as text,
            "size": None | int() as size,
            "server": str() as server,
        }:
            return LastTest(at, ok, step, text, size, server)
    return None


def note_test(home: Home, name: str, test: LastTest) -> None:
    """Keep how a test ended. Raises `OSError` where nothing can be written."""
    _keep(home, {**last_tests(home), name: test})


def forget_test(home: Home, name: str) -> None:
    """What is known of an account's server is over, or the account is. Raises `OSError`."""
    tests = last_tests(home)
    if name in tests:
        _keep(home, {other: test for other, test in tests.items() if other != name})


def _keep(home: Home, tests: Mapping[str, LastTest]) -> None:
    private_folder(home.state)
    text = json.dumps({name: dataclasses.asdict(test) for name, test in tests.items()})
    write_atomically(_file(home), text.encode())
