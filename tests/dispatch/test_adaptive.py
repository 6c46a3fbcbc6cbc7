"""The pace that a server lets an account have is found out from what it says (R-08, R-09), by a clock of the tests'."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mailtui.dispatch.adaptive import Adaptive, Known
from mailtui.dispatch.climb import Climb
from mailtui.smtp.outcome import SlowDown
from mailtui.smtp.rule import HOURS, MINUTES

SOFT = SlowDown(5 * MINUTES)
START = 1_000_000.0


@dataclass
class Bucket:
    """A server that takes so many a second."""

    rate: float
    burst: int = 1
    tokens: float = 1.0
    at: float = START

    def takes(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True


@dataclass
class Each:
    """A server that takes so many in each so many seconds by its clock."""

    most: int
    seconds: float
    number: int = -1
    taken: int = 0

    def takes(self, now: float) -> bool:
        if self.number != int(now // self.seconds):
            self.number, self.taken = int(now // self.seconds), 0
        self.taken += 1
        return self.taken <= self.most


@dataclass
class Sender:
    """Workers who have always something to send, each reply a few milliseconds after its mail began."""

    takes: Callable[[float], bool]
    pace: Adaptive
    workers: int = 8
    latency: float = 0.004
    now: float = START
    accepted: int = 0
    refused: int = 0
    began: list[float] = field(default_factory=list)

    def go_on(self, seconds: float) -> None:
        chance = random.Random(7)
        replies: list[tuple[float, int]] = []
        ends = self.now + seconds
        while self.now < ends:
            until = self._begin(replies, chance)
            coming = replies[0][0] if replies else ends
            if until is not None and until < coming:
                self.now = until + chance.random() * 0.001
                continue
            if not replies:
                self.now = ends
                return
            self.now, who = heapq.heappop(replies)
            if self.takes(self.now):
                self.accepted += 1
                self.pace.answered(self.now, who, taken=True)
            else:
                self.refused += 1
                self.pace.refused(SOFT, "slow down", self.now, who)
            self.pace.over(who)

    def _begin(self, replies: list[tuple[float, int]], chance: random.Random) -> float | None:
        while len(replies) < self.workers:
            wait = self.pace.wait(self.now)
            if wait is not None:
                return wait.until
            self.began.append(self.now)
            self.pace.begin(self.now, len(self.began))
            heapq.heappush(replies, (self.now + self.latency * (0.5 + chance.random()), len(self.began)))
        return None


def adaptive(first_rest: float = 1.0) -> Adaptive:
    return Adaptive(scale=1.0, first_rest=first_rest)


@pytest.mark.parametrize(
    ("server", "seconds", "allowed"),
    [
        (Bucket(10), 60.0, 600),
        (Bucket(10, burst=10), 60.0, 600),
        (Bucket(10, burst=50, tokens=50), 60.0, 650),
        (Bucket(200, burst=20, tokens=20), 60.0, 12_000),
        (Each(600, 60.0), 60.0, 600),
        (Bucket(1), 600.0, 600),
        (Bucket(0.5, burst=10), 1200.0, 610),
        (Bucket(0.2), 3000.0, 600),
        (Bucket(0.1), 6000.0, 600),
        (Each(5, 1.0), 120.0, 600),
    ],
    ids=lambda value: f"{value.rate}/s, burst {value.burst}" if isinstance(value, Bucket) else None,
)
def test_r08_four_fifths_of_what_a_server_allows_and_few_refusals(
    server: Bucket | Each, seconds: float, allowed: int
) -> None:
    """Seven of eight are refused before anybody can know of a limit: few mails do not make up for these."""
    sender = Sender(server.takes, adaptive())
    sender.go_on(seconds)
    assert sender.accepted >= 0.8 * allowed
    assert sender.refused <= 0.05 * (sender.accepted + sender.refused)


@pytest.mark.parametrize("rate", [0.2, 1.0, 10.0])
def test_r08_a_pace_that_was_found_is_kept(rate: float) -> None:
    sender = Sender(Bucket(rate).takes, adaptive())
    sender.go_on(300 / rate)
    accepted, refused = sender.accepted, sender.refused
    sender.go_on(600 / rate)
    assert sender.accepted - accepted >= 0.92 * 600
    assert sender.refused - refused <= 0.03 * 600


def test_r08_a_refusal_just_after_a_faster_stretch_began_is_measured_by_the_one_before() -> None:
    now, climb = START, Climb(scale=1.0, cap=10.0)
    climb.count_anew(now)
    while climb.cap is not None and climb.cap <= 12.5:
        now += 1 / climb.cap
        climb.taken()
        climb.rise(now)
    climb.cut(now + 0.08)
    assert climb.cap is not None and 9.5 < climb.cap < 11.0


def test_r08_what_is_refused_for_days_is_tried_on() -> None:
    """A rest that is doubled each time has a longest."""
    sender = Sender(lambda _now: False, adaptive(), workers=1)
    sender.go_on(5 * 24 * 3600.0)
    assert sender.refused >= 5 * 24 * 12
    sender.takes = lambda _now: True
    sender.go_on(400.0)
    assert sender.accepted >= 50


def test_r08_a_long_rest_is_no_sign_that_a_pace_is_needless() -> None:
    """Of an hour's number: what was found out outlasts the rest until the next one begins."""
    sender = Sender(Each(100, 3600.0).takes, adaptive(), latency=0.05)
    sender.go_on(2 * 3600.0)
    sender.go_on(1.0)
    assert sender.pace.cap is not None and sender.pace.cap < 1.0


