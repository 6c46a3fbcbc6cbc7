"""The list seen another way: some of its rows, in another order, where a text stands, which domains take mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.explain import ExplainDialog
from mailtui.tui.dialogs.mail_domains import MailDomainsDialog
from mailtui.tui.dialogs.problems import ProblemsDialog
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.widgets.view_bar import ViewBar
from tests.servers.name_server import name_server
from tests.tui.conftest import MakeApp, change, grid, shows, until

LIST = """email,name,city
info@example.com,Info,Rome
ann@example.com,Ann,Oslo
nobody,Ben,Paris
ann@example.com,Ann again,Lima
cy@mailinator.com,Cy,Bonn
dee@example.org,Dee,Åland
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


async def opened(app: MailtuiApp) -> AudienceScreen:
    await until(lambda: isinstance(app.screen, AudienceScreen) and app.bench.open_list is not None)
    screen = app.screen
    assert isinstance(screen, AudienceScreen)
    await until(lambda: screen.table.current is not None and shows(app, "recipient"))
    return screen


async def seen(pilot: Pilot[Any], app: MailtuiApp, *keys: str, title: str) -> list[str]:
    """The names in the rows that are seen, once the line above them says so."""
    await pilot.press(*keys)
    await until(lambda: shows(app, title))
    screen = app.screen
    assert isinstance(screen, AudienceScreen)
    table = screen.table
    await until(lambda: table.current is not None)
    found, before = [], table.cursor
    for position in range(table.rows):
        table.cursor = position
        row = table.current
        assert row is not None
        found.append(row.cells[1])
    table.cursor = before
    return found


async def test_one_steps_through_the_kinds_of_rows_with_their_counts(app: MakeApp, people: Path) -> None:
    shown = app(target=people)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        assert shows(shown, "4 recipients  [6 rows]  1 unusable  1 duplicate  2 flagged")
        assert shows(shown, "1 r info@example.com", "2 + ann@", "3×  nobody", "4 = ann@", "5 d cy@mailinator.com"), (
            "each has its mark"
        )
        assert shows(shown, "r the address of a role")
        assert await seen(pilot, shown, "f", title="[1 unusable]") == ["Ben"]
        assert await seen(pilot, shown, "f", title="[1 duplicate]") == ["Ann again"]
        assert await seen(pilot, shown, "f", title="[2 flagged]") == ["Info", "Cy"]
        assert await seen(pilot, shown, "f", title="[4 recipients]") == ["Info", "Ann", "Cy", "Dee"]
        assert await seen(pilot, shown, "F", title="[2 flagged]") == ["Info", "Cy"]
        await pilot.press("down", "e")
        await until(lambda: isinstance(shown.screen, ExplainDialog) and shows(shown, "Row 5 (line 6)"))
        assert shows(shown, "! mailinator.com hands out throw-away addresses.")
        await pilot.press("escape")
        await until(lambda: shown.screen is screen)
        await pilot.press("g", *"2", "enter")
        await until(lambda: shows(shown, "[6 rows]", "row 2 of 6", "+ gets the mail; other rows have its address"))
        bar = screen.query_one(ViewBar)
        await pilot.click(bar, offset=(28, 0))
        await until(lambda: shows(shown, "[1 unusable]"))


async def test_a_filter_makes_rows_out_and_a_view_follows_it(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        screen.rows.next_view(1)
        screen.rows.next_view(1)  # before the first one is there
        await until(lambda: shows(shown, "[4 out]", "- left out by the filter", "row 1 of 4"))
        shown.bench.set_filter('country == "Japan"')
        await pilot.press("1")
        await until(lambda: shown.screen is not screen)
        await pilot.press("2")
        await until(lambda: shows(shown, "[40 out]", "2 matched"))
        await until(lambda: screen.table.rows == 40)


async def test_another_filter_is_seen_in_rows_and_marks_though_its_counts_are_the_same(
    app: MakeApp, people: Path
) -> None:
    shown = app(target=people)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)

        async def under(text: str) -> None:
            await pilot.press("1")
            await until(lambda: shown.screen is not screen)
            shown.bench.set_filter(text)
            await pilot.press("2")
            await until(lambda: shown.screen is screen)

        await under('city == "Oslo"')
        await until(lambda: shows(shown, "1-r info@example.com", "2 + ann@", "4-= ann@", "5 out"))
        assert await seen(pilot, shown, "f", title="[1 matched]") == ["Ann"]
        await under('city == "Lima"')
        await until(lambda: screen.rows.row_number == 4)
        assert await seen(pilot, shown, title="[1 matched]") == ["Ann again"]
        await under("")
        await until(
            lambda: shows(shown, "[6 rows]", "4 = ann@", "row 4 of 6", "= another row with this address gets the mail")
        )


async def test_a_row_is_gone_to_in_an_order_that_had_to_make_room(app: MakeApp, people: Path) -> None:
    shown = app(target=people)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        screen.table.go_to_column(2)
        await seen(pilot, shown, "s", title="by city ↑")
        await pilot.press("p")
        await until(lambda: isinstance(shown.screen, ProblemsDialog) and shows(shown, "nobody"))
        await pilot.press("tab")
        await until(lambda: shows(shown, "ann@example.com already stands in row 2"))
        assert not shown.bench.has_view(screen.rows.view)
        await pilot.press("enter")
        await until(lambda: screen.rows.row_number == 4 and shows(shown, "by city ↑", "row 2 of 6"))


