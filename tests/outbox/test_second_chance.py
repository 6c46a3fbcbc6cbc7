"""What people's orders may move in an outbox, whatever engine keeps it (D-03, D-04, D-15)."""

from __future__ import annotations

import pytest

from mailtui.outbox.records import Campaign, Claim, Mark, NewDelivery, Order, Redo, Result
from mailtui.outbox.states import ORDERED_MOVES, DeliveryState, OrderKind
from tests.outbox.conftest import T0, Bench, deliveries

S = DeliveryState
AGAIN = Redo((S.FAILED, S.DEFERRED), S.QUEUED)
ARRIVED = Redo((S.UNKNOWN,), S.SENT)
RESEND = Redo((S.UNKNOWN,), S.QUEUED)


async def fell_out(bench: Bench, size: int, *states: DeliveryState) -> Campaign:
    """A campaign of `size` whose deliveries ended in these states, in turn."""
    campaign = await bench.launch(size)
    claims = await bench.ledger.claim(campaign.number, size, now=T0, lease=60)
    await settle(bench, claims, *states)
    return campaign


async def settle(bench: Bench, claims: list[Claim], *states: DeliveryState, at: float = T0) -> None:
    await bench.ledger.commit([Mark(c.campaign, c.id, c.fence) for c in claims], [], [], now=at)
    moves = [
        Result(
            claim.campaign,
            claim.id,
            claim.fence,
            S.IN_FLIGHT,
            states[n % len(states)],
            attempts=claim.attempts + 1,
            due_at=at + 900 if states[n % len(states)] is S.DEFERRED else 0.0,
            code=550 if states[n % len(states)] is S.FAILED else None,
        )
        for n, claim in enumerate(claims)
    ]
    await bench.ledger.commit([], moves, [], now=at)


async def ordered(bench: Bench, campaign: Campaign, kind: OrderKind = OrderKind.RETRY, at: float = T0 + 5) -> Order:
    number = await bench.desk.order(campaign.number, kind, {}, actor="ann", now=at)
    return next(order for order in await bench.ledger.open_orders() if order.id == number)


async def books_agree(bench: Bench, campaign: Campaign) -> None:
    counts = await bench.reader.counts(campaign.number)
    assert {S(state): n for state, n in (await bench.recount(campaign.number)).items()} == {
        state: getattr(counts, state) for state in S if getattr(counts, state)
    }
    assert counts.total == (await bench.reader.campaign(campaign.id)).audience


async def test_d15_every_ordered_move_is_counted_with_its_rows(bench: Bench) -> None:
    campaign = await fell_out(bench, 8, S.FAILED, S.DEFERRED, S.UNKNOWN, S.SENT)
    step = await bench.ledger.redo(await ordered(bench, campaign), AGAIN, 100, now=T0 + 6)
    assert (step.moved, step.done) == (4, True)
    await books_agree(bench, campaign)
    order = await ordered(bench, campaign, OrderKind.RESOLVE)
    first = (await bench.reader.deliveries(campaign.number, states=[S.UNKNOWN]))[0]
    one = Redo(ARRIVED.before, ARRIVED.after, delivery=first.id)
    assert (await bench.ledger.redo(order, one, 100, now=T0 + 6)).moved == 1
    again = await ordered(bench, campaign, OrderKind.RESOLVE)
    assert (await bench.ledger.redo(again, RESEND, 100, now=T0 + 6)).moved == 1
    await books_agree(bench, campaign)
    counts = await bench.reader.counts(campaign.number)
    assert (counts.queued, counts.sent, counts.unknown, counts.failed, counts.deferred) == (5, 3, 0, 0, 0)
    assert len(await bench.ledger.claim(campaign.number, 9, now=T0 + 6, lease=60)) == 5, "all of them due at once"
    await books_agree(bench, campaign)


async def test_only_the_listed_moves_can_be_ordered(bench: Bench) -> None:
    campaign = await fell_out(bench, 4, S.FAILED, S.UNKNOWN)
    order = await ordered(bench, campaign)
    for before in S:
        for after in S:
            if (before, after) not in ORDERED_MOVES:
                with pytest.raises(ValueError, match="no order moves"):
                    await bench.ledger.redo(order, Redo((before,), after), 9, now=T0 + 6)
    await books_agree(bench, campaign)


