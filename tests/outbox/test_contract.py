"""What every outbox must hold, whatever engine keeps it (reliability.md D-11, D-12, D-15)."""

from __future__ import annotations

import random

import pytest

from mailtui.errors import OutboxError, UnknownCampaign
from mailtui.outbox.records import Claim, IntakeRow, Mark, NewDelivery, ProgressSnapshot, Redo, Result, WorkerSnapshot
from mailtui.outbox.states import MOVES, CampaignState, DeliveryState, OrderKind
from tests.outbox.conftest import T0, Bench, deliveries, new_campaign

S = DeliveryState


def result(claim: Claim, after: DeliveryState, *, before: DeliveryState = S.IN_FLIGHT, **more: object) -> Result:
    return Result(claim.campaign, claim.id, claim.fence, before, after, attempts=claim.attempts + 1, **more)  # type: ignore[arg-type]


def mark(claim: Claim) -> Mark:
    return Mark(claim.campaign, claim.id, claim.fence)


async def test_a_launched_campaign_is_read_back_as_written(bench: Bench) -> None:
    campaign = await bench.launch(3)
    assert campaign.state is CampaignState.RUNNING
    assert (campaign.name, campaign.columns, campaign.audience, campaign.occurrence) == (
        "Spring",
        ("email", "name"),
        3,
        1,
    )
    assert campaign.launched_at == T0
    rows = await bench.reader.deliveries(campaign.number)
    assert [row.address for row in rows] == ["p1@example.com", "p2@example.com", "p3@example.com"]
    assert rows[0].fields == ("p1@example.com", "Pé 1")
    assert await bench.ledger.message(campaign.message_digest) == b"message"


async def test_launching_twice_makes_one_set_of_rows(bench: Bench) -> None:
    campaign = await bench.launch(5)
    assert await bench.desk.add(campaign.number, deliveries(7), now=T0) == 2
    assert (await bench.reader.counts(campaign.number)).queued == 7
    assert (await bench.reader.campaign(campaign.id)).audience == 7


async def test_a_draft_is_invisible_to_the_runner_until_it_goes_live(bench: Bench) -> None:
    draft = await bench.draft()
    await bench.desk.add(draft.number, deliveries(2), now=T0)
    assert await bench.ledger.active_campaigns() == []
    await bench.desk.go_live(draft.number, actor="ann", now=T0)
    assert [c.id for c in await bench.ledger.active_campaigns()] == ["abcd1234"]
    with pytest.raises(OutboxError):
        await bench.desk.go_live(draft.number, actor="ann", now=T0)


async def test_a_discarded_draft_leaves_nothing(bench: Bench) -> None:
    draft = await bench.draft()
    await bench.desk.add(draft.number, deliveries(2), now=T0)
    await bench.desk.add_intake(draft.number, [IntakeRow(9, 8, "duplicate", "again", "x")])
    await bench.desk.order(draft.number, OrderKind.PAUSE, {}, actor="ann", now=T0)
    steps = 1
    while not await bench.desk.discard_draft(draft.number, rows=1):
        steps += 1
    assert steps == 4, "two mails, a row, and what is left"
    assert await bench.reader.campaigns() == []
    assert await bench.ledger.open_orders() == []
    live = await bench.launch(1)
    assert await bench.desk.discard_draft(live.number, rows=10)
    assert (await bench.reader.counts(live.number)).total == 1


async def test_occurrences_count_up_within_a_series(bench: Bench) -> None:
    first = await bench.launch(1, id="aaaa1111")
    second = await bench.launch(1, id="bbbb2222", occurrence=2)
    other = await bench.launch(1, id="cccc3333", series="other")
    assert (first.occurrence, second.occurrence, other.occurrence) == (1, 2, 1)
    latest = await bench.reader.latest_of_series("s")
    assert latest is not None and latest.id == "bbbb2222"
    assert await bench.reader.latest_of_series("none") is None
    again = new_campaign(id="dddd4444", occurrence=2)
    assert await bench.desk.create_draft(again, now=T0) is None, "two launches at once make one campaign"


