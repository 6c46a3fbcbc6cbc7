"""R-08: a runner that waits for a time is there at that time, and until then costs next to nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mailtui.dispatch.attention import Attention
from mailtui.dispatch.clearing import Clearing
from mailtui.dispatch.rhythm import Rhythm
from mailtui.dispatch.waking import Waking
from tests.dispatch.bench import House

NOW = 1_000.0
AT = 1_800_000_000.0


def test_r08_a_runner_that_only_waits_looks_around_less_often_until_there_is_something_to_do() -> None:
    rhythm = Rhythm(NOW)
    assert not rhythm.is_calm(NOW + 9) and rhythm.tick(NOW + 9) == 0.1
    assert rhythm.is_calm(NOW + 11) and 0.1 < rhythm.tick(NOW + 11) <= 0.25
    rhythm.worked(NOW + 20)
    assert not rhythm.is_calm(NOW + 20) and rhythm.tick(NOW + 29) == 0.1


@pytest.mark.parametrize(
    ("campaigns", "waiting", "calm", "beats"),
    [(2, False, False, 40), (2, True, False, 10), (2, True, True, 10), (0, True, False, 10), (0, True, True, 2)],
)
def test_r08_what_is_on_record_of_a_runner_is_never_old_and_seldom_written_when_nothing_happens(
    campaigns: int, waiting: bool, calm: bool, beats: int
) -> None:
    """A face takes a runner with a campaign for one that cannot write when it is silent for three seconds."""
    rhythm, began = Rhythm(NOW), NOW + (60 if calm else 0)
    told = 0
    for step in range(200):  # ten seconds of looks
        now = began + step / 20
        if not waiting:
            rhythm.worked(now)
        told += rhythm.nudges(now, campaigns=campaigns, waiting=waiting)
    assert told == pytest.approx(beats, abs=1)


def test_r08_work_after_a_calm_while_is_on_record_at_once() -> None:
    rhythm = Rhythm(NOW)
    assert rhythm.nudges(NOW + 20, campaigns=0, waiting=True)
    assert not rhythm.nudges(NOW + 21, campaigns=0, waiting=True)
    rhythm.worked(NOW + 21)
    assert rhythm.nudges(NOW + 21, campaigns=1, waiting=False)


async def test_r08_it_sleeps_to_the_instant_of_what_comes_next_and_never_longer_than_a_beat(house: House) -> None:
    campaign = await house.launch(1, 1)
    ledger = house.outbox.ledger()
    clock = SimpleNamespace(now=AT)
    tools: Any = SimpleNamespace(ledger=ledger, wall=lambda: clock.now)
    recurring: Any = SimpleNamespace(reap=lambda: False, busy=False)
    waking = Waking(tools, recurring, Attention(AT), Clearing(), only=None)
    await waking.look(anew=True)
    assert waking.nap(0.25) == 0.25, "nothing is to come"
    assert await ledger.reschedule(campaign.number, AT + 10.125, actor="ann", now=AT)
    await waking.look(anew=True)
    assert waking.nap(0.25) == 0.25 and waking.awaited
    clock.now = AT + 10
    assert waking.nap(0.25) == 0.125, "and then it is there"
    clock.now = AT + 11
    assert waking.nap(0.25) == 0.25, "whoever sees to it takes as long as it takes; nobody turns in circles meanwhile"
    ledger.close()


async def test_r08_of_a_thousand_that_are_due_a_few_are_read_at_a_time(house: House) -> None:
    ledger = house.outbox.ledger()
    for number in range(3):
        campaign = await house.launch(1, 1, id=f"c{number}")
        assert await ledger.reschedule(campaign.number, AT + number, actor="ann", now=AT)
    assert [one.id for one in await ledger.to_start(AT + 9, 2)] == ["c0", "c1"]
    assert [one.id for one in await ledger.to_start(AT + 9)] == ["c0", "c1", "c2"]
    ledger.close()
