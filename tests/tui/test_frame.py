"""What all screens share: a top line and a footer that fit, keys that say why they are grey, rules that stay theirs."""

from __future__ import annotations

import gc
import re
from pathlib import Path

import pytest

import mailtui.tui
from mailtui.service.facade import Service
from mailtui.tui.actions import ACTIONS, EVERYWHERE
from mailtui.tui.app import MailtuiApp
from mailtui.tui.room import ROOMS, Room
from mailtui.tui.screens import SCREENS
from mailtui.tui.text import from_home, tell
from mailtui.tui.widgets.key_bar import KeyBar
from tests.tui.conftest import MakeApp, change, finished, grid, launch, shows, stretch, until

SHEETS = sorted((Path(mailtui.tui.__file__).parent / "screens").glob("*.tcss"))
NARROW = (60, 20)


async def enter(running: MailtuiApp, room: str) -> Room:
    await running.action_go(room)
    await until(lambda: isinstance(running.screen, Room) and room == running.screen.ROOM)
    assert isinstance(running.screen, Room)
    return running.screen


# sixty columns


async def test_at_sixty_columns_the_rooms_are_digits_and_the_keys_are_whole(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=NARROW):
        await until(lambda: running.bench.campaign is not None, seconds=60)
        for number, room in enumerate(ROOMS, 1):
            screen = await enter(running, room)
            title = {"audience": "list", "board": "send", "suppression": "never", "scheduled": "cheduled"}.get(
                room, room
            )
            keys = [*(str(at % 10) for at in range(1, 11)), "S"]
            digits = " ".join(f"{key}{title}" if at == number else key for at, key in enumerate(keys, 1))
            await until(lambda text=f"Spring news  {digits}": grid(running)[0].strip() == text)
            words = {action.label for actions in (ACTIONS[room], ACTIONS[EVERYWHERE]) for action in actions}
            ends = tuple(f" {word}" for word in words)  # keys are whole once the room has read what it shows
            await until(lambda ends=ends: _keys_in(grid(running)[-1]).endswith(ends))
            assert screen.query_one(KeyBar).max_scroll_x == 0


def _keys_in(line: str) -> str:
    """The keys of the footer's line; nothing where it is not drawn yet."""
    return line.removesuffix("^p palette").strip(" ▏") if line.endswith("^p palette") else ""


async def test_at_sixty_columns_home_says_what_is_unknown(app: MakeApp, service: Service, sendable: Path) -> None:
    stretch(sendable, 5)
    launched = await launch(service, sendable)
    await service.start_runner({})
    await finished(service, launched.campaign.id)
    running = app()
    async with running.run_test(size=NARROW):
        await until(lambda: shows(running, "+ finished", "5 recipients"))
        names = next(line for line in grid(running) if "State" in line)
        assert names.split() == ["State", "Campaign", "Sent", "Failed", "Unknown"]


# what can do nothing now


async def test_every_greyed_key_says_what_it_takes(app: MakeApp) -> None:
    """Each has its sentence, and the first of a room says it; the way from key to sentence is the same for all."""
    running = app()
    async with running.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: shows(running, "Nothing has been sent from here yet"))
        greyed = 0
        for room in ROOMS:
            screen = await enter(running, room)
            screen.set_focus(None)
            tried = False
            for key, active in list(screen.active_bindings.items()):
                if active.enabled or active.node is not screen:
                    continue
                [needs] = [action.needs for action in ACTIONS[room] if action.name == active.binding.action]
                assert needs, f"{room}: {active.binding.action}"
                greyed += 1
                if not tried:
                    running.clear_notifications()
                    await pilot.press(key)
                    await until(lambda needs=needs: shows(running, needs))
                    tried = True
        assert greyed >= 25


async def test_a_click_on_a_greyed_key_and_the_palette_say_it_too(app: MakeApp) -> None:
    running = app()
    async with running.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: shows(running, "r Resume"))
        await pilot.click(KeyBar, offset=(grid(running)[-1].index("Resume"), 0))
        await until(lambda: shows(running, "Only a campaign that is paused or lost can go on."))
        running.clear_notifications()
        await until(lambda: not shows(running, "Only a campaign"))
        [resume] = [command for command in running.get_system_commands(running.screen) if "Resume:" in command.title]
        running.run_worker(resume.callback())
        await until(lambda: shows(running, "Only a campaign that is paused or lost can go on."))


async def test_a_key_that_is_possible_or_means_nothing_explains_nothing(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(notifications=True) as pilot:
        await until(lambda: shows(running, "row 1 of 42"), seconds=60)
        await pilot.press("z", "down")
        await pilot.pause()
        assert not running._notifications


async def test_a_room_that_is_entered_while_a_campaign_opens_shows_it(app: MakeApp, sample: Path) -> None:
    """The list is read in a moment; a key may come before, and the room has no widgets yet when it is open."""
    running = app(target=sample)
    async with running.run_test() as pilot:
        await pilot.press("f6")
        await until(lambda: shows(running, "Amara, spring is here"), seconds=60)


# toasts


async def test_a_toast_takes_the_place_of_the_one_before(app: MakeApp) -> None:
    running = app()
    async with running.run_test(notifications=True):
        await until(lambda: shows(running, "Nothing has been sent"))
        for word in ("first", "second", "third"):
            tell(running, f"the {word} toast")
        await until(lambda: shows(running, "the third toast"))
        assert not shows(running, "the first toast")
        assert not shows(running, "the second toast")
        assert "the third toast" in grid(running)[-2], "it stands right above the footer, one line high"


# style sheets


def selectors(sheet: str) -> list[str]:
    """Every selector of a style sheet; its blocks are not nested."""
    bare = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return [part.strip() for part in re.findall(r"([^{}]+)\{[^{}]*\}", bare) for part in part.split(",")]


def unscoped(sheet: str, screen: str) -> list[str]:
    return [each for each in selectors(sheet) if not re.match(rf"{screen}\b", each)]


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_screens_rules_are_about_that_screen_only(path: Path) -> None:
    """Textual applies a screen's style sheet to every screen that is shown after it."""
    assert not unscoped(path.read_text("utf-8"), SCREENS[path.stem].__name__)


def test_a_rule_without_its_screen_is_noticed() -> None:
    assert unscoped("#list { height: 1; }", "HomeScreen") == ["#list"]
    assert unscoped("HomeScreen #a, .-tall #b { height: 1; }", "HomeScreen") == [".-tall #b"]


# paths


def test_paths_below_the_own_folder_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert from_home("/home/ada/spring/body.html.j2:3 is wrong") == "~/spring/body.html.j2:3 is wrong"
    assert from_home("/home/ada") == "~"
    assert from_home("/home/adam/x") == "/home/adam/x"
    monkeypatch.setenv("HOME", "/")
    assert from_home("/etc/x") == "/etc/x"


async def test_an_error_shows_its_path_from_home(
    app: MakeApp, sample: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    change(sample, "subject:", "subjekt:")
    running = app(target=sample)
    async with running.run_test(size=(120, 40)):
        await until(
            lambda: shows(running, "× ~/spring/campaign.yaml has mistakes.", "~/spring/campaign.yaml:"), seconds=60
        )


# the garbage collector


async def test_what_a_screen_is_made_of_is_not_looked_through_again(app: MakeApp) -> None:
    gc.unfreeze()
    running = app()
    async with running.run_test():
        await until(lambda: shows(running, "Nothing has been sent"), seconds=60)
        await until(gc.get_freeze_count)
        before = gc.get_freeze_count()
        await enter(running, "rules")
        await until(lambda: gc.get_freeze_count() > before)
    gc.unfreeze()
