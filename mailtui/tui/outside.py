"""Owns giving a file to an editor of the person's own, in the terminal that the app has."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from mailtui.errors import UsageError
from mailtui.kit.children import foreign_environment

_HINT = "Name one before the app starts, such as: export EDITOR=nano"


def edit_outside(app: App[Any], path: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Open a file with $VISUAL or $EDITOR and wait until it is closed. Raises `UsageError` where that is impossible."""
    named = environ.get("VISUAL") or environ.get("EDITOR") or ""
    try:
        command = shlex.split(named)
    except ValueError:
        raise UsageError(f"$VISUAL or $EDITOR is no command: {named}", hint=_HINT) from None
    if not command:
        raise UsageError("No editor is named in $VISUAL or $EDITOR", hint=_HINT)
    try:
        with app.suspend():
            ended = _run([*command, str(path)], environ)
    except SuspendNotSupported:
        raise UsageError("An editor of your own needs a terminal, and this app has none here") from None
    if isinstance(ended, OSError):
        raise UsageError(f"{command[0]} cannot be started: {ended.strerror or ended}", hint=_HINT)
    if ended != 0:
        raise UsageError(f"{command[0]} ended with {ended}", hint="What it saved is read again.")


def _run(command: list[str], environ: Mapping[str, str]) -> int | OSError:
    """Its exit code, or why it cannot be started: returned, since Textual takes no terminal back after an exception."""
    try:
        return subprocess.run(command, env=foreign_environment(environ), check=False).returncode  # noqa: S603 - chosen
    except OSError as error:
        return error
