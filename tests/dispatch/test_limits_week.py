"""C3: limits over weeks of a clock that the test owns, with restarts at random over a real outbox: never over in any
window, wherever it begins, and never idle while a mail may go.
"""

from __future__ import annotations

import os
import random
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailtui.dispatch.meter import KEPT, Meter
from mailtui.dispatch.meters import Meters
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Campaign, Claim, Mark, Result, RunnerRow
from mailtui.outbox.states import DeliveryState
from mailtui.smtp.limits import Batch, Limits, WarmUp
from tests.dispatch.bench import House

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3_600.0, 86_400.0
START = datetime.fromisoformat("2026-10-22T09:00:07+02:00").timestamp()  # a clock change is on the Sunday
_MOST_AT_ONCE = 12
_DIES_AFTER_A_MARK = 0.004


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@dataclass
class Week:
    """Runners of one outbox, one after the other, that send as soon as the account's meter lets them."""

    house: House
    campaign: Campaign
    limits: Limits
    rng: random.Random
    now: float = START
    marked: list[float] = field(default_factory=list)
    restarts: int = 0
    _claims: list[Claim] = field(default_factory=list)
    _results: list[Result] = field(default_factory=list)

    async def pass_by(self, seconds: float, *, restarts: int) -> None:
        end = START + seconds
        ends = sorted([*(self.rng.uniform(START, end) for _ in range(restarts)), end])
        for until in ends:
            while self.now < until:
                ledger = self.house.outbox.ledger()
                try:
                    await self._runner(ledger, until)
                finally:
                    ledger.close()
                self.now += self.rng.uniform(0, 2)  # a runner starts
                self.restarts += 1

    async def _runner(self, ledger: Ledger, until: float) -> None:
        """One life of a runner; its end is a crash: what it knows beside the outbox is lost."""
        await ledger.sign_on(RunnerRow(f"{self.restarts}", os.getpid(), "here", "0", self.now, self.now))
        await ledger.recover(now=self.now)
        self._claims, self._results = [], []
        sent = await ledger.sent_since(self.now - KEPT)
        meters = Meters(wall=lambda: self.now, rows=await ledger.meters(), sent=sent)
        meters.put("acme", self.limits)
        meter = meters.get("acme")
        while self.now < until:
            began = self._begin(meter)
            if not began:
                wait = meter.wait(self.now)
                assert wait is not None and wait.until is not None and wait.until > self.now, wait
                self.now = min(wait.until, until)
                continue
            self.now += self.rng.uniform(0.01, 0.2)
            if self.now >= until:
                return  # it died before the mark: nothing of it counts
            await self._mark(ledger, meter, began)
            if self.rng.random() < _DIES_AFTER_A_MARK:
                return

    def _begin(self, meter: Meter) -> int:
        """As many workers as there are take a mail each, if there is room."""
        began = 0
        while began < _MOST_AT_ONCE and meter.reserve(self.now):
            began += 1
        return began

    async def _mark(self, ledger: Ledger, meter: Meter, began: int) -> None:
        dropped = self.rng.random() < 0.05  # a connection broke before the mark
        if dropped:
            meter.release()
        claims = [await self._claim(ledger) for _ in range(began - dropped)]
        marks = [Mark(one.campaign, one.id, one.fence, "acme", ("acme",)) for one in claims]
        assert all(await ledger.commit(marks, self._results, [], now=self.now))
        self.marked += [self.now] * len(marks)
        for _ in marks:
            meter.spend(self.now)
        flying, sent = DeliveryState.IN_FLIGHT, DeliveryState.SENT
        self._results = [Result(c.campaign, c.id, c.fence, flying, sent, 1) for c in claims]

    async def _claim(self, ledger: Ledger) -> Claim:
        if not self._claims:
            number = self.campaign.number
            self._claims = await ledger.claim(number, 500, now=self.now, lease=30 * DAY)
        return self._claims.pop()


def day(at: float) -> date:
    return datetime.fromtimestamp(at, BERLIN).date()


def most_in(marked: Sequence[float], seconds: float) -> int:
    """The most in any window of so many seconds, wherever it begins."""
    return max(bisect_right(marked, at) - bisect_right(marked, at - seconds) for at in marked)


def best(allowed: Callable[[list[float]], float], end: float) -> int:
    """How many could have gone by somebody who knows every mail's time exactly; `allowed`: when the next one may go."""
    times: list[float] = []
    while (at := max(allowed(times), times[-1] if times else START)) < end:
        times.append(at)
    return len(times)


def _windows(*limits: tuple[int, float]) -> Callable[[list[float]], float]:
    return lambda times: max((times[-n] + span if len(times) >= n else START) for n, span in limits)


