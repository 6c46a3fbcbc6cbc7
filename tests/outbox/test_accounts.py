"""C9: who carried a mail, whose From it has, what accounts have sent and how they rest; and what a crash leaves."""

from __future__ import annotations

import os

import apsw
import pytest

from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.records import AccountRest, Claim, Mark, NewDelivery, Redo, Result
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind, RestKind
from mailtui.outbox.timed_records import SentSlot
from tests.outbox.conftest import T0, Bench, deliveries, runner_row

S = DeliveryState
NEWS, TEAM = "Acme News <news@acme.test>", "team@backup.test"
_DIED = 77


def bound(size: int) -> list[NewDelivery]:
    """Odd ones from NEWS, even ones from TEAM."""
    return [row._replace(bound=NEWS if row.row % 2 else TEAM) for row in deliveries(size)]


async def live(bench: Bench, rows: list[NewDelivery]) -> int:
    draft = await bench.draft()
    await bench.desk.add(draft.number, rows, now=T0)
    await bench.desk.go_live(draft.number, actor="ann", now=T0)
    return draft.number


def marks(claims: list[Claim], account: str) -> list[Mark]:
    return [Mark(claim.campaign, claim.id, claim.fence, account, (account,)) for claim in claims]


def results(claims: list[Claim], after: DeliveryState, **more: float) -> list[Result]:
    return [Result(c.campaign, c.id, c.fence, S.IN_FLIGHT, after, c.attempts + 1, **more) for c in claims]  # type: ignore[arg-type]


async def test_c9_who_is_bound_is_claimed_for_its_own_from_and_keeps_it(bench: Bench) -> None:
    number = await live(bench, bound(10))
    assert await bench.reader.bounds(number) == [NEWS, TEAM]
    only = await bench.ledger.claim(number, 3, now=T0, lease=60, bounds=[TEAM])
    assert [(claim.row, claim.bound) for claim in only] == [(2, TEAM), (4, TEAM), (6, TEAM)]
    rest = await bench.ledger.claim(number, 9, now=T0, lease=60, bounds=[TEAM])
    assert [claim.row for claim in rest] == [8, 10]
    assert await bench.ledger.next_due(number, bounds=[TEAM]) is None
    assert await bench.ledger.next_due(number, bounds=[TEAM, NEWS]) == await bench.ledger.next_due(number) == 0.0
    assert await bench.reader.bounds(number) == [NEWS]
    await bench.ledger.commit(marks(only, "backup"), [], [], now=T0)
    await bench.ledger.commit([], results(only, S.DEFERRED, due_at=T0 + 50), [], now=T0)
    assert await bench.ledger.next_due(number, bounds=[TEAM]) == T0 + 50
    everybody = await bench.ledger.claim(number, 99, now=T0 + 60, lease=60)
    assert {(claim.row, claim.bound) for claim in everybody} == {
        *((row, NEWS) for row in (1, 3, 5, 7, 9)),
        *((row, TEAM) for row in (2, 4, 6)),
    }, "also a retry has the From that it had"
    both = await bench.ledger.claim(number, 9, now=T0 + 60, lease=60, bounds=[NEWS, TEAM])
    assert both == []


