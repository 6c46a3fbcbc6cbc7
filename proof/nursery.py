"""A process that has read the programs of a proof and opened nothing, and forks one that runs when it is asked.

`python -m proof.nursery` reads a JSON object a line (`program`, `arguments`, `environment`, `out`, `err`, `fresh`) and
writes two for each: `{"pid": N}` once the process is there, `{"ended": N, "code": C}` when it has ended (a negative
code is the signal that ended it). From the fork on the process is what `python -m PROGRAM ARGUMENTS` would be, in a
session of its own; only the reading of Python modules, the better part of a second each time, is done once for all of
them. With `fresh` it starts Python anew instead, and shares nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

PROGRAMS = ("mailtui.__main__", "proof.geared", "proof.naive", "proof.server")
_BEFOREHAND = ("mailtui.cli.main", "mailtui.service.engine", "mailtui.service.facade")


def main() -> int:
    """Fork until the input ends; then end what is still running."""
    programs = {name: importlib.import_module(name).main for name in PROGRAMS}
    for name in _BEFOREHAND:
        importlib.import_module(name)
    heard, wake = os.pipe()
    os.set_blocking(heard, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: set[int] = set()
    waiting = b""
    while True:
        ready, _, _ = select.select([0, heard], [], [])
        if heard in ready:
            os.read(heard, 4096)
            _collect(children)
        if 0 in ready:
            read = os.read(0, 65_536)
            if not read:
                break
            *lines, waiting = (waiting + read).split(b"\n")
            for line in lines:
                children.add(_fork(json.loads(line), programs, (heard, wake)))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return 0


def _collect(children: set[int]) -> None:
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.discard(pid)
            _tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def _fork(order: dict[str, Any], programs: dict[str, Callable[[], int]], pipes: tuple[int, int]) -> int:
    pid = os.fork()
    if pid:
        _tell(pid=pid)
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for pipe in pipes:
            os.close(pipe)
        os.setsid()
        _redirect(order)
        os.environ.clear()
        os.environ.update(order["environment"])
        if order["fresh"]:
            os.execv(sys.executable, [sys.executable, "-m", order["program"], *order["arguments"]])
        sys.argv = [order["program"], *order["arguments"]]
        code = int(programs[order["program"]]() or 0)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - the last door of a process: what comes here goes to its log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(order: dict[str, Any]) -> None:
    files = (os.devnull, os.O_RDONLY), (order["out"], _APPEND), (order["err"], _APPEND)
    for number, (path, flags) in enumerate(files):
        handle = os.open(path, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)


_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def _tell(**what: int) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
