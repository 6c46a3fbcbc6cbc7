"""What is to go out: chosen in the review, seen with its times, changed, taken back; what was sent is found again."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
from textual.pilot import Pilot
from textual.widgets import Input

from mailtui.outbox.records import ProgressSnapshot
from mailtui.outbox.states import CampaignState
from mailtui.outbox.timed_records import MeterSnapshot
from mailtui.schedule.window import DAYS
from mailtui.service.facade import Service
from mailtui.service.lists import Again
from mailtui.service.schedule_draft import ScheduleDraft, read_draft
from mailtui.service.schedules import Schedule
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.dialogs.confirm_start import ConfirmStartDialog
from mailtui.tui.dialogs.missed import MissedDialog
from mailtui.tui.dialogs.schedule import ScheduleDialog
from mailtui.tui.screens.review import ReviewScreen
from mailtui.tui.screens.scheduled import ScheduledScreen
from mailtui.tui.widgets.coming_list import in_rows
from mailtui.tui.widgets.progress import doing, meter_lines
from tests.tui.conftest import MakeApp, finished, grid, launch, shows, stretch, until


def schedule_of(draft: ScheduleDraft) -> Schedule:
    schedule = read_draft(draft, time.time()).schedule
    assert schedule is not None
    return schedule


async def scheduled(service: Service, campaign: Path, draft: ScheduleDraft) -> str:
    """The id of a campaign that is launched for a time to come, or again and again; nobody waits for it yet."""
    plan = service.prepare(service.campaigns.load(campaign), plan={}, schedule=schedule_of(draft))
    if plan.recurs:
        return (await service.scheduled.recur(plan)).recurrence.id
    launched = await service.launch(plan, again=Again.ASK, progress=lambda _: None)
    return launched.campaign.id


def fill(app: MailtuiApp, **texts: str) -> None:
    """Type into fields of the schedule's form, by their keys."""
    for key, text in texts.items():
        app.screen.query_one(f"#field-{key.replace('_', '-')} Input", Input).value = text


async def ready(app: MailtuiApp, pilot: Pilot[Any]) -> ReviewScreen:
    """The review, when the open campaign could be started."""
    await until(lambda: app.bench.campaign is not None, seconds=60)
    await pilot.press("6")
    await until(lambda: isinstance(app.screen, ReviewScreen))
    screen = app.screen
    assert isinstance(screen, ReviewScreen)
    await until(lambda: screen.check_action("start", ()) is True)
    return screen


async def start_it(app: MailtuiApp, pilot: Pilot[Any], screen: ReviewScreen, count: int, when: str) -> None:
    """Press s and type the number below a question that says when, until the screen of what is scheduled is there."""
    await until(lambda: screen.check_action("start", ()) is True)
    await pilot.press("s")
    await until(lambda: isinstance(app.screen, ConfirmStartDialog))
    await until(lambda: shows(app, f"{when}?", "Schedule  "))
    await pilot.press(*str(count), "enter")
    await until(lambda: app.screen.query_one("#start").has_focus)
    await pilot.press("enter")
    await until(lambda: isinstance(app.screen, ScheduledScreen), seconds=30)


