"""B-04: whoever is put on the suppression list while it is sent gets nothing, unless it was in flight by then.

`python -m proof suppress` does the same to whole processes, with kills and a server that errs.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign, DeliveryRow, NewSuppression
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.manners import EXTENSIONS
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted, address
from tests.dispatch.test_runner import reply, sandbox
from tests.dispatch.test_second_chance import answer
from tests.servers.scripted import Talk, scripted_peer

_GEARS = {"lockstep": ("PIPELINING", "CHUNKING"), "cross": ("CHUNKING",), "chunked": ()}


async def suppress(house: House, *keys: str) -> None:
    await house.desk.suppress(
        [NewSuppression(key, reason="asked by mail") for key in keys], actor="ann", now=time.time()
    )


def states(rows: dict[str, DeliveryRow]) -> dict[str, str]:
    return {who: row.state.value for who, row in rows.items()}


@pytest.mark.parametrize(("gear", "processes"), [("lockstep", 0), ("cross", 0), ("chunked", 0), ("chunked", 2)])
async def test_b04_half_of_the_rest_is_suppressed_in_the_middle_of_a_send(
    house: House, tmp_path: Path, gear: str, processes: int
) -> None:
    offered = [word for word in EXTENSIONS if word not in _GEARS[gear]]
    plan = SendPlan(workers=8, rate=600.0, burst=8, window=8, render_processes=processes)
    slow = FaultRule(Stage.DOT, Action.DELAY, seconds=0.01)
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slow,), 0), extensions=offered) as server:
        campaign = await house.launch(600, server.port, plan)
        sending = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent >= 100)
        rows = await house.rows(campaign)
        chosen = [who for who, row in rows.items() if row.state in ("queued", "claimed")][::2]
        await suppress(house, *(who.upper() for who in chosen))
        under_way = {who for who, row in (await house.rows(campaign)).items() if row.state in ("in_flight", "sent")}
        await sending
        assert server.counters.connections < 8 + 16 + len(chosen) // 10, "what is claimed is dropped unannounced"
        took = accepted(server.folder)
    found = states(await house.check_books(campaign, server.folder))
    late = set(chosen) - under_way
    assert len(late) > 50
    assert not late & took.keys(), "nothing is sent to who was not under way when it was on record"
    assert {found[who] for who in late} == {"suppressed"}
    assert sum(state == "sent" for state in found.values()) >= 600 - len(chosen)
    assert await house.state(campaign) is CampaignState.FINISHED


@pytest.mark.parametrize("offer", [b"250 here\r\n", b"250-here\r\n250 PIPELINING\r\n"])
async def test_b04_a_message_that_is_announced_already_is_not_ended(house: House, offer: bytes) -> None:
    """The entry comes while the server lets the DATA wait: then the connection is dropped, and the dot never said."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    got: list[bytes] = []

    async def server(talk: Talk) -> None:
        talk.writer.write(b"220 here ESMTP\r\n")
        while line := await talk.line():
            verb = line[:4].upper()
            if verb == b"DATA":
                if talk.number == 1:
                    asked.set()
                    await go_on.wait()
                talk.writer.write(b"354 go on\r\n")
                if talk.number == 1:
                    got.append(await talk.rest())
                    return
                got.append(await talk.through(b"\r\n.\r\n"))
            talk.writer.write({b"EHLO": offer, b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return

    async with scripted_peer(server, strict=False) as peer:
        campaign = await house.launch(2, peer.port, SendPlan(workers=1))
        sending = asyncio.create_task(house.send())
        async with asyncio.timeout(10):
            await asked.wait()
        await suppress(house, address(1))
        go_on.set()
        await sending
    assert b"\r\n.\r\n" not in got[0], "the server throws away what has no end"
    assert not got[0] or b"PIPELINING" not in offer, "there the message waits for its mark"
    assert b"Hello Zo" in got[1] and len(got) == 2
    assert states(await house.rows(campaign)) == {address(1): "suppressed", address(2): "sent"}


async def test_b04_who_is_deferred_is_not_tried_again(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.7.1 Come back later", times=6)) as server:
        campaign = await house.launch(6, server.port, SendPlan(workers=2))
        sending = asyncio.create_task(house.send(scale=0.004))
        await house.until(campaign, lambda counts: counts.deferred == 6)
        await suppress(house, address(1), "@EXAMPLE.com")
        await sending
        assert accepted(server.folder) == {}
    rows = await house.rows(campaign)
    reasons = {row.reason.partition(" since ")[0] for row in rows.values()}
    assert reasons == {"on the suppression list", "all of example.com is on the suppression list"}
    assert await house.state(campaign) is CampaignState.FINISHED


async def test_b04_the_person_who_retries_is_told(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "550 5.1.1 No such user", times=3)) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=1))
        await house.send()
        await suppress(house, address(1))
        order = await house.order(campaign, OrderKind.RETRY)
        await house.send()
        assert (
            await answer(house, order) == "2 mails to be sent again; 1 on the suppression list, where nothing is sent"
        )
        assert (await house.counts(campaign)).sent == 2
    assert (await house.rows(campaign))[address(1)].state == "suppressed"


async def test_b04_a_paused_campaign_goes_on_without_them(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign: Campaign = await house.launch(40, server.port, SendPlan(workers=2, rate=100.0, burst=2))
        sending = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent >= 5)
        await house.order(campaign, OrderKind.PAUSE)
        await sending
        assert await house.state(campaign) is CampaignState.PAUSED
        waiting = [who for who, row in (await house.rows(campaign)).items() if row.state == "queued"]
        await suppress(house, *waiting[:10])
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
        assert not accepted(server.folder).keys() & set(waiting[:10])
    counts = await house.counts(campaign)
    assert (counts.suppressed, counts.sent) == (10, 30)