async def test_long_orders_go_by_steps_and_each_delivery_once(bench: Bench) -> None:
    """Also where some fail again between two steps, and where a runner dies and the next one goes on."""
    campaign = await fell_out(bench, 25, S.FAILED, S.DEFERRED)
    order = await ordered(bench, campaign)
    moved = []
    for n in range(3):
        [order] = await bench.ledger.open_orders()
        step = await bench.ledger.redo(order, AGAIN, 10, now=T0 + 6)
        moved.append(step.moved)
        assert step.done is (n == 2)
        claims = await bench.ledger.claim(campaign.number, 10, now=T0 + 7, lease=60)
        await settle(bench, claims, S.FAILED, at=T0 + 8)
        await bench.ledger.recover(now=T0 + 9)
    assert moved == [10, 20, 25]
    counts = await bench.reader.counts(campaign.number)
    assert (counts.failed, counts.queued, counts.deferred) == (25, 0, 0), "what failed since waits for another order"
    await bench.ledger.acknowledge(order, "done", now=T0 + 9)
    assert await bench.ledger.open_orders() == []


async def test_what_became_unknown_after_the_order_is_not_sent_again_by_it(bench: Bench) -> None:
    campaign = await fell_out(bench, 4, S.UNKNOWN)
    order = await ordered(bench, campaign, OrderKind.RESOLVE, at=T0 - 1)
    assert (await bench.ledger.redo(order, RESEND, 100, now=T0 + 6)).moved == 0


async def test_a_single_delivery_is_moved_once_though_its_order_is_read_twice(bench: Bench) -> None:
    campaign = await fell_out(bench, 3, S.FAILED)
    second = (await bench.reader.deliveries(campaign.number))[1]
    order = await ordered(bench, campaign)
    redo = Redo(AGAIN.before, AGAIN.after, delivery=second.id)
    assert (await bench.ledger.redo(order, redo, 100, now=T0 + 6)).moved == 1
    claims = await bench.ledger.claim(campaign.number, 3, now=T0 + 7, lease=60)
    assert [claim.id for claim in claims] == [second.id]
    await settle(bench, claims, S.FAILED, at=T0 + 8)
    assert (await bench.ledger.redo(order, redo, 100, now=T0 + 9)).moved == 1, "as its first reading came to"
    assert (await bench.reader.counts(campaign.number)).failed == 3


async def test_an_answer_is_heard_while_steps_remain(bench: Bench) -> None:
    campaign = await fell_out(bench, 3, S.FAILED)
    order = await ordered(bench, campaign)
    await bench.ledger.answer(order, "3 to be sent again")
    assert await bench.reader.answer(order.id) == "3 to be sent again"
    [still] = await bench.ledger.open_orders()
    assert still.answered
    await bench.ledger.acknowledge(still, "another word", now=T0 + 6)
    assert await bench.reader.answer(order.id) == "3 to be sent again"


async def test_d03_who_resolved_what_and_when_is_on_record(bench: Bench) -> None:
    campaign = await fell_out(bench, 2, S.UNKNOWN)
    ids = [row.id for row in await bench.reader.deliveries(campaign.number)]
    order = await ordered(bench, campaign, OrderKind.RESOLVE)
    await bench.ledger.redo(order, Redo(RESEND.before, RESEND.after, delivery=ids[0]), 9, now=T0 + 6)
    order = await ordered(bench, campaign, OrderKind.RESOLVE)
    await bench.ledger.redo(order, ARRIVED, 9, now=T0 + 7)
    said = await bench.reader.resolutions(ids)
    assert [(one.delivery, one.decision, one.actor, one.at) for one in said] == [
        (ids[0], "resend", "ann", T0 + 6),
        (ids[1], "sent", "ann", T0 + 7),
    ]
    assert await bench.reader.resolutions([]) == []
    queued, sent = await bench.reader.deliveries(campaign.number)
    assert (queued.reason, sent.reason) == ("to be sent again, said ann", "it arrived, said ann")


