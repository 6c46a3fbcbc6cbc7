"""Launching: everybody once, whatever crashes, races or changes in between."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mailtui.campaign.again import Again, BeingSent, MessageChanged, NotFinished, WasCancelled
from mailtui.campaign.forecast import Difference, Planned
from mailtui.campaign.freeze import Launch
from mailtui.errors import AudienceError, UsageError
from mailtui.kit.file_lock import exclusive
from mailtui.outbox.states import CampaignState
from mailtui.service.facade import Service
from tests.campaign.conftest import WriteCampaign
from tests.cli.program import people

LAUNCH = """
import asyncio, os, sys
from pathlib import Path
from mailtui.campaign.again import Again
from mailtui.service.facade import Service
service = Service.open(os.environ)
plan = service.prepare(service.campaigns.load(Path(sys.argv[1])), plan={})
print("ready", flush=True)
sys.stdin.readline()
launch = asyncio.run(service.launch(plan, again=Again.ASK, progress=lambda done: print(done, flush=True)))
print("launched", launch.campaign.id, launch.added, launch.is_new, flush=True)
"""


def launch(service: Service, path: Path, again: Again = Again.ASK, plan: Mapping[str, object] | None = None) -> Launch:
    prepared = service.prepare(service.campaigns.load(path), plan=plan or {})
    return asyncio.run(service.launch(prepared, again=again, progress=lambda done: None))


def orders(service: Service, wanted: Launch) -> list[tuple[str, dict[str, Any]]]:
    async def read() -> list[tuple[str, dict[str, Any]]]:
        ledger = service.outbox.ledger()
        try:
            found = {order.id: order for order in await ledger.open_orders()}
            return [(str(found[number].kind), dict(found[number].arguments)) for number in wanted.orders]
        finally:
            ledger.close()

    return asyncio.run(read())


def turn(service: Service, found: Launch, state: CampaignState) -> None:
    async def write() -> None:
        ledger = service.outbox.ledger()
        await ledger.set_state(found.campaign.number, state, actor="test", now=time.time())
        ledger.close()

    asyncio.run(write())


def counts(service: Service, found: Launch) -> dict[str, int]:
    view = asyncio.run(service.view(found.campaign.id))
    return {"total": view.counts.total, "queued": view.counts.queued, "suppressed": view.counts.suppressed}


def addresses(service: Service, found: Launch) -> list[str]:
    async def read() -> list[str]:
        view = await service.view(found.campaign.id)
        return [line.address async for line in service.report(view)]

    return asyncio.run(read())


def starter(tmp_path: Path, path: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "MAILTUI_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", LAUNCH, str(path)], stdin=pipe, stdout=pipe, text=True, env=environ)


def test_a_new_campaign_has_everybody_once(service: Service, write_campaign: WriteCampaign) -> None:
    rows = [*people(3), "P1@EXAMPLE.COM,x,y", "nobody,x,y"]
    first = launch(service, write_campaign(rows))
    assert (first.is_new, first.added, first.orders) == (True, 4, ())
    assert first.campaign.state is CampaignState.RUNNING
    assert counts(service, first) == {"total": 4, "queued": 4, "suppressed": 0}
    assert asyncio.run(service.intake(asyncio.run(service.view(first.campaign.id)))) == {"bad_address": 1}


def test_the_same_again_adds_only_who_is_new(service: Service, write_campaign: WriteCampaign) -> None:
    first = launch(service, write_campaign(3))
    again = launch(service, write_campaign(5))
    assert (again.campaign.id, again.added, again.is_new) == (first.campaign.id, 2, False)
    assert addresses(service, again) == [f"p{n}@example.com" for n in range(5)]
    assert orders(service, again) == [("top_up", {})]


def test_a_changed_message_is_asked_about(service: Service, write_campaign: WriteCampaign) -> None:
    first = launch(service, write_campaign(3))
    changed = write_campaign(4, body="Another {{ city }}\n")
    with pytest.raises(MessageChanged, match=first.campaign.id):
        launch(service, changed)
    topped = launch(service, changed, Again.TOP_UP)
    assert (topped.campaign.id, topped.added) == (first.campaign.id, 1)
    kinds = orders(service, topped)
    assert [kind for kind, _ in kinds] == ["set", "top_up"], "changed before anybody new is sent to"
    assert set(kinds[0][1]) == {"message"}
    new = launch(service, changed, Again.NEW)
    assert (new.is_new, new.added) == (True, 4)
    assert new.campaign.id != first.campaign.id


def test_the_forecast_is_what_the_launch_then_adds(service: Service, write_campaign: WriteCampaign) -> None:
    def planned(path: Path, again: Again = Again.ASK) -> Planned:
        plan = service.prepare(service.campaigns.load(path), plan={})
        found = asyncio.run(service.forecast(plan, again=again)).planned
        assert found is not None
        return found

    (write_campaign(3).parent / "no.csv").write_text("email\np0@example.com\n")
    audience = {"source": "contacts.csv", "suppress": ["no.csv"]}
    path = write_campaign(2_500, audience=audience)
    assert planned(path) == Planned(2_499), "who gets nothing is not counted"
    assert not service.outbox.path.exists(), "looking makes nothing"
    first = launch(service, path)
    found = planned(write_campaign(2_504, audience=audience))
    assert (found.new, found.waiting, found.sent, found.mails) == (4, 2_499, 0, 2_503)
    assert found.earlier is not None and found.earlier.id == first.campaign.id
    assert not found.nothing_to_do
    assert launch(service, write_campaign(2_504, audience=audience)).added == 4
    turn(service, first, CampaignState.FINISHED)
    changed = write_campaign(2_505, body="Another {{ city }}\n", audience=audience)
    with pytest.raises(MessageChanged):
        planned(changed)
    assert planned(changed, Again.TOP_UP).new == 1
    assert planned(changed, Again.NEW) == Planned(2_504)


def test_c11_the_difference_to_the_earlier_launch_is_told(service: Service, write_campaign: WriteCampaign) -> None:
    def forecast(rows: list[str]) -> Planned:
        plan = service.prepare(service.campaigns.load(write_campaign(rows, audience=audience)), plan={})
        found = asyncio.run(service.forecast(plan, again=Again.ASK)).planned
        assert found is not None
        return found

    head, *rows = people(2_000)
    audience = {"source": "contacts.csv", "suppress": ["no.csv"], "list": "news"}
    path = write_campaign([head, *rows], audience=audience)
    (path.parent / "no.csv").write_text("")
    first = launch(service, path)
    assert forecast([head, *rows]).difference == Difference()
    (path.parent / "no.csv").write_text("email\nP3@example.com\n@new.example\n")
    asyncio.run(service.suppression.add(["p4@example.com", "p2001@example.com"], list_name="news"))
    asyncio.run(service.suppression.add(["p5@example.com"], list_name="other"))
    new = ["z1@example.org,Z,Brno", "z2@new.example,Z,Brno", "z3@example.org,Z,Brno", "p2001@example.com,P,Brno"]
    found = forecast([head, *(row.replace("Anna", "Ann") for row in rows[2:]), *new])
    told = Difference(("z1@example.org", "z3@example.org"), new_suppressed=2, gone_waiting=2, suppressed=2)
    assert found.difference == dataclasses.replace(told, changed=found.difference.changed)
    assert (found.new, found.waiting, found.mails) == (2, 1_998, 2_000)
    changed = [rows[0].replace("p0@", "P0@").replace(rows[0].split(",")[1], "Another"), *rows[1:]]
    assert forecast([head, *changed]).difference.gone_waiting == 1, "another spelling is another address"
    assert forecast([head, rows[0] + "x", *rows[1:]]).difference == Difference(changed=1, suppressed=2)
    assert first.added == 2_000


def test_a_message_that_needs_a_column_the_campaign_never_had(service: Service, write_campaign: WriteCampaign) -> None:
    launch(service, write_campaign(["email,first_name,city", "a@example.com,A,York"]))
    wider = ["email,first_name,city,code", "b@example.com,B,York,7"]
    with pytest.raises(UsageError, match="launched without: code"):
        launch(service, write_campaign(wider, body="{{ code }}\n"), Again.TOP_UP)


def test_a_changed_server_and_pace_are_taken_over(service: Service, write_campaign: WriteCampaign) -> None:
    launch(service, write_campaign(3))
    moved = write_campaign(3, smtp={"host": "127.0.0.1", "port": 10, "security": "plain"})
    kind, changes = orders(service, launch(service, moved, plan={"workers": 3, "rate": 5.0}))[0]
    assert kind == "set"
    assert json.loads(changes["endpoint"])["port"] == 10
    assert (changes["workers"], changes["rate"], "message" in changes) == (3, 5.0, False)


def test_under_a_living_runner_server_and_message_stay_and_nobody_is_added(
    service: Service, write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = launch(service, write_campaign(3))
    monkeypatch.setattr(service._launcher, "pid", lambda: 4711)
    moved = write_campaign(5, smtp={"host": "127.0.0.1", "port": 10, "security": "plain"})
    with pytest.raises(BeingSent, match="its server has changed"):
        launch(service, moved)
    with pytest.raises(BeingSent, match="its message has changed"):
        launch(service, write_campaign(5, body="New\n"), Again.TOP_UP)
    assert counts(service, first)["total"] == 3
    assert launch(service, write_campaign(4)).added == 1, "more people are no such change"


@pytest.mark.parametrize("state", [CampaignState.RUNNING, CampaignState.PAUSING, CampaignState.PAUSED])
def test_new_given_again_after_a_crash_mails_nobody_twice(
    service: Service, write_campaign: WriteCampaign, state: CampaignState
) -> None:
    path = write_campaign(3)
    first = launch(service, path, Again.NEW)
    turn(service, first, state)
    with pytest.raises(NotFinished, match=first.campaign.id):
        launch(service, path, Again.NEW)
    assert launch(service, write_campaign(3, body="April\n"), Again.NEW).is_new, "another message is another campaign"


def test_new_after_the_end_is_a_new_campaign(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(3)
    turn(service, launch(service, path), CampaignState.FINISHED)
    assert launch(service, path, Again.NEW).added == 3


def test_what_is_sent_is_what_was_looked_at(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(3)
    plan = service.prepare(service.campaigns.load(path), plan={})
    (path.parent / "body.txt.j2").write_text("Something else\n")
    with pytest.raises(UsageError, match="message has changed since you looked"):
        asyncio.run(service.launch(plan, again=Again.ASK, progress=lambda done: None))
    assert asyncio.run(service.views()) == []


def test_changed_retries_are_taken_over(service: Service, write_campaign: WriteCampaign) -> None:
    launch(service, write_campaign(3))
    again = launch(service, write_campaign(3, dispatch={"retry": {"max_attempts": 2}}))
    [(kind, changes), _] = orders(service, again)
    assert (kind, changes["max_attempts"]) == ("set", 2)


def test_a_draft_takes_no_orders(service: Service, write_campaign: WriteCampaign) -> None:
    first = launch(service, write_campaign(3))
    turn(service, first, CampaignState.DRAFT)
    view = asyncio.run(service.view(first.campaign.id))
    with pytest.raises(UsageError, match="has not been launched"):
        asyncio.run(service.pause(view))


@pytest.mark.parametrize("state", [CampaignState.CANCELLED, CampaignState.CANCELLING])
def test_what_was_cancelled_needs_a_word(service: Service, write_campaign: WriteCampaign, state: CampaignState) -> None:
    path = write_campaign(3)
    first = launch(service, path)
    turn(service, first, state)
    for again in (Again.ASK, Again.TOP_UP):
        with pytest.raises(WasCancelled):
            launch(service, path, again)
    assert launch(service, path, Again.NEW).added == 3


def test_who_is_suppressed_counts_and_gets_nothing(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(4, audience={"source": "contacts.csv", "suppress": ["no.csv"]})
    (path.parent / "no.csv").write_text("email\np1@EXAMPLE.com\nstranger@example.com\n")
    first = launch(service, path)
    assert counts(service, first) == {"total": 4, "queued": 3, "suppressed": 1}
    (path.parent / "no.csv").write_text("email\nP2@example.com\n")
    again = launch(service, path)
    entries = asyncio.run(service.reader.suppressions())
    assert [(entry.key, entry.scope, entry.reason) for entry in entries] == [
        ("p2@example.com", f"campaign:{again.campaign.id}", "on no.csv")
    ]
    (path.parent / "no.csv").write_text("")
    launch(service, path)
    assert asyncio.run(service.reader.suppressions()) == [], "who is on no list of the campaign's any more"


def test_who_is_taken_off_the_list_stays_settled_where_they_were(
    service: Service, write_campaign: WriteCampaign
) -> None:
    asyncio.run(service.suppression.add(["P0@example.com"], reason="asked by mail"))
    first = launch(service, write_campaign(3))
    assert counts(service, first) == {"total": 3, "queued": 2, "suppressed": 1}
    asyncio.run(service.suppression.remove(["p0@example.com"]))
    assert launch(service, write_campaign(3)).added == 0
    assert counts(service, first) == {"total": 3, "queued": 2, "suppressed": 1}
    turn(service, first, CampaignState.FINISHED)
    assert counts(service, launch(service, write_campaign(3), Again.NEW)) == {"total": 3, "queued": 3, "suppressed": 0}


@pytest.mark.parametrize("rubbish", [None, "no address here\n1\n"])
def test_a_list_of_the_left_out_that_cannot_be_read_stops_the_launch(
    service: Service, write_campaign: WriteCampaign, rubbish: str | None
) -> None:
    path = write_campaign(4, audience={"source": "contacts.csv", "suppress": ["no.csv"]})
    if rubbish:
        (path.parent / "no.csv").write_text(rubbish)
    with pytest.raises(AudienceError, match=r"audience\.suppress\.0"):
        launch(service, path)
    assert asyncio.run(service.views()) == []


def test_a_launch_that_was_killed_half_way_is_begun_anew(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path
) -> None:
    """In between the list loses its first thousand: they are in the dead draft, and must not be mailed."""
    path = write_campaign(40_000)
    process = starter(tmp_path, path)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()
    while int(process.stdout.readline()) < 20_000:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    [dead] = asyncio.run(service.views())
    assert dead.state == CampaignState.DRAFT
    rows = people(40_000)
    path.with_name("contacts.csv").write_text("\n".join([rows[0], *rows[1_001:]]) + "\n")
    done = launch(service, path)
    assert (done.is_new, done.added) == (True, 39_000)
    assert counts(service, done)["total"] == 39_000
    assert addresses(service, done) == [f"p{n}@example.com" for n in range(1_000, 40_000)]
    assert len(asyncio.run(service.views())) == 1


def test_what_a_launch_left_that_died_or_was_stopped_is_thrown_away(
    service: Service, write_campaign: WriteCampaign
) -> None:
    """With everybody in it: by the next launch of any campaign, by an order, and by a launch that is stopped itself."""
    turn(service, launch(service, write_campaign(4)), CampaignState.DRAFT)
    launched = launch(service, write_campaign(3, name="Another")).campaign
    assert [view.id for view in asyncio.run(service.views())] == [launched.id]

    path = write_campaign(4)
    turn(service, launch(service, path), CampaignState.DRAFT)
    dead = next(view for view in asyncio.run(service.views()) if view.state == "draft")

    async def while_another_is_launched() -> None:
        async with exclusive(service.outbox.path.with_name("outbox.db.launch.lock")):
            with pytest.raises(UsageError, match="while a launch is under way"):
                await service.cancel(dead)

    asyncio.run(while_another_is_launched())
    assert "thrown away" in asyncio.run(service.cancel(dead))
    assert [view.id for view in asyncio.run(service.views())] == [launched.id]

    meanwhile = dataclasses.replace(dead, campaign=dataclasses.replace(dead.campaign, id=launched.id))
    with pytest.raises(UsageError, match="has been launched in the meantime"):
        asyncio.run(service.cancel(meanwhile))

    def stop(_done: int) -> None:
        raise asyncio.CancelledError

    prepared = service.prepare(service.campaigns.load(path), plan={})
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(service.launch(prepared, again=Again.ASK, progress=stop))
    assert [view.id for view in asyncio.run(service.views())] == [launched.id]


def test_nobody_is_kept_waiting_while_a_filter_looks_for_the_next_one(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = write_campaign(
        ["email,first_name,city", "ann@example.com,Ann,Brno", *people(60_000)[1:]],
        audience={"source": "contacts.csv", "filter": "city = 'Brno'"},
    )
    steps: list[int] = []
    prepared = service.prepare(service.campaigns.load(path), plan={})
    found = asyncio.run(service.launch(prepared, again=Again.ASK, progress=steps.append))
    assert found.added == 1
    assert len(steps) == 4, "the outbox was let go of after so many rows, not after so many recipients"


@pytest.mark.parametrize("lap", range(2))
def test_two_launches_at_once_are_one_campaign(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path, lap: int
) -> None:
    path = write_campaign(3_000)
    both = [starter(tmp_path, path) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].splitlines()[-1].split() for process in both]
    assert {line[1] for line in said} == {said[0][1]}
    assert sorted(int(line[2]) for line in said) == [0, 3_000]
    [view] = asyncio.run(service.views())
    assert (view.counts.total, view.state) == (3_000, CampaignState.RUNNING)


@pytest.mark.long
def test_two_launches_at_once_ten_times_more(service: Service, write_campaign: WriteCampaign, tmp_path: Path) -> None:
    for lap in range(10):
        test_two_launches_at_once_are_one_campaign(
            Service.open({"MAILTUI_HOME": str(tmp_path / str(lap) / "home")}), write_campaign, tmp_path / str(lap), lap
        )


def test_others_in_the_place_of_those_who_were_shown_are_not_mailed(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = write_campaign(3)
    prepared = service.prepare(service.campaigns.load(path), plan={})
    contacts = path.parent / "contacts.csv"
    contacts.write_text(contacts.read_text().replace("p1@example.com", "q1@example.com"))
    with pytest.raises(UsageError, match=r"contacts.csv was written to after you looked"):
        asyncio.run(service.launch(prepared, again=Again.ASK, progress=lambda done: None))
    assert asyncio.run(service.views()) == []
    assert launch(service, path).added == 3
