"""The review: what is about to happen, what keeps it from happening, and a start through to the board."""

from __future__ import annotations

import asyncio
import mailbox
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from mailtui.errors import RunnerError
from mailtui.kit.paths import Home
from mailtui.sandbox.process import SandboxHandle
from mailtui.sandbox.server import SandboxServer
from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.changed import ChangedDialog
from mailtui.tui.dialogs.confirm_start import ConfirmStartDialog
from mailtui.tui.dialogs.password import PasswordDialog
from mailtui.tui.dialogs.test_mail import SendTestDialog
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.screens.review import ReviewScreen
from mailtui.tui.text import Plain
from mailtui.tui.widgets.checking import Heard
from mailtui.tui.widgets.plan_check import PlanCheck
from mailtui.tui.widgets.trouble import Trouble
from tests.servers.name_server import name_server
from tests.tui.conftest import MakeApp, change, finished, grid, launch, send_with_login, shows, stretch, until


async def opened(app: MailtuiApp, pilot: Pilot[Any]) -> ReviewScreen:
    """The review screen, counted and checked."""
    await until(lambda: app.bench.open_list is not None)
    await pilot.press("6")
    await until(lambda: isinstance(app.screen, ReviewScreen))
    screen = app.screen
    assert isinstance(screen, ReviewScreen)
    return screen


async def asked(app: MailtuiApp, pilot: Pilot[Any], screen: ReviewScreen) -> ConfirmStartDialog:
    """The last question, asked by its key."""
    await until(lambda: screen.check_action("start", ()) is True)
    await pilot.press("s")
    await until(lambda: isinstance(app.screen, ConfirmStartDialog))
    dialog = app.screen
    assert isinstance(dialog, ConfirmStartDialog)
    return dialog


async def start(app: MailtuiApp, pilot: Pilot[Any], screen: ReviewScreen, count: int) -> None:
    """Type the number and press Start."""
    await asked(app, pilot, screen)
    await confirm(app, pilot, count)


async def confirm(app: MailtuiApp, pilot: Pilot[Any], count: int) -> None:
    """Answer the last question."""
    dialog = app.screen
    await pilot.press(*str(count), "enter")
    await until(lambda: dialog.query_one("#start").has_focus)
    await pilot.press("enter")


async def choosing(app: MailtuiApp, pilot: Pilot[Any], screen: ReviewScreen) -> None:
    """The question for whom a launch is, asked by the key of a start."""
    await until(lambda: screen.check_action("start", ()) is True)
    await pilot.press("s")
    await until(lambda: isinstance(app.screen, ChangedDialog))


async def number_asked(app: MailtuiApp, pilot: Pilot[Any]) -> int:
    """The number that the last question wants."""
    await until(lambda: isinstance(app.screen, ConfirmStartDialog))
    await pilot.pause()
    found = re.search(r"Type (\d+) to send", "\n".join(grid(app)))
    assert found is not None
    return int(found[1])


async def number_of_the_command(campaign: Path, *options: str) -> int:
    """The number that `mailtui run` names, where nobody is there to confirm it."""
    command = [sys.executable, "-m", "mailtui", "run", str(campaign), *options]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    found = re.search(r"([\d,]+) mails? would be sent", done.stderr)
    assert found is not None, done.stderr
    return int(found[1].replace(",", ""))


def told_by(app: MailtuiApp) -> str:
    """The error that is shown, without its line breaks on the screen."""
    trouble = app.screen.query_one(Trouble)
    return str(trouble.query_one(Plain).content) if trouble.display else ""


def caught(folder: Path) -> list[str]:
    """Who got a mail."""
    file = folder / "messages.mbox"
    return sorted(str(message["To"]) for message in mailbox.mbox(file)) if file.exists() else []