async def test_c8_scheduled_in_the_review_put_to_another_time_taken_back_and_sent_again_and_again(
    app: MakeApp, service: Service, sample: Path
) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await ready(running, pilot)
        await pilot.press("w")
        await until(lambda: isinstance(running.screen, ScheduleDialog) and shows(running, "goes out", "At once."))
        await pilot.press("down", "enter")  # once, and no time said
        await until(lambda: shows(running, "× Say when: tomorrow 9:00"))
        fill(running, at="2027-03-28 02:30", timezone="Europe/Berlin")
        await until(lambda: shows(running, "Once, Sun 2027-03-28 03:30 CEST", "! 02:30 does not exist on 2027-03-28"))
        await pilot.press("ctrl+s")
        await until(lambda: shows(running, "goes out     once, Sun 2027-03-28 03:30 CEST", "Ready; s schedules it."))
        await start_it(running, pilot, screen, 34, "CEST")
        assert service.runner_pid() is not None, "somebody waits for its time, also when the app is closed"
        await until(
            lambda: shows(running, "@ scheduled", "Sun 2027-03-28 03:30 CEST", "34 recipients", "Sent  nothing")
        )
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ScheduleDialog))
        fill(running, at="in 3h")
        await pilot.press("ctrl+s")
        await until(lambda: shows(running, "in 2 h 59 min"))
        await pilot.press("p")
        await until(lambda: shows(running, "║ paused"))
        await pilot.press("e")
        await until(lambda: isinstance(running.screen, ScheduleDialog))
        await pilot.press("ctrl+s")  # at the same time, which is waited for again
        await until(lambda: shows(running, "@ scheduled", "in 2 h 5"))
        await pilot.press("x")
        await until(lambda: isinstance(running.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(lambda: shows(running, "Nothing is scheduled.", "× cancelled"))

        await pilot.press("6", "w")  # and now again and again
        await until(lambda: isinstance(running.screen, ScheduleDialog))
        fill(running, kind="every", every="1 week", at="2030-01-07 09:00", timezone="Europe/Berlin")
        await until(lambda: shows(running, "Every week on Monday at 09:00 Europe/Berlin", "Mon 2030-01-14 09:00 CET"))
        await pilot.press("ctrl+s")
        await until(lambda: shows(running, "next         Mon 2030-01-07 09:00 CET (08:00 UTC)"))
        await start_it(running, pilot, screen, 34, "again")
        await until(lambda: shows(running, "° recurring", "its list is read each time"))
        await pilot.press("6")
        await until(lambda: screen.check_action("start", ()) is True)
        await pilot.press("s")  # once more: that it takes the place of the first is said
        await until(lambda: isinstance(running.screen, ConfirmStartDialog))
        await until(lambda: shows(running, "until now    every week on Monday", "takes its place"))
    [view] = await service.views()  # nothing is frozen before its time
    assert (view.state, view.counts.sent) == ("cancelled", 0)


async def test_c8_what_is_sent_again_and_again_is_paused_resumed_and_ended(
    app: MakeApp, service: Service, sample: Path
) -> None:
    every_week = ScheduleDraft("every", every="1 week", at="2030-01-07 09:00", timezone="Europe/Berlin")
    await scheduled(service, sample, every_week)
    running = app()
    async with running.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: shows(running, "No runner is there"))
        await pilot.press("S")
        await until(lambda: shows(running, "° recurring", "its list is read each time", "Mon 2030-02-04 09:00 CET"))
        await pilot.press("p")
        await until(lambda: shows(running, "║ paused", "asks"))
        await pilot.press("r")
        await until(lambda: shows(running, "° recurring"))
        await pilot.press("x")
        await until(lambda: isinstance(running.screen, ConfirmDialog) and shows(running, "It does not go out again."))
        running.screen.query_one("#yes").focus()
        await pilot.press("enter")
        await until(lambda: shows(running, "Nothing is scheduled."))


async def test_c8_without_a_runner_it_is_said_and_one_is_started_and_what_was_sent_is_found(
    app: MakeApp, service: Service, sendable: Path
) -> None:
    stretch(sendable, 3)
    campaign = await scheduled(service, sendable, ScheduleDraft("once", at="in 5h"))
    assert service.runner_pid() is None
    running = app()
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: shows(running, "@ scheduled", "No runner is there to send what is to come. b starts one"))
        await until(lambda: shows(running, "Scheduled: it is to begin at", "process waits for"))
        await pilot.press("b")
        await until(lambda: service.runner_pid() is not None)
        await until(lambda: not shows(running, "No runner is there"))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ScheduledScreen) and shows(running, "in 4 h 59 min"))
        await pilot.press("s")
        await until(lambda: isinstance(running.screen, ConfirmDialog) and shows(running, "It goes to 3, at once."))
        running.screen.query_one("#yes").focus()
        await pilot.press("enter")
        await until(lambda: shows(running, "Nothing is scheduled."))
        await finished(service, campaign)
        await until(lambda: shows(running, "+ finished", "Sent  1 campaign"))
        await pilot.press("slash", *"spring finished")
        await until(lambda: shows(running, "1 campaign with spring finished"))
        await pilot.press(*" autumn")
        await until(lambda: shows(running, "nothing with spring finished autumn") and not shows(running, "+ finished"))
        await pilot.press("escape")
        await until(lambda: shows(running, "+ finished"))
    assert (await service.view(campaign)).counts.sent == 3


