"""Owns work on many deliveries of campaigns that are not being sent, beside the runner's beat: who is left out, what is
cancelled. What is ordered of such a campaign waits until it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Clearing:
    """What is under way, one work a campaign. A runner that leaves in its midst has the next one begin it anew."""

    def __init__(self) -> None:
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def begin(self, campaign: int, work: Coroutine[Any, Any, None]) -> None:
        self._under_way[campaign] = asyncio.create_task(work, name=f"clearing {campaign}")

    def __contains__(self, campaign: int) -> bool:
        return campaign in self._under_way

    def __len__(self) -> int:
        return len(self._under_way)

    def reap(self) -> bool:
        """Whether one has just ended; what broke in it is heard here."""
        done = [campaign for campaign, task in self._under_way.items() if task.done()]
        for campaign in done:
            self._under_way.pop(campaign).result()
        return bool(done)

    async def part(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