def test_r08_the_pace_recovers_when_the_server_allows_more() -> None:
    server = Bucket(10, burst=5)
    sender = Sender(server.takes, adaptive(), latency=0.1)
    sender.go_on(60.0)
    server.rate = 40
    before = sender.accepted
    sender.go_on(120.0)
    assert sender.accepted - before >= 0.78 * 120 * 40
    sender.takes = lambda _now: True
    sender.go_on(400.0)
    assert sender.pace.is_open, "a pace that nobody needs is forgotten"


def test_r08_replies_to_mails_that_were_under_way_together_are_one_cut() -> None:
    pace = adaptive()
    for who in range(8):
        pace.begin(START, who)
    pace.refused(SOFT, "slow down", START + 0.1, 0, before=100.0)
    assert pace.cap == pytest.approx(85.0)
    for who in range(1, 8):
        pace.refused(SOFT, "slow down", START + 0.1 + who / 100, who)
    assert pace.cap == pytest.approx(85.0)
    assert pace.rests_until is None


def test_r08_a_cut_leaves_a_share_of_what_was_really_accepted() -> None:
    pace = adaptive()
    pace.begin(START, 0)
    pace.refused(SOFT, "slow down", START, 0, before=1000.0)
    for who in range(1, 101):  # 50 a second
        now = START + who / 50
        pace.begin(now, who)
        pace.answered(now + 0.001, who, taken=True)
        pace.over(who)
    pace.begin(START + 2.01, 101)
    pace.refused(SOFT, "slow down", START + 2.02, 101)
    assert pace.cap is not None
    assert pace.cap <= 55


@pytest.mark.parametrize(
    ("slow", "seconds"),
    [(SlowDown(2 * HOURS, at_once=True), 2 * HOURS), (SlowDown(4 * HOURS, at_once=True), 4 * HOURS)],
    ids=["TSS04", "TSS05"],
)
def test_r08_who_asks_for_hours_gets_them(slow: SlowDown, seconds: float) -> None:
    pace = adaptive(60.0)
    pace.begin(START, 1)
    pace.refused(slow, "pause", START, 1)
    pace.over(1)
    for after in (1.0, 60.0, seconds - 1):
        wait = pace.wait(START + after)
        assert wait is not None and wait.until == START + seconds
    assert pace.wait(START + seconds) is None


def test_r09_one_tries_first_in_each_interval_and_a_success_opens() -> None:
    pace = adaptive(60.0)
    now = START + 1800.0
    pace.refused(SlowDown(1800.0, at_once=True), "pause", START)
    pace.begin(now, 1)
    assert pace.wait(now + 1) is not None
    pace.over(1)  # its connection was lost
    wait = pace.wait(now + 2)
    assert wait is not None and wait.until == now + 60, "one probe in an interval"
    assert pace.wait(now + 61) is None
    pace.begin(now + 61, 2)
    assert pace.answered(now + 61.1, 2, taken=True)
    pace.over(2)
    assert pace.rests_until is None
    wait = pace.wait(now + 61.2)
    assert wait is None or (wait.until is not None and wait.until <= now + 63), "and then more and more"


