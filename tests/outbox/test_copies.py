"""B-01, D-05: a copy is a mail like any other, of somebody else's bytes; and what files a mail has of its own."""

from __future__ import annotations

from mailtui.message.files import FileRef
from mailtui.outbox.copies import copies_of, copy_key, own_key
from mailtui.outbox.records import Claim, Mark, NewDelivery, NewSuppression, Redo, Result
from mailtui.outbox.states import DeliveryState, OrderKind
from tests.outbox.conftest import T0, Bench, deliveries

S = DeliveryState
P1, P2 = "p1@example.com", "p2@example.com"
BOSS, DESK = "boss@example.org", "desk@example.org"


def copy(of: NewDelivery, own: str) -> NewDelivery:
    return of._replace(key=copy_key(of.key, own), address=own, copy_of=(of.key, of.address))


def with_copies(size: int, *own: str) -> list[NewDelivery]:
    return [item for row in deliveries(size) for item in (row, *(copy(row, who) for who in own))]


async def launched(bench: Bench, rows: list[NewDelivery]) -> int:
    draft = await bench.draft()
    await bench.desk.add(draft.number, rows, now=T0)
    await bench.desk.go_live(draft.number, actor="ann", now=T0)
    return draft.number


async def ended(bench: Bench, claims: list[Claim], after: DeliveryState) -> None:
    await bench.ledger.commit([Mark(claim.campaign, claim.id, claim.fence) for claim in claims], [], [], now=T0)
    results = [Result(claim.campaign, claim.id, claim.fence, S.IN_FLIGHT, after, 1) for claim in claims]
    await bench.ledger.commit([], results, [], now=T0)


async def redone(bench: Bench, campaign: int, redo: Redo) -> bool:
    """Whether something was moved."""
    await bench.desk.order(campaign, OrderKind.RETRY, {}, actor="ann", now=T0 + 5)
    [order] = await bench.ledger.open_orders()
    step = await bench.ledger.redo(order, redo, 99, now=T0 + 5)
    await bench.ledger.acknowledge(order, "done", now=T0 + 5)
    return bool(step.moved)


async def test_keys_of_copies_lie_side_by_side_and_are_no_recipients() -> None:
    first, behind = copies_of(P1)
    assert first < copy_key(P1, "!@example.com") < copy_key(P1, "é@example.com") < behind
    assert not first <= P1 < behind and not first <= copy_key("p1@example.comm", BOSS) < behind
    assert own_key(P1) == P1 and own_key(copy_key(P1, BOSS)) == BOSS


async def test_files_and_copies_are_read_back_by_whoever_sends_and_whoever_reads(bench: Bench) -> None:
    files = (FileRef("/c/Räch nung.pdf", 'a "b".pdf', "d" * 64, 7), FileRef("/c/b", "b", "e" * 64, 0))
    [row] = deliveries(1)
    number = await launched(bench, [row._replace(files=files), copy(row._replace(files=files), BOSS), deliveries(2)[1]])
    claims = await bench.ledger.claim(number, 9, now=T0, lease=60)
    assert [(claim.address, claim.files, claim.copy_of) for claim in claims] == [
        (P1, files, None),
        (BOSS, files, (P1, P1)),
        (P2, (), None),
    ]
    assert claims[1].fields == claims[0].fields and claims[1].row == 1
    rows = await bench.reader.deliveries(number)
    assert [(row.address, row.files, row.copy_of) for row in rows] == [
        (claim.address, claim.files, claim.copy_of) for claim in claims
    ]
    campaign = await bench.reader.campaign("abcd1234")
    assert (campaign.audience, campaign.copies) == (3, 1)
    assert (await bench.reader.counts(number)).total == 3


async def test_c12_a_copy_comes_with_its_recipient_or_not_at_all(bench: Bench) -> None:
    number = await launched(bench, with_copies(2, BOSS))
    assert await bench.desk.add(number, with_copies(2, BOSS), now=T0) == 0, "the same list again"
    assert await bench.desk.add(number, with_copies(3, BOSS, DESK), now=T0) == 3, "a mail that may have gone has none"
    campaign = await bench.reader.campaign("abcd1234")
    assert (campaign.audience, campaign.copies) == (7, 4)
    many = with_copies(700, BOSS, DESK)
    assert await bench.desk.add(number, many, now=T0) == 3 * 697, "also where a part ends between them"
    assert (await bench.reader.campaign("abcd1234")).copies == 4 + 2 * 697
    assert await bench.recount(number) == {"queued": 7 + 3 * 697}


async def test_a_copy_has_the_date_of_the_mail_that_it_copies(bench: Bench) -> None:
    number = await launched(bench, with_copies(1, BOSS, DESK))
    [mail] = await bench.ledger.claim(number, 1, now=T0 + 1, lease=60)
    [boss] = await bench.ledger.claim(number, 1, now=T0 + 90, lease=60)
    await bench.ledger.recover(now=T0 + 91)
    again = await bench.ledger.claim(number, 9, now=T0 + 99, lease=60)
    assert {claim.date_at for claim in (mail, boss, *again)} == {T0 + 1}


