"""Owns the listener that the browser is sent from and comes back to: this machine only, for one answer, and nobody
else's request gives one (RFC 8252 sections 7.3, 8.3 and 8.10; RFC 9207).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qsl

from mailtui.accounts.oauth.page import redirection, response

PATH = "/mailtui"
_LONGEST_HEAD = 16_384
_HEAD_WITHIN = 10.0  # seconds; browsers keep connections open that they may never use
_AT_ONCE = 32
_NAMES_TOLD = 3
_NOTHING_THERE = 404
_MOST_VALUES = 100

_DONE = response(
    200, "OK", "Your answer has arrived", "Go back to mailtui: it says what came of it. You can close this page."
)
_TWICE = response(
    410,
    "Gone",
    "This address was opened before",
    "Whoever did that need not be you, so mailtui has ended the login. Go back to mailtui, and try again.",
)


class OpenedTwice(Exception):
    """Two have opened the address that is good once: one of them is not the person's browser, and knows the state."""


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
        self._way_in: str | None = None
        self._leads_to = ""
        self.port = 0

    @property
    def address(self) -> str:
        """The redirect URI."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def way_to(self, address: str) -> str:
        """An address for the browser that leads on to another one, once.

        Every user of a machine sees what its programs are started with, and `address` has the state in it: whoever
        knew that could answer in the provider's place, with a login of their own.
        """
        self._way_in, self._leads_to = f"/{secrets.token_urlsafe(16)}", address
        return f"http://127.0.0.1:{self.port}{self._way_in}"

    async def answer(self) -> Arrived:
        """What the browser brought; waits for it. Raises `OpenedTwice`."""
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
        if not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()  # nobody need have asked for it

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
                path, query = await self._asked(reader)
                if path == self._way_in:
                    await self._say(writer, self._lead_on())
                    return
                arrived = self._of_provider(query)
                await self._say(writer, _DONE)
                if not self._answer.done():
                    self._answer.set_result(arrived)
        except _Foreign as refusal:
            if refusal.status != _NOTHING_THERE:  # every browser asks for the icon of a page, and is nobody's attack
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

    def _lead_on(self) -> bytes:
        if self._leads_to:
            address, self._leads_to = self._leads_to, ""
            return redirection(address)
        if not self._taken and not self._answer.done():
            self._answer.set_exception(OpenedTwice())
        return _TWICE

    async def _asked(self, reader: asyncio.StreamReader) -> tuple[str, str]:
        """The path and the query of a request by a browser that means us."""
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
        path, _, query = target.partition("?")
        if path not in (PATH, self._way_in):
            raise _Foreign(_NOTHING_THERE, "Not Found", "there is nothing at this address")
        if method != "GET":
            raise _Foreign(405, "Method Not Allowed", "this is not how a browser comes back")
        return path, query

    def _of_provider(self, query: str) -> Arrived:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_VALUES)
        except ValueError:
            raise _Foreign(400, "Bad Request", "the answer says too much") from None
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
        self._told += 1
        if self._told <= _NAMES_TOLD:
            self._turned_away(why)
