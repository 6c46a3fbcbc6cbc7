"""Themes of a user's own are looked at before they are believed, and nothing is drawn in a colour of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mailtui.tui
from mailtui.kit.paths import Home
from mailtui.tui.themes import FOLLOW_TERMINAL, load_themes, shipped_themes
from tests.tui.conftest import MakeApp, shows, until

GOOD = "name: mine\ndark: true\nprimary: '#3366cc'\n"


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("#3366cc", "no-colour"), "is no colour"),
        (GOOD + "colour: red\n", "colour"),
        ("dark: true\n", "name"),
        ("name: [", "YAML"),
        ("", ""),
    ],
)
def test_a_bad_theme_is_told_and_the_good_ones_load(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "a.yaml", text)
    write(tmp_path, "b.yaml", GOOD)
    themes = load_themes([tmp_path, tmp_path / "nowhere"])
    assert [theme.name for theme in themes.loaded] == ["mine"]
    assert len(themes.failed) == 1
    assert said in themes.failed[0]


async def test_the_app_offers_what_ships_and_what_a_user_wrote(app: MakeApp, home: Home) -> None:
    write(home.config / "themes", "mine.yaml", GOOD)
    write(home.config / "themes", "bad.yaml", "primary: nonsense\n")
    shipped = {theme.name for theme in load_themes([shipped_themes()]).loaded}
    assert shipped
    running = app()
    async with running.run_test(notifications=True):
        await until(lambda: shows(running, "1 theme could not be read"))
        assert shipped | {"mine"} <= set(running.available_themes)


async def test_every_theme_can_be_put_on(app: MakeApp) -> None:
    running = app()
    async with running.run_test() as pilot:
        await until(lambda: shows(running, "Nothing has been sent"))
        for name in running.available_themes:
            running.theme = name
            await pilot.pause()
            assert shows(running, "Nothing has been sent"), name


async def test_colourless_follows_the_terminal(app: MakeApp) -> None:
    running = app(colourless=True)
    async with running.run_test():
        assert running.theme == FOLLOW_TERMINAL


def test_style_sheets_use_the_themes_colours_only() -> None:
    for path in Path(mailtui.tui.__file__).parent.rglob("*.tcss"):
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for value in re.findall(r"(?:color|background|border[a-z-]*|tint):([^;]+);", rules):
            assert "$" in value or value.strip() in ("none", "transparent"), f"{path.name}: {value.strip()}"
