"""B-04: nobody on the suppression list is sent to, however late they were put there, by any outbox."""

from __future__ import annotations

import dataclasses
import random

import pytest

from mailtui.audience.address import parse_address
from mailtui.audience.addresses import read_key
from mailtui.outbox.records import Campaign, Claim, Mark, NewDelivery, NewSuppression, Redo, Result
from mailtui.outbox.states import DeliveryState, OrderKind
from tests.outbox.conftest import T0, Bench, deliveries, new_campaign

S = DeliveryState
_DAY = 86_400.0


def _mark(claim: Claim) -> Mark:
    return Mark(claim.campaign, claim.id, claim.fence)


def _result(claim: Claim, before: DeliveryState, after: DeliveryState, due_at: float = 0.0) -> Result:
    return Result(claim.campaign, claim.id, claim.fence, before, after, claim.attempts + 1, due_at=due_at)


async def _add(bench: Bench, *keys: str, scope: str = "", reason: str = "", now: float = T0) -> int:
    return await bench.desk.suppress(
        [NewSuppression(key, scope, reason, "by hand") for key in keys], actor="ann", now=now
    )


async def _states(bench: Bench, campaign: Campaign) -> dict[str, tuple[DeliveryState, str]]:
    """State and reason by address; the counts are held against the rows on the way."""
    rows = await bench.reader.deliveries(campaign.number)
    counts = await bench.reader.counts(campaign.number)
    for state in S:
        assert getattr(counts, state) == sum(row.state is state for row in rows)
    assert counts.total == (await bench.reader.campaign(campaign.id)).audience
    return {row.address: (row.state, row.reason) for row in rows}


async def test_b04_an_entry_is_kept_once_in_small_letters_and_is_found_again(bench: Bench) -> None:
    assert await _add(bench, "Liam@Example.org", "mary@example.org", "@Example.com", reason="asked by mail") == 3
    assert await _add(bench, "LIAM@example.org", reason="again", now=T0 + 9) == 0, "the older entry stays"
    assert await _add(bench, "liam@example.org", scope="list:news") == 1
    entries = await bench.reader.suppressions()
    assert [(entry.key, entry.scope, entry.reason, entry.actor, entry.added_at) for entry in entries] == [
        ("liam@example.org", "", "asked by mail", "ann", T0),
        ("mary@example.org", "", "asked by mail", "ann", T0),
        ("@example.com", "", "asked by mail", "ann", T0),
        ("liam@example.org", "list:news", "", "ann", T0),
    ]
    assert [entry.key for entry in await bench.reader.suppressions("", search="LIAM@")] == ["liam@example.org"]
    assert [entry.id for entry in await bench.reader.suppressions(after=entries[1].id, limit=1)] == [entries[2].id]
    assert await bench.reader.suppression_counts() == {"": 3, "list:news": 1}
    assert await bench.desk.unsuppress(["Liam@EXAMPLE.org", "nobody@example.org"], "", actor="ann", now=T0) == 1
    assert await bench.reader.suppression_counts() == {"": 2, "list:news": 1}
    why = await bench.reader.suppressed(["Liam@example.org", "zoe@example.com", "x@example.net"], ["", "list:news"])
    assert why == {
        "Liam@example.org": "on the suppression list of news since 2027-01-15",
        "zoe@example.com": "all of example.com is on the suppression list since 2027-01-15: asked by mail",
    }


async def test_b04_nobody_gets_mail_for_the_spelling_of_an_address(bench: Bench) -> None:
    """Entries and rows as a person writes them; what is another address is not taken for the same."""
    pairs = [
        ("JÖRG@example.org", "jörg@example.org", True),
        ("Ann@bücher.example", "ANN@XN--BCHER-KVA.example", True),
        ("@Bücher.example", "zoe@xn--bcher-kva.example", True),
        ("Ann Lee <lee@example.net>", "LEE@EXAMPLE.NET", True),
        ("@example.com", "bob@sub.example.com", False),
        ("tom@example.net", "tom+news@example.net", False),
    ]
    for entry, row, same in pairs:
        await _add(bench, read_key(entry))
        found = await bench.reader.suppressed([parse_address(row).key], [""])
        assert bool(found) is same, (entry, row)
        await bench.desk.unsuppress([read_key(entry)], "", actor="ann", now=T0)
    assert await bench.reader.suppression_counts() == {}


