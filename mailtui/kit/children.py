"""Owns starting modules of this program as processes of their own: only our code runs there, and no password leaks."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import IO

SECRETS = "MAILTUI_PASSWORD_"
"""Variables that begin so hold passwords; no child process inherits them."""
WEBHOOK_SECRETS = "MAILTUI_WEBHOOK_"
"""And these the secrets that webhooks are signed with."""

_BARE = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "TMPDIR", "TEMP")


def leave_no_core() -> None:
    """Have the system write no image of this process, nor of its children, when it crashes: passwords would be in it.

    Only the soft limit: whoever is started from here and wants one may ask for it.
    """
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def own_module(module: str) -> list[str]:
    """The command that runs a module of ours.

    -P: `-m` alone looks for every module in the current folder first, so a campaign's folder with a `json.py` in it
    would be run instead of Python's own (CWE-427).
    """
    return [sys.executable, "-P", "-m", module]


def foreign_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What another program inherits that a person chose, such as an editor: everything but passwords."""
    return {name: value for name, value in environ.items() if not holds_secret(name)}


def holds_secret(variable: str) -> bool:
    """Whether what this variable says is a secret."""
    return variable.startswith((SECRETS, WEBHOOK_SECRETS))


def own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What such a process inherits: everything but passwords, and where this program is when it is not installed."""
    kept = foreign_environment(environ)
    root = str(Path(__file__).parents[2])
    if root not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        kept["PYTHONPATH"] = os.pathsep.join(part for part in (root, kept.get("PYTHONPATH")) if part)
    return kept


def bare_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a process inherits in which strangers' templates run: what Python needs to start."""
    return {name: environ[name] for name in _BARE if name in environ} | {
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUTF8": "1",
    }


def start_bare(module: str, *, errors: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a module of ours in which strangers' templates run: two pipes, and `errors` for what it complains of."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        own_module(module),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=own_environment(bare_environment(os.environ)),
    )


def end_bare(process: subprocess.Popen[bytes]) -> None:
    """End such a process at once, whatever it is at. Whoever reads its pipes has stopped, or stops at their end."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue  # what it did not read any more is of no use to anybody
