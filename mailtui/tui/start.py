"""Owns starting the app, and again for the demo; and what is said after a crash."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mailtui.errors import ExitCode, MailtuiError
from mailtui.service.demo import prepare_demo
from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.result import AppResult
from mailtui.tui.terminal import require_terminal

_GOES_ON = " What is being sent goes on: mailtui status --follow"


def run_app(environ: Mapping[str, str], *, target: Path | None = None, outbox: str | None = None) -> int:
    """Run the app until the person leaves; the exit code. Raises `UsageError` where there is no terminal."""
    require_terminal(environ)
    code, result = _run(environ, target, outbox)
    if result is AppResult.DEMO:
        return run_demo(environ, rows=None)
    return code


def run_demo(environ: Mapping[str, str], *, rows: int | None) -> int:
    """Run the app with the sample campaign loaded, in a home of its own, beside a sandbox."""
    require_terminal(environ)
    demo = asyncio.run(prepare_demo(environ, rows=rows))
    code, _ = _run(demo.environ, demo.campaign, None, demo=demo.sandbox.port)
    caught = demo.sandbox.folder / "messages.mbox"
    print(f"The demo's mails are in {caught}\nSend your own: mailtui init my-campaign", file=sys.stderr)  # noqa: T201
    return code


def _run(
    environ: Mapping[str, str], target: Path | None, outbox: str | None, *, demo: int | None = None
) -> tuple[int, AppResult | None]:
    with Service.open(environ, outbox=outbox) as service:
        app = MailtuiApp(service, target=target, colourless=bool(environ.get("NO_COLOR")), demo=demo)
        result = app.run()
        alive = bool(app.crash) and service.runner_pid() is not None
    if app.crash:
        raise _crashed(app.crash, f" --outbox {shlex.quote(service.outbox.url)}" if alive else None)
    return app.return_code or int(ExitCode.DONE), result


def _crashed(text: str, outbox: str | None) -> MailtuiError:
    """Keep the traceback, which holds no variable's value, in a file only its owner can read.

    `outbox` is the option that names the one whose runner sends on; None when there is none.
    """
    handle, name = tempfile.mkstemp(prefix="mailtui-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    return MailtuiError(
        "The app broke on something it should have handled",
        detail=f"The details are in {name}",
        hint="Please report it with that file." + ("" if outbox is None else f"{_GOES_ON}{outbox}"),
    )