async def test_a_copy_says_what_its_recipient_got_whatever_the_message_is_by_then(bench: Bench) -> None:
    number = await launched(bench, with_copies(4, BOSS))
    claims = await bench.ledger.claim(number, 5, now=T0, lease=60)
    await ended(bench, claims[:1], S.SENT)
    await ended(bench, claims[2:3], S.UNKNOWN)
    await ended(bench, claims[4:5], S.FAILED)
    await bench.ledger.recover(now=T0)
    await bench.desk.put_message(number, "2" * 64, b"changed")
    await bench.ledger.set_terms(number, actor="ann", now=T0, message_digest="2" * 64)
    assert await redone(bench, number, Redo((S.UNKNOWN,), S.QUEUED))  # it may have arrived, and is repeated
    again = {claim.key: claim for claim in await bench.ledger.claim(number, 9, now=T0 + 9, lease=60)}
    says = {key: claim.says for key, claim in again.items()}
    assert says == {
        copy_key(P1, BOSS): 1,
        P2: 1,
        copy_key(P2, BOSS): 1,
        copy_key("p3@example.com", BOSS): None,
        "p4@example.com": None,
        copy_key("p4@example.com", BOSS): None,
    }
    assert again[copy_key(P1, BOSS)].repeats is None, "it never went out itself"


async def test_b09_nobody_on_the_suppression_list_gets_a_copy_nor_has_one_made(bench: Bench) -> None:
    await bench.desk.suppress([NewSuppression(DESK), NewSuppression("@p.example")], actor="ann", now=T0)
    gone = NewDelivery("p9@p.example", 9, "p9@p.example", ("p9@p.example", "Pé 9"))
    rows = [*with_copies(3, BOSS, DESK), gone, copy(gone, BOSS), copy(gone, "x@example.org")]
    number = await launched(bench, rows)
    claims = await bench.ledger.claim(number, 2, now=T0, lease=60)
    assert [claim.address for claim in claims] == [P1, BOSS]
    said = {row.key: row.reason for row in await bench.reader.deliveries(number, states=[S.SUPPRESSED])}
    assert len(said) == 3 + 3 and said[copy_key(P1, DESK)].startswith("on the suppression list since")
    assert said[copy_key("p9@p.example", BOSS)].startswith("a copy of a mail to p9@p.example, who gets none: all of p.")
    # At the mark: the copy of one who asks to be left alone while a worker holds it.
    await bench.desk.suppress([NewSuppression(P1.upper())], actor="ann", now=T0)
    marks = [Mark(claim.campaign, claim.id, claim.fence) for claim in claims]
    assert await bench.ledger.commit(marks, [], [], now=T0) == [False, False]
    # At the claim: whoever gets copies asks for it.
    await bench.desk.suppress([NewSuppression(BOSS)], actor="ann", now=T0)
    assert [claim.address for claim in await bench.ledger.claim(number, 9, now=T0, lease=60)] == [P2, "p3@example.com"]
    assert await bench.recount(number) == {"suppressed": 10, "claimed": 2}
    assert (await bench.reader.counts(number)).suppressed == 10


async def test_a_copy_is_tried_again_at_another_address_with_the_same_bytes(bench: Bench) -> None:
    number = await launched(bench, with_copies(2, BOSS, DESK))
    claims = await bench.ledger.claim(number, 9, now=T0, lease=60)
    await ended(bench, claims, S.FAILED)
    failed = (S.FAILED,)
    copied = claims[1]
    assert copied.address == BOSS
    for taken in (DESK, P1):
        assert not await redone(bench, number, Redo(failed, S.QUEUED, copied.id, taken)), "they have it already"
    assert await redone(bench, number, Redo(failed, S.QUEUED, copied.id, P2)), "a copy of p1's is not p2's own"
    [claim] = await bench.ledger.claim(number, 9, now=T0 + 6, lease=60)
    assert (claim.address, claim.copy_of, claim.fields, claim.row) == (P2, (P1, P1), claims[0].fields, 1)
    # Whoever a copy goes to cannot become the recipient of the same mail.
    assert not await redone(bench, number, Redo(failed, S.QUEUED, claims[0].id, DESK))
    # The copies that are still to be made are of the mail to the new address.
    assert await redone(bench, number, Redo(failed, S.QUEUED, claims[0].id, "right@example.com"))
    assert await redone(bench, number, Redo(failed, S.QUEUED))
    again = {claim.key: claim for claim in await bench.ledger.claim(number, 9, now=T0 + 6, lease=60)}
    desk = again[copy_key(P1, DESK)]
    assert (desk.address, desk.copy_of, desk.fields[0]) == (DESK, (P1, "right@example.com"), "right@example.com")
    assert again[copy_key(P2, DESK)].copy_of == (P2, P2)
    assert await bench.desk.add(number, with_copies(2, BOSS, DESK), now=T0) == 0
    right = NewDelivery("right@example.com", 3, "right@example.com", ("right@example.com", "Pé 1"))
    assert await bench.desk.add(number, [right, copy(right, BOSS)], now=T0) == 0, (
        "whoever is on the list by now as well"
    )


async def test_copies_are_not_held_against_a_list(bench: Bench) -> None:
    number = await launched(bench, with_copies(3, BOSS))
    comparison = bench.reader.comparison(number)
    assert comparison.add(deliveries(2)) == []
    assert (comparison.gone(), comparison.changed()) == ({S.QUEUED: 1}, 0)
    assert [set(names) for part in comparison.waiting() for names in part][:2] == [{P1}, {P1, BOSS}]
    comparison.close()