async def test_everything_that_is_about_to_happen_is_shown(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "20 of 34 rows tried:"))
        await until(lambda: shows(running, "server       127.0.0.1:2525  not encrypted, on this machine"))
        await until(
            lambda: shows(running, "from         Acme Garden <news@acme.test>", "subject      {{ first_name|default")
        )
        await until(lambda: shows(running, "recipients   34 of 42 rows in contacts.csv"))
        await until(lambda: shows(running, "4 left out by the filter, 2 duplicates, 2 unusable"))
        await until(lambda: shows(running, "amara.okafor@example.com, ruth.mwangi@example.com"))
        await until(lambda: shows(running, "rate  100/s", "burst  50", "workers  4", "! 1 warning", "[rows 26, 37]"))
        await pilot.press("enter")  # on the first finding
        await until(lambda: isinstance(running.screen, PreviewScreen) and shows(running, "row 26"))
        running.bench.set_filter('city == "Lyon"')
        await pilot.press("6")
        await until(lambda: shows(running, "recipients   1 of 42 rows", "1 of 1 row tried"))
        assert not screen.query_one("#review-start", Button).disabled


async def test_fifty_are_sent_by_a_runner_and_the_board_watches(
    app: MakeApp, sendable: Path, sandbox: SandboxHandle, service: Service
) -> None:
    stretch(sendable, 50)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        dialog = await asked(running, pilot, screen)
        assert shows(
            running,
            f"Send 50 mails to 127.0.0.1:{sandbox.port} on this machine?",
            "pace         100/s, 50 at once, 4 workers",
            "Type 50 to send:",
        )
        assert dialog.query_one("#count").has_focus
        assert dialog.query_one("#start", Button).disabled
        await pilot.press("5", "0")
        assert dialog.query_one(Input).value == "50"
        assert not dialog.query_one("#start", Button).disabled
        await pilot.press("enter", "enter")
        await until(lambda: isinstance(running.screen, BoardScreen))
        campaign = (await service.newest()).id
        assert running.watched == campaign
        await finished(service, campaign)
        assert len(caught(sandbox.folder)) == len(set(caught(sandbox.folder))) == 50
        await until(lambda: shows(running, "finished"))

        await pilot.press("6")  # once more: nobody is new, and so there is nothing to start
        await until(lambda: shows(running, "+ Everybody on the list has it already; nothing to do."))
        assert "To everybody once more: mailtui run CAMPAIGN --new" in screen.needs("start")
        await until(lambda: shows(running, f"already sent 50 ({campaign}, ", "to send      0 new"))
        assert screen.check_action("start", ()) is None
        assert len(caught(sandbox.folder)) == 50
        assert len(await service.views()) == 1


@pytest.mark.parametrize("typed", ["33", "340", "43", ""])
async def test_a_wrong_number_starts_nothing(app: MakeApp, sendable: Path, service: Service, typed: str) -> None:
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        dialog = await asked(running, pilot, screen)
        await pilot.press(*typed)
        start_button = dialog.query_one("#start", Button)
        assert start_button.disabled
        start_button.press()
        await pilot.click(start_button)
        await pilot.press("escape")
        await until(lambda: isinstance(running.screen, ReviewScreen))
        assert await service.views() == []


async def test_enter_right_away_cancels(app: MakeApp, sendable: Path, service: Service) -> None:
    running = app(target=sendable)
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(running, pilot)
        await asked(running, pilot, screen)
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ReviewScreen) and shows(running, "Nothing was sent."))
        assert await service.views() == []


async def test_errors_keep_it_from_being_started(app: MakeApp, sendable: Path, service: Service) -> None:
    change(sendable.parent / "body.txt.j2", "This week", "{{ 1 // (customer|int - 471) }}")
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "These errors keep it from being started:", "× 1 error"))
        assert screen.check_action("start", ()) is None
        assert screen.query_one("#review-start", Button).disabled
        await pilot.press("s")
        screen.action_start()
        await pilot.pause()
        assert running.screen is screen
        assert await service.views() == []
        change(sendable.parent / "body.txt.j2", "{{ 1 // (customer|int - 471) }}", "This week")
        await pilot.press("r")
        await until(lambda: screen.check_action("start", ()) is True)


