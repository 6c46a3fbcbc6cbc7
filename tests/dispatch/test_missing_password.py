"""C-04: one of several accounts has no password: the others go on, and it is used as soon as its password comes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.errors import SecretMissing
from mailtui.outbox.records import AccountRest
from mailtui.outbox.states import CampaignState, RestKind
from mailtui.service.handover import Handed
from mailtui.service.waiting import wake
from tests.dispatch.bench import House
from tests.dispatch.test_pool import account, balance, slow


async def test_c04_a_password_that_comes_in_mid_run_is_used_at_once(house: House, tmp_path: Path) -> None:
    known = {"acme"}

    async def secrets(account: str) -> str:
        if account not in known:
            raise SecretMissing(account, variable="MAILTUI_PASSWORD_BACKUP")
        return "right"

    async with slow(tmp_path / "a", users={"anna": "right"}) as server:
        members = [account(name, server, user="anna") for name in ("acme", "backup")]
        campaign = await house.launch(300, 0, SendPlan(workers=2, rate=200), members=members)
        running = asyncio.create_task(house.send(secrets=secrets))
        await house.until(campaign, lambda counts: counts.sent > 20)
        async with asyncio.timeout(10):
            while not (rests := await house.reader.account_rests()):
                await asyncio.sleep(0.005)
        [rest] = rests
        assert rest.account == "backup" and rest.reason.startswith(SecretMissing.title_for("backup"))
        await wake(house.outbox, Handed({"acme": "right"}, {}))
        known.add("backup")
        await wake(house.outbox, Handed({"backup": "right"}, {}))
        await running
        rows = await balance(house, campaign, server)
    assert min(Counter(row.account for row in rows.values()).values()) > 20, "both have carried some"
    assert await house.reader.account_rests() == []


async def test_c04_a_password_that_was_refused_is_waited_for_until_somebody_gives_another(
    house: House, tmp_path: Path
) -> None:
    """And not until whoever launches another campaign hands over the one that is known."""
    password = "mistyped"

    async def secrets(account: str) -> str:
        return password

    async with slow(tmp_path / "a", users={"anna": "right"}) as server:
        alone = await house.launch(10, 0, SendPlan(workers=1), members=[account("acme", server, user="anna")])
        both = [account(name, server, user="anna") for name in ("backup", "acme")]
        several = await house.launch(10, 0, SendPlan(workers=2), id="c2", members=both)
        await house.send(secrets=secrets)
        held = [await house.state(one) for one in (alone, several)]
        assert held == [CampaignState.PAUSED] * 2 and server.counters.auth_failures == 2
        await wake(house.outbox, Handed({"acme": "mistyped"}, {}))
        await wake(house.outbox, Handed({"me": "right"}, {}, renewed=True))
        password = "right"
        await house.send(secrets=secrets)
        assert [await house.state(one) for one in (alone, several)] == held
        await wake(house.outbox, Handed({"acme": "right"}, {}, renewed=True))
        await house.send(secrets=secrets)
        for one in (alone, several):
            assert await house.state(one) is CampaignState.FINISHED
            await balance(house, one, server)


async def test_c04_the_next_runner_looks_for_it_anew(house: House, tmp_path: Path) -> None:
    async with slow(tmp_path / "a") as server:
        members = [account(name, server) for name in ("acme", "backup")]
        campaign = await house.launch(20, 0, SendPlan(workers=2), members=members)
        ledger = house.outbox.ledger()
        title = SecretMissing.title_for("backup")
        await ledger.rest_account(AccountRest("backup", None, RestKind.REFUSED, title, time.time() + 60))
        ledger.close()
        await house.send()
        rows = await balance(house, campaign, server)
    assert {row.account for row in rows.values()} == {"acme", "backup"}
    assert await house.reader.account_rests() == []
