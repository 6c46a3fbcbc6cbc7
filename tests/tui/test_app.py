"""The frame: how the app starts, fails and ends, on a real terminal where that matters."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from mailtui.errors import UsageError
from mailtui.kit.paths import Home
from mailtui.sandbox.process import find_sandbox
from mailtui.service.facade import Service
from mailtui.tui.actions import ACTIONS, EVERYWHERE
from mailtui.tui.app import AppCrash, MailtuiApp
from mailtui.tui.dialogs.quit import QuitDialog
from mailtui.tui.room import ROOMS, Room, start
from mailtui.tui.screens import SCREENS
from tests.tui.conftest import MakeApp, change, launch, shows, stretch, until
from tests.tui.terminal import ENTERED, LEFT, Terminal

APP = ["-m", "mailtui"]
SECRET = "canary-in-a-local-variable"
CRASHES = """
import os, sys
from mailtui.tui.screens.home import HomeScreen

def broken(self):
    password = os.environ["CANARY"]
    raise RuntimeError(f"broke with a word of {len(password)} letters")

HomeScreen.action_demo = broken
from mailtui.__main__ import main
sys.argv = ["mailtui"]
sys.exit(main())
"""


# starting


@pytest.mark.parametrize("environ", [{"TERM": "xterm"}, {"TERM": "dumb"}, {}])
def test_without_a_terminal_the_commands_are_named(home: Home, environ: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "TERM"}
    done = subprocess.run(
        [sys.executable, *APP], env={**kept, **environ}, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"mailtui run CAMPAIGN" in done.stderr
    assert b"\x1b" not in done.stderr


def test_a_terminal_that_knows_only_lines_gets_no_app(home: Home) -> None:
    code = "import sys; from mailtui.tui.terminal import require_terminal; require_terminal({'TERM': 'dumb'})"
    with Terminal(["-c", code], os.environ) as terminal:
        assert terminal.ends() == 1
        assert UsageError.__name__.encode() in terminal.output


def test_help_loads_no_app() -> None:
    code = "import sys; from mailtui.__main__ import main; sys.argv = ['mailtui', '--help']; main(); "
    code += "print([name for name in sys.modules if name.startswith('textual')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_bare_mailtui_opens_the_app_and_quits(home: Home) -> None:
    with Terminal(APP, os.environ) as terminal:
        terminal.shows("Nothing has been sent from here yet")
        terminal.press(b"\x11")  # ctrl+q
        assert terminal.ends() == 0
        assert terminal.is_restored()


def test_the_demo_opens_with_the_sample_campaign_beside_a_sandbox(home: Home) -> None:
    with Terminal([*APP, "demo", "--rows", "12"], os.environ) as terminal:
        terminal.shows("Spring news")
        terminal.press(b"\x11")
        assert terminal.ends() == 0
        assert terminal.is_restored()
    assert b"messages.mbox" in terminal.output.rpartition(LEFT)[2]
    sandbox = find_sandbox(home.state / "demo" / "sandbox")
    assert sandbox is not None
    os.kill(sandbox.pid, signal.SIGTERM)


# ending


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(home: Home, number: signal.Signals) -> None:
    with Terminal(APP, os.environ) as terminal:
        terminal.shows("Nothing has been sent from here yet")
        terminal.send(number)
        assert terminal.ends() == 128 + number
        assert terminal.is_restored()


@pytest.mark.long
def test_an_app_whose_terminal_vanishes_leaves(home: Home) -> None:
    """Also when it waits for that terminal to take what it draws: it must not stay behind for ever."""
    with Terminal(APP, os.environ) as terminal:
        terminal.shows("Nothing has been sent from here yet")
        for _ in range(400):
            terminal.press(b"\x1bOQ\x1bOR\x1bOS")  # from room to room, and nobody reads what that draws
            time.sleep(0.02)
        terminal.vanish()
        assert terminal.process.wait(timeout=60) == 128 + signal.SIGHUP


def test_ctrl_z_stops_it_and_it_comes_back(home: Home) -> None:
    with Terminal(APP, os.environ) as terminal:
        terminal.shows("Nothing has been sent from here yet")
        terminal.press(b"\x1a")
        terminal.read_until(lambda output: output.rfind(LEFT) > output.rfind(ENTERED))
        _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        terminal.send(signal.SIGCONT)
        # Drawn, and so listening again: what is typed before is thrown away by the terminal.
        terminal.read_until(lambda output: b"palette" in output.rpartition(LEFT)[2].rpartition(ENTERED)[2])
        terminal.press(b"\x11")
        assert terminal.ends() == 0
        assert terminal.is_restored()


def test_a_crash_shows_no_variable(home: Home) -> None:
    with Terminal(["-c", CRASHES], {**os.environ, "CANARY": SECRET}) as terminal:
        terminal.shows("Nothing has been sent from here yet")
        terminal.press(b"d")
        assert terminal.ends() == 1
        assert terminal.is_restored()
    said = terminal.output.rpartition(LEFT)[2].decode()
    assert "The app broke on something it should have handled" in said
    assert "Traceback" not in said
    assert "Please report it with that file." in " ".join(said.split())
    assert "goes on" not in said  # nothing is being sent
    name = next(word for word in said.split() if word.endswith(".txt"))
    details = Path(name).read_text("utf-8")
    assert "broke with a word of" in details
    assert SECRET.encode() not in terminal.output
    assert SECRET not in details
    assert Path(name).stat().st_mode & 0o777 == 0o600
    Path(name).unlink()


async def test_a_crash_says_where_its_details_are_and_what_goes_on(service: Service, sendable: Path) -> None:
    """While a runner lives: a person who lost the app must not believe that nothing is sent any more."""
    change(sendable, "rate: 100/s", "rate: 2/s")
    change(sendable, "burst: 50", "burst: 1")
    await launch(service, sendable)
    await service.start_runner({})
    with Terminal(["-c", CRASHES], {**os.environ, "CANARY": SECRET}) as terminal:
        await asyncio.to_thread(terminal.shows, "enter watches it.")
        terminal.press(b"d")
        assert await asyncio.to_thread(terminal.ends) == 1
        assert terminal.is_restored()
    said = " ".join(terminal.output.rpartition(LEFT)[2].decode().split())
    name = next(word for word in said.split() if word.endswith(".txt"))
    assert f"The details are in {name}" in said
    assert "What is being sent goes on: mailtui status --follow --outbox sqlite:///" in said
    assert SECRET not in said
    Path(name).unlink()


# a worker's failure


async def _known() -> None:
    raise UsageError("The tray is empty", hint="Fill it.")


async def _defect() -> None:
    raise ValueError("nobody thought of this")


async def test_what_a_person_can_mend_is_shown(app: MakeApp) -> None:
    running = app()
    async with running.run_test(notifications=True):
        await until(lambda: shows(running, "Nothing has been sent"))
        start(running.screen, _known, "test")
        await until(lambda: shows(running, "The tray is empty"))
        start(running, _known, "test")  # one that fails while the app closes
    assert not running.crash


@pytest.mark.parametrize("of_the_app", [True, False])
async def test_a_defect_in_a_worker_ends_the_app(app: MakeApp, of_the_app: bool) -> None:
    running = app()
    with pytest.raises(AppCrash) as caught:
        async with running.run_test():
            await until(lambda: shows(running, "Nothing has been sent"))
            start(running if of_the_app else running.screen, _defect, "test")
            await until(lambda: running.crash)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "nobody thought of this" in running.crash
    assert running.return_code == 1


# leaving while something is sent


async def sending(running: MailtuiApp, service: Service, campaign: Path) -> str:
    change(campaign, "rate: 100/s", "rate: 5/s")
    change(campaign, "burst: 50", "burst: 1")
    stretch(campaign, 200)
    launched = await launch(service, campaign)
    await service.start_runner({})
    await until(lambda: shows(running, "» sending"))
    return launched.campaign.id


async def test_leaving_lets_it_be_sent_on(app: MakeApp, service: Service, sendable: Path) -> None:
    running = app()
    async with running.run_test() as pilot:
        campaign = await sending(running, service, sendable)
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(running.screen, QuitDialog))
        await pilot.press("escape")
        await until(lambda: not isinstance(running.screen, QuitDialog))
        assert running.is_running
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(running.screen, QuitDialog))
        assert running.focused is not None
        assert running.focused.id == "send-on"
        await pilot.press("enter")
        await until(lambda: not running.is_running)
    view = await service.view(campaign)
    assert view.state == "running"
    assert not view.lost


async def test_how_to_quit_can_be_seen_and_q_does_it_at_home(app: MakeApp, service: Service, sendable: Path) -> None:
    running = app()
    async with running.run_test() as pilot:
        await until(lambda: shows(running, "^q Quit"))
        await pilot.press("question_mark")
        await until(lambda: shows(running, "q            Leave the app"))
        await pilot.press("end")
        await until(lambda: shows(running, "ctrl+q       Leave the app; what is being sent goes on"))
        await pilot.press("escape")
        await sending(running, service, sendable)
        await pilot.press("1", "q")
        await until(lambda: isinstance(running.screen, QuitDialog))
        await pilot.press("ctrl+q")
        assert len(running.screen_stack) == 2
        await pilot.press("escape")
        await until(lambda: not isinstance(running.screen, QuitDialog))
    running = app()
    async with running.run_test() as pilot:
        await service.pause(next(iter(await service.views())))
        await until(lambda: shows(running, "paused"))
        await pilot.press("q")
        await until(lambda: not running.is_running)


async def test_leaving_can_pause(app: MakeApp, service: Service, sendable: Path) -> None:
    running = app()
    async with running.run_test() as pilot:
        campaign = await sending(running, service, sendable)
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(running.screen, QuitDialog))
        await pilot.click("#pause")
        await until(lambda: not running.is_running)

    async def paused() -> bool:
        return (await service.view(campaign)).state == "paused"

    await until(paused)


# the table of actions


def test_every_action_can_be_done() -> None:
    for room in (*ROOMS, EVERYWHERE):
        kind = MailtuiApp if room == EVERYWHERE else SCREENS[room]
        for action in ACTIONS[room]:
            name = action.name.partition("(")[0]
            assert hasattr(kind, f"action_{name}"), f"{room}: {action.name}"


def test_no_key_is_taken_twice() -> None:
    everywhere = {key for action in ACTIONS[EVERYWHERE] for key in action.keys.split(",")}
    for room in ROOMS:
        # esc is one step back, whatever the step is
        keys = [key for action in ACTIONS[room] for key in action.keys.split(",") if key != "escape"]
        assert len(keys) == len(set(keys)), room
        assert not everywhere & set(keys), room


def test_no_key_is_one_that_terminals_keep_or_cannot_send() -> None:
    banned = {"ctrl+m", "ctrl+i", "ctrl+j", "ctrl+h", "ctrl+left_square_bracket", "ctrl+a", "ctrl+b", "f11"}
    for actions in ACTIONS.values():
        for action in actions:
            for key in action.keys.split(","):
                assert key not in banned
                assert key != "f10" or action.keys != key, "some terminals keep it: it may stand beside another only"
                assert not key.startswith(("alt+", "ctrl+shift+"))


async def test_every_room_opens_with_nothing_in_it(app: MakeApp) -> None:
    running = app()
    async with running.run_test() as pilot:
        for room in ROOMS:
            [keys] = [action.keys for action in ACTIONS[EVERYWHERE] if action.name == f"go('{room}')"]
            await pilot.press(keys.split(",")[1])  # a figure would be typed where there is an input
            await until(partial(_is_in, running, room))
            await pilot.pause()


def _is_in(running: MailtuiApp, room: str) -> bool:
    return isinstance(running.screen, Room) and room == running.screen.ROOM


async def test_the_palette_lists_every_action_of_the_screen(app: MakeApp) -> None:
    running = app()
    async with running.run_test():
        await until(lambda: shows(running, "Nothing has been sent"))
        titles = [command.title for command in running.get_system_commands(running.screen)]
        for action in (*ACTIONS["home"], *ACTIONS[EVERYWHERE]):
            assert any(title.startswith(f"{action.label}:") for title in titles), action.label
