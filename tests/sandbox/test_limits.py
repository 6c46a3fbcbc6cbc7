"""How much a sandbox takes: connections, messages, rates, quotas, greylisting; and the file that says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailtui.errors import ConfigError
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.limits import DAY, Gate, Greylisting, Limit, Limits, Quota, Rate
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.spec import load_faults
from tests.sandbox.client import ENVELOPE, MAIL, RCPT, connected

HELLO = b"hello\r\n"
FULL = b"421 4.7.0 Too many connections\r\n"


@dataclass
class Clock:
    """A clock that stands until it is set."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def limited(folder: Path, **limits: object) -> SandboxServer:
    return SandboxServer(folder, faults=Faults(limits=Limits(**limits)))  # type: ignore[arg-type]


async def test_f60_too_many_connections(tmp_path: Path) -> None:
    async with limited(tmp_path, connections=Limit(2, FULL)) as server:
        async with connected(server.port), connected(server.port) as second:
            async with connected(server.port, hello=False) as third:
                assert await third.reply() == FULL
                assert await third.reply() == b""
            assert (await second.send(HELLO)).startswith(b"250")
        async with asyncio.timeout(5):
            while server.counters.open:
                await asyncio.sleep(0.01)
        async with connected(server.port) as fourth:
            assert (await fourth.send(HELLO)).startswith(b"250")
    assert (server.counters.peak, server.counters.refused) == (3, 1)


async def test_f60_messages_per_connection_refused_with_421(tmp_path: Path) -> None:
    limit = Limit(2, b"421 4.7.0 Enough for this connection\r\n")
    async with limited(tmp_path, messages_per_connection=limit) as server:
        for _ in range(2):
            async with connected(server.port) as client:
                assert (await client.send(HELLO)).startswith(b"250")
                client.writer.write(ENVELOPE + b"RSET\r\n")
                assert await client.codes(3) == [250, 250, 354]
                assert (await client.say(HELLO + b".\r\n")).startswith(b"250")
                assert await client.say(MAIL) == limit.reply
                assert await client.reply() == b""
    assert len(list(read_captured(tmp_path))) == 4


async def test_f60_messages_per_connection_closed_after_the_last(tmp_path: Path) -> None:
    async with limited(tmp_path, messages_per_connection=Limit(2, b"")) as server, connected(server.port) as client:
        assert (await client.send(HELLO)).startswith(b"250")
        assert (await client.send(HELLO)).startswith(b"250")
        assert await client.reply() == b""


async def test_a_rate_of_the_whole_server(tmp_path: Path) -> None:
    rate = Rate(1, per=0.5, burst=2)
    async with limited(tmp_path, rate=rate) as server, connected(server.port) as client:
        replies = [await client.send(HELLO) for _ in range(4)]
        assert [reply[:3] for reply in replies[:2]] == [b"250", b"250"]
        assert rate.reply in replies[2:]
        async with asyncio.timeout(10):
            while not (await client.send(HELLO)).startswith(b"250"):
                await asyncio.sleep(0.05)


def test_a_token_bucket() -> None:
    clock = Clock()
    gate = Gate(Limits(rate=Rate(messages=60, per=60, burst=3)), clock)
    taken = []
    for now in (0, 0, 0, 0, 0.9, 1.1, 1.2, 100, 100, 100, 100):
        clock.now = 1_000 + now
        taken.append(gate.mail(0) is None)
    assert taken == [True, True, True, False, False, True, False, True, True, True, False]


async def test_a_rate_for_each_domain_that_fits(tmp_path: Path) -> None:
    rate = Rate(1, per=1_000, domain="*.slow.test", reply=b"421 4.7.28 Slow down\r\n")
    async with limited(tmp_path, domain_rates=(rate,)) as server, connected(server.port) as client:
        for recipient in (b"1@a.slow.test", b"2@B.slow.test", b"3@fast.test", b"4@fast.test"):
            assert (await client.send(HELLO, recipient)).startswith(b"250")
        assert await client.send(HELLO, b"5@b.slow.test") == rate.reply
        assert await client.reply() == b""


async def test_a_quota_counts_what_was_accepted_and_what_is_under_way(tmp_path: Path) -> None:
    async with limited(tmp_path, quota=Quota(2)) as server:
        async with connected(server.port) as one, connected(server.port) as two:
            assert (await one.say(MAIL)).startswith(b"250")
            assert (await two.say(MAIL)).startswith(b"250")
            assert (await two.say(b"RSET\r\n")).startswith(b"250")  # gives its place back
            assert (await two.send(HELLO)).startswith(b"250")
            assert (await two.say(MAIL)).startswith(b"550 5.4.5")
        async with connected(server.port) as three:  # the first left without a mail
            assert (await three.send(HELLO)).startswith(b"250")
            assert (await three.say(MAIL)).startswith(b"550 5.4.5")


