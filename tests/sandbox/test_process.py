"""The sandbox as a process: starting, finding, stopping, dying, and what it tells when it cannot start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailtui.errors import ExitCode, MailtuiError
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.process import SandboxHandle, find_sandbox, folder_lock, start_sandbox, stop_sandbox
from tests.sandbox.client import ENVELOPE, connected
from tests.servers.programs import free_port, need_program

HELLO = b"hello\r\n"


async def until_gone(folder: Path) -> None:
    async with asyncio.timeout(5):
        while find_sandbox(folder):
            await asyncio.sleep(0.01)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxHandle]:
    handle = await start_sandbox(tmp_path / "box")
    yield handle
    await stop_sandbox(handle)


async def test_starts_is_found_catches_and_stops(sandbox: SandboxHandle) -> None:
    assert find_sandbox(sandbox.folder) == sandbox
    async with connected(sandbox.port) as client:
        assert (await client.send(HELLO)).startswith(b"250")
        await stop_sandbox(sandbox)
        assert (await client.reply()).startswith(b"421 4.3.2")
    assert find_sandbox(sandbox.folder) is None
    assert len(list(read_captured(sandbox.folder))) == 1
    await stop_sandbox(sandbox)  # nothing happens
    again = await start_sandbox(sandbox.folder)
    async with connected(again.port) as client:
        assert b"kept as 2" in await client.send(HELLO)
    await stop_sandbox(again)


async def test_all_its_files_are_private(sandbox: SandboxHandle) -> None:
    async with connected(sandbox.port) as client:
        await client.send(HELLO)
    names = {path.name for path in sandbox.folder.iterdir()}
    assert names == {"accepted.jsonl", "messages.mbox", "sandbox.json", "sandbox.lock", "sandbox.log"}
    for path in (sandbox.folder, *sandbox.folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_one_sandbox_a_folder(sandbox: SandboxHandle) -> None:
    with pytest.raises(MailtuiError, match=f"already uses this folder .process {sandbox.pid}") as caught:
        await start_sandbox(sandbox.folder)
    assert caught.value.exit_code is ExitCode.USAGE
    assert find_sandbox(sandbox.folder) == sandbox


async def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(MailtuiError, match=f"Port {port} is already in use") as caught:
            await start_sandbox(tmp_path, port=port)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "--port" in caught.value.hint
    assert find_sandbox(tmp_path) is None


async def test_mistakes_in_the_faults_come_back_with_their_line(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("rules:\n  - {stage: dot, action: dropp}\n")
    with pytest.raises(MailtuiError) as caught:
        await start_sandbox(tmp_path / "box", faults=faults)
    assert caught.value.exit_code is ExitCode.FINDINGS
    assert "faults.yaml:2" in str(caught.value)


async def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MailtuiError, match="cannot use this folder"):
        await start_sandbox(tmp_path / "file" / "box")
    with pytest.raises(MailtuiError, match="cannot use this folder"), folder_lock(tmp_path / "file" / "box"):
        pass


async def test_faults_sync_and_a_port_of_ones_own(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("rules:\n  - {stage: dot, nth: 1, action: accept_then_drop}\n")
    port = free_port()
    handle = await start_sandbox(tmp_path / "box", port=port, faults=faults, sync=True)
    try:
        assert handle.port == port
        async with connected(port) as client:
            assert await client.send(HELLO) == b""
        assert len(list(read_captured(handle.folder))) == 1
    finally:
        await stop_sandbox(handle)


async def test_ends_by_itself_when_nobody_uses_it(tmp_path: Path) -> None:
    handle = await start_sandbox(tmp_path, idle_seconds=0.3)
    async with connected(handle.port):
        await asyncio.sleep(0.5)
        assert find_sandbox(tmp_path) == handle  # somebody is connected
    await until_gone(tmp_path)
    assert not (tmp_path / "sandbox.json").exists()


async def test_a_killed_sandbox_is_not_found_and_its_place_is_free(tmp_path: Path) -> None:
    handle = await start_sandbox(tmp_path)
    os.kill(handle.pid, signal.SIGKILL)
    await until_gone(tmp_path)
    assert (tmp_path / "sandbox.json").exists()
    again = await start_sandbox(tmp_path)
    assert find_sandbox(tmp_path) == again
    await stop_sandbox(again)


async def test_every_250_is_in_the_log_after_a_kill(tmp_path: Path) -> None:
    for _ in range(3):
        before = len(list(read_captured(tmp_path)))
        handle = await start_sandbox(tmp_path)
        acknowledged = 0
        async with connected(handle.port) as client:
            client.writer.write(ENVELOPE)
            await client.replies(3)
            killer = asyncio.get_running_loop().call_later(0.05, os.kill, handle.pid, signal.SIGKILL)
            try:
                while True:
                    client.writer.write(HELLO + b".\r\n" + ENVELOPE)
                    if not (await client.reply()).startswith(b"250 "):
                        break
                    acknowledged += 1
                    await client.replies(3)
            except ConnectionError:
                pass
            finally:
                killer.cancel()
        await until_gone(tmp_path)
        logged = len(list(read_captured(tmp_path))) - before
        assert acknowledged > 0
        assert acknowledged <= logged <= acknowledged + 1


def test_it_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from mailtui.sandbox.process import start_sandbox\n"
        "print(asyncio.run(start_sandbox(pathlib.Path(sys.argv[1]))).pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    handle = find_sandbox(tmp_path)
    assert handle is not None
    assert str(handle.pid) == done.stdout.strip()
    assert done.stderr == ""
    assert os.getsid(handle.pid) == handle.pid
    asyncio.run(stop_sandbox(handle))


def test_it_leaves_no_zombie_behind(tmp_path: Path) -> None:
    async def start_and_stop() -> int:
        handle = await start_sandbox(tmp_path)
        await stop_sandbox(handle)
        return handle.pid

    pid = asyncio.run(start_and_stop())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_imports_only_what_it_needs() -> None:
    script = "import mailtui.sandbox.__main__, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"pydantic", "yaml", "textual", "rich", "click", "aiosmtplib", "apsw", "jinja2", "platformdirs"}


def test_in_the_foreground_it_speaks_on_stderr_and_obeys_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mailtui.sandbox", "--folder", str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert child.stderr.readline().startswith("The sandbox listens on 127.0.0.1:")
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == ExitCode.USAGE
    assert second.stderr.startswith("Another sandbox already uses this folder")
    child.send_signal(signal.SIGTERM)
    out, _ = child.communicate(timeout=5)
    assert child.returncode == 0
    assert out == ""


def test_takes_everything_from_smtp_source(tmp_path: Path) -> None:
    source = need_program("smtp-source", package="postfix")

    async def load() -> None:
        handle = await start_sandbox(tmp_path)
        try:
            client = await asyncio.create_subprocess_exec(
                source,
                "-s",
                "8",
                "-m",
                "1000",
                "-l",
                "2000",
                "-f",
                "a@x.test",
                "-t",
                "b@y.test",
                f"127.0.0.1:{handle.port}",
            )
            assert await client.wait() == 0
        finally:
            await stop_sandbox(handle)

    asyncio.run(load())
    caught = list(read_captured(tmp_path))
    assert [message.number for message in caught] == list(range(1, 1_001))
    assert len({message.message_id for message in caught}) == 1_000
    assert {message.connection for message in caught} == set(range(1, 1_001))