async def test_m09_a_template_without_end_is_left_with_escape(app: MakeApp, sendable: Path) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    change(sendable.parent / "body.txt.j2", "This week", endless)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "Checking: ", "escape stops it"))
        await pilot.press("escape")
        await until(lambda: shows(running, "The check was stopped; r checks again."))
        assert screen.check_action("start", ()) is None
        change(sendable.parent / "body.txt.j2", endless, "This week")
        await pilot.press("r")
        await until(lambda: screen.check_action("start", ()) is True)


async def test_a_check_that_goes_on_while_the_app_is_closed_has_nowhere_to_say_so(app: MakeApp, sendable: Path) -> None:
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: screen.check_action("start", ()) is True)
        told = asyncio.Event()
        failed: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failed.append(context))

        async def check(heard: Heard) -> None:
            await screen.query_one("#verdict").remove()  # children go first, and their parent hears of it later
            await asyncio.to_thread(heard, 1, 2)
            await asyncio.sleep(0)
            told.set()

        await screen.query_one(PlanCheck).run(check)
        assert told.is_set() and not failed


async def test_a_broken_template_is_told_with_its_place_and_keeps_it_from_being_started(
    app: MakeApp, sendable: Path
) -> None:
    change(sendable.parent / "body.txt.j2", "{% endif %}", "{% endiff %}")
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: "body.txt.j2:3:" in told_by(running) and shows(running, "× It cannot be started"))
        assert screen.check_action("start", ()) is None


async def test_the_pace_is_changed_for_this_launch(app: MakeApp, sendable: Path, service: Service) -> None:
    stretch(sendable, 5)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: screen.check_action("start", ()) is True)
        await pilot.press("p")
        rate, workers = screen.query_one("#pace-rate", Input), screen.query_one("#pace-workers", Input)
        await until(lambda: rate.has_focus)
        await pilot.press("s", "x")  # typed, not obeyed
        await until(lambda: shows(running, "× 'sx' is no rate"))
        assert screen.check_action("start", ()) is None
        rate.value = "600/m"
        workers.value = "300"
        await until(lambda: shows(running, "× workers is a number from 1 to 256"))
        workers.value = "2"
        await pilot.press("escape")
        await until(lambda: not isinstance(running.focused, Input))
        await start(running, pilot, screen, 5)
        await until(lambda: isinstance(running.screen, BoardScreen))
        plan = (await service.newest()).campaign.plan
        assert '"workers": 2' in plan and '"rate": 10.0' in plan


async def test_a_changed_message_is_asked_about(
    app: MakeApp, sendable: Path, sandbox: SandboxHandle, service: Service
) -> None:
    stretch(sendable, 3)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await start(running, pilot, screen, 3)
        await until(lambda: isinstance(running.screen, BoardScreen))
        first = (await service.newest()).id
        await finished(service, first)
        await until(lambda: service.runner_pid() is None)
        change(sendable.parent / "body.txt.j2", "This week", "Next week")

        await pilot.press("6")
        await until(lambda: shows(running, "before       The message has changed since Spring news was launched"))
        await choosing(running, pilot, screen)
        assert running.screen.query_one("#stop").has_focus
        await pilot.press("enter")
        await until(lambda: running.screen is screen)
        assert len(await service.views()) == 1

        stretch(sendable, 4)
        await pilot.press("r")
        await until(lambda: shows(running, "recipients   4 of 4 rows"))
        await choosing(running, pilot, screen)
        await pilot.click("#top-up")
        assert await number_asked(running, pilot) == await number_of_the_command(sendable, "--top-up") == 1
        await confirm(running, pilot, 1)
        await until(lambda: isinstance(running.screen, BoardScreen))
        await until(lambda: len(caught(sandbox.folder)) == 4)
        assert len(await service.views()) == 1
        await finished(service, first)

        change(sendable.parent / "body.txt.j2", "Next week", "Some week")
        await pilot.press("6")
        await choosing(running, pilot, screen)
        await pilot.press("down", "down", "enter")
        assert await number_asked(running, pilot) == await number_of_the_command(sendable, "--new") == 4
        await confirm(running, pilot, 4)
        await until(lambda: isinstance(running.screen, BoardScreen))
        await until(lambda: len(caught(sandbox.folder)) == 8)
        assert len(await service.views()) == 2