async def test_the_suppressed_count_as_audience_and_are_never_claimed(bench: Bench) -> None:
    campaign = await bench.launch(2)
    left_out = NewDelivery("no@example.com", 3, "no@example.com", ("no@example.com", "No"), suppressed="asked by mail")
    assert await bench.desk.add(campaign.number, [left_out, *deliveries(3)], now=T0) == 2
    counts = await bench.reader.counts(campaign.number)
    assert (counts.queued, counts.suppressed, counts.total) == (3, 1, 4)
    assert len(await bench.ledger.claim(campaign.number, 9, now=T0, lease=60)) == 3


async def test_c11_a_list_is_held_against_a_campaign(bench: Bench) -> None:
    campaign = await bench.launch(9)
    await bench.launch(9, id="bbbb2222", series="other")
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([mark(claim) for claim in claims], [], [], now=T0)
    await bench.ledger.commit([], [result(claims[0], S.SENT), result(claims[1], S.UNKNOWN)], [], now=T0)
    listed = deliveries(12)
    changed = [row._replace(fields=("x", "y")) if row.row in (1, 5) else row for row in listed]
    grouped = [row._replace(more=(("p6@example.com", "again"),)) if row.row == 6 else row for row in changed]
    comparison = bench.reader.comparison(campaign.number)
    assert comparison.add(grouped[4:8]) == []
    assert comparison.add(grouped[8:]) == ["p10@example.com", "p11@example.com", "p12@example.com"]
    assert comparison.gone() == {S.SENT: 1, S.UNKNOWN: 1, S.QUEUED: 2}
    assert comparison.changed() == 2, "of those who still wait"
    assert comparison.add(grouped[:4]) == []
    assert comparison.gone() == {}
    assert [key for part in comparison.waiting() for key, _ in part] == [f"p{n}@example.com" for n in range(3, 10)]
    comparison.close()


async def test_c11_whoever_has_another_address_by_now_is_on_a_list_by_either(bench: Bench) -> None:
    campaign = await bench.launch(3)
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([], [result(claim, S.FAILED, before=S.CLAIMED) for claim in claims], [], now=T0)
    for claim, address in zip(claims, ("right@example.com", "other@example.com"), strict=True):
        await bench.desk.order(campaign.number, OrderKind.RETRY, {}, actor="ann", now=T0 + 1)
        [order] = await bench.ledger.open_orders()
        await bench.ledger.redo(order, Redo((S.FAILED,), S.QUEUED, claim.id, address), 9, now=T0 + 1)
        await bench.ledger.acknowledge(order, "done", now=T0 + 1)
    comparison = bench.reader.comparison(campaign.number)
    right = NewDelivery("right@example.com", 1, "right@example.com", ("right@example.com", "Right"))
    assert comparison.add([right, *deliveries(3)[2:]]) == []
    assert comparison.gone() == {S.QUEUED: 1} and comparison.changed() == 0
    assert comparison.add(deliveries(2)) == [] and comparison.gone() == {}
    comparison.close()


async def test_terms_change_only_as_far_as_given(bench: Bench) -> None:
    campaign = await bench.launch(1)
    digest = "d" * 64
    await bench.desk.put_message(campaign.number, digest, b"other")
    await bench.ledger.set_terms(campaign.number, actor="ann", now=T0, message_digest=digest)
    await bench.ledger.set_terms(campaign.number, actor="ann", now=T0, plan='{"workers": 2}')
    after = await bench.reader.campaign(campaign.id)
    assert (after.plan, after.endpoint, after.message_digest) == ('{"workers": 2}', "{}", digest)
    assert await bench.ledger.message(digest) == b"other"


