"""Owns the listener that the browser comes back to: this machine only, for one answer, and nobody else's request
ends or changes a login (RFC 8252 sections 7.3, 8.3 and 8.10; RFC 9207).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

from mailtui.accounts.oauth.page import response

PATH = "/mailtui"
_LONGEST_HEAD = 16_384
_HEAD_WITHIN = 10.0  # seconds; browsers keep connections open that they may never use
_AT_ONCE = 32
_NAMES_TOLD = 3

_DONE = response(
    200, "OK", "Your answer has arrived", "Go back to mailtui: it says what came of it. You can close this page."
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The provider's answer: a `code`, or the code of a refusal with the provider's words."""

    code: str = field(default="", repr=False)
    error: str = ""
    description: str = ""
    issuer: str | None = None


class _Foreign(Exception):
    """A request that is not the provider's answer: its status, and what is the matter."""

    def __init__(self, status: int, reason: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.reason = reason


class Listener:
    """Listens on a free port of 127.0.0.1 within `async with`, for the one answer that has `state` in it."""

    def __init__(self, state: str, turned_away: Callable[[str], None], *, scale: float = 1.0) -> None:
        """`turned_away` is told, a few times at most, why a request was refused."""
        self._state = state
        self._turned_away = turned_away
        self._told = 0
        self._scale = scale
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._answer: asyncio.Future[Arrived] = asyncio.get_running_loop().create_future()
        self._taken = False
        self.port = 0

    @property
    def address(self) -> str:
        """The redirect URI."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def answer(self) -> Arrived:
        """What the browser brought; waits for it."""
        return await asyncio.shield(self._answer)

    async def __aenter__(self) -> Listener:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        # Not `wait_closed`, which waits for whoever keeps a connection open.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._answer.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= _AT_ONCE:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_WITHIN * self._scale):
                arrived = await self._arrived(reader)
                await self._say(writer, _DONE)
                self._answer.set_result(arrived)
        except _Foreign as refusal:
            self._tell(str(refusal))
            why = "This is not what mailtui waits for"
            text = f"{str(refusal).capitalize()}. The login, if there is one, goes on: go back to mailtui."
            await self._say(writer, response(refusal.status, refusal.reason, why, text))
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            writer.transport.abort()  # said nothing in time, or left: browsers open connections in advance
        finally:
            writer.close()

    async def _say(self, writer: asyncio.StreamWriter, page: bytes) -> None:
        with contextlib.suppress(OSError):  # whoever asked has gone
            writer.write(page)
            await writer.drain()

    async def _arrived(self, reader: asyncio.StreamReader) -> Arrived:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise _Foreign(431, "Request Header Fields Too Large", "the request is too large") from None
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1."):
            raise _Foreign(400, "Bad Request", "that is no HTTP/1.1")
        hosts = [
            value.strip() for name, _, value in (line.partition(":") for line in lines[1:]) if name.lower() == "host"
        ]
        # A page elsewhere may have its own name lead to this machine (DNS rebinding).
        if hosts != [f"127.0.0.1:{self.port}"]:
            raise _Foreign(421, "Misdirected Request", "the request is meant for another host")
        parts = urlsplit(target)
        if parts.path != PATH or parts.netloc:
            raise _Foreign(404, "Not Found", "there is nothing at this address")
        if method != "GET":
            raise _Foreign(405, "Method Not Allowed", "this is not how a browser comes back")
        return self._of_provider(parts.query)

    def _of_provider(self, query: str) -> Arrived:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _Foreign(400, "Bad Request", "the answer says something twice")
        if not hmac.compare_digest(found.get("state", "").encode(), self._state.encode()):
            raise _Foreign(400, "Bad Request", "the answer belongs to another login, or to none")
        if self._taken:
            raise _Foreign(410, "Gone", "an answer has arrived already")
        code, error = found.get("code", ""), found.get("error", "")
        if bool(code) == bool(error):
            raise _Foreign(400, "Bad Request", "the answer says neither yes nor no")
        self._taken = True
        return Arrived(code, error, found.get("error_description", ""), found.get("iss"))

    def _tell(self, why: str) -> None:
        # The icon of the page is asked for by every browser, and is nobody's attack.
        self._told += 1
        if self._told <= _NAMES_TOLD:
            self._turned_away(why)