async def test_d03_what_may_have_arrived_repeats_its_message_whatever_the_campaign_says_now(bench: Bench) -> None:
    campaign = await fell_out(bench, 2, S.UNKNOWN, S.FAILED)
    await bench.desk.put_message(campaign.number, "d" * 64, b"other")
    await bench.ledger.set_terms(campaign.number, actor="ann", now=T0 + 4, message_digest="d" * 64)
    assert await bench.desk.add(campaign.number, deliveries(3), now=T0 + 4) == 1
    await bench.ledger.redo(await ordered(bench, campaign), AGAIN, 9, now=T0 + 6)
    await bench.ledger.redo(await ordered(bench, campaign), RESEND, 9, now=T0 + 6)
    assert await bench.reader.editions(campaign.number) == {1: campaign.message_digest, 2: "d" * 64}
    claims = await bench.ledger.claim(campaign.number, 9, now=T0 + 9, lease=60)
    assert [(claim.row, claim.edition, claim.repeats) for claim in claims] == [(1, 1, 1), (2, 1, None), (3, 2, None)]
    assert [(claim.forgiven, claim.forgiven_at) for claim in claims] == [(1, T0 + 6), (1, T0 + 6), (0, None)]
    assert claims[0].date_at == T0, "the Date stays that of the first claim"
    await settle(bench, claims, S.DEFERRED, at=T0 + 9)
    again = await bench.ledger.claim(campaign.number, 9, now=T0 + 2_000, lease=60)
    assert [claim.repeats for claim in sorted(again, key=lambda claim: claim.row)] == [1, None, None]


async def test_a_corrected_address_keeps_its_key_and_nobody_is_added_under_either(bench: Bench) -> None:
    campaign = await bench.launch(3)
    claims = await bench.ledger.claim(campaign.number, 3, now=T0, lease=60)
    await settle(bench, claims, S.FAILED, S.SENT)
    first = claims[0]
    order = await ordered(bench, campaign)
    taken = Redo(AGAIN.before, AGAIN.after, delivery=first.id, address="p2@example.com")
    assert (await bench.ledger.redo(order, taken, 9, now=T0 + 6)).taken
    assert (await bench.reader.counts(campaign.number)).failed == 2
    new = Redo(AGAIN.before, AGAIN.after, delivery=first.id, address="right@example.com")
    assert (await bench.ledger.redo(await ordered(bench, campaign), new, 9, now=T0 + 6)).moved == 1
    [claim] = await bench.ledger.claim(campaign.number, 3, now=T0 + 7, lease=60)
    assert (claim.address, claim.key, claim.fields) == (
        "right@example.com",
        "p1@example.com",
        ("right@example.com", "Pé 1"),
    )
    corrected = NewDelivery("right@example.com", 1, "right@example.com", ("right@example.com", "P"))
    assert await bench.desk.add(campaign.number, [corrected, *deliveries(3)], now=T0 + 8) == 0
    comparison = bench.reader.comparison(campaign.number)
    assert comparison.add([corrected]) == [], "who is on the list by another address is not new"
    assert (sum(comparison.gone().values()), comparison.changed()) == (2, 0)
    comparison.close()
    [correction] = await bench.reader.corrections(campaign.number)
    assert (correction.delivery, correction.was, correction.actor) == (first.id, "p1@example.com", "ann")
    for key in ("right@example.com", "p1@example.com"):
        assert [row.id for row in await bench.reader.find(campaign.number, key=key)] == [first.id]
    assert [row.id for row in await bench.reader.find(campaign.number, row=1)] == [first.id]
    third = Redo(AGAIN.before, AGAIN.after, delivery=claims[2].id, address="right@example.com")
    assert (await bench.ledger.redo(await ordered(bench, campaign), third, 9, now=T0 + 9)).taken
    await books_agree(bench, campaign)


async def test_any_page_can_be_turned_to(bench: Bench) -> None:
    campaign = await fell_out(bench, 23, S.FAILED, S.SENT)
    for states in ((), (S.FAILED,), (S.SENT, S.FAILED)):
        starts = await bench.reader.page_starts(campaign.number, 5, states=states)
        pages = [
            await bench.reader.deliveries(campaign.number, states=states, after=id_ - 1, limit=5) for id_ in starts
        ]
        rows = [row for page in pages for row in page]
        assert rows == await bench.reader.deliveries(campaign.number, states=states)
        assert all(len(page) == 5 for page in pages[:-1])
    assert await bench.reader.page_starts(campaign.number, 5, states=[S.UNKNOWN]) == []
