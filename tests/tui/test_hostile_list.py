"""A list made to do harm: markup that would run actions, escape sequences, bidi overrides, cells of any size.

Everything of it is shown on every place of the list and rules screens, and nothing of it may do anything.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.column_type import ColumnTypeDialog
from mailtui.tui.dialogs.columns import ColumnsDialog
from mailtui.tui.dialogs.explain import ExplainDialog
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.place import PlaceDialog
from mailtui.tui.dialogs.problems import ProblemsDialog
from mailtui.tui.dialogs.reading import ReadingDialog
from mailtui.tui.dialogs.reading_notes import ReadingNotes
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.screens.rules import RulesScreen
from tests.tui.conftest import MakeApp, shows, until

# What is drawn is made harmless in one place for every size; the others are looked at in the long form.
_LONG_60 = pytest.param((60, 20), marks=pytest.mark.long)
_LONG_120 = pytest.param((120, 40), marks=pytest.mark.long)

# The marks are spelled here as escapes so that this file is harmless itself.
HOSTILE = (
    "[@click=app.harm]click me[/]",
    "[@click=app.quit]a",
    "[/foo]",
    "a=[/]",
    "[red]unclosed",
    "[$nonsense]x",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;https://example.org\x1b\\link",
    "\x9b2J",
    "\x00nul\x08\x0b\x0c",
    "\u202egnp.exe\u2066",
    "\u200f\u061c",
    "x" * 20_000,
    "\u0301" * 2_000,
    "花" * 500,
    "\ufffd\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "line\r\nbreak",
    "\u2028\u2029",
    "=cmd|' /C calc'!A0",
)
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@pytest.fixture(autouse=True)
def harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice when a cell ran an action."""

    def action_harm(app: MailtuiApp) -> None:
        app.crash = "a cell ran an action"

    monkeypatch.setattr(MailtuiApp, "action_harm", action_harm, raising=False)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """The list, its column names as bad as its cells, some rows unusable and some twice."""
    path = tmp_path / "hostile.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["email", "[@click=app.harm]city[/]", "\x1b[2Jname", "[/]", "\u202eevil", "long" * 100])
        for number, cell in enumerate(HOSTILE):
            writer.writerow([f"user{number}@example.com", *([cell] * 5)])
            writer.writerow([cell, *([cell] * 5)])
            writer.writerow([f"user{number}@example.com", "twice", "", "", "", ""])
        stream.write('user@example.com,"never closed [/] \x1b[5m\n')
    return path


def harmless(app: MailtuiApp) -> None:
    """Nothing on the screen may act on the terminal, or be something that can be clicked by its own will."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert segment.control is None
            assert not FORBIDDEN.search(segment.text), repr(segment.text)
            meta = segment.style.meta if segment.style is not None else {}
            assert "@click" not in meta, meta
            assert segment.style is None or segment.style.link is None
    assert not app.crash


@pytest.mark.parametrize("size", [_LONG_60, (80, 24), _LONG_120])
async def test_the_list_screen_is_unmoved(app: MakeApp, hostile: Path, size: tuple[int, int]) -> None:
    shown = app(target=hostile)
    async with shown.run_test(size=size, notifications=True) as pilot:
        screen = await opened(shown)
        harmless(shown)
        for key in ("pagedown", "right", "right", "end", "left", "home"):
            await pilot.press(key)
            await pilot.pause()
            harmless(shown)
        for x in range(2, size[0], size[0] // 6):
            for y in range(2, size[1] - 1, size[1] // 5):
                await pilot.click(offset=(x, y))
        await pilot.pause()
        harmless(shown)
        assert shown.screen is screen
        await pilot.press("y")
        await pilot.pause()
        harmless(shown)


async def test_its_dialogs_are_unmoved(app: MakeApp, hostile: Path) -> None:
    shown = app(target=hostile)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(shown)
        for row in (1, 3, *range(2, 14, 3)):  # of three rows the second has something bad in every cell
            screen.table.go_to(row)
            await pilot.press("e")
            await until(lambda: isinstance(shown.screen, ExplainDialog))
            await pilot.press("end")
            await pilot.pause()
            harmless(shown)
            await pilot.press("escape")
            await until(lambda: shown.screen is screen)
        await pilot.press("p")
        await until(lambda: isinstance(shown.screen, ProblemsDialog) and shows(shown, "bad address"))
        for _ in range(20):
            await pilot.press("down")
            await pilot.pause()
            harmless(shown)
        await pilot.press("escape")
        await until(lambda: shown.screen is screen)
        for wanted in ("[/]\x1b[31m@example.com", "nobody[@click=app.harm]@example.com", "\x1b"):
            await pilot.press("g")
            await until(lambda: isinstance(shown.screen, GotoDialog))
            shown.screen.query_one(Input).value = wanted
            await pilot.pause()
            harmless(shown)
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press("escape")
            await until(lambda: shown.screen is screen)
            await pilot.pause()
            harmless(shown)


async def test_what_mends_a_list_is_unmoved(app: MakeApp, hostile: Path) -> None:
    shown = app(target=hostile)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(shown)
        await pilot.press("h")
        await until(lambda: isinstance(shown.screen, ReadingDialog) and shows(shown, "user0@example.com │"))
        for key in (*["tab"] * 7, *["shift+tab"] * 2, "down", "down"):
            await pilot.press(key)
            await pilot.pause()
            harmless(shown)
        for text in HOSTILE[3:8]:
            shown.screen.query(Input).first().value = text
            await pilot.pause()
            harmless(shown)
        for x in (4, 40):
            for y in range(10, 20, 4):
                await pilot.click(offset=(x, y))
        await pilot.pause(0.4)
        harmless(shown)
        await pilot.press("escape")
        for key, kind in (("c", ColumnsDialog), ("i", ReadingNotes), ("t", ColumnTypeDialog)):
            await until(lambda: shown.screen is screen)
            screen.table.go_to_column(1)
            await pilot.press(key)
            await until(lambda kind=kind: isinstance(shown.screen, kind))
            for move in ("end", "right"):
                await pilot.press(move)
                await pilot.pause()
                harmless(shown)
            await pilot.press("escape")
        await until(lambda: shown.screen is screen)
        for key in ("s", "f", "f"):
            await pilot.press(key)
            await settled(pilot)
            harmless(shown)
        for text in HOSTILE[:2]:
            await pilot.press("slash")
            screen.query_one(Input).value = text
            await pilot.pause()
            harmless(shown)
            await pilot.press("enter")
            await settled(pilot)
            harmless(shown)


async def test_the_names_of_tabs_and_tables_are_unmoved(app: MakeApp, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "[@click=app.harm]x.db") as database:
        for number, cell in enumerate(HOSTILE[:9]):
            name = f"{cell}{number}".replace('"', "").replace("\x00", "")
            database.execute(f'CREATE TABLE "{name}" (email, "{name}")')
            database.execute(f'INSERT INTO "{name}" VALUES (?, ?)', ("ann@example.com", cell))
    shown = app(target=tmp_path / "[@click=app.harm]x.db")
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: isinstance(shown.screen, PlaceDialog) and shows(shown, "9 tables"))
        harmless(shown)
        for _ in range(9):
            await pilot.press("down")
            await pilot.pause()
            harmless(shown)
        await pilot.press("enter")
        await opened_one(shown)
        harmless(shown)
        await pilot.press("h")
        await until(lambda: isinstance(shown.screen, ReadingDialog) and shows(shown, "query", "ann@example.com │"))
        assert not shows(shown, "× "), "the table is found by the name that it has"
        await pilot.pause(0.4)
        harmless(shown)


@pytest.mark.parametrize("size", [(80, 24), _LONG_120])
async def test_the_rules_screen_is_unmoved(app: MakeApp, hostile: Path, size: tuple[int, int]) -> None:
    shown = app(target=hostile)
    async with shown.run_test(size=size, notifications=True) as pilot:
        await opened(shown)
        await pilot.press("3")
        await until(lambda: isinstance(shown.screen, RulesScreen) and shows(shown, "+ in"))
        screen = shown.screen
        assert isinstance(screen, RulesScreen)
        harmless(shown)
        filters = (
            'email contains "user"',
            "email == '[@click=app.harm]x[/]'",
            "[/] [@click=app.harm]",
            "`[@click=app.harm]city[/]` contains 'click'",
            "`[@click=app.harm]cty[/]` contains 'click'",
            "a \x1b[31m b",
            'email == "\u202e"',
        )
        for text in filters:
            screen.editor.value = text
            await settled(pilot)
            harmless(shown)
        screen.editor.value = ""
        for x in range(2, size[0], size[0] // 9):
            await pilot.click(offset=(x, 7))
            await pilot.click(offset=(x, 8))
        for key in ("tab", "tab", "escape", "right", "end"):
            await pilot.press(key)
        await settled(pilot)
        harmless(shown)
        screen.editor.value = 'email contains "user"'
        await settled(pilot)
        await screen.action_apply()
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        await settled(pilot)
        harmless(shown)


async def opened(app: MailtuiApp) -> AudienceScreen:
    await until(lambda: isinstance(app.screen, AudienceScreen) and app.bench.open_list is not None)
    screen = app.screen
    assert isinstance(screen, AudienceScreen)
    await until(lambda: screen.table.current is not None and shows(app, "recipients"))
    return screen


async def opened_one(app: MailtuiApp) -> None:
    await until(lambda: isinstance(app.screen, AudienceScreen) and shows(app, "1 recipient"))


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until what was typed has been counted."""
    await pilot.pause(0.15)
    # That which hears of a campaign's end runs as long as the app.
    await until(lambda: not [one for one in pilot.app.workers if one.is_running and one.group != "endings"])
    await pilot.pause()
