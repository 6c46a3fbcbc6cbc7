"""How fast, how often again, how many a second: the small clocks of the engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.dispatch.pace import TokenBucket
from mailtui.dispatch.plan import MAX_WORKERS, SendPlan
from mailtui.dispatch.retry import RetryPolicy
from mailtui.dispatch.tally import RateWindow
from mailtui.kit.durations import parse_duration
from mailtui.kit.rates import parse_rate, show_rate

_GAPS = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=120)


@given(st.floats(0.1, 500), st.integers(1, 20), _GAPS)
def test_never_more_than_rate_and_burst_in_any_window(rate: float, burst: int, gaps: list[float]) -> None:
    now = 1000.0
    bucket = TokenBucket(rate, burst, now)
    begun: list[float] = []
    for gap in gaps:
        now += gap
        while bucket.wait(now) == 0 and len(begun) < 2_000:
            bucket.take(now)
            begun.append(now)
    for first in range(0, len(begun), 7):
        for last in range(first, len(begun), 5):
            span = begun[last] - begun[first]
            assert last - first + 1 <= rate * span + burst + 1e-6


@given(st.floats(0.1, 500), st.integers(1, 20))
def test_waiting_as_long_as_it_says_is_enough_and_the_rate_is_reached(rate: float, burst: int) -> None:
    now = 50.0
    bucket = TokenBucket(rate, burst, now)
    for _ in range(burst):
        assert bucket.wait(now) < 1e-9
        bucket.take(now)
    for _ in range(20):
        wait = bucket.wait(now)
        assert 0 < wait <= 1 / rate * (1 + 1e-9)
        now += wait + 1e-9
        assert bucket.wait(now) == 0
        bucket.take(now)


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(0.5, 100)), st.integers(1, 5), st.floats(0, 5)), min_size=1))
def test_a_change_hands_nothing_out_twice(changes: list[tuple[float | None, int, float]]) -> None:
    now = 10.0
    bucket = TokenBucket(1.0, 1, now)
    for rate, burst, pause in changes:
        bucket.set(rate, burst, now)
        begun = 0
        while begun < 100 and bucket.wait(now) == 0:
            bucket.take(now)
            begun += 1
        assert begun == 100 if rate is None else begun <= burst
        if rate is not None:
            assert bucket.wait(now) <= burst / rate + 1e-9
        now += pause


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=60), st.integers(1, 20))
def test_saying_the_same_rate_again_hands_out_no_burst(gaps: list[float], burst: int) -> None:
    now = start = 10.0
    bucket = TokenBucket(2.0, burst, now)
    begun = 0
    for gap in gaps:
        now += gap
        bucket.set(2.0, burst, now)
        while bucket.wait(now) <= 1e-9:
            bucket.take(now)
            begun += 1
    assert begun <= burst + 2.0 * (now - start) + 1e-6


def test_a_larger_burst_has_to_be_saved_up_first_and_so_has_one_after_a_pause() -> None:
    grown = TokenBucket(2.0, 1, 0.0)
    grown.take(0.0)
    grown.set(2.0, 10, 0.0)
    assert grown.wait(0.0) == pytest.approx(0.5)
    resumed = TokenBucket(2.0, 10, 0.0, rested=False)
    resumed.take(0.0)
    assert resumed.wait(0.0) == pytest.approx(0.5)
    assert resumed.wait(100.0) == 0


def test_a_slow_plan_does_not_hold_a_fast_one_up() -> None:
    bucket = TokenBucket(1 / 3600, 1, 0.0)
    bucket.take(0.0)
    assert bucket.wait(0.0) == pytest.approx(3600)
    bucket.set(10.0, 1, 1.0)
    assert bucket.wait(1.0) <= 0.1001


@pytest.mark.parametrize(
    ("text", "rate"),
    [("10/s", 10), ("600/m", 10), (" 36000 / hour ", 10), ("86400/d", 1), ("0.5/sec", 0.5), ("90/minute", 1.5)],
)
def test_rates(text: str, rate: float) -> None:
    assert parse_rate(text) == pytest.approx(rate)
    assert parse_rate(show_rate(rate)) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["", "10", "/s", "0/s", "-1/s", "10/w", "10/ms", "1e3/s", "10 per s", "nan/s"])
def test_no_rates(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        parse_rate(text)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("48h", 172_800), ("4 d", 345_600), ("0s", 0)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration("x" + text)


@given(st.floats(0.00002, 1000))
def test_any_rate_can_be_shown(rate: float) -> None:
    assert parse_rate(show_rate(rate)) == pytest.approx(rate, rel=1e-4)
    assert show_rate(None) == "as fast as the server takes it"


@pytest.mark.parametrize(
    "arguments",
    [
        {"workers": 0},
        {"workers": MAX_WORKERS + 1},
        {"workers": "8"},
        {"rate": 0},
        {"rate": -1},
        {"burst": 1.5},
        {"burst": True},
        {"max_attempts": 0},
        {"give_up_after": -1.0},
    ],
)
def test_an_order_that_makes_no_plan_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        SendPlan().changed(arguments)


def test_an_order_changes_what_it_names() -> None:
    plan = SendPlan(workers=3, rate=5.0, burst=2, max_attempts=7)
    assert plan.changed({"rate": None, "endpoint": "x"}) == SendPlan(workers=3, rate=None, burst=2, max_attempts=7)
    assert SendPlan.from_json(plan.changed({"workers": 9}).to_json()).workers == 9
    patient = plan.changed({"max_attempts": 2, "give_up_after": 60.0})
    assert (patient.max_attempts, patient.give_up_after) == (2, 60.0)


@pytest.mark.parametrize("processes", [None, 0, 3])
def test_a_launch_that_adds_to_a_campaign_may_order_any_plan(processes: int | None) -> None:
    """It orders the whole of it, with the message and the server: what is refused of it is refused of all."""
    plan = SendPlan(workers=2, burst=3, window=4, render_processes=processes)
    assert SendPlan(rate=5.0, render_processes=1).changed({**plan.as_said(), "message": "x"}) == plan


def test_r01_the_schedule() -> None:
    policy = RetryPolicy(max_attempts=9, give_up_after=1e9)
    minutes = [5, 15, 30, 60, 120, 240, 240, 240]
    for attempts, least in enumerate(minutes, start=1):
        for _ in range(20):
            due = policy.next_attempt(attempts, first_at=0.0, now=1000.0, at_least=None)
            assert due is not None
            assert least * 60 <= due - 1000.0 <= least * 66
    assert policy.next_attempt(9, first_at=0.0, now=1000.0, at_least=None) is None


def test_r01_the_least_pause_and_giving_up() -> None:
    policy = RetryPolicy(max_attempts=9, give_up_after=48 * 3600.0)
    due = policy.next_attempt(1, first_at=0.0, now=0.0, at_least=7200.0)
    assert due is not None
    assert 7200 <= due <= 7920
    assert policy.next_attempt(2, first_at=0.0, now=48 * 3600.0 - 60, at_least=None) is None
    short = RetryPolicy(max_attempts=2, give_up_after=1e9, scale=0.001).next_attempt(
        1, first_at=0, now=0, at_least=None
    )
    assert short is not None
    assert 0.3 <= short <= 0.33


def test_the_rate_is_over_the_last_five_seconds() -> None:
    window = RateWindow()
    assert window.sample(0.0, 0) == 0.0
    for tenth in range(1, 101):
        rate = window.sample(tenth / 10, tenth)
    assert rate == pytest.approx(10.0)
    assert 4.5 <= window.span <= 5.2
    for tenth in range(101, 161):
        rate = window.sample(tenth / 10, 100)
    assert rate == 0.0
