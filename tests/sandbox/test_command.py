"""`mailtui sandbox` as a person runs it: samples by name, the scale of time, TLS, and what it says in the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailtui.sandbox.counters import read_counters
from mailtui.sandbox.process import start_sandbox, stop_sandbox
from tests.sandbox.client import Client, connected
from tests.servers.certificates import Authority

HELLO = b"hello\r\n"


def command(folder: Path, *options: str) -> tuple[list[str], dict[str, str]]:
    environ = {**os.environ, "MAILTUI_HOME": str(folder / "home")}
    return [
        sys.executable,
        "-m",
        "mailtui",
        "sandbox",
        "--port",
        "0",
        "--folder",
        str(folder / "box"),
        *options,
    ], environ


@contextmanager
def running(folder: Path, *options: str) -> Iterator[int]:
    line, environ = command(folder, *options)
    child = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline().rpartition(":")[2])
    finally:
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert (child.returncode, said) == (0, "")


async def test_a_sample_by_its_name_in_its_own_time(tmp_path: Path) -> None:
    with running(tmp_path, "--faults", "greylisting", "--time-scale", "0.002") as port:
        async with connected(port) as client:
            assert (await client.send(HELLO)).startswith(b"451 4.7.1")
            await client.say(b"RSET\r\n")
            await asyncio.sleep(0.5)  # 300 s are 0.6; the quiet ones are sent away after as much
            await client.say(b"NOOP\r\n")
            await asyncio.sleep(0.3)
            assert (await client.send(HELLO)).startswith(b"250")
    counters = read_counters(tmp_path / "box")
    assert counters is not None
    assert (counters.accepted, counters.refused) == (1, 1)
    assert counters.summary() == (
        "1 connection, 1 at once; 0 logins, 0 bytes of them in clear; "
        "EHLO 1, MAIL 2, RCPT 2, RSET 1, NOOP 1, DATA 1, DOT 1"
    )


async def test_with_a_certificate(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key, _ = authority.write(tmp_path)
    with running(tmp_path, "--tls-cert", str(certificate), "--tls-key", str(key), "--implicit-tls") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.client())
        assert (await Client(reader, writer).reply()).startswith(b"220 ")
        writer.close()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--faults", "graylisting"], 2, "Did you mean greylisting?"),
        (["--time-scale", "0"], 2, "just above 0 to 1"),
        (["--implicit-tls"], 2, "--tls-cert"),
        (["--tls-cert", "none.pem"], 2, "none.pem"),
    ],
)
def test_what_cannot_be(tmp_path: Path, options: Sequence[str], code: int, said: str) -> None:
    line, environ = command(tmp_path, *options)
    done = subprocess.run(line, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


async def test_one_in_the_background_leaves_its_counters(tmp_path: Path) -> None:
    assert read_counters(tmp_path) is None
    handle = await start_sandbox(tmp_path)
    try:
        async with connected(handle.port) as client:
            assert (await client.send(HELLO)).startswith(b"250")
    finally:
        await stop_sandbox(handle)
    counters = read_counters(tmp_path)
    assert counters is not None
    assert (counters.accepted, counters.peak, counters.commands["DOT"]) == (1, 1, 1)
