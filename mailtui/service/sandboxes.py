"""Owns running the sandbox for a person in the foreground: with faults of a file or a sample, with TLS."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailtui.errors import UsageError
from mailtui.kit.paths import Home
from mailtui.kit.suggest import did_you_mean
from mailtui.sandbox.counters import write_counters
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.tls import Tls, load_tls
from mailtui.service.samples import sample_folder

__all__ = ["SandboxServer", "Tls", "faults_file", "load_tls", "serve_sandbox"]


def faults_file(named: Path) -> Path:
    """The file of faults a person means: a path, or the name of a sample that ships. Raises `UsageError`."""
    if named.suffix or len(named.parts) > 1 or named.exists():
        return named
    samples = {path.stem: path for path in sorted((sample_folder() / "faults").glob("*.yaml"))}
    if str(named) not in samples:
        raise UsageError(
            f"There is no file {named}, and no sample of faults with that name",
            hint=did_you_mean(str(named), samples),
        )
    return samples[str(named)]


@asynccontextmanager
async def serve_sandbox(
    home: Home,
    port: int,
    folder: Path | None,
    faults: Path | None,
    *,
    time_scale: float | None = None,
    tls: Tls | None = None,
) -> AsyncIterator[SandboxServer]:
    """A sandbox in this process; `time_scale` stands above that of the file.

    Raises `UsageError` when its port or folder is taken, `ConfigError` for its faults.
    """
    rules = Faults()
    if faults is not None:
        from mailtui.sandbox.spec import load_faults

        rules = load_faults(faults_file(faults))
    if time_scale is not None:
        rules = dataclasses.replace(rules, time_scale=time_scale)
    where = folder if folder is not None else home.state / "sandbox"
    server = SandboxServer(where, port=port, faults=rules, tls=tls)
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
        write_counters(where, server.counters)
