"""Orders do what the last person said, and nothing that nobody asked for; they are answered within a second."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

from mailtui.dispatch import entrance
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind
from mailtui.report.export import original_rows
from mailtui.sandbox.faults import Action, FaultRule, Stage
from mailtui.smtp.connect import Connection, connect
from mailtui.smtp.endpoint import Endpoint, Security
from tests.dispatch.bench import House, accepted
from tests.dispatch.test_runner import reply, sandbox
from tests.dispatch.test_second_chance import answer


async def test_d12_the_last_word_counts_when_a_resume_waits_for_a_pause(house: House, tmp_path: Path) -> None:
    slow = FaultRule(Stage.DOT, Action.DELAY, seconds=1.0, nth=3)
    async with sandbox(tmp_path, slow) as server:
        campaign = await house.launch(40, server.port, SendPlan(workers=1))
        task = asyncio.create_task(house.send(scale=1.0))
        await house.until(campaign, lambda counts: counts.sent >= 2 and counts.in_flight == 1)
        await house.order(campaign, OrderKind.PAUSE)
        await house.until_state(campaign, CampaignState.PAUSING)
        resume = await house.order(campaign, OrderKind.RESUME)
        last = await house.order(campaign, OrderKind.PAUSE)
        assert await answer(house, last) == "it is pausing already"
        assert "cannot be sent now" in await answer(house, resume)
        await task
    assert await house.state(campaign) is CampaignState.PAUSED
    assert sum(accepted(server.folder).values()) < 40


async def test_d13_what_may_have_arrived_is_not_called_cancelled(house: House, tmp_path: Path) -> None:
    lost = FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, times=3)
    async with sandbox(tmp_path, lost) as server:
        campaign = await house.launch(10, server.port, SendPlan(workers=1))
        await house.send()
        assert (await house.counts(campaign)).unknown == 3
        await house.add(campaign.number, range(11, 21))
        await house.order(campaign, OrderKind.TOP_UP)
        await house.order(campaign, OrderKind.PAUSE)
        await house.order(campaign, OrderKind.RESOLVE, **{"as": "resend"})
        await house.order(campaign, OrderKind.CANCEL)
        await house.send()
        rows = await house.check_books(campaign, server.folder)
    assert await house.state(campaign) is CampaignState.CANCELLED
    maybe = [row for row in rows.values() if row.state is DeliveryState.UNKNOWN]
    assert len(maybe) == 3
    assert {row.reason for row in maybe} == {"cancelled before it was sent again; the first copy may have arrived"}


async def test_d03_a_copy_that_is_taken_back_while_a_worker_holds_it_is_unknown(house: House, tmp_path: Path) -> None:
    lost = FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, times=3)
    slow = FaultRule(Stage.RCPT, Action.DELAY, seconds=0.5, nth=12)
    async with sandbox(tmp_path, lost, slow) as server:
        campaign = await house.launch(10, server.port, SendPlan(workers=1))
        await house.send()

        await house.order(campaign, OrderKind.RESOLVE, **{"as": "resend"})
        task = asyncio.create_task(house.send(scale=1.0))
        await house.until(campaign, lambda counts: counts.claimed > 0)
        await house.order(campaign, OrderKind.CANCEL)
        await task
        rows = await house.rows(campaign)
    assert await house.state(campaign) is CampaignState.CANCELLED
    assert {row.state for row in rows.values()} <= {DeliveryState.SENT, DeliveryState.UNKNOWN}


async def test_d03_a_copy_that_is_refused_says_that_an_earlier_one_may_have_arrived(
    house: House, tmp_path: Path
) -> None:
    lost = FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, times=2)
    async with sandbox(tmp_path, lost) as server:
        campaign = await house.launch(5, server.port, SendPlan(workers=1))
        await house.send()
    async with sandbox(tmp_path / "later", reply(Stage.RCPT, "550 5.1.1 No such user")) as server:
        await house.order(
            campaign, OrderKind.SET, endpoint=Endpoint("acme", "127.0.0.1", server.port, Security.PLAIN).to_json()
        )
        await house.order(campaign, OrderKind.RESOLVE, **{"as": "resend"})
        await house.send()
    failed = [row for row in (await house.rows(campaign)).values() if row.state is DeliveryState.FAILED]
    assert len(failed) == 2
    assert {row.reason for row in failed} == {"an earlier copy, whose outcome was unknown, may have arrived"}
    lines = [line async for line in original_rows(house.reader, campaign, [DeliveryState.FAILED])]
    assert all("550 5.1.1 No such user; an earlier copy" in line for line in lines[1:])


async def test_t03_a_retry_finds_those_who_failed_before_the_clock_was_put_back(house: House, tmp_path: Path) -> None:
    gone = reply(Stage.RCPT, "550 5.1.1 No such user", times=5)
    async with sandbox(tmp_path, gone) as server:
        campaign = await house.launch(20, server.port)
        await house.send()
        assert (await house.counts(campaign)).failed == 5

        order = await house.order(campaign, OrderKind.RETRY)
        behind = apsw.Connection(str(house.outbox.path))
        behind.execute("UPDATE delivery SET updated_at = updated_at + 7200")  # as if the clock had been ahead
        behind.close()
        await house.send()
        assert await answer(house, order) == "5 mails to be sent again"
    assert (await house.counts(campaign)).sent == 20


async def test_d14_a_runner_told_to_leave_while_it_waits_for_the_outbox_begins_nothing(
    house: House, tmp_path: Path
) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.RCPT, Action.DELAY, seconds=0.02)) as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=1))
        other = await house.launch(1, server.port, id="c2")
        await house.order(other, OrderKind.PAUSE)
        runner = house.runner(scale=1.0)
        ready = asyncio.Event()

        def block() -> None:
            writer.execute("BEGIN IMMEDIATE")
            ready.set()

        writer = apsw.Connection(str(house.outbox.path))
        task = asyncio.create_task(runner.run(block))
        await ready.wait()
        await asyncio.sleep(0.3)  # the runner cannot write its answer to the order
        runner.stop()
        await asyncio.sleep(0.05)
        writer.execute("ROLLBACK")
        writer.close()
        async with asyncio.timeout(5):
            await task
    assert sum(accepted(server.folder).values()) == 0
    assert (await house.counts(campaign)).queued == 300


async def test_d14_a_worker_whose_connection_comes_as_it_is_cancelled_holds_nobody_up(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = asyncio.Event()

    async def late(*given: Any, **more: Any) -> Connection:
        """Python 3.11's `asyncio.wait_for` forgets that it was cancelled when its result comes at the same moment."""
        connection = await connect(*given, **more)
        connected.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return connection

    monkeypatch.setattr(entrance, "connect", late)
    async with sandbox(tmp_path) as server:
        await house.launch(10, server.port, SendPlan(workers=1))
        task = asyncio.create_task(house.runner(scale=1.0).run(lambda: None))
        await connected.wait()
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=10)
        assert done, "the runner ends"
    assert accepted(server.folder).total() == 0


async def test_d11_an_outbox_under_another_name_is_the_same_outbox(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").touch()
    (tmp_path / "link.db").symlink_to("outbox.db")
    link, real = (parse_outbox(f"sqlite:///{tmp_path}/{name}") for name in ("link.db", "outbox.db"))
    assert link.lock_file == real.lock_file
    assert link.path == real.path


async def test_orders_are_answered_within_a_second_at_full_speed(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(20_000, server.port, SendPlan(workers=16))
        task = asyncio.create_task(house.send(seconds=60))
        await house.until(campaign, lambda counts: counts.sent >= 50)
        took = []
        for n in range(50):
            if n >= 10 and not (await house.counts(campaign)).queued:
                break  # a quick machine: what was ordered until here was ordered at full speed
            began = time.monotonic()
            order = await house.order(campaign, OrderKind.SET, workers=16 - n % 2)
            await answer(house, order)
            took.append(time.monotonic() - began)
        await house.order(campaign, OrderKind.CANCEL)
        await task
    assert statistics.median(took) < 1.0
    assert max(took) < 5.0, "however busy this machine is"
