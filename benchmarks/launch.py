"""Launches a campaign without sending it: `python -m benchmarks.launch CAMPAIGN`; prints the outbox's URL as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from mailtui.service.facade import Service
from mailtui.service.lists import Again


async def main(campaign: Path) -> None:
    """Freeze the campaign into the outbox of `MAILTUI_HOME`."""
    with Service.open(os.environ) as service:
        plan = service.prepare(service.campaigns.load(campaign), plan={})
        launch = await service.launch(plan, again=Again.ASK, progress=lambda _: None)
        print(json.dumps({"outbox": service.outbox.url, "campaign": launch.campaign.id}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
