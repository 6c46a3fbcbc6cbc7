"""C3: nobody waits for ever: workers of several campaigns at the meters of one account, at random."""

from __future__ import annotations

import asyncio
import random
import time

from mailtui.dispatch.meters import Meters
from mailtui.dispatch.passage import Passage
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.job import Job
from mailtui.smtp.limits import Batch, Limits

_MAILS = 40


class _Campaign:
    """So many mails, of which some are given back unsent the first time."""

    def __init__(self, name: str, meters: Meters, rng: random.Random) -> None:
        self.passage = Passage(meters, account="acme", campaign=name, always=True, wall=time.time)
        self.rng = rng
        self.left = _MAILS
        self.sent = 0
        self.done = asyncio.Event()
        self.workers: list[_Worker] = []


class _Worker:
    """A connection: one mail at a time."""

    def __init__(self, campaign: _Campaign) -> None:
        self.campaign = campaign
        self.job: Job | None = None

    def pump(self) -> None:
        campaign = self.campaign
        if self.job is not None or campaign.passage.lets(self) is not None or not campaign.left:
            return
        campaign.left -= 1
        self.job = job = Job("a@example.org", "b@example.org", b"", Capabilities(), None)
        campaign.passage.set_aside(job, "example.org")
        asyncio.get_running_loop().call_later(campaign.rng.random() * 0.003, self._mark)

    def _mark(self) -> None:
        assert self.job is not None
        campaign = self.campaign
        if campaign.rng.random() < 0.3:
            campaign.left += 1
            self._over()
            for worker in campaign.workers:
                worker.pump()  # there is something to send
            return
        campaign.passage.marked(self.job)
        campaign.sent += 1
        if campaign.sent == _MAILS:
            campaign.done.set()
        asyncio.get_running_loop().call_later(campaign.rng.random() * 0.003, self._over)

    def _over(self) -> None:
        assert self.job is not None
        self.campaign.passage.let_go(self.job)
        self.job = None
        self.pump()


def _limits(rng: random.Random, mails: int) -> Limits:
    return Limits(
        rate=rng.choice([None, 300.0, 1_000.0]),
        burst=rng.choice([1, 4]),
        per_minute=rng.choice([None, mails]),
        per_hour=rng.choice([None, mails]),
        min_gap=rng.choice([0.0, 0.002]),
        jitter=rng.random(),
        batch=rng.choice([None, Batch(5, 0.01)]),
    )


async def _account(seed: int) -> None:
    """Three campaigns of an account, whose limits change twice while they are under way."""
    rng = random.Random(seed)
    meters = Meters(wall=time.time)
    meters.put("acme", _limits(rng, 3 * _MAILS))
    campaigns = [_Campaign(f"c{n}", meters, rng) for n in range(3)]
    for n, campaign in enumerate(campaigns):
        meters.put_own(f"c{n}", _limits(rng, _MAILS), begun=False)
        campaign.workers = [_Worker(campaign) for _ in range(rng.randint(1, 4))]
    for campaign in campaigns:
        for worker in campaign.workers:
            worker.pump()
    for _ in range(2):
        await asyncio.sleep(0.02)
        meters.put("acme", _limits(rng, 3 * _MAILS))
    for campaign in campaigns:
        await campaign.done.wait()
    meters.close()


async def test_c3_nobody_waits_for_ever_at_a_line() -> None:
    async with asyncio.timeout(30):
        await asyncio.gather(*(_account(seed) for seed in range(12)))
