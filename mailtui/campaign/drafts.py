"""Owns throwing away drafts: campaigns whose launch did not come to its end, with the people in them.

Launches into one outbox take turns, so a draft that is found by whoever has its turn is one whose launch was stopped or
died. It is of no further use: since then the list, the filter or who is left out may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.states import CampaignState

STEP = 1_000  # rows of the list, also those that a filter leaves out: looking at them takes time as well
BREATH = 0.003  # seconds between two steps while a runner lives: its commits then wait 4 ms at the most
LONG_STEP = 20_000  # while no runner lives: most pages of the index of keys are then written once a step


async def discard(campaign: int, desk: Desk, runner_lives: Callable[[], bool]) -> None:
    """Throw a draft away. Whoever calls this has the turn to launch."""
    gone = False
    while not gone:
        lives = runner_lives()
        gone = await desk.discard_draft(campaign, rows=STEP if lives else LONG_STEP)
        await asyncio.sleep(BREATH if lives else 0)


async def discard_all(desk: Desk, reader: Reader, runner_lives: Callable[[], bool]) -> None:
    """Throw away whatever drafts there are. Whoever calls this has the turn to launch."""
    for campaign in await reader.campaigns():
        if campaign.state is CampaignState.DRAFT:
            await discard(campaign.number, desk, runner_lives)