def test_a_quota_begins_anew_after_its_day() -> None:
    clock = Clock()
    gate = Gate(Limits(quota=Quota(1)), clock)
    assert gate.mail(0) is None
    clock.now += DAY - 1
    assert gate.mail(0) is not None
    clock.now += 2
    assert gate.mail(0) is None


async def test_f61_greylisting(tmp_path: Path) -> None:
    grey = Greylisting(seconds=30)
    faults = Faults(limits=Limits(greylisting=grey), time_scale=0.01)
    async with SandboxServer(tmp_path, faults=faults) as server, connected(server.port) as client:
        assert await client.send(HELLO) == grey.reply
        assert await client.say(b"RCPT TO:<B@x.test>\r\n") == grey.reply
        await client.say(b"RSET\r\n")
        await asyncio.sleep(0.5)
        assert (await client.send(HELLO)).startswith(b"250")
        assert (await client.send(HELLO)).startswith(b"250")
        assert await client.send(HELLO, b"another@x.test") == grey.reply
    assert len(list(read_captured(tmp_path))) == 2


EVERYTHING = """
time_scale: 0.5
server:
  hostname: mx.test
  extensions: [SIZE]
  users: {anna: secret}
  size: 1000
  recipients: 3
  quiet: 60
  starttls: false
  require_tls: true
limits:
  connections: {at_most: 5, reply: 421 4.7.0 full}
  messages_per_connection: {at_most: 7, close: true}
  rate: {messages: 10, per: 1, burst: 2, reply: 451 4.7.0 slow}
  domain_rates:
    - {domain: "*.test", messages: 20}
  quota: {at_most: 500, per: 3600, reply: 550 5.4.5 no more}
  greylisting: {seconds: 10, reply: 451 4.7.1 later}
"""


def load(folder: Path, text: str) -> Faults:
    path = folder / "faults.yaml"
    path.write_text(text)
    return load_faults(path)


def test_the_file(tmp_path: Path) -> None:
    faults = load(tmp_path, EVERYTHING)
    assert faults.limits == Limits(
        connections=Limit(5, b"421 4.7.0 full\r\n"),
        messages_per_connection=Limit(7, b""),
        rate=Rate(10, 1, 2, b"451 4.7.0 slow\r\n"),
        domain_rates=(Rate(20, 60, 1, domain="*.test"),),
        quota=Quota(500, b"550 5.4.5 no more\r\n", 3_600),
        greylisting=Greylisting(10, b"451 4.7.1 later\r\n"),
    )
    assert faults.manners is not None
    assert (faults.time_scale, faults.manners.hostname, faults.manners.command_seconds) == (0.5, "mx.test", 60)
    scaled = faults.limits.scaled(0.5)
    assert scaled.rate == Rate(10, 0.5, 2, b"451 4.7.0 slow\r\n")
    assert (scaled.greylisting, scaled.quota) == (
        Greylisting(5, b"451 4.7.1 later\r\n"),
        Quota(500, b"550 5.4.5 no more\r\n", 1_800),
    )
    assert scaled.domain_rates[0].per == 30


async def test_the_manners_of_a_file(tmp_path: Path) -> None:
    faults = load(tmp_path, "server: {hostname: mx.test, extensions: [SIZE], size: 1000, quiet: 0.2}\n")
    async with SandboxServer(tmp_path / "box", faults=faults) as server, connected(server.port, hello=False) as client:
        assert (await client.reply()).startswith(b"220 mx.test ")
        assert await client.say(b"EHLO me.test\r\n") == b"250-mx.test\r\n250 SIZE 1000\r\n"
        assert (await client.say(b"MAIL FROM:<a@x.test> SIZE=1001\r\n")).startswith(b"552")
        assert (await client.say(MAIL + RCPT)).startswith(b"250")
        assert (await client.reply()).startswith(b"250")
        assert (await client.reply()).startswith(b"421")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("limits: {conections: {at_most: 1}}", "Did you mean connections?"),
        ("limits: {rate: {mesages: 1}}", "Did you mean messages?"),
        ("limits: {rate: {per: 60}}", "this key is missing"),
        ("limits: {quota: {at_most: 0}}", "should be 1 or more"),
        ("limits: {greylisting: {reply: try later}}", "a reply is one line"),
        ("server: {hostnam: x}", "Did you mean hostname?"),
        ("time_scale: 0", "greater than 0"),
        ("tims_scale: 1", "Did you mean time_scale?"),
    ],
)
def test_names_the_mistake_and_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"seed: 1\n{line}\n")
    assert said in str(caught.value)
    assert "faults.yaml:2" in str(caught.value)
