"""What every outbox must hold about meters (T-01, T-02): what they count, the limits put on them, and their caps."""

from __future__ import annotations

from mailtui.outbox.records import Claim, Mark, ProgressSnapshot
from mailtui.outbox.timed_records import MeterRow, MeterSnapshot, SentSlot
from tests.outbox.conftest import T0, Bench, runner_row

ALL = ("acme", "acme gmail.com", "campaign:abcd1234")
SLOT = int(T0 // 10)


def mark(claim: Claim, *meters: str) -> Mark:
    return Mark(claim.campaign, claim.id, claim.fence, "acme", meters)


async def test_t01_a_mark_counts_in_all_its_meters_or_in_none(bench: Bench) -> None:
    campaign = await bench.launch(5)
    claims = await bench.ledger.claim(campaign.number, 5, now=T0, lease=60)
    gone = claims[4]._replace(fence=99)
    held = await bench.ledger.commit([mark(claims[0], *ALL), mark(claims[1], "acme"), mark(gone, *ALL)], [], [], now=T0)
    assert held == [True, True, False]
    await bench.ledger.commit([mark(claims[2]), mark(claims[3], *ALL[:2])], [], [], now=T0 + 25)
    counted = [
        SentSlot("acme", SLOT, 2),
        SentSlot("acme", SLOT + 2, 1),
        SentSlot("acme gmail.com", SLOT, 1),
        SentSlot("acme gmail.com", SLOT + 2, 1),
        SentSlot("campaign:abcd1234", SLOT, 1),
    ]
    assert await bench.ledger.sent_since(T0) == await bench.reader.sent_since(T0) == counted
    assert [one.meter for one in await bench.ledger.sent_since(T0 + 10)] == ["acme", "acme gmail.com"]
    rows = {row.meter: row for row in await bench.reader.meters()}
    assert rows["acme"] == MeterRow("acme", first_at=T0, last_at=T0 + 25)
    assert rows["campaign:abcd1234"] == MeterRow("campaign:abcd1234", first_at=T0, last_at=T0)
    assert [row.account for row in await bench.reader.deliveries(campaign.number)] == [*["acme"] * 4, ""]


async def test_t01_limits_stay_when_mails_are_counted_and_are_told_when_they_change(bench: Bench) -> None:
    assert await bench.desk.put_limits({"acme": '{"per_hour":5}', "backup": "{}"})
    assert not await bench.desk.put_limits({"acme": '{"per_hour":5}'}), "nothing changed, and nobody need look"
    campaign = await bench.launch(1)
    [claim] = await bench.ledger.claim(campaign.number, 1, now=T0, lease=60)
    await bench.ledger.commit([mark(claim, "acme")], [], [], now=T0)
    await bench.ledger.set_cap("acme", 2.5, "421 4.7.0 slow down", T0 + 1, rests_until=T0 + 60, at_once=1)
    assert await bench.desk.put_limits({"acme": '{"per_hour":9}', "backup": "{}"})
    acme, backup = await bench.ledger.meters()
    assert acme == MeterRow("acme", '{"per_hour":9}', T0, T0, 2.5, "421 4.7.0 slow down", T0 + 1, T0 + 60, 1)
    assert backup == MeterRow("backup", "{}")
    await bench.ledger.set_cap("acme", None, "", T0 + 90)
    assert (await bench.ledger.meters())[0] == MeterRow("acme", '{"per_hour":9}', T0, T0), "nothing is known any more"


async def test_t02_the_clock_renews_no_limit_and_ends_no_rest(bench: Bench) -> None:
    campaign = await bench.launch(2)
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([mark(claims[0], "acme")], [], [], now=T0)
    await bench.ledger.set_cap("acme", 1.0, "slow", T0, rests_until=T0 + 60)
    await bench.ledger.clock_moved(3_600.0)
    [row] = await bench.ledger.meters()
    assert (row.first_at, row.last_at, row.cap_at, row.rests_until) == (*(T0 + 3_600,) * 3, T0 + 3_660)
    assert await bench.ledger.sent_since(0) == [SentSlot("acme", SLOT + 360, 1)]
    await bench.ledger.clock_moved(-1.0)
    assert await bench.ledger.sent_since(0) == [SentSlot("acme", SLOT + 360, 1)], "rather too long than too short"
    await bench.ledger.commit([mark(claims[1], "acme")], [], [], now=T0)
    await bench.ledger.recover(now=T0 + 5)  # by a clock that was put back while nobody looked
    assert await bench.ledger.sent_since(0) == [SentSlot("acme", SLOT, 2)]
    [row] = await bench.ledger.meters()
    assert (row.first_at, row.cap_at) == (T0 + 5, T0 + 5) and row.rests_until == T0 + 65


async def test_t02_what_no_limit_looks_back_to_is_dropped_and_what_is_known_stays(bench: Bench) -> None:
    campaign = await bench.launch(3)
    claims = await bench.ledger.claim(campaign.number, 3, now=T0, lease=60)
    await bench.ledger.commit([mark(claim, *ALL) for claim in claims], [], [], now=T0)
    await bench.ledger.set_cap("acme example.com", 1.0, "slow", T0)
    for hours, slots, meters in ((24.9, 3, 4), (25.1, 0, 2)):
        row = runner_row()
        await bench.ledger.sign_on(type(row)(row.id, 1, "host", "0", T0 + hours * 3_600, T0))
        assert len(await bench.ledger.sent_since(0)) == slots
        assert len(await bench.ledger.meters()) == meters
    kept = {row.meter: row.first_at for row in await bench.ledger.meters()}
    assert kept == {"acme": T0, "acme example.com": None}, "an account's first mail is the first day of its warm-up"


async def test_t01_what_is_waited_for_is_told_to_faces(bench: Bench) -> None:
    campaign = await bench.launch(1)
    meters = (MeterSnapshot("acme", "480 of 500 this hour", T0 + 60), MeterSnapshot("acme gmail.com", "5/s"))
    told = ProgressSnapshot(T0, 0.0, None, None, "", (), waits_until=T0 + 60, meters=meters)
    await bench.ledger.commit([], [], [(campaign.number, told)], now=T0)
    assert await bench.reader.snapshot(campaign.number) == told
    old = '{"at":1.0,"rate":0.0,"eta_seconds":null,"next_due":null,"note":"","workers":[],"gear_note":""}'
    assert ProgressSnapshot.from_json(old) == ProgressSnapshot(1.0, 0.0, None, None, "", ()), "as they were before"