async def _week(tmp_path: Path, limits: Limits, *, mails: int, seconds: float, restarts: int, seed: int) -> Week:
    house = House(tmp_path)
    try:
        campaign = await house.launch(mails, 9, launched_at=START - 1)
        week = Week(house, campaign, limits, random.Random(seed))
        await week.pass_by(seconds, restarts=restarts)
        assert sorted(week.marked) == week.marked and len(week.marked) < mails
        counted = sum(slot.sent for slot in await house.reader.sent_since(START))
        assert counted <= len(week.marked)
        return week
    finally:
        house.close()


async def _hours_and_days(tmp_path: Path, *, per_hour: int, per_day: int, restarts: int, seed: int) -> None:
    limits = Limits(per_hour=per_hour, per_day=per_day)
    seconds = 7 * DAY
    week = await _week(tmp_path, limits, mails=per_day * 8, seconds=seconds, restarts=restarts, seed=seed)
    assert most_in(week.marked, HOUR) <= per_hour and most_in(week.marked, DAY) <= per_day
    could = best(_windows((per_hour, HOUR), (per_day, DAY)), START + seconds)
    assert len(week.marked) >= 0.98 * could, (len(week.marked), could)


async def test_c3_a_week_of_hourly_and_daily_limits_with_restarts_is_never_over_and_never_idle(tmp_path: Path) -> None:
    await _hours_and_days(tmp_path, per_hour=60, per_day=300, restarts=40, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
async def test_c3_weeks_of_hourly_and_daily_limits(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    per_hour = rng.choice([7, 50, 200])
    per_day = int(per_hour * rng.choice([1.5, 8, 30]))
    await _hours_and_days(tmp_path, per_hour=per_hour, per_day=per_day, restarts=rng.choice([0, 20, 300]), seed=seed)


async def test_c3_minutes_with_restarts(tmp_path: Path) -> None:
    seconds = 90 * 60.0
    week = await _week(tmp_path, Limits(per_minute=15), mails=2_000, seconds=seconds, restarts=8, seed=2)
    assert most_in(week.marked, 60.0) <= 15
    could = best(_windows((15, 60.0)), START + seconds)
    lost = week.restarts * 10.0 / seconds  # a restart may cost the rest of a slot
    assert len(week.marked) >= (0.98 - lost) * could, (len(week.marked), could)


async def test_c3_gaps_and_batches_hold_over_restarts(tmp_path: Path) -> None:
    limits = Limits(min_gap=20.0, jitter=0.5, batch=Batch(30, 900.0))
    seconds = DAY / 4
    week = await _week(tmp_path, limits, mails=800, seconds=seconds, restarts=6, seed=3)
    gaps = [after - before for before, after in zip(week.marked, week.marked[1:], strict=False)]
    assert min(gaps) >= 20.0, "a gap is never shorter, whoever dies between two mails"
    within = [gap for gap in gaps if gap < 900]
    assert 24 < sum(within) / len(within) < 26 and max(within) < 31, "up to half as long again, by chance"
    since = 0
    for gap in gaps:
        since = 0 if gap >= 900 else since + 1
        assert since < 30, "thirty, and then a rest"
    a_cycle = 29 * 25.1 + 900.2
    could = seconds / a_cycle * 30
    cut_short = 30 * week.restarts  # a batch that was under way may end early
    assert len(week.marked) >= 0.98 * could - cut_short, (len(week.marked), could)


async def test_c3_a_warm_up_sends_a_little_more_each_day_and_no_more_in_any_24_hours(tmp_path: Path) -> None:
    warm_up = WarmUp(20, 1.5, 150, since=day(START).isoformat())
    seconds = 7 * DAY
    week = await _week(tmp_path, Limits(warm_up=warm_up), mails=1_500, seconds=seconds, restarts=12, seed=4)
    days = [20, 30, 45, 67, 101, 150, 150, 150]

    def of_day(at: float) -> int:
        return days[(day(at) - day(START)).days]

    for number, at in enumerate(week.marked):
        before = number + 1 - bisect_right(week.marked, at - DAY, hi=number + 1)
        assert before <= of_day(at), (number, day(at))

    def allowed(times: list[float]) -> float:
        at = times[-1] if times else START
        while len(times) - bisect_right(times, at - DAY) >= of_day(at):
            tomorrow = datetime.combine(day(at) + timedelta(days=1), datetime.min.time(), BERLIN).timestamp()
            at = min(times[-of_day(at)] + DAY, tomorrow)
        return at

    could = best(allowed, START + seconds)
    assert len(week.marked) >= 0.98 * could, (len(week.marked), could)
