"""What is told of a campaign: which event a change is, to whom, and what leaves the machine."""

from __future__ import annotations

import dataclasses
import json

from mailtui.kit.hidden import hide
from mailtui.outbox.notices import (
    Event,
    Happening,
    Hook,
    event_of,
    hooks_from_json,
    hooks_to_json,
    notices_of,
    notices_of_recurrence,
)
from mailtui.outbox.records import Counts
from mailtui.outbox.states import CampaignState
from tests.outbox.conftest import Bench

HOOKS = (Hook("ci", "https://ci.example.com"), Hook("all", "https://all.example.com", tuple(Event)))


async def test_e02_a_change_of_state_is_an_event_or_none(bench: Bench) -> None:
    launched = await bench.launch(1)
    states = CampaignState
    told = {
        (states.SCHEDULED, states.RUNNING): Event.STARTED,
        (states.RUNNING, states.FINISHED): Event.FINISHED,
        (states.RUNNING, states.PAUSED): Event.PAUSED,
        (states.PAUSING, states.PAUSED): Event.PAUSED,
        (states.CANCELLING, states.CANCELLED): Event.CANCELLED,
        (states.RUNNING, states.PAUSING): None,
        (states.PAUSED, states.PAUSED): None,
        (states.RUNNING, states.RUNNING): None,
        (states.PAUSED, states.SCHEDULED): None,
    }
    for (before, after), event in told.items():
        assert event_of(dataclasses.replace(launched, state=before), after) is event, (before, after)
    begun = dataclasses.replace(launched, state=states.PAUSED, first_claim_at=1.0)
    assert event_of(begun, states.RUNNING) is Event.RESUMED


async def test_e02_what_leaves_the_machine_has_nobodys_address_and_no_secret(bench: Bench) -> None:
    launched = dataclasses.replace(await bench.launch(1), hooks=hooks_to_json(HOOKS), name="To ann@example.com")
    reason = f'550 <bob.o\'neil@example.org> "mallory x"@example.net {hide("hunter2-hunter2")} was refused'
    happening = Happening(
        Event.PAUSED,
        100.0,
        launched,
        CampaignState.PAUSED,
        Counts(sent=2, failed=1),
        reason,
        held=True,
        resume_at=200.0,
    )
    notices = notices_of(happening)
    assert [notice.target for notice in notices] == ["ci", "all"]
    assert len({notice.id for notice in notices}) == 2
    for private in ("ann", "bob", "neil@", "mallory", "hunter2"):
        assert private not in notices[0].body, private
    said = json.loads(notices[0].body)
    assert said["data"]["reason"] == "550 <…@example.org> …@example.net (hidden) was refused"
    assert (said["type"], said["timestamp"]) == ("campaign.paused", "1970-01-01T00:01:40.000+00:00")
    assert (said["data"]["audience"], said["data"]["counts"]["sent"], said["data"]["held"]) == (3, 2, True)
    assert said["data"]["resumes"] == "1970-01-01T00:03:20.000+00:00"
    started = dataclasses.replace(happening, event=Event.STARTED)
    assert [notice.target for notice in notices_of(started)] == ["all"], "who did not ask for it is not told"
    assert notices_of(dataclasses.replace(happening, campaign=dataclasses.replace(launched, hooks="[]"))) == []


def test_e02_a_recurring_campaign_that_did_not_begin_is_missed() -> None:
    assert hooks_from_json(hooks_to_json(HOOKS)) == HOOKS
    [first, _] = notices_of_recurrence(
        hooks_to_json(HOOKS), recurrence="r1", name="Weekly", reason="gone: bob@example.org", at=9.0, was_due=5.0
    )
    assert (first.event, first.at) == ("missed", 9.0)
    assert json.loads(first.body)["data"] == {
        "event": "missed",
        "recurrence": "r1",
        "name": "Weekly",
        "reason": "gone: …@example.org",
        "due": "1970-01-01T00:00:05.000+00:00",
    }