async def test_the_number_is_that_of_the_command(
    app: MakeApp, sendable: Path, sandbox: SandboxHandle, service: Service
) -> None:
    """At the first launch, for those who came new since, and while some still wait."""
    stretch(sendable, 5)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await asked(running, pilot, screen)
        assert await number_asked(running, pilot) == await number_of_the_command(sendable) == 5
        await confirm(running, pilot, 5)
        await until(lambda: isinstance(running.screen, BoardScreen))
        campaign = (await service.newest()).id
        await finished(service, campaign)
        await until(lambda: service.runner_pid() is None)

        stretch(sendable, 8)
        await pilot.press("6")
        await until(lambda: shows(running, f"already sent 5 ({campaign}, ", "to send      3 new"))
        await asked(running, pilot, screen)
        await until(
            lambda: shows(running, f"Send 3 mails to 127.0.0.1:{sandbox.port} on this machine?", "to send      3 new")
        )
        assert await number_asked(running, pilot) == await number_of_the_command(sendable) == 3
        await confirm(running, pilot, 3)
        await until(lambda: isinstance(running.screen, BoardScreen))
        await finished(service, campaign)
        await until(lambda: service.runner_pid() is None)
        assert len(caught(sandbox.folder)) == len(set(caught(sandbox.folder))) == 8

        stretch(sendable, 10)
        await launch(service, sendable)  # two more, and nobody sends them: not finished
        stretch(sendable, 11)
        await pilot.press("6")
        await until(lambda: shows(running, "8 shows to whom)", "to send      1 new, 2 who still wait"))
        await asked(running, pilot, screen)
        assert await number_asked(running, pilot) == await number_of_the_command(sendable) == 3
        await confirm(running, pilot, 3)
        await until(lambda: isinstance(running.screen, BoardScreen))
        await finished(service, campaign)
        await until(lambda: len(caught(sandbox.folder)) == 11)


async def test_a_cancelled_campaign_is_only_sent_anew_when_that_is_meant(
    app: MakeApp, sendable: Path, service: Service
) -> None:
    stretch(sendable, 4)
    launched = await launch(service, sendable)
    await service.pause(await service.view(launched.campaign.id))
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "; paused, 7 shows it)", "to send      0 new, "))
        await asked(running, pilot, screen)
        waiting = (await service.view(launched.campaign.id)).counts.open
        assert await number_asked(running, pilot) == await number_of_the_command(sendable) == waiting
        await pilot.press("escape")
        await service.cancel(await service.view(launched.campaign.id))
        await pilot.press("r")
        await until(lambda: shows(running, "before       Spring news was cancelled"))
        await choosing(running, pilot, screen)
        assert not running.screen.query("#top-up")
        await pilot.click("#new")
        assert await number_asked(running, pilot) == await number_of_the_command(sendable, "--new") == 4
        await pilot.press("escape")
        assert len(await service.views()) == 1


async def test_what_is_being_sent_says_which_key_helps(app: MakeApp, sendable: Path, service: Service) -> None:
    change(sendable, "rate: 100/s", "rate: 1/s")
    change(sendable, "burst: 50", "burst: 1")
    stretch(sendable, 60)
    await launch(service, sendable)
    await service.start_runner({})
    change(sendable.parent / "body.txt.j2", "This week", "Next week")
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await choosing(running, pilot, screen)
        await pilot.click("#top-up")
        waiting = await number_asked(running, pilot)
        await confirm(running, pilot, waiting)
        await until(lambda: "or pause it first: 7, then space." in told_by(running))
        assert "mailtui" not in told_by(running)


async def test_nobody_but_those_who_get_nothing(app: MakeApp, sendable: Path, service: Service) -> None:
    stretch(sendable, 2)
    (sendable.parent / "never.csv").write_text("email\nperson1@example.test\n")
    change(sendable, "  address: email\n", "  address: email\n  suppress: [never.csv]\n")
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "to send      1; the others are on a list"))
        await asked(running, pilot, screen)
        assert await number_asked(running, pilot) == await number_of_the_command(sendable) == 1
        await pilot.press("escape")
        (sendable.parent / "never.csv").write_text("email\nperson1@example.test\nperson2@example.test\n")
        await pilot.press("r")
        await until(lambda: shows(running, "+ Everybody on the list is on a list of those"))
        assert screen.check_action("start", ()) is None


