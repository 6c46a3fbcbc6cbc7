"""B-01, M-05: copies on their way to a server."""

from __future__ import annotations

import time
from pathlib import Path

from mailtui.outbox.copies import copy_key
from mailtui.outbox.records import NewDelivery
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, address


async def test_m05_a_copy_to_an_address_that_the_server_does_not_take_fails_alone(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox", extensions=("PIPELINING", "8BITMIME")) as server:
        campaign = await house.launch(0, server.port)
        who = address(1, "c1")
        mail = NewDelivery(who, 1, who, ("Zoé",))
        copies = [
            mail._replace(key=copy_key(who, own), address=own, copy_of=(who, who))
            for own in ("jörg@x.test", "boss@x.test")
        ]
        await house.desk.add(campaign.number, [mail, *copies], now=time.time())
        await house.send()
        rows = await house.check_books(campaign, server.folder)
    assert {own: str(row.state) for own, row in rows.items()} == {
        who: "sent",
        "jörg@x.test": "failed",
        "boss@x.test": "sent",
    }
    assert "(no SMTPUTF8)" in rows["jörg@x.test"].reason