async def test_a_list_that_changed_on_the_disk_is_told_and_read_again(app: MakeApp, people: Path) -> None:
    shown = app(target=people)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        people.write_text("name,email\nNew,new@example.com\n", encoding="utf-8")
        for key in ("s", "e"):
            await pilot.press(key)
            await until(lambda: shows(shown, "The list has changed since it was opened", "Read it again: r on"))
            assert shows(shown, "1 r info@example.com", "[6 rows]")
            await pilot.press("escape")
            await until(lambda: not shows(shown, "has changed"))
        await pilot.press("r")
        await until(lambda: shows(shown, "1 recipient  [1 row]", "new@example.com"))
        people.unlink()
        await pilot.press("e")
        await until(lambda: shows(shown, "There is no list"))
        await pilot.press("r")
        await until(lambda: shows(shown, "There is no list", "new@example.com"))
        assert shown.screen is screen


async def test_rows_are_sorted_by_the_column_under_the_cursor(app: MakeApp, people: Path) -> None:
    shown = app(target=people)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        await pilot.press("right", "right")
        up = await seen(pilot, shown, "s", title="by city ↑")
        assert up == ["Cy", "Ann again", "Ann", "Ben", "Info", "Dee"]
        assert await seen(pilot, shown, "s", title="by city ↓") == up[::-1]
        await pilot.press("home", "f")
        await until(lambda: shows(shown, "[1 unusable]", "by city ↓"))
        await pilot.press("s")
        await until(lambda: not shows(shown, "by city"))
        assert screen.rows.view.column is None


async def test_a_text_is_found_forward_and_back(app: MakeApp, people: Path) -> None:
    shown = app(target=people)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(shown)
        await pilot.press("n")
        await until(lambda: shows(shown, "Find something first: /."))
        await pilot.press("slash")
        await until(lambda: shows(shown, "enter finds   esc closes"))
        await pilot.press("A", "N", "N", "enter")
        await until(lambda: screen.table.cursor == 1)
        await until(lambda: screen.table.has_focus)
        await pilot.press("n")
        await until(lambda: screen.table.cursor == 3)
        await pilot.press("n")
        await until(lambda: screen.table.cursor == 1 and shows(shown, "from the first row on   row 2 of 6"))
        await pilot.press("N")
        await until(lambda: screen.table.cursor == 3 and shows(shown, "from the last row on   row 4 of 6"))
        await pilot.press("N")
        await until(lambda: screen.table.cursor == 1 and not shows(shown, "row on"))
        await pilot.press("slash", *"åLAND", "enter")
        await until(lambda: screen.table.cursor == 5 and not shows(shown, "row on"))
        await pilot.press("n")
        await until(lambda: shows(shown, "no other row has åLAND   row 6 of 6"))
        await pilot.press("slash", *"qq", "enter")
        await until(lambda: shows(shown, "no row has qq   row 6 of 6"))
        await pilot.press("slash", "escape")
        await until(lambda: screen.table.has_focus and not shows(shown, "enter finds"))


async def test_rows_of_one_address_go_into_one_mail_where_they_are_grouped(app: MakeApp, sample: Path) -> None:
    change(sample, "audience:", "audience:\n  group: true")
    shown = app(target=sample)
    async with shown.run_test(size=(120, 40)) as pilot:
        await opened(shown)
        await until(lambda: shows(shown, "[42 rows]  38 matched  4 out  2 unusable", "34 recipients"))
        # Beside the counts, and in the line of numbers, which adds up with it.
        await until(lambda: sum("2 in another row's mail" in line for line in grid(shown)) == 2)
        await pilot.press("e")
        await until(lambda: isinstance(shown.screen, ExplainDialog))
        assert shows(shown, "+ in: gets a mail", "= 1 further row goes into this mail: 22.")
        await pilot.press("escape", "g", *"22", "enter", "e")
        await until(lambda: shows(shown, "Row 22"))
        assert shows(shown, "+ in: goes into another row's mail", "it is part of row 1's.")


async def test_domains_are_asked_for_on_request_and_lead_to_their_rows(
    app: MakeApp, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with name_server() as server:
        server.records = {"example.com": {"MX": ["10 mail.example."]}, "mailinator.com": {"MX": ["0 ."]}}
        monkeypatch.setenv("MAILTUI_DNS__SERVERS", f"[{server.setting}]")
        import os

        from mailtui.service.facade import Service

        with Service.open(os.environ) as service:
            shown = MailtuiApp(service, target=people)
            async with shown.run_test(size=(80, 24)) as pilot:
                screen = await opened(shown)
                assert not server.asked, "nobody is asked before a person wants it"
                await pilot.press("m")
                await until(
                    lambda: isinstance(shown.screen, MailDomainsDialog) and shows(shown, "3 domains: × 2 take no")
                )
                assert shows(
                    shown, "mailinator.com  × takes no mail", "example.org", "× no such domain", "+ takes mail"
                )
                await pilot.press("home", "enter")
                await until(lambda: shown.screen is screen and screen.table.cursor in (4, 5))
