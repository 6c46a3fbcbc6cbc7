"""What every outbox must hold about notices (E2): on record with what they tell of, until they are delivered."""

from __future__ import annotations

from mailtui.outbox.states import CampaignState, NoticeState
from mailtui.outbox.timed_records import NewNotice, NewRecurrence
from tests.outbox.conftest import T0, Bench


def told(id: str, event: str = "paused", *, at: float = T0, target: str = "ci") -> NewNotice:
    return NewNotice(id, event, at, '{"ä":1}\n', target)


async def test_e2_a_notice_is_on_record_with_the_state_it_tells_of(bench: Bench) -> None:
    draft = await bench.draft()
    await bench.desk.go_live(draft.number, actor="ann", now=T0, notices=[told("n1", "started")])
    await bench.ledger.set_state(
        draft.number,
        CampaignState.PAUSED,
        actor="ann",
        now=T0 + 1,
        notices=[told("n2", at=T0 + 1), told("n3", at=T0 + 1, target="ops")],
    )
    found = await bench.reader.notices(draft.number)
    assert [(one.id, one.event, one.campaign, one.due_at) for one in found] == [
        ("n1", "started", draft.number, T0),
        ("n2", "paused", draft.number, T0 + 1),
        ("n3", "paused", draft.number, T0 + 1),
    ]
    assert {(one.state, one.attempts, one.said, one.body) for one in found} == {
        (NoticeState.WAITING, 0, "", '{"ä":1}\n')
    }
    await bench.ledger.add_notices(draft.number, [told("n2", "finished")])
    assert await bench.reader.notices(draft.number) == found, "each once by its id"


async def test_e2_a_notice_waits_until_it_is_delivered_or_given_up(bench: Bench) -> None:
    campaign = await bench.launch(1)
    await bench.ledger.add_notices(campaign.number, [told("n1"), told("n2", at=T0 + 5, target="ops")])
    await bench.ledger.add_notices(None, [told("n3", "missed", at=T0 + 9)])
    assert await bench.ledger.next_wake() is None, "no runner stays a day for them"
    assert [one.id for one in await bench.ledger.due_notices(T0 + 9, 2)] == ["n1", "n2"]
    assert [one.id for one in await bench.ledger.due_notices(T0 + 9, 9, ["ci"])] == ["n2"]
    assert [one.id for one in await bench.ledger.due_notices(T0, 9)] == ["n1"]
    await bench.ledger.notice_told("n1", NoticeState.WAITING, T0 + 60, "503 later", now=T0 + 1)
    await bench.ledger.notice_told("n2", NoticeState.DELIVERED, T0 + 5, "204", now=T0 + 6)
    assert [one.id for one in await bench.reader.notices(None)] == ["n1", "n3"], "all that wait"
    await bench.ledger.notice_told("n3", NoticeState.GIVEN_UP, T0, "410 gone", now=T0 + 10)
    again = await bench.reader.notices(campaign.number)
    assert [(one.state, one.attempts, one.said, one.told_at) for one in again] == [
        (NoticeState.WAITING, 1, "503 later", T0 + 1),
        (NoticeState.DELIVERED, 1, "204", T0 + 6),
    ]
    await bench.ledger.clock_moved(100.0)
    [waiting] = await bench.ledger.due_notices(T0 + 160, 9)
    assert (waiting.at, waiting.due_at) == (T0 + 100, T0 + 160), "a clock that was put gives nobody up"
    await bench.ledger.clock_moved(10 * 86_400.0)
    await bench.ledger.recover(now=T0)
    [waiting] = await bench.ledger.due_notices(T0, 9)
    assert waiting.id == "n1", "and keeps nobody waiting for days"


async def test_e2_a_recurrence_that_goes_on_without_a_campaign_is_told_of(bench: Bench) -> None:
    new = NewRecurrence("rrrrrrrr", "s", "Spring", "/x", "{}", "{}", T0, hooks='["ci"]')
    await bench.desk.put_recurrence(new, actor="ann", now=T0)
    for at, notice in ((T0 + 99, "n1"), (T0, "n2")):
        moved = await bench.ledger.advance_recurrence(
            "rrrrrrrr", at, T0 + 60, reason="the list is gone", ran=False, now=T0, notices=[told(notice, "missed")]
        )
        assert moved is (at == T0)
    [waiting] = await bench.reader.notices(None)
    assert (waiting.id, waiting.campaign, waiting.event) == ("n2", None, "missed")
    found = await bench.reader.recurrence("rrrrrrrr")
    assert found is not None and (found.reason, found.hooks, found.runs) == ("the list is gone", '["ci"]', 0)


async def test_e2_notices_go_with_a_draft_that_is_thrown_away(bench: Bench) -> None:
    draft = await bench.draft()
    await bench.ledger.add_notices(draft.number, [told("n1")])
    await bench.desk.discard_draft(draft.number, rows=10)
    assert await bench.reader.notices(None) == []