async def test_b04_who_is_on_the_list_is_suppressed_when_added(bench: Bench) -> None:
    await _add(bench, "P1@example.com", reason="asked by mail", now=T0 - _DAY)
    await _add(bench, "p2@example.com", scope="list:news")
    await _add(bench, "p3@example.com", scope="list:other")
    draft = await bench.desk.create_draft(dataclasses.replace(new_campaign(), list="news"), now=T0)
    assert draft is not None and draft.list == "news"
    given = [row._replace(suppressed="on no.csv") if row.row == 4 else row for row in deliveries(5)]
    assert await bench.desk.add(draft.number, given, now=T0) == 5
    states = await _states(bench, draft)
    assert states["p1@example.com"] == (S.SUPPRESSED, "on the suppression list since 2027-01-14: asked by mail")
    assert states["p2@example.com"] == (S.SUPPRESSED, "on the suppression list of news since 2027-01-15")
    assert states["p4@example.com"] == (S.SUPPRESSED, "on no.csv")
    assert {states[f"p{n}@example.com"] for n in (3, 5)} == {(S.QUEUED, "")}


async def test_b04_who_is_put_on_the_list_later_is_found_at_the_claim(bench: Bench) -> None:
    campaign = await bench.launch(40)
    await _add(bench, *(f"P{n}@example.com" for n in range(1, 31)), "@elsewhere.example", reason="asked by mail")
    claims = await bench.ledger.claim(campaign.number, 10, now=T0, lease=60)
    assert [claim.row for claim in claims] == list(range(31, 41)), "others are claimed in their place"
    states = await _states(bench, campaign)
    assert states["p1@example.com"] == (S.SUPPRESSED, "on the suppression list since 2027-01-15: asked by mail")
    assert (await bench.reader.counts(campaign.number)).suppressed == 30


async def test_b04_a_mark_does_not_hold_for_who_is_on_the_list_by_then(bench: Bench) -> None:
    campaign = await bench.launch(6)
    claims = await bench.ledger.claim(campaign.number, 6, now=T0, lease=60)
    assert await bench.ledger.commit([_mark(claims[0])], [], [], now=T0) == [True]
    await _add(bench, "p1@example.com", "p2@example.com", "p3@example.com")
    held = await bench.ledger.commit([_mark(claim) for claim in claims[1:5]], [], [], now=T0)
    assert held == [False, False, True, True]
    states = {address: state for address, (state, _) in (await _states(bench, campaign)).items()}
    assert [states[f"p{n}@example.com"] for n in range(1, 7)] == [
        S.IN_FLIGHT, S.SUPPRESSED, S.SUPPRESSED, S.IN_FLIGHT, S.IN_FLIGHT, S.CLAIMED,
    ]  # fmt: skip
    back = [_result(claims[1], S.CLAIMED, S.QUEUED), _result(claims[2], S.CLAIMED, S.DEFERRED, T0 + 5)]
    await bench.ledger.commit([], back, [], now=T0)
    assert (await _states(bench, campaign))["p2@example.com"][0] is S.SUPPRESSED, "what its worker says later is late"


async def test_b04_one_in_flight_is_not_sent_again_when_the_server_puts_it_off(bench: Bench) -> None:
    campaign = await bench.launch(2)
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([_mark(claim) for claim in claims], [], [], now=T0)
    await _add(bench, "p1@example.com")
    await _add(bench, "p2@example.com")
    put_off = [_result(claims[0], S.IN_FLIGHT, S.DEFERRED, T0 + 5), _result(claims[1], S.IN_FLIGHT, S.QUEUED)]
    await bench.ledger.commit([], put_off, [], now=T0)
    assert await bench.ledger.claim(campaign.number, 9, now=T0 + 9, lease=60) == []
    assert (await bench.reader.counts(campaign.number)).suppressed == 2


async def test_b04_an_entry_is_not_missed_after_younger_ones_were_taken_away(bench: Bench) -> None:
    campaign = await bench.launch(2)
    await _add(bench, "x@example.com", "y@example.com")
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([], [], [], now=T0)
    await bench.desk.unsuppress(["x@example.com", "y@example.com"], "", actor="ann", now=T0)
    await _add(bench, "p1@example.com")
    assert await bench.ledger.commit([_mark(claim) for claim in claims], [], [], now=T0) == [False, True]


@pytest.mark.parametrize("address", ["", "right@example.com"])
async def test_b04_a_second_chance_is_none_for_who_is_on_the_list(bench: Bench, address: str) -> None:
    """Also where the entry is of the address that a person put in place of the list's, and older than the launch."""
    if address:
        await _add(bench, address)
    campaign = await bench.launch(2)
    claims = await bench.ledger.claim(campaign.number, 2, now=T0, lease=60)
    await bench.ledger.commit([_mark(claims[0])], [_result(claims[1], S.CLAIMED, S.FAILED)], [], now=T0)
    lost = _result(claims[0], S.IN_FLIGHT, S.UNKNOWN)
    await bench.ledger.commit([], [lost], [], now=T0)
    if not address:
        await _add(bench, "p1@example.com", "p2@example.com")
    await bench.desk.order(campaign.number, OrderKind.RETRY, {}, actor="ann", now=T0 + 1)
    [order] = await bench.ledger.open_orders()
    step = await bench.ledger.redo(order, Redo((S.FAILED,), S.QUEUED, claims[1].id, address), 9, now=T0 + 1)
    assert (step.moved, step.left_out, step.done) == (1, 1, True)
    states = await _states(bench, campaign)
    assert [state for state, _ in states.values()] == [S.UNKNOWN, S.SUPPRESSED]
    await bench.ledger.acknowledge(order, "done", now=T0 + 1)
    if not address:
        await bench.desk.order(campaign.number, OrderKind.RESOLVE, {}, actor="ann", now=T0 + 2)
        [order] = await bench.ledger.open_orders()
        assert (await bench.ledger.redo(order, Redo((S.UNKNOWN,), S.QUEUED), 9, now=T0 + 2)).left_out == 1
        state, reason = (await _states(bench, campaign))["p1@example.com"]
        assert state is S.SUPPRESSED and reason.endswith("an earlier copy, whose outcome was unknown, may have arrived")


