"""Asking a provider: by which way, and what is told where nobody can be asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mailtui.accounts.oauth.asking import NoAnswer, _trust, ask
from tests.servers.openssl import self_signed


@asynccontextmanager
async def refusing(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that grants nothing."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 400 Bad Request\r\n\r\n{"error":"invalid_grant"}')
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_c09_an_address_that_nobody_can_ask_is_told() -> None:
    for address in ("https://login..example.test/token", "https://127.0.0.1:1/t\u00f6ken"):
        with pytest.raises(NoAnswer, match="is no address that can be asked"):
            await ask(address, {})


async def test_c09_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with refusing() as port:
        assert (await ask(f"http://127.0.0.1:{port}/token", {})).error == "invalid_grant"


async def test_c09_a_clock_that_is_wrong_is_thought_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = self_signed(tmp_path, begins_in=timedelta(days=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(next(tmp_path.glob("*.pem"))))
    _trust.cache_clear()
    async with refusing(context) as port:
        with pytest.raises(NoAnswer, match="not yet valid; is the clock of this machine right"):
            await ask(f"https://localhost:{port}/token", {})
    _trust.cache_clear()