async def test_an_unambiguous_prefix_names_a_campaign(bench: Bench) -> None:
    await bench.launch(1, id="abcd1111")
    await bench.launch(1, id="abzz2222", occurrence=2)
    assert (await bench.reader.campaign("abc")).id == "abcd1111"
    for bad in ("ab", "", "zzz", "%", "abcd11112"):
        with pytest.raises(UnknownCampaign):
            await bench.reader.campaign(bad)


async def test_a_delivery_walks_from_queued_to_sent(bench: Bench) -> None:
    campaign = await bench.launch(2)
    claims = await bench.ledger.claim(campaign.number, 10, now=T0 + 1, lease=60)
    assert [claim.address for claim in claims] == ["p1@example.com", "p2@example.com"]
    assert claims[0].fields == ("p1@example.com", "Pé 1") and claims[0].date_at == T0 + 1
    assert await bench.ledger.claim(campaign.number, 10, now=T0 + 1, lease=60) == []
    assert await bench.ledger.commit([mark(claims[0])], [], [], now=T0 + 2) == [True]
    counts = await bench.reader.counts(campaign.number)
    assert (counts.claimed, counts.in_flight) == (1, 1)
    done = result(claims[0], S.SENT, stage="dot", code=250, enhanced="2.0.0", reply="queued")
    assert await bench.ledger.commit([mark(claims[1])], [done], [], now=T0 + 3) == [True]
    [sent] = await bench.reader.deliveries(campaign.number, states=[S.SENT])
    assert (sent.code, sent.enhanced, sent.reply, sent.attempts, sent.stage) == (250, "2.0.0", "queued", 1, "dot")
    after = await bench.reader.campaign(campaign.id)
    assert (after.first_claim_at, after.settled_at) == (T0 + 1, T0 + 3)


async def test_when_a_campaign_came_to_rest_is_on_record_at_the_latest_with_its_state(bench: Bench) -> None:
    campaign = await bench.launch(3)
    first, second, third = await bench.ledger.claim(campaign.number, 3, now=T0, lease=60)
    await bench.ledger.commit([mark(first), mark(second)], [], [], now=T0 + 1)
    await bench.ledger.commit([mark(third)], [result(first, S.SENT)], [], now=T0 + 2)
    await bench.ledger.commit([mark(third)], [result(second, S.SENT)], [], now=T0 + 2.1)
    await bench.ledger.set_state(campaign.number, CampaignState.PAUSED, actor="ann", now=T0 + 9)
    assert (await bench.reader.campaign(campaign.id)).settled_at == T0 + 2.1


async def test_a_stale_fence_can_neither_mark_nor_settle(bench: Bench) -> None:
    campaign = await bench.launch(1)
    [old] = await bench.ledger.claim(campaign.number, 1, now=T0, lease=60)
    assert (await bench.ledger.recover(now=T0 + 1)).requeued == 1
    [new] = await bench.ledger.claim(campaign.number, 1, now=T0 + 2, lease=60)
    assert new.fence > old.fence and new.date_at == old.date_at, "Date is fixed at the first claim"
    assert await bench.ledger.commit([mark(old)], [], [], now=T0 + 3) == [False]
    assert await bench.ledger.commit([mark(old), mark(new)], [], [], now=T0 + 3) == [False, True]
    with pytest.raises(OutboxError):
        await bench.ledger.commit([], [result(old, S.SENT)], [], now=T0 + 4)
    counts = await bench.reader.counts(campaign.number)
    assert (counts.in_flight, counts.sent) == (1, 0), "a refused commit changes nothing"


