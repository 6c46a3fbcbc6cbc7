"""The engine against a real Postfix, which hangs up after ten pipelined refusals."""

from __future__ import annotations

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState
from tests.dispatch.bench import House, address
from tests.servers.postfix import postfix_server


async def test_many_refusals_end_connections_and_harm_nobody_else(house: House) -> None:
    gone = {address(n): "550 5.1.1 No such user" for n in range(1, 121) if n % 3 == 0}
    with postfix_server(discard=True, refuse=gone) as server:
        campaign = await house.launch(120, server.port, SendPlan(workers=2))
        await house.send(scale=0.1, seconds=60)
        rows = await house.rows(campaign)
        delivered = [delivery.recipient for delivery in server.wait_sent(80)]
    assert await house.state(campaign) is CampaignState.FINISHED
    assert {who for who, row in rows.items() if row.state == "failed"} == set(gone)
    assert {row.enhanced for who, row in rows.items() if who in gone} == {"5.1.1"}
    assert {row.attempts for row in rows.values()} == {1}
    assert sorted(delivered) == sorted(set(rows) - set(gone))