async def test_a_missing_password_is_asked_for_and_given_to_the_runner(
    app: MakeApp, home: Home, sample: Path, login_server: SandboxServer, service: Service
) -> None:
    send_with_login(home, sample, login_server.port, rows=3)
    with Service.open(service.environ) as asking:
        running = MailtuiApp(asking, target=sample)
        async with running.run_test(size=(80, 24)) as pilot:
            screen = await opened(running, pilot)
            await until(lambda: shows(running, "server       acme, 127.0.0.1:", "as me"))
            await start(running, pilot, screen, 3)
            await until(lambda: isinstance(running.screen, PasswordDialog))
            await pilot.press("escape")
            await until(lambda: "The account acme needs its password" in told_by(running))
            await until(lambda: "Nothing was sent." in told_by(running))
            assert await asking.views() == []

            await pilot.press("5")  # a test mail with a mistyped one: it is refused, and asked for again
            await until(lambda: shows(running, "row 1 · "))
            await pilot.press("t")
            await until(lambda: isinstance(running.screen, SendTestDialog))
            await pilot.press(*"me", "at", "x", "full_stop", *"test", "enter")
            await until(lambda: isinstance(running.screen, PasswordDialog))
            await pilot.press(*"wrong", "enter")
            await until(lambda: shows(running, "× Not sent to me@x.test. At auth: 535"))
            await pilot.press("escape", "6")

            await start(running, pilot, screen, 3)
            await until(lambda: isinstance(running.screen, PasswordDialog))
            await pilot.press(*"right")
            assert not shows(running, "right") and shows(running, "•••••")
            await pilot.press("enter")
            await until(lambda: isinstance(running.screen, BoardScreen))
            await finished(asking, (await asking.newest()).id)
            assert len(caught(login_server.folder)) == 3


async def test_a_list_that_grew_since_it_was_counted_is_not_sent(
    app: MakeApp, sendable: Path, service: Service
) -> None:
    stretch(sendable, 3)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: screen.check_action("start", ()) is True)
        stretch(sendable, 4)
        await pilot.press("s")
        await until(lambda: "The list has changed: 3 recipients when you looked, 4 now" in told_by(running))
        assert await service.views() == []


async def test_a_launch_whose_runner_does_not_start_says_how_to_go_on(
    app: MakeApp, sendable: Path, sandbox: SandboxHandle, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretch(sendable, 3)

    async def broken(secrets: object, *, leave: str = "") -> int:
        raise RunnerError("The runner did not start", detail="It said nothing.")

    monkeypatch.setattr(service, "start_runner", broken)
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await start(running, pilot, screen, 3)
        await until(lambda: "The runner did not start" in told_by(running))
        [view] = await service.views()
        await until(lambda: f"It is launched as {view.id}, and nothing of it is lost." in told_by(running))
        monkeypatch.undo()
        await start(running, pilot, screen, 3)
        await until(lambda: isinstance(running.screen, BoardScreen))
        await finished(service, view.id)
        assert len(caught(sandbox.folder)) == 3


async def test_with_a_list_only_and_with_nobody(app: MakeApp, sample: Path) -> None:
    running = app(target=sample.parent / "contacts.csv")
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "Only a list is open"))
        await pilot.press("s", "p", "r")
        assert running.screen is screen
    running = app(target=sample)
    async with running.run_test(size=(60, 20)) as pilot:
        await until(lambda: running.bench.open_list is not None)
        running.bench.set_filter('city == "Nowhere"')
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "There is nobody to send to"))
        assert screen.check_action("start", ()) is None


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_the_demo_says_that_nothing_leaves_this_machine(
    service: Service, sendable: Path, sandbox: SandboxHandle, size: tuple[int, int]
) -> None:
    running = MailtuiApp(service, target=sendable, demo=sandbox.port)
    async with running.run_test(size=size) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "Demo: a sandbox on this machine"))
        await pilot.press("1")
        await until(lambda: shows(running, "Demo: a sandbox on this machine", "Next: 6 review, s start."))
        await pilot.press("6")
        await until(lambda: shows(running, "20 of 34 rows tried"))
        await pilot.press("s")
        await until(lambda: shows(running, "Send 34 mails to the sandbox?", "Type 34 to send:"))
        await pilot.press("3", "4", "enter")
        await until(lambda: shows(running, "Right. Enter once more sends 34 mails.", " 34  "))
        await pilot.press("escape")