async def test_what_a_dead_runner_left_is_requeued_or_unknown(bench: Bench) -> None:
    campaign = await bench.launch(5)
    claims = await bench.ledger.claim(campaign.number, 3, now=T0, lease=60)
    await bench.ledger.commit([mark(claims[0])], [], [], now=T0)
    recovery = await bench.ledger.recover(now=T0 + 9)
    assert (recovery.requeued, recovery.unknown) == (2, 1)
    [unknown] = await bench.reader.deliveries(campaign.number, states=[S.UNKNOWN])
    assert unknown.address == "p1@example.com" and unknown.reason and unknown.attempts == 1
    left = {c.address for c in await bench.ledger.claim(campaign.number, 9, now=T0 + 10, lease=60)}
    assert left == {f"p{n}@example.com" for n in (2, 3, 4, 5)}
    assert (await bench.ledger.recover(now=T0 + 11)).unknown == 0


async def test_a_deferred_delivery_waits_for_its_time_and_never_blocks_fresh_ones(bench: Bench) -> None:
    campaign = await bench.launch(8)
    first = await bench.ledger.claim(campaign.number, 4, now=T0, lease=60)
    await bench.ledger.commit([mark(claim) for claim in first], [], [], now=T0)
    later = [result(claim, S.DEFERRED, due_at=T0 + 100, code=451, reply="later") for claim in first]
    await bench.ledger.commit([], later, [], now=T0)
    assert await bench.ledger.next_due(campaign.number) == 0
    mixed = await bench.ledger.claim(campaign.number, 4, now=T0 + 200, lease=60)
    assert sum(claim.attempts for claim in mixed) == 1, "one retry in four while fresh ones wait"
    rest = await bench.ledger.claim(campaign.number, 9, now=T0 + 50, lease=60)
    assert [claim.attempts for claim in rest] == [0]
    assert await bench.ledger.claim(campaign.number, 9, now=T0 + 50, lease=60) == []
    assert await bench.ledger.next_due(campaign.number) == T0 + 100
    assert len(await bench.ledger.claim(campaign.number, 9, now=T0 + 100, lease=60)) == 3


async def test_cancelling_takes_back_what_was_not_marked(bench: Bench) -> None:
    campaign = await bench.launch(6)
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([mark(claims[0])], [], [], now=T0)
    assert await bench.ledger.cancel_waiting(campaign.number, 3, now=T0) == 3
    assert await bench.ledger.cancel_waiting(campaign.number, 100, now=T0) == 2
    assert await bench.ledger.commit([mark(claims[1])], [], [], now=T0) == [False]
    counts = await bench.reader.counts(campaign.number)
    assert (counts.cancelled, counts.in_flight, counts.total) == (5, 1, 6)
    late = result(claims[1], S.FAILED, before=S.CLAIMED, code=550)
    done = result(claims[0], S.SENT, code=250)
    await bench.ledger.commit([], [late, done], [], now=T0)
    counts = await bench.reader.counts(campaign.number)
    assert (counts.cancelled, counts.sent, counts.failed) == (5, 1, 0), "a late word on a cancelled one changes nothing"


async def test_orders_are_seen_answered_and_remembered(bench: Bench) -> None:
    campaign = await bench.launch(1)
    bench.ledger.changed()
    assert not bench.ledger.changed()
    number = await bench.desk.order(campaign.number, OrderKind.SET, {"workers": 4}, actor="ann", now=T0)
    assert bench.ledger.changed(), "a face's write is noticed"
    [order] = await bench.ledger.open_orders()
    assert (order.id, order.kind, order.arguments, order.actor) == (number, OrderKind.SET, {"workers": 4}, "ann")
    assert await bench.reader.answer(number) is None
    await bench.ledger.acknowledge(order, "done", now=T0)
    assert await bench.reader.answer(number) == "done"
    assert await bench.ledger.open_orders() == []


