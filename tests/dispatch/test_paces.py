"""Who is told of a reply about the pace: the account, a domain, or both; and what people and the record hear (R-08)."""

from __future__ import annotations

import asyncio

import pytest

from mailtui.dispatch.meters import Meters
from mailtui.dispatch.paces import AccountPaces, Paces
from mailtui.outbox.timed_records import MeterRow
from mailtui.smtp.replies import Reply
from mailtui.smtp.verdict import Stage, Verdict, judge

START = 1_000_000.0


class Clock:
    now = START

    def __call__(self) -> float:
        return self.now


def refuse(paces: AccountPaces, who: int, domain: str, stage: Stage, said: str) -> None:
    code, _, text = said.partition(" ")
    verdict = Verdict.of(stage, Reply(int(code), text))
    paces.begin(who, domain)
    paces.refused(verdict, judge(verdict), who=who, domain=domain)
    paces.over(who)


async def test_r07_what_is_said_to_a_recipient_is_about_the_domain_and_to_mail_about_the_account() -> None:
    clock = Clock()
    meters = Meters(wall=clock)
    paces = Paces(meters, scale=1.0, wall=clock).of("acme")
    assert not paces and not paces.note
    refuse(paces, 1, "a.example", Stage.RCPT, "450 4.7.0 later")
    assert meters.get("acme").pace is None
    assert meters.get("acme a.example").wait(START) is not None
    assert meters.get("acme b.example").wait(START) is None
    assert paces.note.startswith("1/s at the most; a.example asked to slow down at ")
    refuse(paces, 2, "b.example", Stage.MAIL, "451 4.7.0 later")
    wait = meters.get("acme").wait(START)
    assert wait is not None and wait.reason.endswith(": 451 4.7.0 later")
    assert "acme was asked to slow down" in paces.note
    meters.close()


async def test_r08_three_domains_that_say_so_at_the_same_time_mean_the_account() -> None:
    clock = Clock()
    meters = Meters(wall=clock)
    paces = Paces(meters, scale=1.0, wall=clock).of("acme")
    for who, domain in enumerate(("a.example", "b.example", "a.example")):
        refuse(paces, who, domain, Stage.DOT, "451 4.3.0 Too many messages per second, slow down")
    assert meters.get("acme").pace is None
    clock.now += 60
    refuse(paces, 8, "c.example", Stage.DOT, "451 4.3.0 Too many messages per second, slow down")
    assert meters.get("acme").pace is None, "that was long ago"
    refuse(paces, 9, "d.example", Stage.DOT, "451 4.3.0 Too many messages per second, slow down")
    refuse(paces, 10, "e.example", Stage.DOT, "451 4.3.0 Too many messages per second, slow down")
    assert meters.get("acme").pace is not None
    assert paces.snapshots()[0].meter == "acme"
    meters.close()


async def test_what_is_on_record_is_taken_up_for_a_day_and_forgotten_after_that() -> None:
    clock = Clock()
    meters = Meters(wall=clock)
    rows = [
        MeterRow("acme", cap=5.0, cap_reason="acme was asked", cap_at=START - 3600),
        MeterRow("acme a.example", cap_reason="a pause", cap_at=START - 90_000, rests_until=START + 7200),
        MeterRow("acme b.example", cap=1.0, cap_reason="long ago", cap_at=START - 90_000),
    ]
    paces = Paces(meters, scale=1.0, wall=clock, rows=rows)
    wait = meters.get("acme a.example").wait(START)
    assert wait is not None and wait.until == START + 7200
    assert meters.get("acme b.example").pace is None
    paces.of("acme").begin(1, "c.example")
    wait = meters.get("acme").wait(START)
    assert wait is not None and wait.until == pytest.approx(START + 0.2)
    assert paces.take_unrecorded() == [], "it is on record"
    clock.now += 100_000
    told = dict(paces.take_unrecorded())
    assert {known.cap for known in told.values()} == {None} and set(told) == {"acme", "acme a.example"}
    assert meters.get("acme").pace is None
    meters.close()


async def test_resuming_lets_one_mail_try_where_the_account_rests() -> None:
    clock = Clock()
    meters = Meters(wall=clock)
    paces = Paces(meters, scale=1.0, wall=clock)
    refuse(paces.of("acme"), 1, "a.example", Stage.MAIL, "451 4.7.500 Server busy")
    wait = meters.get("acme").wait(START)
    assert wait is not None and wait.until == START + 900
    clock.now += 10
    paces.forgive(["acme"], before=START - 1)
    assert meters.get("acme").wait(clock.now) is not None, "that was resumed before"
    paces.forgive(["acme"])
    assert meters.get("acme").wait(clock.now) is None
    paces.of("acme").begin(2, "a.example")
    assert meters.get("acme").wait(clock.now) is not None, "one alone"
    await asyncio.sleep(0)
    meters.close()
