"""D-07: whatever a server says, no mail is called sent that it did not accept, and none is sent twice.

Each dialogue is a real connection between a session and a server that answers by dice (tests/smtp/liar.py).
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter

import pytest

from mailtui.smtp.gear import DATA_GEARS, Gear, GearChoice
from mailtui.smtp.opening import open_session
from tests.smtp.bench import OFFERED, QUICK, Owner, jobs
from tests.smtp.liar import Liar

MESSAGES = 3
MANY = 8
MODES = [*((gear, 1) for gear in DATA_GEARS), *((Gear.CHUNKED, window) for window in (1, 3, 8))]
AT_ONCE = 64


async def _dialogue(gear: Gear, window: int, seed: int, seen: Counter[str]) -> None:
    """One connection from its first message to its end, judged by what the server accepted."""
    loop = asyncio.get_running_loop()
    dice = random.Random(seed)
    chunked = gear is Gear.CHUNKED
    server = Liar(dice, oddness=dice.choice((0.01, 0.05, 0.15, 0.4)), chunked=chunked)
    ours, theirs = socket.socketpair()
    there, _ = await loop.create_connection(lambda: server, sock=theirs)
    here, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    owner = Owner(jobs(MANY if chunked else MESSAGES), finish=True)
    owner.session = open_session(owner, OFFERED, GearChoice(gear, window), QUICK)
    try:
        owner.session.start(here)
        await owner.wait_ended(seconds=30)
        await asyncio.sleep(0)  # what was written before the end may still have to be heard
        await asyncio.sleep(0)
    finally:
        there.abort()
        here.abort()
    outcomes = {job.tag: owner.outcome(job.tag) for job in owner.given}
    sent = [tag for tag, outcome in outcomes.items() if outcome.startswith("settled 2")]
    doubtful = [tag for tag, outcome in outcomes.items() if outcome == "in_doubt"]
    assert len(set(server.accepted)) == len(server.accepted), f"{gear}, seed {seed}: twice"
    assert set(sent) <= set(server.accepted), f"{gear}, seed {seed}: false sent"
    assert set(server.accepted) <= {*sent, *doubtful}, f"{gear}, seed {seed}: accepted and taken for not sent"
    assert len(doubtful) <= window, f"{gear}, seed {seed}: more than were in flight"
    seen["dialogues"] += 1
    seen["odd"] += bool(server.oddities)
    seen.update(server.oddities)
    seen.update({"sent": len(sent), "in doubt": len(doubtful)})


@pytest.mark.parametrize("count", [1_500, pytest.param(102_000, marks=pytest.mark.long)])
@pytest.mark.timeout(1800)
async def test_d07_generated_dialogues(count: int) -> None:
    seen: Counter[str] = Counter()
    work = iter([(gear, window, seed) for seed in range(count // len(MODES)) for gear, window in MODES])

    async def converse() -> None:
        for gear, window, seed in work:
            await _dialogue(gear, window, seed, seen)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(converse())
    print(f"\nfalse sent 0 of {dict(seen)}")
    assert seen["dialogues"] == count
    assert seen["odd"] > count // 4, "the server lies often enough to show something"
    assert seen["sent"] > count // 2, "and not so often that nothing is ever sent"