async def test_c9_with_some_accounts_out_the_others_get_as_many_each(bench: Bench) -> None:
    rows = [row._replace(bound=(NEWS, TEAM, "third@acme.test")[min(row.row // 8, 2)]) for row in deliveries(30)]
    number = await live(bench, rows)
    claims = await bench.ledger.claim(number, 8, now=T0, lease=60, bounds=[NEWS, TEAM])
    assert sorted(claim.bound for claim in claims) == [NEWS] * 4 + [TEAM] * 4
    claims += await bench.ledger.claim(number, 12, now=T0, lease=60, bounds=[NEWS, TEAM])
    assert len({claim.id for claim in claims}) == 15, "all of both, of which there are 7 and 8"


async def test_c9_it_is_on_record_who_carried_a_mail_last(bench: Bench) -> None:
    number = await live(bench, deliveries(4))
    claims = await bench.ledger.claim(number, 3, now=T0, lease=60)
    await bench.ledger.commit([*marks(claims[:2], "acme"), *marks(claims[2:], "backup")], [], [], now=T0)
    await bench.ledger.commit([], results(claims[:1], S.SENT), [], now=T0)
    await bench.ledger.commit([], results(claims[1:], S.DEFERRED), [], now=T0)
    assert [row.account for row in await bench.reader.deliveries(number)] == ["acme", "acme", "backup", ""]
    assert await bench.reader.carried(number) == {"acme": 1}
    again = [c for c in await bench.ledger.claim(number, 9, now=T0 + 1, lease=60) if c.row < 4]
    await bench.ledger.commit(marks(again, "backup"), [], [], now=T0 + 1)
    await bench.ledger.commit([], results(again, S.SENT), [], now=T0 + 1)
    assert [row.account for row in await bench.reader.deliveries(number)] == ["acme", "backup", "backup", ""]
    assert await bench.reader.carried(number) == {"acme": 1, "backup": 2}


async def test_c9_mails_count_by_slots_at_their_mark_and_only_where_it_holds(bench: Bench) -> None:
    number = await live(bench, deliveries(6))
    claims = await bench.ledger.claim(number, 6, now=T0, lease=60)
    await bench.ledger.commit(marks(claims[:2], "acme"), [], [], now=T0)
    await bench.ledger.commit([*marks(claims[2:3], "acme"), *marks(claims[3:4], "b")], [], [], now=T0 + 9)
    stale = [claims[4]._replace(fence=99)]
    held = await bench.ledger.commit([*marks(stale, "acme"), *marks(claims[5:], "acme")], [], [], now=T0 + 10)
    assert held == [False, True]
    slot = int(T0 // 10)
    counted = [SentSlot("acme", slot, 3), SentSlot("acme", slot + 1, 1), SentSlot("b", slot, 1)]
    assert await bench.reader.sent_since(T0) == await bench.ledger.sent_since(T0 + 5) == counted
    assert await bench.ledger.sent_since(T0 + 10) == counted[1:2]
    await bench.ledger.clock_moved(180.0)
    assert [one.slot - slot for one in await bench.ledger.sent_since(T0)] == [18, 19, 18], "no limit is renewed so"
    await bench.ledger.sign_on(runner_row())
    assert len(await bench.ledger.sent_since(0)) == 3
    later = runner_row()
    await bench.ledger.sign_on(type(later)(later.id, 1, "host", "0", T0 + 3 * 86_400, T0))
    assert await bench.ledger.sent_since(0) == [], "what no limit looks back to is dropped"


@pytest.mark.parametrize("statement", range(1, 13))
async def test_c9_a_runner_that_dies_at_a_mark_has_counted_it_or_not_begun(bench: Bench, statement: int) -> None:
    """The count and the mark are one transaction: a limit is neither exceeded nor used up by what was never sent."""
    number = await live(bench, deliveries(3))
    claims = await bench.ledger.claim(number, 3, now=T0, lease=60)
    child = os.fork()
    if not child:
        seen = 0

        def traced(_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == statement:
                os._exit(_DIED)

        try:
            ledger = bench.outbox.ledger()
            ledger._connection.trace_v2(apsw.SQLITE_TRACE_STMT, traced)  # type: ignore[attr-defined]
            committing = ledger.commit(marks(claims, "acme"), [], [], now=T0)
            try:
                committing.send(None)  # nothing in it waits
            except StopIteration:
                os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, _DIED)
    reader = parse_outbox(bench.outbox.url).reader()
    rows, counted = await reader.deliveries(number), await reader.sent_since(0)
    reader.close()
    in_flight = [row for row in rows if row.state is S.IN_FLIGHT]
    assert sum(one.sent for one in counted) == len(in_flight) in (0, 3)
    assert [row.account for row in in_flight] == ["acme"] * len(in_flight)
    assert code == _DIED or len(in_flight) == 3


async def test_c9_accounts_rest_for_all_campaigns_until_they_are_well(bench: Bench) -> None:
    rest = AccountRest("acme", T0 + 3_600, RestKind.QUOTA, "454 4.7.0 enough for today", T0)
    out = AccountRest("backup", None, RestKind.REFUSED, "535 no", T0)
    await bench.ledger.rest_account(rest)
    await bench.ledger.rest_account(out)
    assert await bench.reader.account_rests() == await bench.ledger.account_rests() == [rest, out]
    await bench.ledger.clock_moved(100.0)
    moved, still = await bench.reader.account_rests()
    assert (moved.until, moved.since, still.until) == (T0 + 3_700, T0 + 100, None)
    await bench.ledger.rest_account(AccountRest("acme", None, RestKind.LOGIN, "later", T0))
    await bench.ledger.account_rested("backup")
    assert [(one.account, one.kind) for one in await bench.reader.account_rests()] == [("acme", RestKind.LOGIN)]


async def test_c9_a_clock_that_was_put_back_renews_no_limit_and_keeps_nobody_waiting_for_years(bench: Bench) -> None:
    campaign, ahead = await bench.launch(3), T0 + 4 * 365 * 86_400
    claims = await bench.ledger.claim(campaign.number, 3, now=T0, lease=60)
    await bench.ledger.commit(marks(claims[:1], "acme"), [], [], now=T0)
    await bench.ledger.commit(marks(claims[1:], "acme"), [], [], now=ahead)
    await bench.ledger.rest_account(AccountRest("acme", ahead + 900, RestKind.LOGIN, "later", ahead))
    await bench.ledger.set_state(
        campaign.number, CampaignState.PAUSED, actor="runner", now=ahead, reason="x", held=True, resume_at=ahead + 900
    )
    await bench.ledger.recover(now=T0)
    assert await bench.reader.sent_since(0) == [SentSlot("acme", int(T0 // 10), 3)]
    [rest] = await bench.reader.account_rests()
    assert (rest.since, rest.until) == (T0, T0 + 900)
    assert [one.resume_at for one in await bench.ledger.to_resume()] == [T0]
    await bench.ledger.set_state(
        campaign.number, CampaignState.PAUSED, actor="runner", now=T0, reason="x", held=True, resume_at=T0 + 3_600
    )
    await bench.ledger.recover(now=T0)
    assert [one.resume_at for one in await bench.ledger.to_resume()] == [T0 + 3_600], "such a time stays what it is"


async def test_c9_a_pause_for_a_time_is_on_record_and_any_other_change_ends_it(bench: Bench) -> None:
    campaign = await bench.launch(3)
    number = campaign.number
    assert campaign.resume_at is None

    async def put(state: CampaignState, resume_at: float | None = None) -> float | None:
        await bench.ledger.set_state(number, state, actor="runner", now=T0, reason="x", held=True, resume_at=resume_at)
        return (await bench.reader.campaign(campaign.id)).resume_at

    assert await put(CampaignState.PAUSED, T0 + 60) == T0 + 60
    assert [one.id for one in await bench.ledger.to_resume()] == [campaign.id]
    await bench.ledger.clock_moved(40.0)
    assert (await bench.ledger.to_resume())[0].resume_at == T0 + 100
    assert await put(CampaignState.RUNNING) is None and await bench.ledger.to_resume() == []
    assert await put(CampaignState.PAUSED) is None and await bench.ledger.to_resume() == []


async def test_c9_a_second_try_that_a_person_orders_keeps_its_from(bench: Bench) -> None:
    number = await live(bench, bound(2))
    claims = await bench.ledger.claim(number, 2, now=T0, lease=60)
    await bench.ledger.commit(marks(claims, "acme"), [], [], now=T0)
    await bench.ledger.commit([], results(claims, S.FAILED), [], now=T0)
    await bench.desk.order(number, OrderKind.RETRY, {}, actor="ann", now=T0)
    [order] = await bench.ledger.open_orders()
    await bench.ledger.redo(order, Redo((S.FAILED,), S.QUEUED), 9, now=T0 + 1)
    again = await bench.ledger.claim(number, 2, now=T0 + 2, lease=60, bounds=[TEAM])
    assert [(claim.row, claim.bound) for claim in again] == [(2, TEAM)]