async def test_another_server_is_no_sandbox_in_the_demo(service: Service, sample: Path) -> None:
    running = MailtuiApp(service, target=sample, demo=2526)
    async with running.run_test() as pilot:
        await opened(running, pilot)
        assert not shows(running, "Demo:")


async def test_c11_what_is_different_since_the_last_launch_is_shown_and_only_the_new_get_it(
    app: MakeApp, sendable: Path, sandbox: SandboxHandle, service: Service
) -> None:
    stretch(sendable, 4)
    await launch(service, sendable)  # and nobody sends them yet
    stretch(sendable, 6)
    contacts = sendable.parent / "contacts.csv"
    header, _, second, *others = contacts.read_text("utf-8").splitlines()
    changed = second.replace("first_name2", "Other").replace("2024-05-01", "2024-05-02")
    contacts.write_text("\n".join([header, changed, *others]) + "\n", "utf-8")  # the first is gone
    await service.suppression.add(["person3@example.test", "person6@example.test"], reason="asked")
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        wanted = (
            "to send      1 new, 3 who still wait",
            "since then   new: person5@example.test",
            "1 new one gets nothing: suppressed",
            "1 not on the list any more: 1 still wait, and get it",
            "1 who wait have another row now",
        )
        await until(lambda: all(shows(running, text) for text in wanted))
        screen.query_one("#plan").scroll_end(animate=False)
        await until(lambda: shows(running, "1 who waited are suppressed by now"))
        await asked(running, pilot, screen)
        assert await number_asked(running, pilot) == 4
        await confirm(running, pilot, 4)
        await until(lambda: isinstance(running.screen, BoardScreen))
        await finished(service, (await service.newest()).id)
        await until(lambda: service.runner_pid() is None)
        assert sorted(caught(sandbox.folder)) == [f"person{number}@example.test" for number in (1, 2, 4, 5)]
        await pilot.press("6")
        await until(lambda: shows(running, "nothing to do."))


async def test_b01_the_senders_domain_is_asked_about_by_a_key_and_stands_among_the_findings(
    sample: Path, tmp_path: Path
) -> None:
    with name_server() as server:
        server.records = {"acme.test": {"MX": ["10 mx.acme.test."], "TXT": ['"v=spf1 ip4:192.0.2.7 +all"']}}
        environ = {"MAILTUI_HOME": str(tmp_path / "home"), "MAILTUI_DNS__SERVERS": f"['{server.setting}']"}
        with Service.open(environ) as service:
            running = MailtuiApp(service, target=sample)
            async with running.run_test(size=(120, 40), notifications=True) as pilot:
                screen = await opened(running, pilot)
                await until(lambda: screen.check_action("domain", ()) is True)
                assert server.asked == [], "nobody is asked before a person wants it"
                await pilot.press("d")
                await until(lambda: shows(running, "lets everybody send for it"))
                assert screen.check_action("start", ()) is True, "what nobody need ask about stops nothing"
                assert shows(running, "s starts it; its domain may be refused:")
                server.records["acme.test"]["TXT"] = ['"v=spf1 ip4:192.0.2.7 -all"']
                await until(lambda: screen.check_action("domain", ()) is True)
                await pilot.press("d")
                await until(lambda: not shows(running, "lets everybody send for it"))
                told = "\n".join(grid(running))
                assert told.count("acme.test has no DMARC record") == 1, "asked twice, told once"
    assert {name for name, _, _ in server.asked} == {"acme.test", "_dmarc.acme.test"}
