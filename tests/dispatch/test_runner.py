"""The runner against real servers: exactly once, refusals, trouble with the server, orders while it runs."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.runner import Runner
from mailtui.errors import SecretMissing
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import captured_message, read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from mailtui.service.views import CampaignView
from tests.dispatch.bench import House, Passwords, accepted, address, options
from tests.servers.programs import free_port
from tests.servers.scripted import Close, Expect, Send, Step, Talk, scripted_peer
from tests.servers.smtp_sink import smtp_sink

pytestmark = [
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]


def sandbox(tmp_path: Path, *rules: FaultRule, seed: int = 0, users: dict[str, str] | None = None) -> SandboxServer:
    return SandboxServer(tmp_path / "sandbox", faults=Faults(rules, seed), users=users)


def reply(stage: Stage, text: str, **when: object) -> FaultRule:
    return FaultRule(stage, Action.REPLY, reply=text.encode() + b"\r\n", **when)  # type: ignore[arg-type]


# plain sending


@pytest.mark.parametrize("workers", [1, 4, 16])
async def test_three_hundred_are_sent_exactly_once(house: House, tmp_path: Path, workers: int) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=workers))
        await house.send()
        assert server.counters.improper_pipelining == 0
        assert server.counters.connections <= workers
        assert server.counters.open == 0
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert await house.state(campaign) is CampaignState.FINISHED
    assert len({mail.message_id for mail in read_captured(server.folder)}) == 300
    assert "Zoé".encode() in captured_message(server.folder, 1)


@pytest.mark.parametrize("flags", [(), ("-p",), ("-e",), ("-8", "-E"), ("-p", "-a")])
async def test_q03_against_a_foreign_server(house: House, flags: tuple[str, ...]) -> None:
    with smtp_sink(*flags, keep=True) as sink:
        campaign = await house.launch(60, sink.port)
        await house.send()
        dumped = sink.dumped()
    assert (await house.counts(campaign)).sent == 60
    told = [line for dump in dumped for line in dump.splitlines() if line.startswith(b"X-Rcpt-Args:")]
    assert sorted(told) == sorted(b"X-Rcpt-Args: <%b>" % address(n).encode() for n in range(1, 61))


async def test_refused_recipients_fail_alone_with_the_servers_words(house: House, tmp_path: Path) -> None:
    rules = (
        reply(Stage.RCPT, "550 5.1.1 No such user", recipient="u1?.*"),
        reply(Stage.DOT, "554 5.7.1 Spam", recipient="u2?.*"),
    )
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(60, server.port)
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    failed = {who for who, row in rows.items() if row.state == "failed"}
    assert failed == {address(n) for n in range(10, 30)}
    one, other = rows[address(11)], rows[address(21)]
    assert (one.stage, one.code, one.enhanced, one.attempts) == ("rcpt", 550, "5.1.1", 1)
    assert (other.stage, other.code, other.reply) == ("dot", 554, "5.7.1 Spam")


async def test_d17_a_row_that_does_not_render_fails_alone(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(30, server.port, text="{{ 1 // (row['name']|length - 5) }}")
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    failed = {who for who, row in rows.items() if row.state == "failed"}
    assert failed == {address(n) for n in range(1, 10)}, "the names of five characters"
    assert all(rows[who].stage == "render" and "not rendered" in rows[who].reason for who in failed)


async def test_n08_a_message_larger_than_the_server_takes_is_not_announced(house: House) -> None:
    async def server(talk: Talk) -> None:
        await talk.send(b"220 hi\r\n")
        await talk.line()
        await talk.send(b"250-x.test\r\n250 SIZE 100\r\n")
        await talk.rest()

    async with scripted_peer(server, strict=False) as peer:
        campaign = await house.launch(3, peer.port)
        await house.send()
    assert (await house.counts(campaign)).failed == 3
    assert b"MAIL" not in peer.received
    assert "larger than the server takes" in (await house.rows(campaign))[address(1)].reason


async def test_a_refusal_for_now_is_tried_again_and_the_same_bytes_arrive(house: House, tmp_path: Path) -> None:
    rules = (
        reply(Stage.RCPT, "451 4.3.0 later", recipient="u[1-5].*", times=5),
        reply(Stage.DOT, "452 4.3.1 full", recipient="u6.*", times=2),
    )
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(20, server.port)
        started = time.monotonic()
        await house.send(scale=0.002)
        took = time.monotonic() - started
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert [rows[address(n)].attempts for n in (1, 6, 7)] == [2, 3, 1]
    assert took > 0.6 + 1.8, "five and fifteen minutes, scaled"


async def test_attempts_are_limited(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.3.0 later", recipient="u2.*")) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=2, max_attempts=2))
        await house.send(scale=0.002)
    rows = await house.check_books(campaign, server.folder)
    assert (rows[address(2)].state, rows[address(2)].attempts) == ("failed", 2)
    assert rows[address(2)].reason == "gave up after 2 attempts"
    assert await house.state(campaign) is CampaignState.FINISHED


# the pace


async def test_fifty_a_second_hold(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(100, server.port, SendPlan(workers=8, rate=50.0))
        await house.send()
    await house.check_books(campaign, server.folder)
    times = [mail.at.timestamp() for mail in read_captured(server.folder)]
    assert 1.8 < times[-1] - times[0] < 3.5
    in_a_second = max(sum(start <= at < start + 1 for at in times) for start in times)
    assert in_a_second <= 50 * 1.1 + 1


@pytest.mark.parametrize("plan", [SendPlan(workers=1, rate=0.9), SendPlan(workers=8, rate=1.0)])
async def test_a_slow_pace_begins_at_once_and_costs_no_time_of_the_processor(
    house: House, tmp_path: Path, plan: SendPlan
) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(2, server.port, plan)
        used = time.process_time()
        await house.send()
        used = time.process_time() - used
    assert len(accepted(server.folder)) == 2
    assert used < 0.5, f"{used:.2f} s of processor time for two messages in a second"
    await house.check_books(campaign, server.folder)


async def test_waiting_for_a_deferred_row_keeps_no_connection_and_costs_nothing(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.3.0 later", times=1)) as server:
        campaign = await house.launch(1, server.port)
        task = asyncio.create_task(house.send(scale=0.01))
        await house.until(campaign, lambda counts: counts.deferred == 1)
        await asyncio.sleep(0.3)
        assert server.counters.open == 0
        used, writes = time.process_time(), _writes()
        await asyncio.sleep(1.5)
        used, writes = time.process_time() - used, _writes() - writes
        assert used < 0.15
        await task
    assert (await house.counts(campaign)).sent == 1


def _writes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_oublock


# the server in trouble


async def test_a_server_that_is_not_there_pauses_the_campaign_and_burns_nothing(house: House) -> None:
    campaign = await house.launch(20, free_port())
    started = time.monotonic()
    await house.send(scale=0.05)
    assert time.monotonic() - started < 5
    after = await house.reader.campaign(campaign.id)
    assert (after.state, after.held) == (CampaignState.PAUSED, True)
    assert "connection refused" in after.reason
    assert (await house.counts(campaign)).queued == 20


async def test_r05_a_wrong_password_is_said_once_by_eight_workers(house: House, tmp_path: Path) -> None:
    async def secrets(account: str) -> str:
        return "wrong"

    async with sandbox(tmp_path, users={"anna": "right"}) as server:
        campaign = await house.launch(50, server.port, SendPlan(workers=8), user="anna")
        await house.send(secrets=secrets)
        assert server.counters.auth_attempts == 1
        assert server.counters.connections == 1
    after = await house.reader.campaign(campaign.id)
    assert (after.state, after.held) == (CampaignState.PAUSED, True)
    assert "535" in after.reason
    assert "wrong" not in after.reason
    assert (await house.counts(campaign)).queued == 50


async def test_a_right_password_is_asked_for_once(house: House, tmp_path: Path) -> None:
    asked: list[str] = []

    async def secrets(account: str) -> str:
        asked.append(account)
        return "right"

    async with sandbox(tmp_path, users={"anna": "right"}) as server:
        campaign = await house.launch(50, server.port, SendPlan(workers=8), user="anna")
        await house.send(secrets=secrets)
    assert asked == ["acme"]
    await house.check_books(campaign, server.folder)


async def test_c08_a_runner_that_leaves_waits_for_tokens_that_are_being_fetched(house: House) -> None:
    settled = []

    class Fetching(Passwords):
        async def settle(self) -> None:
            settled.append(True)

    told = options(house.outbox, say=house.said.append)
    await Runner(house.outbox, told, Fetching()).run(lambda: None)
    assert len(settled) == 1


async def test_a_missing_password_pauses_without_a_connection(house: House, tmp_path: Path) -> None:
    async def secrets(account: str) -> str:
        raise SecretMissing(account, variable="MAILTUI_PASSWORD_ACME")

    async with sandbox(tmp_path) as server:
        campaign = await house.launch(5, server.port, user="anna")
        await house.send(secrets=secrets)
        assert server.counters.connections == 0
    after = await house.reader.campaign(campaign.id)
    assert after.held
    assert "needs its password" in after.reason


async def test_r05_a_spent_quota_holds_the_campaign_and_fails_no_row(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, *[reply(Stage.MAIL, "550 5.4.5 Daily limit", nth=n) for n in range(41, 80)]) as server:
        campaign = await house.launch(200, server.port)
        await house.send(only=campaign)
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent", "queued"}
    held = await house.reader.campaign(campaign.id)
    assert held.held and held.resume_at is not None, "a day's limit is tried again after an hour"
    await _resume(house, server.folder)


async def _resume(house: House, folder: Path) -> None:
    """After a pause everybody gets it, nobody twice."""
    async with SandboxServer(folder) as server:
        campaign = await house.reader.campaign("c1")
        await house.order(
            campaign, OrderKind.SET, endpoint=campaign.endpoint.replace(_port(campaign.endpoint), str(server.port))
        )
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
    rows = await house.check_books(campaign, folder)
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}


def _port(endpoint: str) -> str:
    import json

    return str(json.loads(endpoint)["port"])


async def test_connections_that_drop_after_some_messages_cost_nobody_a_mail(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.MAIL, Action.DROP, every=7)) as server:
        campaign = await house.launch(150, server.port)
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert {row.attempts for row in rows.values()} == {1}


async def test_d03_what_is_in_doubt_is_listed_and_never_sent_again(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, every=10)) as server:
        campaign = await house.launch(100, server.port)
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    unknown = [row for row in rows.values() if row.state == "unknown"]
    assert len(unknown) == 10
    assert len(accepted(server.folder)) == 100
    assert all("the reply to the message was lost" in row.reason for row in unknown)
    assert await house.state(campaign) is CampaignState.FINISHED
    await house.send()
    assert len(accepted(server.folder)) == 100


async def test_a_server_that_answers_no_message_does_not_get_the_whole_list(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.DOT, Action.DROP)) as server:
        campaign = await house.launch(200, server.port, SendPlan(workers=2))
        await house.send()
    after = await house.reader.campaign(campaign.id)
    assert (after.state, after.held) == (CampaignState.PAUSED, True)
    assert "answered none of the last" in after.reason
    counts = await house.counts(campaign)
    assert counts.unknown <= 8
    assert counts.queued == 200 - counts.unknown


@pytest.mark.parametrize("workers", [1, 4])
async def test_n05_a_421_for_one_recipient_starves_nobody(house: House, tmp_path: Path, workers: int) -> None:
    """Its own row goes on being tried; all others get their mail meanwhile."""
    async with sandbox(tmp_path, reply(Stage.RCPT, "421 4.3.2 not now", recipient="u1.*")) as server:
        campaign = await house.launch(40, server.port, SendPlan(workers=workers))
        runner = house.runner(scale=0.05, until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent == 39)
        before = server.counters.connections
        await asyncio.sleep(1.0)
        assert server.counters.connections - before < 30, "no storm for the one that is left"
        runner.stop()
        await task
    assert (await house.counts(campaign)).queued == 1


@pytest.mark.parametrize("words", [b"421 4.3.2 no\r\n", b""])
async def test_a_server_that_closes_right_away_is_not_stormed(house: House, words: bytes) -> None:
    script: list[Step] = [Send(b"220 hi\r\n"), Expect(b"EHLO"), Send(b"250 x.test\r\n" + words), Close()]
    async with scripted_peer(script, strict=False) as peer:
        campaign = await house.launch(50, peer.port, SendPlan(workers=8))
        runner = house.runner(scale=0.1, until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        await asyncio.sleep(1.5)
        assert len(peer.talks) < 60
        runner.stop()
        await task
    assert (await house.counts(campaign)).queued == 50


async def test_f50_a_server_silent_at_quit_holds_nobody_up(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.QUIT, Action.SILENCE)) as server:
        campaign = await house.launch(20, server.port)
        started = time.monotonic()
        await house.send(scale=0.05)
        assert time.monotonic() - started < 3
    await house.check_books(campaign, server.folder)


# orders


async def test_d12_pause_and_resume_skip_nobody_and_repeat_nobody(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(400, server.port, SendPlan(workers=4, rate=400))
        runner = house.runner(until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        took = []
        for goal in (40, 120, 250):
            await house.until(campaign, lambda counts, goal=goal: counts.sent >= goal)  # type: ignore[misc]
            asked = time.monotonic()
            await house.order(campaign, OrderKind.PAUSE)
            await house.until_state(campaign, CampaignState.PAUSED)
            took.append(time.monotonic() - asked)
            still = await house.counts(campaign)
            assert still.claimed == still.in_flight == 0
            count = len(accepted(server.folder))
            await asyncio.sleep(0.15)
            assert len(accepted(server.folder)) == count, "no mail while paused"
            await house.order(campaign, OrderKind.RESUME)
        await house.until_state(campaign, CampaignState.FINISHED)
        runner.stop()
        await task
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert statistics.median(took) < 1.0
    assert max(took) < 5.0, "however busy this machine is"


@pytest.mark.parametrize("after", [0, 20, 90])
async def test_d13_a_cancelled_row_is_never_accepted(house: House, tmp_path: Path, after: int) -> None:
    rule = reply(Stage.DOT, "451 4.3.0 later", every=9)
    async with sandbox(tmp_path, rule, FaultRule(Stage.DOT, Action.DELAY, seconds=0.02)) as server:
        campaign = await house.launch(300, server.port)
        task = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent >= after)
        await house.order(campaign, OrderKind.CANCEL)
        await task
    rows = await house.check_books(campaign, server.folder)
    counts = await house.counts(campaign)
    assert await house.state(campaign) is CampaignState.CANCELLED
    assert counts.open == 0, "nothing is left that could still be sent"
    assert counts.cancelled > 100
    took = accepted(server.folder)
    assert sum(took.values()) == counts.sent + counts.unknown
    assert not [who for who in took if rows[who].state == "cancelled"]


async def test_what_is_refused_for_now_after_a_cancel_is_cancelled_too(house: House, tmp_path: Path) -> None:
    rules = (FaultRule(Stage.DOT, Action.DELAY, seconds=0.3), reply(Stage.DOT, "451 4.3.0 later"))
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(40, server.port)
        task = asyncio.create_task(house.send(scale=1.0))
        await house.until(campaign, lambda counts: counts.in_flight == 4)
        await house.order(campaign, OrderKind.CANCEL)
        await task
    assert (await house.counts(campaign)).cancelled == 40
    assert not accepted(server.folder)


async def test_a_cancel_is_not_undone_by_a_pause_after_it(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.DOT, Action.DELAY, seconds=0.3)) as server:
        campaign = await house.launch(40, server.port)
        runner = house.runner(scale=1.0)
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.in_flight == 4)
        await house.order(campaign, OrderKind.CANCEL)
        await house.until_state(campaign, CampaignState.CANCELLING)
        runner.pause("ann")
        await task
    assert await house.state(campaign) is CampaignState.CANCELLED
    assert (await house.counts(campaign)).open == 0


async def test_retries_that_are_changed_while_sending_hold_from_then_on(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.3.0 later")) as server:
        campaign = await house.launch(3, server.port)
        await house.order(campaign, OrderKind.SET, max_attempts=1)
        await house.send()
    rows = await house.rows(campaign)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("failed", 1)}


async def test_a_connection_that_comes_too_late_to_be_of_use_is_not_kept(house: House, tmp_path: Path) -> None:
    rules = (
        reply(Stage.RCPT, "451 4.3.0 later", times=3),
        FaultRule(Stage.CONNECT, Action.DELAY, seconds=0.3, connection=2),
    )
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=2))
        task = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.deferred == 3)
        await asyncio.sleep(0.7)
        assert (server.counters.connections, server.counters.open) == (2, 0)
        await task
    assert (await house.counts(campaign)).sent == 3


async def test_a_pause_does_not_wait_for_the_leave_taking(house: House, tmp_path: Path) -> None:
    rules = (FaultRule(Stage.QUIT, Action.SILENCE), FaultRule(Stage.DOT, Action.DELAY, seconds=0.1))
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(300, server.port)
        task = asyncio.create_task(house.send(scale=0.4))
        await house.until(campaign, lambda counts: counts.sent >= 20)
        asked = time.monotonic()
        await house.order(campaign, OrderKind.PAUSE)
        await house.until_state(campaign, CampaignState.PAUSED)
        assert time.monotonic() - asked < 1.8, "QUIT alone would take two seconds"
        await task


async def test_cancel_while_paused_and_while_waiting(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.3.0 later")) as server:
        campaign = await house.launch(10, server.port)
        task = asyncio.create_task(house.send(scale=1.0))
        await house.until(campaign, lambda counts: counts.deferred == 10)
        await house.order(campaign, OrderKind.CANCEL)
        await task
        assert (await house.counts(campaign)).cancelled == 10
        other = await house.launch(10, server.port, id="c2")
        await house.order(other, OrderKind.PAUSE)
        await house.send(scale=1.0)
        assert await house.state(other) is CampaignState.PAUSED
        await house.order(other, OrderKind.CANCEL)
        await house.send(scale=1.0)
        assert (await house.counts(other)).cancelled == 10
        assert await house.state(other) is CampaignState.CANCELLED
    assert not accepted(server.folder)


async def test_workers_and_rate_change_while_sending(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(400, server.port, SendPlan(workers=2, rate=20))
        task = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent >= 5)
        assert server.counters.open <= 2
        bad = await house.order(campaign, OrderKind.SET, rate=0)
        await house.order(campaign, OrderKind.SET, workers=6, rate=100)
        await house.until(campaign, lambda counts: counts.sent >= 60)
        assert server.counters.open == 6
        await house.order(campaign, OrderKind.SET, workers=1)
        await house.until(campaign, lambda counts: counts.sent >= 120)
        assert server.counters.open == 1
        await house.order(campaign, OrderKind.SET, rate=None)
        await task
    assert "cannot be 0" in str(await house.reader.answer(bad))
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


async def test_d14_stop_finishes_what_is_under_way_and_the_next_runner_goes_on(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(300, server.port)
        for goal in (30, 100, 200):
            runner = house.runner(until_idle=False)
            task = asyncio.create_task(runner.run(lambda: None))
            await house.until(campaign, lambda counts, goal=goal: counts.sent >= goal)  # type: ignore[misc]
            runner.stop()
            async with asyncio.timeout(2):
                await task
            counts = await house.counts(campaign)
            assert (counts.claimed, counts.in_flight, counts.unknown) == (0, 0, 0)
            assert await house.state(campaign) is CampaignState.RUNNING
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


async def test_a_cancelled_runner_leaves_nothing_open_and_nobody_twice(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.DOT, Action.DELAY, seconds=0.01)) as server:
        campaign = await house.launch(200, server.port)
        task = asyncio.create_task(house.runner().run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent >= 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert server.counters.open == 0
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert sum(row.state == "unknown" for row in rows.values()) <= 4


async def test_two_campaigns_at_once_and_one_added_to(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        one = await house.launch(100, server.port, SendPlan(workers=2, rate=200))
        two = await house.launch(100, server.port, SendPlan(workers=2, rate=200), id="c2")
        runner = house.runner(until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(one, lambda counts: counts.sent > 5)
        assert (await house.counts(two)).sent > 0
        await house.until_state(one, CampaignState.FINISHED)
        await house.add(one.number, range(101, 131))
        await house.order(one, OrderKind.TOP_UP)
        await house.until(one, lambda counts: counts.sent == 130)
        await house.until_state(one, CampaignState.FINISHED)
        await house.until_state(two, CampaignState.FINISHED)
        runner.stop()
        await task
    await house.check_books(one, server.folder)
    await house.check_books(two, server.folder)


async def test_recipients_added_at_the_very_end_are_never_forgotten(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(5, server.port)
        runner = house.runner(until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        for turn in range(1, 25):
            await house.add(campaign.number, range(turn * 100, turn * 100 + 5))
            await house.order(campaign, OrderKind.TOP_UP)
            if turn % 3:
                await house.until(campaign, lambda counts, turn=turn: counts.sent >= 5 * turn)  # type: ignore[misc]
        await house.until(campaign, lambda counts: counts.sent == 125)
        runner.stop()
        await task
    await house.check_books(campaign, server.folder)


async def test_who_was_added_by_a_launch_that_died_is_sent_to_by_a_resume(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(3, server.port)
        await house.send()
        await house.add(campaign.number, range(4, 6))  # and no order: the launch died
        counts = await house.counts(campaign)
        view = CampaignView(await house.reader.campaign(campaign.id), counts, None, None, 0.0)
        assert (view.state, view.lost, view.exit_code) == ("finished", True, 1)
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
    assert (await house.counts(campaign)).sent == 5
    await house.check_books(campaign, server.folder)


async def test_a_random_mix_of_faults(house: House, tmp_path: Path) -> None:
    rules = [
        FaultRule(stage, action, odds=0.02)
        for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT, Stage.CONNECT, Stage.EHLO)
        for action in (Action.DROP, Action.RESET)
    ]
    rules += [reply(stage, "421 4.3.2 no", odds=0.02) for stage in (Stage.CONNECT, Stage.MAIL, Stage.RCPT, Stage.DOT)]
    rules += [reply(stage, "451 4.3.0 later", odds=0.03) for stage in (Stage.RCPT, Stage.DATA, Stage.DOT)]
    rules += [FaultRule(Stage.DOT, Action.ACCEPT_THEN_RESET, odds=0.02)]
    async with sandbox(tmp_path, *rules, seed=4) as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=8, max_attempts=9))
        await house.send(scale=0.002)
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}
    assert await house.state(campaign) is CampaignState.FINISHED
