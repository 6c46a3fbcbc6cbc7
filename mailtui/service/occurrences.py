"""Owns having a recurring campaign's next time made by a process of its own: it reads campaign files, lists and
templates, none of which the runner ever loads.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping

from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.occurrences import Occurred
from mailtui.kit.children import holds_secret, own_environment, own_module
from mailtui.kit.hidden import without_secrets
from mailtui.kit.journal import note, warn
from mailtui.outbox.opening import Outbox
from mailtui.outbox.timed_records import Recurrence
from mailtui.service.handover import Handed

TIME_LIMIT = 2 * 3600.0
"""Seconds that making one may take: a list of millions is checked, read and written in minutes."""
_TRIES = 2
"""How often it is begun where a process ends without a word; what is there already is not made again."""
_NO_WORD = "its process ended without a word, twice; the runner's log has its last one"
_LEAVES_WITHIN = 5.0  # seconds; it ends between two transactions when it is told to


class ChildOccurrences:
    """Starts `mailtui occurrence` for one time after the other."""

    def __init__(
        self, outbox: Outbox, environ: Mapping[str, str], secrets: SecretSource, *, scale: float = 1.0
    ) -> None:
        """What was handed over, `secrets` and variables of `environ` with such, goes on to the process, which may need
        the key that mails are signed by. `scale` shortens waiting in tests.
        """
        self._outbox = outbox
        self._environ = environ
        self._secrets = secrets
        self._time_limit = TIME_LIMIT * scale

    async def make(self, recurrence: Recurrence, at: float) -> Occurred:
        """Have the campaign of `at` in the outbox; once, however often this is asked, and whoever dies meanwhile."""
        occurred = None
        for _ in range(_TRIES):
            occurred = occurred or await self._made(recurrence, at)
        return occurred or Occurred(problem=_NO_WORD)

    async def _made(self, recurrence: Recurrence, at: float) -> Occurred | None:
        """What came of one process; None where it ended without a word, as one that is killed does."""
        try:
            process = await self._start(recurrence, at)
        except OSError as error:
            return Occurred(problem=f"its process could not be started: {error.strerror}: {error.filename}")
        note("an occurrence is made", recurrence=recurrence.id, due=at, by=process.pid)
        try:
            async with asyncio.timeout(self._time_limit):
                said, complaints = await process.communicate(self._handed().to_json().encode())
        except TimeoutError:
            return Occurred(problem=f"it took longer than {self._time_limit / 60:,.0f} minutes, and was stopped")
        finally:
            await _end(process)
        return _heard(said, complaints, process.returncode)

    async def _start(self, recurrence: Recurrence, at: float) -> asyncio.subprocess.Process:
        """In the folder in which it was launched: settings that are there count."""
        return await asyncio.create_subprocess_exec(
            *own_module("mailtui"), "occurrence", recurrence.id, repr(at),
            "--outbox", self._outbox.url, "--secrets-fd", "0",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=json.loads(recurrence.arguments).get("folder") or None,
            env=own_environment(self._environ),
        )  # fmt: skip

    def _handed(self) -> Handed:
        variables = {name: text for name, text in self._environ.items() if holds_secret(name)}
        return Handed(self._secrets.handed, variables)


async def _end(process: asyncio.subprocess.Process) -> None:
    """See to it that it has ended; what it began is begun anew by whoever comes next."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_LEAVES_WITHIN):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _heard(said: bytes, complaints: bytes, code: int | None) -> Occurred | None:
    """What the process said in its last line."""
    lines = said.decode(errors="replace").splitlines()
    try:
        heard = json.loads(lines[-1]) if lines else None
    except ValueError:
        heard = None
    if isinstance(heard, dict) and heard.keys() & {"campaign", "problem"}:
        return Occurred(campaign=str(heard.get("campaign", "")), problem=str(heard.get("problem", "")))
    last = complaints.decode(errors="replace").strip().rpartition("\n")[2]
    warn("an occurrence's process ended without a word", code=code, complaint=without_secrets(last))
    return None