def test_r09_a_probe_that_is_refused_closes_again_and_one_that_is_told_of_its_address_opens() -> None:
    pace = adaptive(60.0)
    slow = SlowDown(1800.0, at_once=True)
    pace.refused(slow, "pause", START)
    pace.begin(START + 1800, 1)
    pace.refused(slow, "pause", START + 1801, 1)
    pace.over(1)
    assert pace.rests_until == START + 1801 + 1800
    pace.begin(START + 3602, 2)
    assert pace.answered(START + 3603, 2, taken=False), "no such user is an answer too"
    assert pace.rests_until is None


def test_r08_nothing_taken_at_all_makes_longer_and_longer_rests_up_to_what_the_rule_says() -> None:
    sender = Sender(lambda _now: False, adaptive(60.0), workers=1)
    sender.go_on(3600.0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sender.began)]
    assert gaps[:4] == pytest.approx([1.0, 60.0, 120.0, 240.0], abs=0.1)
    assert max(gaps) <= 300.1
    assert sender.pace.refuses_for > 3000


def test_r08_one_at_a_time_and_ten_a_minute_are_kept_for_half_an_hour() -> None:
    one = adaptive(60.0)
    one.begin(START, 1)
    one.refused(SlowDown(30 * MINUTES, connections=1), "IB007", START, 1)
    one.over(1)
    for who in range(2, 6):
        now = START + who * 300
        assert one.wait(now) is None
        one.begin(now, who)
        wait = one.wait(now)
        assert wait is not None and wait.until is None, "no second one beside it"
        one.answered(now + 1, who, taken=True)
        one.over(who)
    slow = Sender(lambda _now: True, adaptive(60.0), latency=0.1)
    slow.pace.refused(SlowDown(30 * MINUTES, rate=10 / 60), "unusual rate", START)
    slow.go_on(30 * MINUTES)
    assert 295 <= slow.accepted <= 301
    slow.go_on(10 * MINUTES)
    assert slow.accepted > 1000, "and then more"


def test_a_restart_keeps_what_is_known() -> None:
    sender = Sender(Bucket(10, burst=5).takes, adaptive())
    sender.go_on(30.0)
    known = sender.pace.take_unrecorded()
    assert known is not None and known.cap is not None
    assert sender.pace.take_unrecorded() is None, "nothing new"
    after = Sender(Bucket(10, burst=5, at=sender.now).takes, Adaptive(scale=1.0, first_rest=1.0, known=known))
    after.now = sender.now
    after.go_on(20.0)
    assert after.refused <= 6, "no eight at once, and no learning from the beginning"
    assert after.accepted >= 160
    resting = Known(None, "pause", START, rests_until=START + 7200)
    wait = Adaptive(scale=1.0, first_rest=60.0, known=resting).wait(START + 3600)
    assert wait is not None and wait.until == START + 7200


def test_a_restart_in_a_rest_leaves_something_to_measure_the_next_cut_by() -> None:
    adaptive = Adaptive(scale=1.0, first_rest=1.0, known=Known(10.0, "said", START - 900, rests_until=START))
    for who in range(40):
        adaptive.begin(START + who / 10, who)
        adaptive.answered(START + who / 10 + 0.05, who, taken=True)
        adaptive.over(who)
    adaptive.begin(START + 4, 40)
    assert adaptive.refused(SOFT, "too fast", START + 4.01, 40)
    assert adaptive.cap is not None and 8 < adaptive.cap < 10


@pytest.mark.parametrize("by", [-86_400.0, -3600.0, 3600.0, 86_400.0])
def test_t03_a_rest_is_as_long_when_the_clock_is_put(by: float) -> None:
    pace = adaptive(60.0)
    pace.refused(SlowDown(1800.0, at_once=True), "pause", START)
    pace.clock_moved(by)
    wait = pace.wait(START + 10 + by)
    assert wait is not None and wait.until == START + 1800 + by
    assert pace.wait(START + 1801 + by) is None
