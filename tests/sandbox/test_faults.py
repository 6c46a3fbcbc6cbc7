"""Every fault at its stage, on the wire; and when a rule strikes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage, reply_line
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.server import SandboxServer
from tests.sandbox.client import ENVELOPE, MAIL, RCPT, Client, connected

HELLO = b"hello\r\n"
STEPS: dict[Stage, bytes] = {
    Stage.EHLO: b"EHLO me.test\r\n",
    Stage.HELO: b"HELO me.test\r\n",
    Stage.RSET: b"RSET\r\n",
    Stage.MAIL: MAIL,
    Stage.RCPT: RCPT,
    Stage.DATA: b"DATA\r\n",
    Stage.DOT: HELLO + b".\r\n",
    Stage.QUIT: b"QUIT\r\n",
}


def server_with(folder: Path, *rules: FaultRule) -> SandboxServer:
    return SandboxServer(folder, faults=Faults(rules))


async def reach(client: Client, stage: Stage) -> bytes:
    """Talk up to a stage, and give the reply there."""
    reply = await client.reply()
    for step, line in STEPS.items():
        if stage in (Stage.CONNECT, Stage.GREETING):
            return reply
        reply = await client.say(line)
        if step is stage:
            return reply
    raise AssertionError(stage)


ALL_STAGES = [Stage.CONNECT, Stage.GREETING, *STEPS]


@pytest.mark.parametrize("stage", ALL_STAGES)
async def test_a_reply_of_ones_own(tmp_path: Path, stage: Stage) -> None:
    rule = FaultRule(stage, Action.REPLY, reply=reply_line("451 4.7.1 Not now"))
    async with server_with(tmp_path, rule) as server, connected(server.port, hello=False) as client:
        assert await reach(client, stage) == b"451 4.7.1 Not now\r\n"
        assert (await client.say(b"NOOP\r\n")).startswith(b"250")
    assert len(list(read_captured(tmp_path))) == (stage is Stage.QUIT)


@pytest.mark.parametrize("stage", ALL_STAGES)
async def test_a_421_closes(tmp_path: Path, stage: Stage) -> None:
    rule = FaultRule(stage, Action.REPLY, reply=reply_line("421 4.3.2 Going away"))
    async with server_with(tmp_path, rule) as server, connected(server.port, hello=False) as client:
        assert await reach(client, stage) == b"421 4.3.2 Going away\r\n"
        assert await client.reply() == b""


@pytest.mark.parametrize("stage", ALL_STAGES)
async def test_dropped_without_a_reply(tmp_path: Path, stage: Stage) -> None:
    async with (
        server_with(tmp_path, FaultRule(stage, Action.DROP)) as server,
        connected(server.port, hello=False) as client,
    ):
        assert await reach(client, stage) == b""
    assert len(list(read_captured(tmp_path))) == (stage is Stage.QUIT)


@pytest.mark.parametrize("stage", ALL_STAGES)
async def test_reset(tmp_path: Path, stage: Stage) -> None:
    async with (
        server_with(tmp_path, FaultRule(stage, Action.RESET)) as server,
        connected(server.port, hello=False) as client,
    ):
        with pytest.raises(ConnectionResetError):
            await reach(client, stage)


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.MAIL, Stage.DOT])
async def test_silence(tmp_path: Path, stage: Stage) -> None:
    async with (
        server_with(tmp_path, FaultRule(stage, Action.SILENCE)) as server,
        connected(server.port, hello=False) as client,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reach(client, stage)
        client.writer.write(b"NOOP\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.reply()
        client.writer.write_eof()
        assert await client.reply() == b""
    assert list(read_captured(tmp_path)) == []


@pytest.mark.parametrize("stage", ALL_STAGES)
async def test_a_delay_and_then_as_usual(tmp_path: Path, stage: Stage) -> None:
    rule = FaultRule(stage, Action.DELAY, seconds=0.05)
    start = time.monotonic()
    async with server_with(tmp_path, rule) as server, connected(server.port, hello=False) as client:
        assert (await reach(client, stage))[:1] in (b"2", b"3")
        assert time.monotonic() - start >= 0.05


async def test_what_comes_during_a_delay_is_answered_after_it(tmp_path: Path) -> None:
    rule = FaultRule(Stage.RCPT, Action.DELAY, seconds=0.05)
    async with server_with(tmp_path, rule) as server, connected(server.port) as client:
        client.writer.write(MAIL + RCPT)
        assert (await client.reply()).startswith(b"250 2.1.0")
        client.writer.write(b"DATA\r\n")
        assert await client.codes(2) == [250, 354]
        assert (await client.say(HELLO + b".\r\n")).startswith(b"250")


async def test_a_delayed_message_is_in_the_log_before_its_client_gives_up(tmp_path: Path) -> None:
    rule = FaultRule(Stage.DOT, Action.DELAY, seconds=30)
    async with server_with(tmp_path, rule) as server, connected(server.port) as client:
        client.writer.write(ENVELOPE)
        await client.replies(3)
        client.writer.write(HELLO + b".\r\n")
        while not list(read_captured(tmp_path)):
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("action", [Action.ACCEPT_THEN_DROP, Action.ACCEPT_THEN_RESET, Action.ACCEPT_THEN_SILENCE])
async def test_accepted_but_the_client_never_hears(tmp_path: Path, action: Action) -> None:
    rule = FaultRule(Stage.DOT, action, nth=2)
    async with server_with(tmp_path, rule) as server, connected(server.port) as client:
        assert (await client.send(HELLO)).startswith(b"250")
        if action is Action.ACCEPT_THEN_DROP:
            assert await client.send(HELLO) == b""
        elif action is Action.ACCEPT_THEN_RESET:
            with pytest.raises(ConnectionResetError):
                await client.send(HELLO)
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.send(HELLO)
    assert len(list(read_captured(tmp_path))) == 2
    assert server.counters.accepted == 2


async def test_an_odd_success_is_a_success(tmp_path: Path) -> None:
    rules = (
        FaultRule(Stage.RCPT, Action.REPLY, reply=reply_line("252 2.1.5 Will try")),
        FaultRule(Stage.DATA, Action.REPLY, reply=reply_line("354")),
        FaultRule(Stage.DOT, Action.REPLY, reply=reply_line("299 whatever")),
    )
    async with server_with(tmp_path, *rules) as server, connected(server.port) as client:
        assert await client.send(HELLO) == b"299 whatever\r\n"
    assert len(list(read_captured(tmp_path))) == 1


async def test_bytes_to_the_letter(tmp_path: Path) -> None:
    garbage = b"250\r\n354 go\r\n\x1b[31m\xff\0\r\n"
    async with (
        server_with(tmp_path, FaultRule(Stage.RCPT, Action.REPLY, reply=garbage)) as server,
        connected(server.port) as client,
    ):
        await client.say(MAIL)
        client.writer.write(RCPT)
        assert await client.reader.readexactly(len(garbage)) == garbage


async def test_a_refused_recipient_does_not_spoil_the_others(tmp_path: Path) -> None:
    rule = FaultRule(Stage.RCPT, Action.REPLY, reply=reply_line("550 5.1.1 No such user"), recipient="gone-*@x.test")
    async with server_with(tmp_path, rule) as server, connected(server.port) as client:
        client.writer.write(MAIL + b"RCPT TO:<GONE-1@X.test>\r\n" + RCPT + b"DATA\r\n")
        assert await client.codes(4) == [250, 550, 250, 354]
        await client.say(HELLO + b".\r\n")
    [captured] = read_captured(tmp_path)
    assert captured.rcpt_to == ("b@x.test",)
    assert server.counters.refused == 1


async def test_a_fault_in_the_login(tmp_path: Path) -> None:
    faults = Faults((FaultRule(Stage.AUTH, Action.REPLY, reply=reply_line("454 4.7.0 Later"), times=1),))
    async with SandboxServer(tmp_path, faults=faults, users={"u": "p"}) as server, connected(server.port) as client:
        assert await client.say(b"AUTH PLAIN AHUAcA==\r\n") == b"454 4.7.0 Later\r\n"
        assert (await client.say(MAIL)).startswith(b"530")
        assert (await client.say(b"AUTH PLAIN AHUAcA==\r\n")).startswith(b"235")


def strikes(rule: FaultRule, events: list[tuple[int, str]], *, seed: int = 0) -> list[int]:
    """At which of the events (connection, recipient), counted from 1, the rule strikes."""
    plan = FaultPlan(Faults((rule,), seed))
    return [
        number
        for number, (connection, recipient) in enumerate(events, 1)
        if plan.strike(rule.stage, connection, (recipient,))
    ]


EVENTS = [(connection, f"r{number}@x.test") for connection in (1, 2) for number in range(5)]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, list(range(1, 11))),
        ({"nth": 3}, [3]),
        ({"every": 4}, [4, 8]),
        ({"times": 2}, [1, 2]),
        ({"connection": 2}, [6, 7, 8, 9, 10]),
        ({"connection": 2, "nth": 2}, [7]),
        ({"recipient": "r1@*"}, [2, 7]),
        ({"recipient": "r1@*", "nth": 2}, [7]),
        ({"recipient": "r[34]@*", "every": 2}, [5, 10]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"odds": 0.0}, []),
        ({"odds": 1.0}, list(range(1, 11))),
    ],
)
def test_when_a_rule_strikes(conditions: dict[str, object], expected: list[int]) -> None:
    assert strikes(FaultRule(Stage.RCPT, Action.DROP, **conditions), EVENTS) == expected  # type: ignore[arg-type]


def test_odds_follow_the_seed() -> None:
    rule = FaultRule(Stage.RCPT, Action.DROP, odds=0.3)
    events = [(1, "r@x.test")] * 2_000
    assert strikes(rule, events, seed=1) == strikes(rule, events, seed=1)
    assert strikes(rule, events, seed=1) != strikes(rule, events, seed=2)
    assert 500 < len(strikes(rule, events)) < 700


def test_delays_add_up_and_the_first_other_rule_acts() -> None:
    first = FaultRule(Stage.MAIL, Action.REPLY, reply=b"450 one\r\n", nth=2)
    second = FaultRule(Stage.MAIL, Action.REPLY, reply=b"450 two\r\n")
    delays = [FaultRule(Stage.MAIL, Action.DELAY, seconds=seconds) for seconds in (1, 2)]
    plan = FaultPlan(Faults((first, delays[0], second, delays[1])))
    struck = [plan.strike(Stage.MAIL, 1) for _ in range(2)]
    assert [strike and (strike.delay, strike.rule) for strike in struck] == [(3, second), (3, first)]
    assert plan.strike(Stage.RCPT, 1, ("a@x.test",)) is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"stage": Stage.MAIL, "action": Action.REPLY},
        {"stage": Stage.MAIL, "action": Action.DROP, "reply": b"250 ok\r\n"},
        {"stage": Stage.MAIL, "action": Action.DELAY},
        {"stage": Stage.MAIL, "action": Action.ACCEPT_THEN_DROP},
        {"stage": Stage.MAIL, "action": Action.DROP, "recipient": "*"},
        {"stage": Stage.RCPT, "action": Action.DROP, "nth": 1, "every": 2},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        FaultRule(**arguments)  # type: ignore[arg-type]
