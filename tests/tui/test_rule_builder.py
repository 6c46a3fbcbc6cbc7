"""Building a filter by keys and by mouse: what is built is what the line says, and counts what Python counts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.comparison import Choices, ComparisonDialog
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.screens.rules import RulesScreen
from mailtui.tui.widgets.rule_builder.tree import RuleTree
from tests.tui.conftest import MakeApp, grid, shows, until
from tests.tui.test_rules import at_rules, write

Row = Mapping[str, str]


def counted(sample: Path, holds: Callable[[Row], bool]) -> str:
    """What the screen says when so many rows of the list are meant, by plain Python."""
    with (sample.parent / "contacts.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return f"{sum(map(holds, rows))} of {len(rows)} rows match"


async def at_tree(app: MailtuiApp, pilot: Pilot[Any]) -> tuple[RulesScreen, RuleTree]:
    screen = await at_rules(app, pilot)
    await pilot.press("ctrl+t")
    tree = screen.tree_of_rules
    await until(lambda: tree.has_focus)
    return screen, tree


async def in_dialog(app: MailtuiApp) -> ComparisonDialog:
    await until(lambda: isinstance(app.screen, ComparisonDialog))
    dialog = app.screen
    assert isinstance(dialog, ComparisonDialog)
    return dialog


async def choose(app: MailtuiApp, pilot: Pilot[Any], column: str, operator: str, value: str) -> None:
    """Fill the dialog by keys: the lists by their first letters, the last character of the value typed."""
    dialog = await in_dialog(app)
    for name, wanted in (("column", column), ("operator", operator)):
        choices = dialog.query_one(f"#{name}", Choices)
        await until(lambda choices=choices: choices.has_focus)
        for _ in range(5):
            at = choices.highlighted
            if at is not None and choices.get_option_at_index(at).id == wanted:
                break
            await pilot.press(wanted[0])
        await pilot.press("enter")
    if operator != "empty":
        field = dialog.query_one("#value", Input)
        await until(lambda: field.has_focus)
        field.value = value[:-1]
        field.cursor_position = len(field.value)
        await pilot.press(value[-1], "enter")
    await until(lambda: not isinstance(app.screen, ComparisonDialog))


async def what_suits_first_is_under_the_cursor(app: MailtuiApp, pilot: Pilot[Any]) -> None:
    """Of a new comparison, as long as nobody has chosen how it compares."""
    dialog = await in_dialog(app)
    column, operator = dialog.query_one("#column", Choices), dialog.query_one("#operator", Choices)

    def stands_on(name: str) -> bool:
        at = operator.highlighted
        return at is not None and operator.get_option_at_index(at).id == name

    await until(lambda: column.has_focus and stands_on("=="))
    await pilot.press("j")
    await until(lambda: stands_on("after"))
    await pilot.press("tab", "w")
    await until(lambda: stands_on("within"))
    await pilot.press("shift+tab", "home")
    await until(lambda: dialog.chosen.column == "email" and stands_on("within"))
    await pilot.press("escape")
    await until(lambda: not isinstance(app.screen, ComparisonDialog))


def place_of(app: MailtuiApp, text: str) -> tuple[int, int]:
    """Where a text stands on the screen."""
    lines = grid(app)
    at = next(place for place, line in enumerate(lines) if text in line and place > 3)
    return lines[at].index(text), at


async def drag(pilot: Pilot[Any], start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(offset=start)
    await pilot.hover(offset=end)
    await pilot.mouse_up(offset=end)


async def test_a_filter_is_built_by_keys_and_counts_what_python_counts(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen, tree = await at_tree(shown, pilot)
        await pilot.press("end", "up", "a")
        await what_suits_first_is_under_the_cursor(shown, pilot)
        await pilot.press("a")
        await choose(shown, pilot, "country", "==", "Nigeria")
        await until(lambda: shows(shown, '└─ country  ==  "Nigeria"', "2 of 42 rows match"))
        await pilot.press("home", "t", "down", "d")
        expected = counted(sample, lambda row: row["joined"] > "2020-12-31" or row["country"] == "Nigeria")
        await until(lambda: shows(shown, expected, "any of these holds"))
        assert screen.editor.value == 'joined after "2020-12-31" or country == "Nigeria"'
        await pilot.press("g")
        await choose(shown, pilot, "plan", "in", "garden, seedling")
        await until(lambda: shows(shown, "├─ and  all of these hold", '│  └─ plan  in  ("garden", "seedling")'))
        await pilot.press("H", "K", "n")  # out of the group, before joined, turned around
        built = 'not (plan in ("garden", "seedling")) or joined after "2020-12-31" or country == "Nigeria"'
        await until(lambda: screen.editor.value == tree.text == built)
        await pilot.press("home", "t")
        built = built.replace(" or ", " and ")
        expected = counted(
            sample,
            lambda row: (
                row["plan"] not in ("garden", "seedling")
                and row["joined"] > "2020-12-31"
                and row["country"] == "Nigeria"
            ),
        )
        await until(lambda: shows(shown, expected))
        steps = 0
        while tree.can_undo and steps < 30:
            await pilot.press("u" if steps else "ctrl+z")
            steps += 1
        assert tree.text == 'not (unsubscribed == "yes") and joined after "2020-12-31"'
        await pilot.press(*["ctrl+y"] * steps)
        await until(lambda: screen.editor.value == tree.text == built)
        await pilot.press("ctrl+s")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        assert shown.bench.filter_text == built


async def test_a_filter_is_built_with_the_mouse(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen, tree = await at_tree(shown, pilot)
        await pilot.click(offset=place_of(shown, '"2020-12-31"'))
        dialog = await in_dialog(shown)
        await until(lambda: dialog.query_one("#value").has_focus)
        await pilot.click(offset=place_of(shown, "country text"))
        await pilot.click(offset=place_of(shown, "==         is"))
        await until(lambda: shows(shown, "Nigeria"))
        await pilot.click(offset=place_of(shown, "Nigeria"))
        await until(lambda: shows(shown, 'country  ==  "Nigeria"'))
        await pilot.click(offset=place_of(shown, "and  all"))
        await until(lambda: tree.text == 'not (unsubscribed == "yes") or country == "Nigeria"')
        await pilot.click(offset=place_of(shown, "not  the following"))
        await until(lambda: tree.text == 'unsubscribed == "yes" or country == "Nigeria"')
        await pilot.press("u")
        await pilot.click(offset=place_of(shown, "+ add a group"))
        await in_dialog(shown)
        await pilot.click(offset=place_of(shown, "Cancel"))
        await until(lambda: shown.screen is screen)
        assert tree.text.endswith('"Nigeria"'), "whoever closes the dialog has changed nothing"
        country = place_of(shown, "country  ==")
        await drag(pilot, country, place_of(shown, "or  any of these"))
        await until(lambda: tree.text == 'country == "Nigeria" or not (unsubscribed == "yes")')
        await drag(pilot, place_of(shown, "unsubscribed  =="), place_of(shown, "country  =="))
        await until(lambda: tree.text == 'unsubscribed == "yes" or country == "Nigeria"')
        expected = counted(
            sample, lambda row: row["country"] == "Nigeria" or row["unsubscribed"].strip().casefold() == "yes"
        )
        await until(lambda: shows(shown, expected))


async def test_line_and_tree_say_the_same_and_what_is_wrong_with_it(app: MakeApp, sample: Path) -> None:
    """In one app, since each start takes a while."""
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await at_rules(shown, pilot)
        for check in (
            rows_that_are_looked_at_are_explained_beside_each_part,
            the_part_that_keeps_everybody_out_is_named_with_what_was_meant,
            line_and_tree_follow_each_other_and_a_mistake_stays_where_it_is,
            a_filter_that_means_nobody_or_everybody_is_asked_about,
        ):
            await check(shown, pilot, screen)
        await a_filter_that_no_longer_fits_the_list_can_be_mended(shown, pilot, screen)


async def rows_that_are_looked_at_are_explained_beside_each_part(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    tree = screen.tree_of_rules
    await pilot.press("escape")
    await until(lambda: shows(shown, "+ and  all of these hold", "+ └─ joined  after"))
    assert shows(shown, '- │  └─ unsubscribed  ==  "yes"')
    await pilot.press("tab")
    await until(lambda: shows(shown, "- and  all of these hold", "- ├─ not", "+ │  └─ unsubscribed", "+ └─ joined"))
    await pilot.press("escape")
    await until(lambda: tree.has_focus and shows(shown, "  and  all of these hold"))
    assert screen.focused is tree
    await pilot.press("home", "w", "ctrl+t", "escape")  # a group around all of it, which is not in the line
    await until(lambda: shows(shown, "+ or  any of these holds", "+ └─ and  all", "+    ├─ not", "-    │  └─ unsub"))
    await pilot.press("ctrl+t")


async def the_part_that_keeps_everybody_out_is_named_with_what_was_meant(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    await write(screen, pilot, 'joined after "2020-12-31" and (city == "Lagso" or plan == "nothing")')
    await until(lambda: shows(shown, "Nobody: not one of 42 rows matches", 'No row meets city == "Lagso".'))
    assert shows(shown, "Did you mean Lagos?")
    await pilot.press("ctrl+t")
    await until(lambda: shows(shown, '×    ├─ city  ==  "Lagso"'))
    await pilot.press("ctrl+t")
    await write(screen, pilot, 'city == "Lagos" and city == "Cork"')
    await until(lambda: shows(shown, "no row meets all of them together"))
    await write(screen, pilot, 'city == "Lagos" or not (country == "Nowhere")')
    await until(lambda: shows(shown, "Everybody: 42 rows", "Every row meets not (country"))


async def line_and_tree_follow_each_other_and_a_mistake_stays_where_it_is(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    tree = screen.tree_of_rules
    await write(screen, pilot, '(city == "Lagos" or plan == "garden") and not customer')
    await until(lambda: tree.text == '(city == "Lagos" or plan == "garden") and customer empty')
    await write(screen, pilot, '(city == "Lagos" or plan ==')
    await until(lambda: shows(shown, "a value is expected here"))
    await pilot.press("ctrl+t")
    assert screen.editor.has_focus
    await until(lambda: shows(shown, "This line is no rule yet"))
    assert screen.editor.value == '(city == "Lagos" or plan =='
    assert tree.text == '(city == "Lagos" or plan == "garden") and customer empty'
    await write(screen, pilot, '(city == "Lagos" or plan == "rose")')
    await until(lambda: tree.text == 'city == "Lagos" or plan == "rose"')
    await pilot.press("ctrl+t", "home", "w")
    assert screen.editor.value == 'city == "Lagos" or plan == "rose"'
    await pilot.press("ctrl+t", "ctrl+t", "u")
    assert tree.has_focus
    await pilot.press("ctrl+t")


async def a_filter_that_means_nobody_or_everybody_is_asked_about(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    before = shown.bench.filter_text
    await write(screen, pilot, 'city == "Lagso"')
    await pilot.press("enter")  # before anything is counted
    await until(lambda: isinstance(shown.screen, ConfirmDialog))
    await until(lambda: shows(shown, "Nobody is meant by this filter", "Did you mean Lagos?"))
    await pilot.press("enter")
    await until(lambda: shown.screen is screen)
    assert shown.bench.filter_text == before
    await write(screen, pilot, 'city or email contains "e"')
    await until(lambda: shows(shown, "no one left out"))
    await pilot.press("ctrl+s")
    await until(lambda: shows(shown, "This filter leaves nobody out", "Every row meets"))
    await pilot.click("#yes")
    await until(lambda: isinstance(shown.screen, AudienceScreen))
    assert shown.bench.filter_text == 'not (city empty) or email contains "e"'


async def a_filter_that_no_longer_fits_the_list_can_be_mended(
    shown: MailtuiApp, pilot: Pilot[Any], screen: RulesScreen
) -> None:
    spec = shown.bench.spec
    assert spec is not None
    await shown.bench.reopen(spec.model_copy(update={"header": False, "address": "column_1"}))
    assert shown.bench.misfit is not None
    await pilot.press("3")
    await until(lambda: shown.screen is screen and shows(shown, "the list has no column city."))
    assert screen.tree_of_rules.text == screen.editor.value == shown.bench.filter_text
