"""Owns the question whether this terminal can show the app. Asked before the app's library is loaded."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from mailtui.errors import UsageError


def can_show(environ: Mapping[str, str]) -> bool:
    """Whether a person sits at a terminal that knows more than lines of text."""
    dumb = sys.platform != "win32" and environ.get("TERM", "") in ("", "dumb")
    return sys.stdin.isatty() and sys.stdout.isatty() and not dumb


def require_terminal(environ: Mapping[str, str]) -> None:
    """Raise `UsageError` where the app cannot be shown."""
    if not can_show(environ):
        raise UsageError(
            "The terminal app needs a terminal",
            hint="Without one, use the commands, for example:\n"
            "mailtui demo --headless    send a sample campaign to a sandbox on this machine\n"
            "mailtui init DIR           write a sample campaign to start from\n"
            "mailtui run CAMPAIGN       send a campaign\n"
            "mailtui --help             everything else",
        )