async def test_b04_a_campaign_that_comes_to_belong_to_a_list_is_held_against_all_of_it(bench: Bench) -> None:
    await _add(bench, "p1@example.com", "p2@example.com", scope="list:news")
    campaign = await bench.launch(4)
    claims = await bench.ledger.claim(campaign.number, 1, now=T0, lease=60)
    await bench.ledger.commit([], [], [], now=T0)
    await bench.ledger.set_terms(campaign.number, actor="ann", now=T0, list="news")
    assert (await bench.reader.campaign(campaign.id)).list == "news"
    assert await bench.ledger.commit([_mark(claims[0])], [], [], now=T0) == [False]
    assert [claim.row for claim in await bench.ledger.claim(campaign.number, 9, now=T0, lease=60)] == [3, 4]


async def test_further_rows_of_one_person_come_back_as_given(bench: Bench) -> None:
    draft = await bench.draft()
    more = (("p1@example.com", 'Pé "1"\n'), ("p1@example.com", ""))
    first, second = deliveries(2)
    await bench.desk.add(draft.number, [first._replace(more=more), second], now=T0)
    await bench.desk.go_live(draft.number, actor="ann", now=T0)
    assert [row.more for row in await bench.reader.deliveries(draft.number)] == [more, ()]
    assert [claim.more for claim in await bench.ledger.claim(draft.number, 9, now=T0, lease=60)] == [more, ()]


@pytest.mark.parametrize("seed", range(2))
async def test_b04_and_d15_at_random_moments(bench: Bench, seed: int) -> None:
    """Entries at any moment: whoever is on the list before a mark is asked for never has one that holds."""
    dice = random.Random(seed)
    campaign = await bench.launch(60)
    now, listed = T0, set[str]()
    claimed: list[Claim] = []
    flying: list[Claim] = []
    for _ in range(150):
        now += 1
        step = dice.choice(["claim", "mark", "suppress", "unsuppress", "settle", "recover"])
        if step == "claim":
            claimed += await bench.ledger.claim(campaign.number, dice.randint(1, 6), now=now, lease=60)
        elif step == "mark" and claimed:
            taken = [claimed.pop(dice.randrange(len(claimed))) for _ in range(dice.randint(1, len(claimed)))]
            held = await bench.ledger.commit([_mark(claim) for claim in taken], [], [], now=now)
            flying += [claim for claim, holds in zip(taken, held, strict=True) if holds]
            assert not listed & {claim.key for claim, holds in zip(taken, held, strict=True) if holds}
        elif step == "suppress":
            keys = {f"p{dice.randint(1, 60)}@example.com" for _ in range(2)}
            await _add(bench, *keys, now=now)
            listed |= keys
        elif step == "unsuppress" and listed and dice.random() < 0.2:
            key = dice.choice(sorted(listed))
            await bench.desk.unsuppress([key], "", actor="ann", now=now)
            listed.remove(key)
        elif step == "settle" and flying:
            claim = flying.pop()
            after = dice.choice([S.SENT, S.FAILED, S.DEFERRED, S.QUEUED])
            due = now + 3 if after is S.DEFERRED else 0.0
            await bench.ledger.commit([], [_result(claim, S.IN_FLIGHT, after, due)], [], now=now)
        elif step == "recover" and dice.random() < 0.1:
            await bench.ledger.recover(now=now)
            claimed, flying = [], []
        await _states(bench, campaign)
    counts = await bench.reader.counts(campaign.number)
    assert counts.suppressed and counts.sent


async def test_a_delivery_whose_word_is_given_by_the_face_keeps_it(bench: Bench) -> None:
    draft = await bench.draft()
    left_out = NewDelivery("no@example.com", 3, "no@example.com", ("no@example.com", "No"), "on no.csv")
    await bench.desk.add(draft.number, [left_out], now=T0)
    assert await _states(bench, draft) == {"no@example.com": (S.SUPPRESSED, "on no.csv")}
