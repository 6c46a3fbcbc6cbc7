"""`python -m mailtui.sandbox`: the sandbox as a program, in the foreground until SIGTERM, Ctrl-C or idleness.

With `--ready-fd N` it writes one JSON line to that file descriptor once it listens (`pid`, `port`, `folder`), or
with what keeps it from starting (`error`, `detail`, `hint`, `exit_code`), and closes it.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mailtui.errors import ExitCode, MailtuiError, UsageError
from mailtui.sandbox.counters import write_counters
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.process import SandboxHandle, folder_lock, remove_state, write_state
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.tls import VERSIONS, Tls, load_tls


def main(argv: Sequence[str] | None = None) -> int:
    """Run until it is told to end; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        asyncio.run(_serve(arguments))
    except MailtuiError as error:
        if arguments.ready_fd is None:
            sys.stderr.write(f"{error}\n")
        else:
            report = {
                "error": error.title,
                "detail": error.detail,
                "hint": error.hint,
                "exit_code": error.exit_code,
            }
            _report(arguments.ready_fd, report)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mailtui.sandbox", description="A capture SMTP server.")
    parser.add_argument("--folder", type=Path, required=True, help="where messages are kept")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--faults", type=Path, help="a YAML file of faults to inject")
    parser.add_argument("--time-scale", type=_scale, help="multiply all times of the server and the file, such as 0.01")
    parser.add_argument("--tls-cert", type=Path, help="a PEM file with the certificate to show; offers STARTTLS")
    parser.add_argument("--tls-key", type=Path, help="its key, when that is in a file of its own")
    parser.add_argument("--tls-version", choices=sorted(VERSIONS), help="speak this version of TLS and no other")
    parser.add_argument("--implicit-tls", action="store_true", help="begin TLS with the first byte")
    parser.add_argument("--sync", action="store_true", help="put every message on the disk before its 250")
    parser.add_argument("--idle", type=float, help="end after so many seconds without a connection")
    parser.add_argument("--ready-fd", type=int, help="file descriptor to report readiness to")
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    faults = Faults() if arguments.faults is None else _load(arguments.faults)
    if arguments.time_scale is not None:
        faults = dataclasses.replace(faults, time_scale=arguments.time_scale)
    tls = _tls(arguments)
    folder = arguments.folder.absolute()
    with folder_lock(folder):
        server = SandboxServer(
            folder, port=arguments.port, faults=faults, sync=arguments.sync, idle_seconds=arguments.idle, tls=tls
        )
        told = _on_signal()
        async with server:
            handle = SandboxHandle(os.getpid(), server.port, folder)
            write_state(handle)
            try:
                ready = {"pid": handle.pid, "port": handle.port, "folder": str(folder)}
                if arguments.ready_fd is None:
                    sys.stderr.write(f"The sandbox listens on 127.0.0.1:{server.port} and keeps mail in {folder}\n")
                else:
                    _report(arguments.ready_fd, ready)
                ends = {asyncio.ensure_future(told.wait()), asyncio.ensure_future(server.wait_idle())}
                _, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for task in pending:
                    task.cancel()
            finally:
                remove_state(folder)
        write_counters(folder, server.counters)
        if arguments.ready_fd is None:
            sys.stderr.write(f"{server.counters.summary()}\n")


def _load(path: Path) -> Faults:
    from mailtui.sandbox.spec import load_faults  # here, since pydantic takes longer to import than all the rest

    return load_faults(path)


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale <= 1:
        raise argparse.ArgumentTypeError("it goes from just above 0 to 1")
    return scale


def _tls(arguments: argparse.Namespace) -> Tls | None:
    if arguments.tls_cert is None:
        if arguments.tls_key or arguments.tls_version or arguments.implicit_tls:
            raise UsageError("TLS needs a certificate", hint="Name its file with --tls-cert.")
        return None
    return load_tls(
        arguments.tls_cert, arguments.tls_key, implicit=arguments.implicit_tls, version=arguments.tls_version
    )


def _on_signal() -> asyncio.Event:
    """An event that SIGTERM or Ctrl-C sets."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, told.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(told.set))
    return told


def _report(handle: int, message: dict[str, object]) -> None:
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(message) + "\n")
    if handle == 1:
        # so that nothing opened later gets the number of standard output
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
