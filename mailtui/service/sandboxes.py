"""Owns running the sandbox for a person: in the foreground, or beside the demo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailtui.errors import UsageError
from mailtui.kit.paths import Home
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.server import SandboxServer

__all__ = ["SandboxServer", "serve_sandbox"]


@asynccontextmanager
async def serve_sandbox(
    home: Home, port: int, folder: Path | None, faults: Path | None
) -> AsyncIterator[SandboxServer]:
    """A sandbox in this process. Raises `UsageError` when its port or folder is taken, `ConfigError` for its faults."""
    rules: Faults | None = None
    if faults is not None:
        from mailtui.sandbox.spec import load_faults

        rules = load_faults(faults)
    where = folder if folder is not None else home.state / "sandbox"
    server = SandboxServer(where, port=port, faults=rules)
    try:
        await server.start()
    except OSError as error:
        raise UsageError(
            f"The sandbox cannot listen on port {port}",
            detail=str(error.strerror or error),
            hint="Another program has it. Name another with --port, or 0 for any that is free.",
        ) from None
    try:
        yield server
    finally:
        await server.stop()
