"""The rules screen: counts and samples at every keystroke, mistakes with a caret, and taking a filter over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.content import Content
from textual.pilot import Pilot

from mailtui.tui.app import MailtuiApp
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.screens.rules import RulesScreen
from mailtui.tui.widgets.filter_input import completion, written
from mailtui.tui.widgets.rule_answer import RuleAnswer
from tests.tui.conftest import MakeApp, grid, shows, stretch, until

SIZES = [(60, 20), (120, 40), (80, 24)]


async def at_rules(app: MailtuiApp, pilot: Pilot[Any]) -> RulesScreen:
    """Go there once the list is open, and wait until the filter is counted."""
    await until(lambda: app.bench.open_list is not None)
    await pilot.press("f4")
    await until(lambda: isinstance(app.screen, RulesScreen))
    screen = app.screen
    assert isinstance(screen, RulesScreen)
    await until(lambda: shows(app, "recipient"))
    return screen


async def write(screen: RulesScreen, pilot: Pilot[Any], text: str) -> None:
    """Write another filter, the last letter of it by key."""
    screen.editor.value = text[:-1]
    screen.editor.cursor_position = len(text) - 1
    await pilot.press({" ": "space", '"': "quotation_mark", ")": "right_parenthesis"}.get(text[-1], text[-1]))


async def test_what_is_written_is_counted_and_shown_and_taken_over_when_it_is_meant(app: MakeApp, sample: Path) -> None:
    """In one app, since each start takes a while."""
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await at_rules(shown, pilot)
        for check in (
            the_filter_is_shown_as_it_is_set,
            counts_and_samples_follow,
            nobody_and_everybody_are_said_in_words,
            a_mistake_is_told_with_a_caret_below_it,
            the_caret_stays_below_the_mistake_when_the_line_is_long,
            a_filter_with_a_mistake_is_not_taken_over,
            columns_are_written_by_tab_and_by_click,
            what_is_being_written_is_still_there_after_a_look_elsewhere,
            reset_goes_back_to_what_is_set,
            escape_leaves_the_editor_so_that_digits_change_rooms,
        ):
            await check(shown, pilot, screen)
        await enter_takes_it_over_and_shows_what_it_comes_to(shown, pilot, screen, sample)


async def the_filter_is_shown_as_it_is_set(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    assert screen.editor.value == 'not (unsubscribed == "yes") and joined after "2020-12-31"'
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        await until(lambda height=height: len(grid(shown)) == height)
        await until(lambda: shows(shown, "38 of 42 rows match:  34 recipients"))
        await until(lambda: shows(shown, "This is the filter as it is set.", "+ in   38", "× out   4"))
        await until(lambda: shows(shown, "columns  email", "joined  customer"))  # on a second line where need be
        await until(lambda: shows(shown, "amara.okafor@example.com", "greta.lindqvist@example.net"))


async def counts_and_samples_follow(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    await write(screen, pilot, 'city == "Lagos"')
    await until(lambda: shows(shown, "2 of 42 rows match:  1 recipient, and 1 duplicate", "+ in   2", "× out   40"))
    assert shows(shown, "Not used yet: ^s uses it")
    header = next(line for line in grid(shown) if line.strip().startswith("row"))
    assert header.split()[:3] == ["row", "email", "city"], "what the filter asks about comes first"


async def nobody_and_everybody_are_said_in_words(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    await write(screen, pilot, 'city == "Atlantis"')
    await until(lambda: shows(shown, "× Nobody: not one of 42 rows matches."))
    await write(screen, pilot, 'not (city == "Atlantis")')
    await until(lambda: shows(shown, "Everybody: 42 rows, no one left out"))
    screen.editor.value = ""
    await until(lambda: shows(shown, "Everybody: no filter, 42 rows"))


def assert_caret_below(shown: MailtuiApp) -> None:
    lines = grid(shown)
    editor = next(number for number, line in enumerate(lines) if "city contans" in line)
    assert lines[editor + 2].index("^") == lines[editor].index("contans")


async def a_mistake_is_told_with_a_caret_below_it(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    await write(screen, pilot, "city contans 3")
    await until(lambda: shows(shown, "contans is not a known comparison.", "Did you mean contains?"))
    assert shows(shown, "+ in   of the last rule that worked")
    assert_caret_below(shown)
    await write(screen, pilot, 'ctiy == "Lagos"')
    await until(lambda: shows(shown, "the list has no column ctiy.", "Did you mean city?"))
    await write(screen, pilot, 'city == "Lagos"')
    await until(lambda: shows(shown, "2 of 42 rows match"))


async def the_caret_stays_below_the_mistake_when_the_line_is_long(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    await write(screen, pilot, ("city == 1 or " * 12) + "city contans 3")
    await until(lambda: shows(shown, "^", "contans is not a known comparison."))
    assert_caret_below(shown)


async def a_filter_with_a_mistake_is_not_taken_over(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    former = shown.bench.filter_text
    for wrong in ("city ==", 'ctiy == "Lagos"'):
        await write(screen, pilot, wrong)
        await pilot.press("ctrl+s")
        await until(lambda: shows(shown, "× "))
        assert shown.screen is screen
        assert shown.bench.filter_text == former


async def columns_are_written_by_tab_and_by_click(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    await write(screen, pilot, "uns")
    await pilot.press("tab")
    assert screen.editor.value == "unsubscribed "
    line = next(number for number, text in enumerate(grid(shown)) if "columns" in text)
    await pilot.click(offset=(grid(shown)[line].index("country") + 2, line))
    assert screen.editor.value == "unsubscribed country "
    assert screen.editor.has_focus
    await pilot.press("tab")
    assert screen.focused is not screen.editor, "with nothing to complete, tab goes on"
    screen.editor.focus()


async def what_is_being_written_is_still_there_after_a_look_elsewhere(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    await write(screen, pilot, 'city == "Lagos"')
    await pilot.press("f3")
    await until(lambda: isinstance(shown.screen, AudienceScreen))
    await pilot.press("f4")
    await until(lambda: shown.screen is screen)
    assert screen.editor.value == 'city == "Lagos"' != shown.bench.filter_text
    await until(lambda: screen.editor.has_focus)


async def reset_goes_back_to_what_is_set(shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen) -> None:
    await pilot.press("ctrl+r")
    assert screen.editor.value == shown.bench.filter_text
    await until(lambda: shows(shown, "38 of 42 rows match"))


async def escape_leaves_the_editor_so_that_digits_change_rooms(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    await pilot.press("2")
    assert shown.screen is screen
    await pilot.press("escape", "2")
    await until(lambda: isinstance(shown.screen, AudienceScreen))
    await pilot.press("3")
    await until(lambda: shown.screen is screen and screen.editor.has_focus)


async def enter_takes_it_over_and_shows_what_it_comes_to(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen, sample: Path
) -> None:
    before = sample.read_text()
    await write(screen, pilot, 'city = "Lagos"')
    await pilot.press("enter")
    await until(lambda: isinstance(shown.screen, AudienceScreen))
    await until(lambda: shows(shown, "1 recipient", "2 matched", 'filter  city == "Lagos"'))
    assert shown.bench.campaign is not None
    assert shown.bench.campaign.filter_text == 'city == "Lagos"'
    assert sample.read_text() == before
    await pilot.press("3")
    await until(lambda: shown.screen is screen and screen.editor.value == 'city == "Lagos"')


async def test_without_a_list(app: MakeApp) -> None:
    shown = app()
    async with shown.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(lambda: shows(shown, "No list is open."))
        await pilot.press("ctrl+s", "ctrl+r", "escape")
        assert isinstance(shown.screen, RulesScreen)


async def test_a_long_list_is_guessed_first_and_an_older_count_is_given_up(
    app: MakeApp, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretch(sample, 8_000)
    monkeypatch.setattr("mailtui.tui.screens.rules._GLANCE_FROM", 8_000)
    shown = app(target=sample)
    said: list[str] = []
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await at_rules(shown, pilot)
        answer = screen.query_one("#answer", RuleAnswer)
        show = answer.show

        def overheard(text: Content) -> None:
            said.append(text.plain)
            show(text)

        monkeypatch.setattr(answer, "show", overheard)
        await write(screen, pilot, 'email contains "5"')
        await until(lambda: any("about " in text for text in said))
        await write(screen, pilot, 'email contains "person777@"')
        await until(lambda: shows(shown, "1 of 8,000 rows match:  1 recipient"))
        guessed = next(text for text in said if "about " in text)
        share = int(guessed.split()[1].replace(",", "")) / 8_000
        exact = sum("5" in str(number) for number in range(1, 8_001)) / 8_000
        assert abs(share - exact) < 0.02, "a guess, shown with two digits"
        assert "counting" in guessed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ci", "city"),
        ("not (CI", "city"),
        ('city == "ci', ""),
        ("", ""),
        ("fir", "`first name`"),
        ("o", "`or`"),
        ("zz", ""),
    ],
)
def test_completion(text: str, found: str) -> None:
    assert completion(text, ["city", "first name", "or"]) == found


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("city", "city"), ("first name", "`first name`"), ("a`b", "`a``b`"), ("In", "`In`"), ("é", "é")],
)
def test_a_name_is_written_as_the_filter_reads_it(name: str, spelled: str) -> None:
    from mailtui.audience.rules_text import format_rule
    from mailtui.audience.rules_tree import read_rule

    assert written(name) == spelled
    rule = read_rule(f'{spelled} == "x"')
    assert rule is not None
    assert format_rule(rule).startswith(spelled)
