"""What people order about mails that failed or may have arrived: only that is sent again, and as the same bytes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from mailtui.dispatch import second_chance
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind
from mailtui.sandbox.capture import Captured, read_captured
from mailtui.sandbox.faults import Action, FaultRule, Stage
from tests.dispatch.bench import House, accepted, address, source
from tests.dispatch.test_runner import reply, sandbox

LOST = FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, every=3, times=50)


async def answer(house: House, order: int, seconds: float = 10.0) -> str:
    async with asyncio.timeout(seconds):
        while (said := await house.reader.answer(order)) is None:
            await asyncio.sleep(0.01)
    return said


async def unknown(house: House, campaign: Campaign) -> list[int]:
    rows = await house.reader.deliveries(campaign.number, states=[DeliveryState.UNKNOWN])
    return [row.id for row in rows]


def copies(folder: Path) -> dict[str, list[Captured]]:
    found: dict[str, list[Captured]] = {}
    for mail in read_captured(folder):
        found.setdefault(mail.rcpt_to[0], []).append(mail)
    return found


async def test_d03_fifty_in_doubt_are_resent_only_by_order_and_as_the_same_bytes(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, LOST) as server:
        campaign = await house.launch(150, server.port)
        await house.send()
        assert (await house.counts(campaign)).unknown == 50
        for _ in range(3):
            await house.order(campaign, OrderKind.RESUME)
            await house.send()
        await house.order(campaign, OrderKind.RETRY)
        await house.order(campaign, OrderKind.TOP_UP)
        await house.send()
        assert sum(accepted(server.folder).values()) == 150, "no restart, resume, retry or top-up sends one again"
        ids = await unknown(house, campaign)
        assert len(ids) == 50
        orders = [await house.order(campaign, OrderKind.RESOLVE, **{"as": "sent", "delivery": id_}) for id_ in ids[:25]]
        rest = await house.order(campaign, OrderKind.RESOLVE, **{"as": "resend"})
        await house.send()
        assert await answer(house, orders[0]) == "1 mail settled as sent"
        assert await answer(house, rest) == "25 mails to be sent again"
    counts = await house.counts(campaign)
    assert (counts.sent, counts.unknown, counts.total) == (150, 0, 150)
    assert await house.state(campaign) is CampaignState.FINISHED
    took = copies(server.folder)
    again = {who: mails for who, mails in took.items() if len(mails) > 1}
    resent = {row.address for row in (await house.rows(campaign)).values() if row.id in ids[25:]}
    assert set(again) == resent and len(resent) == 25
    for mails in again.values():
        assert len(mails) == 2
        assert len({mail.message_id for mail in mails}) == 1
        assert len({mail.sha256 for mail in mails}) == 1
    said = await house.reader.resolutions(ids)
    assert [one.decision for one in said] == ["sent"] * 25 + ["resend"] * 25
    assert {one.actor for one in said} == {"ann"}
    assert all(abs(one.at - time.time()) < 600 for one in said)


async def test_d04_a_copy_sent_again_says_what_it_said_though_the_message_has_changed(
    house: House, tmp_path: Path
) -> None:
    rules = (
        FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, times=1, recipient="u1.*"),
        reply(Stage.RCPT, "550 5.1.1 no", recipient="u2.*", times=1),
    )
    other = source("Something else\n", sender="News <news@other.test>")
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(2, server.port, SendPlan(workers=1))
        await house.send()
        await house.desk.put_message(campaign.number, other.digest, other.to_json().encode())
        await house.order(campaign, OrderKind.SET, message=other.digest)
        await house.add(campaign.number, range(3, 4))
        await house.order(campaign, OrderKind.TOP_UP)
        await house.order(campaign, OrderKind.RETRY, only="failed")
        await house.order(campaign, OrderKind.RESOLVE, **{"as": "resend"})
        await house.send()
    took = copies(server.folder)
    first, copy = took[address(1)]
    assert (first.message_id, first.sha256) == (copy.message_id, copy.sha256)
    [second], [third] = took[address(2)], took[address(3)]
    assert {first.message_id.split("@")[1], second.message_id.split("@")[1]} == {"acme.test>"}, "fixed when added"
    assert third.message_id.endswith("@other.test>")
    assert (second.mail_from, third.mail_from) == ("news@other.test", "news@other.test")


async def test_a_retry_has_patience_anew(house: House, tmp_path: Path) -> None:
    rules = (reply(Stage.RCPT, "451 4.3.0 later", recipient="u1.*", times=3),)
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(2, server.port, SendPlan(workers=1, max_attempts=2))
        await house.send(scale=0.001)
        assert (await house.counts(campaign)).failed == 1
        order = await house.order(campaign, OrderKind.RETRY)
        await house.send(scale=0.001)
        assert await answer(house, order) == "1 mail to be sent again"
    rows = await house.check_books(campaign, server.folder)
    assert (rows[address(1)].state, rows[address(1)].attempts) == ("sent", 4)


async def test_a_retry_makes_the_deferred_due_now(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.3.0 later", recipient="u[12].*", times=2)) as server:
        campaign = await house.launch(4, server.port, SendPlan(workers=1))
        sending = asyncio.create_task(house.runner(scale=1.0).run(lambda: None))
        await house.until(campaign, lambda counts: counts.deferred == 2 and counts.sent == 2)
        order = await house.order(campaign, OrderKind.RETRY, only="deferred")
        async with asyncio.timeout(15):
            await sending
        assert await answer(house, order) == "2 mails to be sent again"
    await house.check_books(campaign, server.folder)
    assert (await house.counts(campaign)).sent == 4


async def test_paused_stays_paused_and_cancelled_refuses(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "550 5.1.1 no", recipient="u[1-4].*")) as server:
        campaign = await house.launch(6, server.port, SendPlan(workers=1))
        await house.send()
        for state in (CampaignState.PAUSED, CampaignState.CANCELLED):
            ledger = house.outbox.ledger()
            await ledger.set_state(campaign.number, state, actor="ann", now=time.time())
            ledger.close()
            order = await house.order(campaign, OrderKind.RETRY)
            await house.send()
            said = await answer(house, order)
            if state is CampaignState.PAUSED:
                assert said == "4 mails to be sent again; it stays paused until you resume it"
                assert (await house.counts(campaign)).queued == 4
            else:
                assert said == f"it is cancelled and {second_chance.NOT_NOW}"
            assert await house.state(campaign) is state
        assert len(accepted(server.folder)) == 2
        arrived = await house.order(campaign, OrderKind.RESOLVE, **{"as": "sent"})
        await house.send()
        assert await answer(house, arrived) == "nobody is unknown"


async def test_a_corrected_address_is_used_at_once_under_the_same_message_id(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "550 5.1.1 no", recipient="u1.*")) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=1))
        await house.send()
        first = (await house.rows(campaign))[address(1)]
        taken = await house.order(campaign, OrderKind.RETRY, delivery=first.id, address=address(2))
        right = await house.order(campaign, OrderKind.RETRY, delivery=first.id, address="right@example.com")
        await house.send()
        assert await answer(house, taken) == (
            f"{second_chance.REFUSED}{address(2)} has a mail of its own in this campaign"
        )
        assert await answer(house, right) == "1 mail to be sent again"
    await house.check_books(campaign, server.folder)
    assert set(accepted(server.folder)) == {"right@example.com", address(2), address(3)}
    assert (await house.counts(campaign)).sent == 3


async def test_a_long_order_is_answered_at_once_and_sending_goes_on(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its runner dies half-way: the next one carries it to its end, and nobody gets two."""
    size = 600
    async with sandbox(tmp_path, reply(Stage.RCPT, "550 5.1.1 no", recipient="u*", times=size)) as server:
        campaign = await house.launch(size, server.port, SendPlan(workers=8))
        await house.send(seconds=60)
        assert (await house.counts(campaign)).failed == size
        monkeypatch.setattr(second_chance, "STEP", 20)
        runner = house.runner(until_idle=False)
        other = await house.launch(400, server.port, SendPlan(workers=4), id="c2")
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(other, lambda counts: counts.sent > 20)
        began = time.monotonic()
        order = await house.order(campaign, OrderKind.RETRY)
        assert await answer(house, order) == "600 mails to be sent again"
        assert time.monotonic() - began < 5.0, "1 second on a machine that has nothing else to do"
        await house.until(campaign, lambda counts: counts.failed < size)
        runner.stop()
        await task
        assert (await house.counts(campaign)).failed > 0, "it was stopped half-way"
        await house.send(seconds=60)
    await house.check_books(campaign, server.folder)
    assert (await house.counts(campaign)).sent == size
    assert (await house.counts(other)).sent == 400
