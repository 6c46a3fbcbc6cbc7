"""Owns starting the app: on a terminal that can show it, and again for the demo; and what is said after a crash."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mailtui.errors import ExitCode, MailtuiError, UsageError
from mailtui.service.demo import prepare_demo
from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.result import AppResult


def require_terminal(environ: Mapping[str, str]) -> None:
    """Raise `UsageError` where the app cannot be shown."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or environ.get("TERM", "") in ("", "dumb"):
        raise UsageError(
            "The terminal app needs a terminal",
            hint="Without one, use the commands: mailtui run CAMPAIGN --yes, mailtui --help",
        )


def run_app(environ: Mapping[str, str], *, target: Path | None = None, outbox: str | None = None) -> int:
    """Run the app until the person leaves; the exit code."""
    require_terminal(environ)
    code, result = _run(environ, target, outbox)
    if result is AppResult.DEMO:
        return run_demo(environ, rows=None)
    return code


def run_demo(environ: Mapping[str, str], *, rows: int | None) -> int:
    """Run the app with the sample campaign loaded, in a home of its own, beside a sandbox."""
    require_terminal(environ)
    demo = asyncio.run(prepare_demo(environ, rows=rows))
    code, _ = _run(demo.environ, demo.campaign, None)
    print(f"The demo's mails are in {demo.sandbox.folder / 'messages.mbox'}", file=sys.stderr)  # noqa: T201
    return code


def _run(environ: Mapping[str, str], target: Path | None, outbox: str | None) -> tuple[int, AppResult | None]:
    with Service.open(environ, outbox=outbox) as service:
        app = MailtuiApp(service, target=target, colourless=bool(environ.get("NO_COLOR")))
        result = app.run()
    if app.crash:
        raise _crashed(app.crash)
    return app.return_code or int(ExitCode.DONE), result


def _crashed(text: str) -> MailtuiError:
    handle, name = tempfile.mkstemp(prefix="mailtui-", suffix=".txt")
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    return MailtuiError(
        "The app broke on something it should have handled",
        detail=f"The details are in {name}",
        hint="What is being sent goes on: mailtui status --follow",
    )
