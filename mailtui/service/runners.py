"""Owns finding the runner that lives on an outbox, or starting one that outlives the caller."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mailtui.dispatch.lock import runner_pid
from mailtui.errors import ExitCode, RunnerError
from mailtui.kit.children import holds_secret, own_environment, own_module
from mailtui.kit.paths import Home, private_folder, touch_private
from mailtui.outbox.opening import Outbox
from mailtui.service.handover import Handed, door_of, hand_over

_READY_WITHIN = 15.0
_KEPT_LOGS = 20
_LONGEST_LINE = 10_000


class Launcher:
    """Starts detached runners for one outbox."""

    def __init__(
        self, outbox: Outbox, home: Home, environ: Mapping[str, str], logins: Callable[[], Mapping[str, str]]
    ) -> None:
        """`logins`: whom the accounts of the settings log in as, and where: nobody else is told their secrets."""
        self._logins = logins
        self._outbox = outbox
        self._home = home
        self._environ = environ

    def pid(self) -> int | None:
        """The process id of the runner that lives, None when none does."""
        return runner_pid(self._outbox.lock_file)

    def log_of(self, pid: int) -> Path | None:
        """The log of a runner that was started in the background, by the process it names in its first line."""
        for log in sorted(self._home.logs.glob("runner-*.log"), reverse=True):
            if _begun_by(log) == pid:
                return log
        return None

    async def ensure(self, secrets: Mapping[str, str], *, leave: str = "") -> int:
        """The runner that lives, or a new one; its process id.

        `secrets` by the names of their entries in the keyring: handed over by a pipe, or as `hand_over` does. Raises
        `RunnerError` with what the new one said.
        """
        pid = self.pid()
        if pid is None:
            return await self._start(secrets)
        await self.hand_over(secrets, leave=leave)
        return pid

    async def hand_over(self, secrets: Mapping[str, str], *, leave: str = "", renewed: bool = False) -> bool:
        """Give secrets to the runner that lives. Campaigns that paused for want of one of them go on by themselves, but
        for the one to `leave`, which whoever calls sees to; with `renewed`, also those whose former ones were refused.
        False where no runner took them: none lives, or it is a `mailtui run` in the foreground, which has its own.
        """
        if not secrets or self.pid() is None:
            return False
        return await hand_over(door_of(self._outbox, self._home.run), self._handed(secrets, leave, renewed=renewed))

    def _handed(self, secrets: Mapping[str, str], leave: str = "", *, renewed: bool = False) -> Handed:
        variables = {name: text for name, text in self._environ.items() if holds_secret(name)}
        return Handed(secrets, variables, self._logins(), leave, renewed)

    async def _start(self, secrets: Mapping[str, str]) -> int:
        command = [*own_module("mailtui"), "runner", "--until-idle", "--outbox", self._outbox.url]
        log = self._new_log()
        ready_read, ready_write = os.pipe()
        secrets_read, secrets_write = os.pipe()
        try:
            with log.open("ab") as stderr:
                # Popen, not asyncio's: a child of asyncio is killed when its transport is collected at the loop's end.
                process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own module; the fork takes milliseconds
                    [*command, f"--ready-fd={ready_write}", f"--secrets-fd={secrets_read}"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    pass_fds=(ready_write, secrets_read),
                    start_new_session=True,
                    env=own_environment(self._environ),
                )
        finally:
            os.close(ready_write)
            os.close(secrets_read)
        # Collects the runner when it ends, so that it leaves no zombie behind while this process lives on.
        threading.Thread(target=process.wait, name="runner-reaper", daemon=True).start()
        # One that has ended already reads nothing; what it said tells why.
        with contextlib.suppress(BrokenPipeError), os.fdopen(secrets_write, "w") as pipe:
            pipe.write(self._handed(secrets).to_json())
        answer = await _read_line(ready_read)
        if not answer:
            raise RunnerError(
                "The runner did not start",
                detail=f"Process {process.pid} ended, or said nothing within {_READY_WITHIN:g} seconds.",
                hint=f"Its log: {log}",
            )
        said = json.loads(answer)
        if "error" not in said:
            return process.pid
        pid = self.pid()
        if said.get("exit_code") == ExitCode.USAGE and pid is not None:
            return pid  # another one was quicker by an instant, and does the same work
        raise RunnerError(said["error"], detail=said.get("detail", ""), hint=said.get("hint", ""))

    def _new_log(self) -> Path:
        folder = private_folder(self._home.logs)
        for old in sorted(folder.glob("runner-*.log"))[:-_KEPT_LOGS]:
            old.unlink(missing_ok=True)
        return touch_private(folder / f"runner-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log")


def _begun_by(log: Path) -> int | None:
    try:
        with log.open(encoding="utf-8") as stream:
            said = json.loads(stream.readline(_LONGEST_LINE))
    except (OSError, ValueError):
        return None  # gone meanwhile, empty, or not begun by a line of ours
    return said.get("process") if isinstance(said, dict) else None


async def _read_line(handle: int) -> bytes:
    """What the child says first; nothing when it ends, or says nothing in time. Closes the handle."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(handle, "rb"))
    try:
        async with asyncio.timeout(_READY_WITHIN):
            return await reader.readline()
    except TimeoutError:
        return b""
    finally:
        transport.close()