async def test_t02_who_was_missed_is_left_out_and_hours_are_changed_in_the_app(
    app: MakeApp, service: Service, sendable: Path
) -> None:
    another = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
    stretch(sendable, 3)
    campaign = await scheduled(service, sendable, ScheduleDraft("once", at="in 5h", days=another, timezone="UTC"))
    reason = "the times of 2 recipients passed while mailtui was not running; send to them now: mailtui resume X"
    passed = time.time() - 3_600
    ledger = service.outbox.ledger()
    number = (await service.view(campaign)).campaign.number
    why = f"{reason}; leave them out: mailtui resume X --skip-missed"
    await ledger.set_state(number, CampaignState.PAUSED, actor="runner", now=passed, reason=why, held=True)
    ledger.close()
    with apsw.Connection(str(service.outbox.path)) as connection:
        connection.execute("UPDATE delivery SET send_at = ?, due_at = ? WHERE row > 1", (passed, passed))
    running = app()
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("S")
        await until(lambda: shows(running, "asks", "The times of 2 recipients passed"))
        await pilot.press("r")
        await until(lambda: isinstance(running.screen, MissedDialog) and shows(running, "or leave them out for good?"))
        await pilot.press("escape", "r")
        await until(lambda: isinstance(running.screen, MissedDialog))
        running.screen.query_one("#skip").focus()
        await pilot.press("enter")
        await until(lambda: shows(running, "Sending window closed; opens "))
        await pilot.press("e")
        await until(lambda: isinstance(running.screen, ScheduleDialog) and shows(running, "only on", another))
        fill(running, days="")
        await pilot.press("ctrl+s")
        await until(lambda: shows(running, "changed: at any hour"))
        await finished(service, campaign)
    counts = (await service.view(campaign)).counts
    assert (counts.sent, counts.expired) == (1, 2)


async def test_c3_the_board_says_what_is_waited_for_until_when_and_the_pace_and_its_reason(
    service: Service, sample: Path
) -> None:
    launched = await launch(service, sample)
    view = await service.view(launched.campaign.id)
    now = view.seen_at
    snapshot = ProgressSnapshot(
        now,
        0.0,
        None,
        None,
        "hourly limit of acme reached",
        (),
        waits_until=now + 125,
        meters=(MeterSnapshot("acme", "7/s, asked to slow down at 14:02"), MeterSnapshot("acme x.test", "rests", now)),
    )
    at_work = replace(view, snapshot=snapshot, runner=1, heartbeat=now)
    assert str(doing(at_work)).startswith("Hourly limit of acme reached. It goes on at ")
    assert str(doing(at_work)).endswith("in 2 min 05 s.")
    lines = str(meter_lines(at_work)).splitlines()
    assert lines[0] == "~ acme: 7/s, asked to slow down at 14:02"
    assert lines[1].startswith("~ acme x.test: rests, until ")


async def test_f1_what_is_foreign_stays_text_and_sixty_columns_are_enough(
    app: MakeApp, service: Service, sample: Path
) -> None:
    text = sample.read_text("utf-8")
    sample.write_text(text.replace("name: Spring news", "name: '[@click=app.quit]x[/] [/oops'"), "utf-8")
    await scheduled(service, sample, ScheduleDraft("cron", cron="0 9 * * MON", timezone="Europe/Berlin"))
    running = app()
    async with running.run_test(size=(60, 20)) as pilot:
        await until(lambda: shows(running, "No runner is there"))
        await pilot.press("S")
        await until(lambda: shows(running, "° recurring", "[@click=app.quit]x[/] [/oops, its list"))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ScheduleDialog) and shows(running, "0 9 * * MON", "Change it"))
        await until(lambda: shows(running, "next  Mon"))
        await pilot.press("escape")
        await until(lambda: isinstance(running.screen, ScheduledScreen))
        assert len(grid(running)) == 20


def test_c8_next_times_stand_side_by_side_only_where_they_fit() -> None:
    times = [f"Mon 2026-11-{day} 09:00 CET" for day in (23, 24, 25, 26, 27)]
    for width, beside in ((78, 2), (98, 3), (20, 1)):
        lines = [line.plain for line in in_rows(times, width)]
        assert len(lines) == 2 and [line.count("CET") for line in lines] == [beside, min(beside, 5 - beside)]
        assert width < 24 + 6 or all(len(line) <= width for line in lines)
