"""C3: what a meter says of a mail that would begin now, and whose turn it is at one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

import pytest

from mailtui.dispatch.line import Line
from mailtui.dispatch.meter import DAY, Meter, Wait, WaitKind
from mailtui.dispatch.meter_words import in_words
from mailtui.dispatch.meters import Meters, domain_key
from mailtui.outbox.timed_records import MeterRow, SentSlot
from mailtui.smtp.limits import Batch, Limits, WarmUp

HOUR = 3_600.0
NOW = 1_800_000_000.0  # the beginning of a slot, of a minute and of an hour


def spent(meter: Meter, times: Sequence[float]) -> None:
    for at in times:
        assert meter.reserve(at), (at, meter.wait(at))
        meter.spend(at)


def wait_of(meter: Meter, now: float) -> Wait:
    wait = meter.wait(now)
    assert wait is not None
    return wait


def test_c3_a_full_hour_waits_for_its_first_mail_to_leave_and_the_day_for_longer() -> None:
    meter = Meter("acme", Limits(per_hour=3, per_day=5))
    spent(meter, [NOW, NOW + 1, NOW + 25])
    assert wait_of(meter, NOW + 30) == Wait(NOW + HOUR + 10, "hourly limit of acme reached", WaitKind.WINDOW)
    assert meter.wait(NOW + HOUR + 9.9) is not None and meter.wait(NOW + HOUR + 10) is None
    spent(meter, [NOW + HOUR + 10, NOW + HOUR + 10])
    full = wait_of(meter, NOW + HOUR + 11)
    assert (full.until, full.reason) == (NOW + DAY + 240, "daily limit of acme reached"), "what is full for longest"
    assert in_words(meter, NOW + HOUR + 11) == "3 of 3 an hour, 5 of 5 a day"
    meter.clock_moved(HOUR)
    assert wait_of(meter, NOW + HOUR + 11).until == NOW + DAY + 240 + HOUR, "a clock that is put renews nothing"


def test_c3_mails_under_way_have_their_room_until_they_are_marked_or_given_back() -> None:
    meter = Meter("acme", Limits(per_minute=2))
    assert meter.reserve(NOW) and meter.reserve(NOW) and not meter.reserve(NOW)
    assert wait_of(meter, NOW).until is None, "they may not be marked after all"
    meter.release()
    assert meter.reserve(NOW)
    meter.spend(NOW)
    assert wait_of(meter, NOW).until is None
    meter.spend(NOW)
    assert 60 < (wait_of(meter, NOW).until or 0) - NOW <= 60.2


def test_c3_a_rate_has_its_burst_back_for_what_was_not_sent_and_none_after_a_restart() -> None:
    meter = Meter("acme", Limits(rate=2.0, burst=3))
    assert [meter.reserve(NOW) for _ in range(4)] == [True, True, True, False]
    meter.release()
    assert meter.reserve(NOW) and not meter.reserve(NOW)
    again = Meter("acme", Limits(rate=2.0, burst=3))
    again.load([(int(NOW // 10), 4)], first_at=NOW, last_at=NOW)
    assert wait_of(again, NOW).until == pytest.approx(NOW + 0.5)
    assert again.reserve(NOW + 0.5) and not again.reserve(NOW + 0.5)
    assert wait_of(meter, NOW - 30).until == pytest.approx(NOW - 30 + 0.5), "a clock put back a little stops nobody"


def test_c3_a_slower_rate_owes_nothing_to_mails_that_are_given_back_from_before() -> None:
    meter = Meter("acme", Limits(rate=100.0))
    for n in range(5):
        assert meter.reserve(NOW + n / 50)
    meter.set(Limits(rate=1 / 60), NOW + 0.1)
    assert meter.reserve(NOW + 0.1), "it was saved up"
    meter.spend(NOW + 0.1)
    for n in range(5):
        assert wait_of(meter, NOW + 1 + n).kind is WaitKind.PACE
        meter.release()
    assert not meter.reserve(NOW + 60) and meter.reserve(NOW + 61)
    meter.release()
    assert meter.reserve(NOW + 61), "what began at this rate is given back"


@pytest.mark.parametrize(
    ("slots", "in_batch"),
    [
        ([(0, 20), (5, 4)], 24),
        ([(0, 30)], 30),
        ([(0, 30), (90, 7)], 7),  # it was full, so this was the rest
        ([(0, 20), (90, 7)], 27),  # may have been a rest or just not
        ([(0, 20), (90, 25)], 25),  # more than a batch: it was one
        ([(0, 20), (91, 7)], 7),  # longer than a rest, surely
    ],
)
def test_c3_a_batch_goes_on_after_a_restart_as_far_as_the_record_tells(
    slots: list[tuple[int, int]], in_batch: int
) -> None:
    meter = Meter("acme", Limits(batch=Batch(30, 900.0)))
    last = slots[-1][0] * 10 + 3.0
    meter.load(slots, first_at=0.0, last_at=last)
    assert meter.in_batch == in_batch
    assert in_words(meter, last + 1) == f"{in_batch} of a batch of 30"
    if in_batch == 30:
        assert wait_of(meter, last + 1) == Wait(last + 900, "batch of 30 sent", WaitKind.BATCH)
    assert meter.wait(last + 900) is None


def test_c3_a_warm_up_counts_its_days_from_the_first_mail_on_record_or_from_its_date() -> None:
    limits = Limits(warm_up=WarmUp(50, 1.5, 400))
    meter = Meter("acme", limits)
    assert meter.warm_up_day(NOW) == (1, 50)
    meter.load([], first_at=NOW - 2 * DAY, last_at=NOW - DAY)
    assert meter.warm_up_day(NOW) == (3, 112) and meter.warm_up_day(NOW + 30 * DAY) == (33, 400)
    assert in_words(meter, NOW) == "warm-up day 3: 0 of 112"
    first, today = date(2026, 12, 1), date(2026, 12, 2)
    warm_up = WarmUp(50, 1.0, 400, since="2026-12-01")
    assert (warm_up.first(None, today), warm_up.day(first, today)) == (first, 50)
    assert warm_up.number(first, date(2026, 11, 1)) == 1
    assert WarmUp(1, 10.0, 10**8).day(first, date(2099, 1, 1)) == 10**8


def test_c3_limits_are_kept_as_text_that_says_what_is_said() -> None:
    gmail = Limits(rate=2.0, burst=5, connections=3)
    whole = Limits(1.5, 2, 3, 4, 5, 6.0, 0.5, Batch(7, 8.0), 9, 10, WarmUp(11, 1.2, 13), (("gmail.com", gmail),))
    assert Limits.from_json(whole.to_json()) == whole
    assert Limits.from_json("") == Limits() and Limits().to_json() == "{}" and not Limits()
    assert Limits(per_hour=5).to_json() == '{"per_hour": 5}'
    for nonsense in ('{"x": 1}', '{"batch": 5}', "[1]"):
        with pytest.raises(ValueError, match="these are no limits"):
            Limits.from_json(nonsense)


class _Worker:
    """Takes mails of a campaign as a connection does: when it is told that it may."""

    def __init__(self, line: Line, party: str, log: list[str]) -> None:
        self.line = line
        self.party = party
        self.log = log
        self.wants = 3

    def pump(self) -> None:
        if self.wants and self.line.lets(self, self.party, NOW) is None:
            self.line.meter.set_aside(NOW)
            self.wants -= 1
            self.log.append(self.party)


async def test_c3_who_waits_is_told_when_room_is_given_back_and_nobody_overtakes() -> None:
    meter = Meter("acme", Limits(per_minute=2))
    line = Line(meter, lambda: NOW)
    log: list[str] = []
    first, *others = (_Worker(line, party, log) for party in "abbbc")
    first.pump()
    first.pump()
    for other in others:
        other.pump()
    assert log == ["a", "a"]
    meter.release()
    line.changed()
    first.pump()
    assert log == ["a", "a"], "others were before it"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == ["a", "a", "b"]
    for _ in range(3):
        meter.release()
        line.changed()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert log == ["a", "a", "b", "c", "a", "b"], "campaign by campaign"
    line.close()


async def test_c3_who_waits_hears_that_the_last_room_was_taken() -> None:
    meter = Meter("acme", Limits(per_hour=1))
    line = Line(meter, lambda: NOW)
    log: list[str] = []
    one, other = _Worker(line, "a", log), _Worker(line, "b", log)
    one.pump()
    other.pump()
    told: list[Wait | None] = []
    other.pump = lambda: told.append(line.lets(other, "b", NOW))  # type: ignore[method-assign]
    meter.spend(NOW)
    line.changed()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [wait and wait.reason for wait in told] == ["hourly limit of acme reached"]
    line.close()


async def test_c3_limits_on_record_win_over_those_of_a_campaign_from_before() -> None:
    told: list[str] = []
    row = MeterRow("acme", limits=Limits(per_hour=2).to_json(), last_at=NOW)
    sent = [SentSlot("acme", int(NOW // 10), 2), SentSlot("backup", int(NOW // 10), 1)]
    meters = Meters(wall=lambda: NOW, rows=[row], sent=sent, changed=told.append)
    meters.propose("acme", Limits(per_hour=99))
    meters.propose("backup", Limits(per_hour=1))
    assert wait_of(meters.get("acme"), NOW).reason == "hourly limit of acme reached"
    assert wait_of(meters.get("backup"), NOW).reason == "hourly limit of backup reached"
    assert meters.known("other") is None
    told.clear()
    domains = Limits(per_hour=9, per_domain=(("gmail.com", Limits(rate=1.0)),))
    meters.take_over([MeterRow("acme", limits=domains.to_json()), MeterRow("backup", limits="{}")])
    assert meters.get("acme").wait(NOW) is None and meters.get("backup").wait(NOW) is None
    assert told == ["acme", "backup"]
    line = meters.of_domain("acme", "gmail.com")
    assert line is not None and line.meter.key == domain_key("acme", "gmail.com")
    assert line.meter.reserve(NOW) and not line.meter.reserve(NOW) and meters.of_domain("acme", "b.test") is None
    meters.take_over([MeterRow("acme", limits="{}")])
    assert line.meter.wait(NOW) is None