async def test_snapshots_replace_one_another(bench: Bench) -> None:
    campaign = await bench.launch(1)
    assert await bench.reader.snapshot(campaign.number) is None
    worker = WorkerSnapshot(1, "dot", "p1@example.com", 2, 1, 3.5, "250 ok", 9.0, "cross")
    for at in (T0, T0 + 1):
        snapshot = ProgressSnapshot(at, 10.0, 2.5, None, "note", (worker,))
        await bench.ledger.commit([], [], [(campaign.number, snapshot)], now=at)
    read = await bench.reader.snapshot(campaign.number)
    assert read == ProgressSnapshot(T0 + 1, 10.0, 2.5, None, "note", (worker,))
    [runner] = await bench.reader.runners()
    assert runner.heartbeat_at == T0 + 1
    await bench.ledger.sign_off()
    assert await bench.reader.runners() == []


async def test_the_encoding_is_fixed_by_the_first_session(bench: Bench) -> None:
    campaign = await bench.launch(1)
    assert await bench.ledger.fix_encoding(campaign.number, "8bit") == "8bit"
    assert await bench.ledger.fix_encoding(campaign.number, "base64") == "8bit"


async def test_intake_keeps_rows_that_became_no_delivery(bench: Bench) -> None:
    campaign = await bench.launch(1)
    rows = [IntakeRow(4, 3, "bad_address", "no @", "zoe"), IntakeRow(7, None, "bad_row", "two cells", "a,b")]
    await bench.desk.add_intake(campaign.number, rows)
    await bench.desk.add_intake(campaign.number, rows)
    assert await bench.reader.intake(campaign.number) == rows
    assert await bench.reader.intake_counts(campaign.number) == {"bad_address": 1, "bad_row": 1}


@pytest.mark.parametrize("seed", range(8))
async def test_d15_counts_always_add_up(bench: Bench, seed: int) -> None:
    """A random run of everything a runner and a face can do; the counters must equal the rows at each step."""
    dice = random.Random(seed)
    campaign = await bench.launch(40)
    audience, now = 40, T0
    claimed: list[Claim] = []
    flying: list[Claim] = []
    for _ in range(120):
        now += 1
        step = dice.choice(["claim", "mark", "settle", "settle", "release", "recover", "cancel", "top_up"])
        if step == "claim":
            claimed += await bench.ledger.claim(campaign.number, dice.randint(1, 9), now=now, lease=60)
        elif step == "mark" and claimed:
            taken = [claimed.pop() for _ in range(dice.randint(1, len(claimed)))]
            held = await bench.ledger.commit([mark(claim) for claim in taken], [], [], now=now)
            flying += [claim for claim, holds in zip(taken, held, strict=True) if holds]
        elif step == "settle" and flying:
            taken = [flying.pop() for _ in range(dice.randint(1, len(flying)))]
            after = [
                dice.choice([b for a, b in sorted(MOVES) if a is S.IN_FLIGHT and b is not S.QUEUED]) for _ in taken
            ]
            moves = [
                result(claim, state, due_at=now + 5 if state is S.DEFERRED else 0.0)
                for claim, state in zip(taken, after, strict=True)
            ]
            await bench.ledger.commit([], moves, [], now=now)
        elif step == "release" and claimed:
            claim = claimed.pop()
            back = result(claim, S.QUEUED, before=S.CLAIMED, attempt=False)
            await bench.ledger.commit([], [back], [], now=now)
        elif step == "recover" and dice.random() < 0.3:
            await bench.ledger.recover(now=now)
            claimed, flying = [], []
        elif step == "cancel" and dice.random() < 0.1:
            await bench.ledger.cancel_waiting(campaign.number, 3, now=now)
            claimed = []
            await bench.ledger.recover(now=now)
            flying = []
        elif step == "top_up" and dice.random() < 0.2:
            audience += await bench.desk.add(campaign.number, deliveries(2, start=audience + 1), now=now)
        counts = await bench.reader.counts(campaign.number)
        rows = await bench.recount(campaign.number)
        assert {state: n for state, n in rows.items() if n} == {
            state: getattr(counts, state) for state in S if getattr(counts, state)
        }
        assert counts.total == audience == (await bench.reader.campaign(campaign.id)).audience
