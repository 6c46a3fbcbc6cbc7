"""Owns handing secrets to a runner that lives already: a socket in the run folder which only the same user can use.

It is the one way around the outbox, in which no secret may be. Who connects says one line of JSON and gets one back;
both ends ask the system who the other one is before anything is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailtui.errors import UsageError
from mailtui.kit import journal
from mailtui.kit.paths import PRIVATE_FILE, private_folder
from mailtui.outbox.opening import Outbox

_SECONDS = 5.0
_MOST = 1 << 20
_LONGEST_NAME = 100
"""A socket's address holds 108 bytes on Linux and 104 on macOS, its last byte a zero."""
_WAITING_CALLERS = 8


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed over: secrets by the names of their entries in the keyring, password variables, and whom the
    accounts of the settings log in as, and where.

    `leave` is the id of a campaign that whoever hands over sees to by itself; `renewed`: a person has just given these
    secrets, in the place of others.
    """

    secrets: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    logins: Mapping[str, str] = field(default_factory=dict)
    leave: str = ""
    renewed: bool = False

    def to_json(self) -> str:
        """One line."""
        said = {"secrets": dict(self.secrets), "variables": dict(self.variables), "logins": dict(self.logins)}
        return json.dumps({**said, "leave": self.leave, "renewed": self.renewed})

    @classmethod
    def from_json(cls, line: bytes | str) -> Handed | None:
        """What a caller said, None for what no face of ours says."""
        try:
            said = json.loads(line)
            maps = (said["secrets"], said["variables"], said["logins"])
            leave, renewed = said["leave"], said["renewed"]
        except (ValueError, KeyError, TypeError):
            return None
        if not isinstance(leave, str) or not isinstance(renewed, bool):
            return None
        if not all(isinstance(one, dict) for one in maps):
            return None
        if not all(isinstance(text, str) for one in maps for text in one.values()):
            return None
        return cls(*maps, leave, renewed)


def require_handed(text: str) -> Handed:
    """What a parent process hands over at --secrets-fd. Raises `UsageError` for anything else."""
    handed = Handed.from_json(text)
    if handed is None:
        raise UsageError("What was handed over at --secrets-fd is not what a launcher says")
    return handed


def door_of(outbox: Outbox, run: Path) -> Path:
    """The socket of the runner of an outbox, in the run folder of whoever runs it."""
    return run / f"{hashlib.sha256(os.fsencode(outbox.path)).hexdigest()[:16]}.sock"


class Door:
    """A runner's end. Opened while the outbox's lock is held, so that nobody else's is replaced by it.

    Its file stays behind, as that of a runner that was killed does: nobody answers there.
    """

    def __init__(self, place: Path, take: Callable[[Handed], Awaitable[None]]) -> None:
        self._place = place
        self._take = take
        self._answering: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Listen, in the loop that runs. Where that cannot be done the journal says so, and nothing is handed over."""
        if not hasattr(socket, "AF_UNIX") or not _can_tell_peers():
            return
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            private_folder(self._place.parent)
            self._place.unlink(missing_ok=True)
            with _address(self._place) as address:
                door.bind(address)
            self._place.chmod(PRIVATE_FILE)
            door.listen(_WAITING_CALLERS)  # until here nobody could connect
            door.settimeout(0)  # asyncio wants one that never blocks
        except OSError as error:
            door.close()
            journal.warn("no secret can be handed over to this runner", error=str(error))
            return
        self._answering = asyncio.create_task(self._answer(door), name="door")

    async def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)

    async def _answer(self, door: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with door:
            while True:
                try:
                    caller, _ = await loop.sock_accept(door)
                except OSError:  # no handle is free at the moment
                    await asyncio.sleep(_SECONDS)
                    continue
                await self._hear(caller)

    async def _hear(self, caller: socket.socket) -> None:
        """See to one caller. Who says too much, nothing, or nothing in time gets no answer."""
        with caller:
            if not _is_own(caller):
                journal.warn("somebody else was at the door, and was not let in")
                return
            reader, writer = await asyncio.open_unix_connection(sock=caller, limit=_MOST)
            try:
                async with asyncio.timeout(_SECONDS):
                    handed = Handed.from_json(await reader.readline())
                    if handed is not None:
                        await self._take(handed)
                        writer.write(b'{"taken": true}\n')
                        await writer.drain()
            except (OSError, TimeoutError, ValueError):
                journal.note("whoever was at the door left without handing anything over")
            finally:
                writer.close()


async def hand_over(place: Path, handed: Handed) -> bool:
    """Give secrets to the runner whose socket this is; False where nobody took them: none of this user's listens."""
    if not hasattr(socket, "AF_UNIX") or not _can_tell_peers():
        return False
    try:
        async with asyncio.timeout(_SECONDS):
            with _address(place) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            try:
                if not _is_own(writer.get_extra_info("socket")):
                    return False
                writer.write(handed.to_json().encode() + b"\n")
                await writer.drain()
                return bool(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


@contextlib.contextmanager
def _address(place: Path) -> Iterator[str]:
    """The socket's name for the system, short enough for it. Raises OSError where none is."""
    if len(os.fsencode(place)) <= _LONGEST_NAME:
        yield str(place)
        return
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def _can_tell_peers() -> bool:
    return hasattr(socket, "SO_PEERCRED") or sys.platform == "darwin"


def _is_own(other: socket.socket) -> bool:
    """Whether the process at the other end is of this user: SO_PEERCRED of unix(7), LOCAL_PEERCRED of macOS."""
    if sys.platform == "darwin":
        # struct xucred: version, user, number of groups, 16 groups.
        user = struct.unpack_from("II", other.getsockopt(0, 0x001, 76))[1]
    else:
        user = struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    return bool(user == os.geteuid())
