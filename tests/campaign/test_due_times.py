"""Campaigns that go out later: rows with times and zones of their own, what a second launch means, and findings."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mailtui.campaign.again import Again, NotFinished, OtherTimes
from mailtui.campaign.freeze import Launch
from mailtui.campaign.takes import Sent, takes
from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import ConfigError, UsageError
from mailtui.message.preflight import Finding
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.schedule.moment import as_local
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.window import Window
from mailtui.service.facade import Service
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.limits import Batch, Limits, WarmUp
from tests.campaign.conftest import WriteCampaign

AT = {"at": "2099-12-01 09:00", "timezone": "Europe/Berlin"}
OWN = {"source": "contacts.csv", "columns": {"send_at": "when", "timezone": "zone"}}
ROWS = [
    "email,when,zone",
    "tokyo@example.com,,Asia/Tokyo",
    "berlin@example.com,,",
    "own@example.com,2099-12-24 08:00,America/New_York",
    "here@example.com,2099-12-24 08:00,",
]


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def launch(service: Service, path: Path, again: Again = Again.ASK, schedule: Schedule | None = None) -> Launch:
    plan = service.prepare(service.campaigns.load(path), plan={}, schedule=schedule)
    return asyncio.run(service.launch(plan, again=again, progress=lambda _: None))


def times(service: Service, launched: Launch) -> dict[str, float]:
    rows = asyncio.run(service.reader.deliveries(launched.campaign.number))
    return {row.address.partition("@")[0]: row.send_at for row in rows}


def orders(service: Service, launched: Launch) -> list[tuple[str, object]]:
    ledger = service.outbox.ledger()
    try:
        found = asyncio.run(ledger.open_orders())
    finally:
        ledger.close()
    return [(order.kind, dict(order.arguments)) for order in found if order.campaign == launched.campaign.number]


def found(service: Service, path: Path) -> dict[str, Finding]:
    check = service.campaigns.check(service.campaigns.load(path), every_row=False, progress=lambda _done, _all: None)
    return {finding.code: finding for finding in check.findings}


def test_c8_a_campaign_is_frozen_for_its_time(service: Service, write_campaign: WriteCampaign) -> None:
    launched = launch(service, write_campaign(2, schedule=AT)).campaign
    assert (launched.state, launched.start_at) == (CampaignState.SCHEDULED, epoch("2099-12-01 08:00"))
    assert Schedule.from_json(launched.schedule).timezone == "Europe/Berlin"


def test_c8_rows_are_due_by_the_clock_of_their_people_or_at_times_of_their_own(
    service: Service, write_campaign: WriteCampaign
) -> None:
    launched = launch(service, write_campaign(ROWS, "Hi\n", audience=OWN, schedule=AT))
    assert times(service, launched) == {
        "tokyo": epoch("2099-12-01 00:00"),  # nine o'clock there
        "berlin": epoch("2099-12-01 08:00"),
        "own": epoch("2099-12-24 13:00"),
        "here": epoch("2099-12-24 07:00"),
    }
    assert launched.campaign.start_at == epoch("2099-12-01 00:00"), "it begins with the first of them"


def test_c8_rows_without_a_time_of_a_campaign_without_one_go_at_once(
    service: Service, write_campaign: WriteCampaign
) -> None:
    audience = {"source": "contacts.csv", "columns": {"send_at": "when"}}
    launched = launch(service, write_campaign(ROWS, "Hi\n", audience=audience))
    assert times(service, launched)["berlin"] == 0.0
    assert (launched.campaign.state, launched.campaign.start_at) == (CampaignState.RUNNING, None)


def test_c8_cells_that_are_no_times_stop_the_launch_and_are_told_by_row(
    service: Service, write_campaign: WriteCampaign
) -> None:
    rows = [*ROWS, "bad@example.com,soon,", "worse@example.com,,Europe/Berln", "late@example.com,2020-01-01 08:00,"]
    path = write_campaign(rows, "Hi\n", audience=OWN, schedule=AT)
    findings = found(service, path)
    assert (findings["row-times"].severity, findings["row-times"].rows) == ("error", (5, 6))
    assert "'soon' is no date and time" in findings["row-times"].message
    assert (findings["row-times-passed"].severity, findings["row-times-passed"].rows) == ("warning", (7,))
    assert findings["row-times-blank"].count == 2
    with pytest.raises(UsageError, match="Row 5 of the list"):
        launch(service, path)
    path = write_campaign(["email", "a@example.com"], "Hi\n", audience=OWN, schedule=AT)
    assert {"no-column"} <= found(service, path).keys()
    with pytest.raises(UsageError, match="no column when"):
        service.prepare(service.campaigns.load(path), plan={})


@pytest.mark.parametrize(
    "schedule", [{"every": "1 day", "cron": "0 9 * * *"}, {"timezone": "Europe/Berln"}, {"at": "9:00"}, {"missed": "x"}]
)
def test_c8_a_schedule_that_cannot_be_kept_is_a_mistake_with_its_line(
    service: Service, write_campaign: WriteCampaign, schedule: dict[str, str]
) -> None:
    path = write_campaign(2, schedule=schedule)
    with pytest.raises(ConfigError) as caught:
        service.campaigns.load(path)
    assert caught.value.problems[0].place.line == 7


def test_c8_what_was_agreed_to_too_late_is_not_launched(service: Service, write_campaign: WriteCampaign) -> None:
    plan = service.prepare(service.campaigns.load(write_campaign(2, schedule=AT)), plan={})
    soon = as_local(time.time() - 40, "UTC").text
    for at, passed in (("2020-12-01 09:00", True), (soon, False)):
        looked_at = dataclasses.replace(plan, schedule=Schedule(at=at, timezone="UTC").to_json())
        try:
            asyncio.run(service.launch(looked_at, again=Again.ASK, progress=lambda done: None))
        except UsageError as error:
            assert passed and "has passed" in error.title
        else:
            assert not passed, "less than a minute is no time"


def test_c8_a_time_that_has_passed_is_told_and_not_launched(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(2, schedule={"at": "2020-12-01 09:00"})
    assert found(service, path)["time-passed"].severity == "warning"
    with pytest.raises(UsageError, match="has passed"):
        launch(service, path)
    launched = launch(service, path, schedule=Schedule())
    assert launched.campaign.state is CampaignState.RUNNING, "at once, when somebody says so"


def test_c8_check_tells_of_clock_changes(service: Service, write_campaign: WriteCampaign) -> None:
    schedule = {"cron": "30 2 * * SUN", "timezone": "Europe/Berlin"}
    path = write_campaign(2, schedule=schedule)
    check = service.campaigns.check(service.campaigns.load(path), every_row=False, progress=lambda _done, _all: None)
    told = [finding.message for finding in check.findings if finding.code == "clock-change"]
    assert any("does not exist" in one for one in told) and any("comes twice" in one for one in told)


def test_c8_a_second_launch_before_its_time_adds_and_takes_the_time_that_is_said_now(
    service: Service, write_campaign: WriteCampaign
) -> None:
    first = launch(service, write_campaign(2, schedule=AT))
    path = write_campaign(3, schedule={**AT, "at": "2099-12-02 09:00"})
    second = launch(service, path)
    assert (second.campaign.id, second.added, second.is_new) == (first.campaign.id, 1, False)
    [(kind, given)] = orders(service, second)
    assert kind is OrderKind.SCHEDULE and isinstance(given, dict)
    assert given["at"] == epoch("2099-12-02 08:00")
    with pytest.raises(NotFinished):
        launch(service, path, Again.NEW)
    launch(service, path, schedule=Schedule())
    assert orders(service, second)[-1][0] is OrderKind.RESUME, "at once is now"


def test_c8_one_whose_recipients_have_own_times_is_put_to_no_other_time(
    service: Service, write_campaign: WriteCampaign
) -> None:
    first = launch(service, write_campaign(ROWS, "Hi\n", audience=OWN, schedule=AT))
    path = write_campaign([*ROWS, "new@example.com,,"], "Hi\n", audience=OWN, schedule={**AT, "at": "2099-12-02 09:00"})
    plan = service.prepare(service.campaigns.load(path), plan={})
    with pytest.raises(OtherTimes, match="for another time"):  # before anybody is asked to agree
        asyncio.run(service.forecast(plan, again=Again.ASK))
    with pytest.raises(OtherTimes, match="for another time"):
        launch(service, path)
    assert len(times(service, first)) == 4
    path = write_campaign([*ROWS, "new@example.com,,"], "Hi\n", audience=OWN, schedule=AT)
    assert launch(service, path).added == 1


def test_c8_who_is_added_to_one_that_has_begun_gets_it_at_the_time_that_is_said(
    service: Service, write_campaign: WriteCampaign
) -> None:
    launch(service, write_campaign(["email", "a@example.com"], "Hi\n"))
    launched = launch(service, write_campaign(["email", "a@example.com", "b@example.com"], "Hi\n", schedule=AT))
    assert times(service, launched) == {"a": 0.0, "b": epoch("2099-12-01 08:00")}
    assert [kind for kind, _ in orders(service, launched)] == [OrderKind.TOP_UP]


def test_c8_a_time_of_a_recurring_campaign_is_launched_once(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(2, schedule={"cron": "0 9 * * *", "timezone": "Europe/Berlin"})
    plan = service.prepare(service.campaigns.load(path), plan={})
    assert plan.recurs

    def at(moment: float) -> Launch:
        one = dataclasses.replace(plan, start_at=moment, recurrence="rrrrrrrr", occurrence_at=moment)
        return asyncio.run(service.launch(one, again=Again.NEW, progress=lambda _: None))

    first, again, other = at(epoch("2099-01-01 08:00")), at(epoch("2099-01-01 08:00")), at(epoch("2099-01-02 08:00"))
    assert (again.campaign.id, again.added, again.is_new) == (first.campaign.id, 0, False)
    assert other.campaign.id != first.campaign.id and other.added == 2


def test_c8_a_list_from_standard_input_cannot_come_again(
    service: Service, write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"email\na@example.com\n")))
    path = write_campaign(1, "Hi\n", audience={"source": "-"}, schedule={"every": "1 day"})
    with pytest.raises(UsageError, match="standard input"):
        asyncio.run(service.scheduled.recur(service.prepare(service.campaigns.load(path), plan={})))


def _members(*limits: Limits) -> list[Member]:
    endpoint = Endpoint("acme", "smtp.example.com", 587, Security.TLS)
    return [Member(endpoint, limits=one) for one in limits]


@pytest.mark.parametrize(
    ("limits", "mails", "seconds"),
    [
        ([Limits(per_day=100)], 100, None),
        ([Limits(per_day=100)], 101, 86_400),
        ([Limits(per_day=100), Limits(per_day=300)], 800, 86_400),  # two accounts share the work
        ([Limits(rate=2.0)], 601, 300),
        ([Limits(min_gap=30, jitter=1.0)], 11, 450),
        ([Limits(batch=Batch(10, 600))], 31, 1_800),
        ([Limits(per_domain=(("gmail.com", Limits(per_hour=5)),))], 100, 3_600),
        ([Limits(rate=2.0, per_domain=(("gmail.com", Limits(per_hour=5)),))], 601, 3_600),  # the longer one counts
        ([Limits(per_day=100), Limits()], 10_000, None),  # the other one takes them all
        ([Limits(warm_up=WarmUp(50, 2.0, 1_000))], 100, 43_200),  # the second day begins at midnight
        ([Limits(warm_up=WarmUp(50, 2.0, 1_000))], 101, 86_400),  # and the first mails count until noon
    ],
)
def test_c3_how_long_limits_make_it_take(limits: Iterable[Limits], mails: int, seconds: float | None) -> None:
    noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    least = takes(_members(*limits), SendPlan(), mails, {"gmail.com": 10}, noon)
    assert (
        (least is None) if seconds is None else (least is not None and least.seconds == pytest.approx(seconds, abs=2))
    )


@pytest.mark.parametrize(
    ("limits", "mails", "seconds"),
    [
        (Limits(per_day=100), 60, None),
        (Limits(per_day=100), 61, 82_800),  # what was sent an hour ago leaves after 23
        (Limits(per_day=100), 91, 84_600),
        (Limits(per_day=100), 161, 82_800 + 86_400),
        (Limits(per_hour=30), 25, 1_800),  # what was sent an hour ago counts no more
        (Limits(warm_up=WarmUp(50, 1.2, 1_000)), 21, 43_200),  # its second day, of 60
        (Limits(warm_up=WarmUp(50, 2.0, 1_000)), 60, None),
        (Limits(per_domain=(("gmail.com", Limits(per_hour=12)),)), 10, 1_200),
    ],
)
def test_c3_what_an_account_has_sent_lately_makes_it_take_longer(
    limits: Limits, mails: int, seconds: float | None
) -> None:
    noon = datetime(2026, 12, 2, 12, tzinfo=UTC)
    sent = {
        "acme": Sent(((3_600.0, 30), (1_800.0, 10)), date(2026, 12, 1)),
        "acme gmail.com": Sent(((2_400.0, 4),), date(2026, 12, 1)),
    }
    least = takes(_members(limits), SendPlan(), mails, {"gmail.com": 10}, noon, sent)
    if seconds is None:
        assert least is None
    else:
        assert least is not None and least.seconds == pytest.approx(seconds, abs=2)
        assert least.because.endswith(" of acme and what was sent lately")


def test_c3_the_days_of_a_warm_up_are_counted_from_the_first_mail() -> None:
    limits, begins = Limits(warm_up=WarmUp(50, 2.0, 1_000)), datetime(2026, 12, 5, 12, tzinfo=UTC)
    assert takes(_members(limits), SendPlan(), 800, {}, begins, {"acme": Sent((), date(2026, 12, 1))}) is None
    assert takes(_members(limits), SendPlan(), 800, {}, begins, {"other": Sent((), date(2026, 12, 1))}) is not None


def test_c3_hours_make_it_take_longer() -> None:
    least = takes(_members(Limits(per_hour=1)), SendPlan(), 25, {}, datetime.now(UTC))
    assert least is not None
    assert least.within(Window(540, 1_020)).seconds == pytest.approx(3 * 86_400, abs=5), "24 hours, 8 of them a day"


def test_c3_check_says_how_long_limits_make_it_take(service: Service, write_campaign: WriteCampaign) -> None:
    findings = found(service, write_campaign(30, dispatch={"limits": {"per_day": 10}}))
    assert findings["takes"].severity == "warning"
    assert "30 mails take at least 2 d" in findings["takes"].message
