"""The samples of faults that ship: each loads, does what its comments say, and lets mail through."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from mailtui.errors import UsageError
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.spec import load_faults
from mailtui.service.sandboxes import faults_file
from tests.sandbox.client import connected

FOLDER = Path(__file__).parents[2] / "sample_data" / "faults"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
CONTENT = b"Subject: hello\r\n\r\n" + b"x" * 300 + b"\r\n"
PATIENCE = 60.0


async def one(port: int, recipient: bytes) -> bytes:
    """One mail over a connection of its own: its last reply, b"" when there was none."""
    try:
        async with connected(port, hello=False) as client:
            for line in (b"", b"EHLO me.test\r\n"):
                reply = await client.say(line)
                if not reply.startswith(b"2"):
                    return reply
            return await client.send(CONTENT, recipient)
    except ConnectionRefusedError:
        await asyncio.sleep(0.03)  # who finds nobody there waits a little
        return b""
    except ConnectionError:
        return b""


async def send(folder: Path, faults: Faults, count: int, recipient: bytes = b"r%d@x.test") -> Counter[bytes]:
    """So many mails one after the other; what was replied how often, by code and enhanced code."""
    said: Counter[bytes] = Counter()
    before = len(list(read_captured(folder)))
    async with asyncio.timeout(PATIENCE), SandboxServer(folder, faults=faults) as server:
        for number in range(count):
            reply = await one(server.port, recipient.replace(b"%d", b"%d" % number))
            said[b" ".join(reply.split()[:2])] += 1
    assert server.counters.accepted == len(list(read_captured(folder))) - before
    return said


def sample(name: str, scale: float) -> Faults:
    return dataclasses.replace(load_faults(faults_file(Path(name))), time_scale=scale)


def test_these_are_the_samples() -> None:
    assert NAMES == ["dying", "gmail-like", "greylisting", "outlook-like", "slow", "strict-quota"]
    assert [faults_file(Path(name)) for name in NAMES] == [FOLDER / f"{name}.yaml" for name in NAMES]
    with pytest.raises(UsageError) as caught:
        faults_file(Path("graylisting"))
    assert caught.value.hint == "Did you mean greylisting?"
    assert faults_file(Path("own.yaml")) == Path("own.yaml")
    assert faults_file(Path("folder/own")) == Path("folder/own")


@pytest.mark.parametrize("name", NAMES)
def test_its_comment_names_the_command(name: str) -> None:
    assert f"#   mailtui sandbox --faults {name}" in (FOLDER / f"{name}.yaml").read_text("utf-8")


async def test_slow_takes_every_mail(tmp_path: Path) -> None:
    assert await send(tmp_path, sample("slow", 0.01), 12) == {b"250 2.0.0": 12}


async def test_greylisting_takes_the_second_attempt(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path, faults=sample("greylisting", 0.002)) as server:
        assert (await one(server.port, b"a@x.test")).startswith(b"451 4.7.1")
        assert (await one(server.port, b"a@x.test")).startswith(b"451 4.7.1")
        await asyncio.sleep(0.7)
        assert (await one(server.port, b"a@x.test")).startswith(b"250")
        assert (await one(server.port, b"b@x.test")).startswith(b"451 4.7.1")


async def test_strict_quota_takes_25(tmp_path: Path) -> None:
    assert await send(tmp_path, sample("strict-quota", 1), 28) == {b"250 2.0.0": 25, b"550 5.4.5": 3}


async def test_dying_dies_everywhere_and_takes_most(tmp_path: Path) -> None:
    said = await send(tmp_path, sample("dying", 0.001), 300)
    taken = len(list(read_captured(tmp_path)))
    assert said[b"421 4.3.2"] > 0
    assert said[b""] > 5
    assert said[b"250 2.0.0"] > 150
    assert taken > said[b"250 2.0.0"], "some were accepted without a word"


async def test_gmail_like_slows_down_and_knows_its_people(tmp_path: Path) -> None:
    faults = sample("gmail-like", 1)
    said = await send(tmp_path, faults, 130)
    assert said[b"421 4.7.28"] > 0
    assert 95 <= said[b"250 2.0.0"] < 130
    assert await send(tmp_path, faults, 1, b"nobody@x.test") == {b"550 5.1.1": 1}
    assert await send(tmp_path, faults, 1, b"disabled@x.test") == {b"550 5.2.1": 1}
    assert await send(tmp_path, faults, 1, b"full@x.test") == {b"452 4.2.2": 1}
    assert faults.limits is not None
    assert faults.limits.quota is not None
    assert faults.limits.quota.at_most == 500


async def test_outlook_like_is_busy_and_keeps_connections_few(tmp_path: Path) -> None:
    faults = sample("outlook-like", 1)
    said = await send(tmp_path, faults, 35)
    assert said[b"451 4.7.500"] > 0
    assert 25 <= said[b"250 2.0.0"] < 35
    assert await send(tmp_path, faults, 1, b"anna@strict.test") == {b"550 5.7.515": 1}
    assert await send(tmp_path, faults, 1, b"nobody@x.test") == {b"550 5.1.10": 1}
    async with SandboxServer(tmp_path, faults=faults) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
        for reader, _ in held:
            await reader.readline()
        assert (await one(server.port, b"b@x.test")).startswith(b"421 4.3.2")
        for _, writer in held:
            writer.close()
