"""C8: nothing that is scheduled while a runner is leaving is left alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mailtui.dispatch.runner import Runner
from mailtui.outbox.states import CampaignState
from mailtui.sandbox.server import SandboxServer
from mailtui.service.engine import serve
from mailtui.service.handover import Door, Handed
from tests.dispatch.bench import House, Passwords, options


async def test_c8_a_runner_that_was_leaving_when_something_was_scheduled_stays_for_it(tmp_path: Path) -> None:
    house, ready = House(tmp_path), list[str]()

    async def take(_more: Handed) -> None:
        raise AssertionError("nobody hands anything over")

    async with SandboxServer(tmp_path / "sandbox") as server:

        class Leaving(Runner):
            """Somebody schedules a campaign in the last moment of it, and still finds a runner there."""

            async def run(self, ready: Callable[[], None]) -> None:
                await super().run(ready)
                if not await house.reader.campaigns():
                    await house.launch(2, server.port, start_at=time.time() + 0.2)

        def begin() -> Runner:
            return Leaving(house.outbox, options(house.outbox, say=house.said.append), Passwords())

        door = Door(tmp_path / "door", take)
        await serve(begin, house.outbox, door, lambda: ready.append("ready"), stays=False)
        [campaign] = await house.reader.campaigns()
        assert (campaign.state, ready) == (CampaignState.FINISHED, ["ready"])
        house.close()
