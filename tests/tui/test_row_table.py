"""The table of any length: what is in sight is there, nothing else is asked for, and it never stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mailtui.errors import UsageError
from mailtui.tui.widgets.row_pages import KEPT_PAGES, PAGE, TableRow
from mailtui.tui.widgets.row_table import RowTable
from tests.tui.conftest import grid, shows, until

COLUMNS = ("email", "name", "city")


class TableApp(App[None]):
    """A table alone, over made-up rows; `asked` records which were fetched."""

    def __init__(self, rows: int, *, columns: Sequence[str] = COLUMNS, cell: str = "") -> None:
        super().__init__()
        self.total = rows
        self.columns = tuple(columns)
        self.cell = cell
        self.asked: list[int] = []
        self.moved: list[int] = []
        self.chosen: list[int] = []
        self.failed: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: UsageError | None = None

    def compose(self) -> ComposeResult:
        yield RowTable()

    def on_mount(self) -> None:
        self.table.show(self.columns, self.total, self.fetch)

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    async def fetch(self, first: int, count: int) -> list[TableRow]:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.asked.append(first)
        return [self.row(position) for position in range(first, min(first + count, self.total))]

    def row(self, position: int) -> TableRow:
        cells = tuple(self.cell or f"{column}{position + 1}" for column in self.columns)
        return TableRow(position, f"{position + 1:,}", cells, good=position % 7 != 6)

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        if type(event) is RowTable.Moved:
            self.moved.append(event.table.cursor)

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        self.chosen.append(event.table.cursor)

    def on_row_table_failed(self, event: RowTable.Failed) -> None:
        self.failed.append(event.error.title)


async def settled(app: TableApp, pilot: Pilot[Any]) -> None:
    """Wait until the row under the cursor is there and drawn."""
    await until(lambda: app.table.current is not None)
    await pilot.pause()


async def test_shows_the_first_rows_under_their_names() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        lines = grid(app)
        assert lines[0].split() == ["row", "email", "name", "city"]
        assert lines[1].split() == ["1", "email1", "name1", "city1"]
        assert lines[7].split() == ["7×", "email7", "name7", "city7"], "a bad row is marked"
        assert app.asked == [0, PAGE], "the page in sight and the next one, and nothing else"


async def test_a_million_rows_open_at_once_and_end_jumps_to_the_last() -> None:
    app = TableApp(1_000_000)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        await pilot.press("end")
        await settled(app, pilot)
        assert grid(app)[9].split()[:2] == ["1,000,000", "email1000000"]
        assert app.table.cursor == 999_999
        await pilot.press("home")
        await settled(app, pilot)
        assert grid(app)[1].split()[:2] == ["1", "email1"]
        assert len(app.asked) <= 4


async def test_keys_move_the_cursor_and_keep_it_in_sight() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 11)) as pilot:  # ten rows below the header
        await settled(app, pilot)
        await pilot.press("down", "j", "j", "up", "k")
        assert app.table.cursor == 1
        await pilot.press("pagedown", "pagedown")
        assert (app.table.cursor, app.table.scroll_offset.y) == (19, 10)
        await pilot.press("pageup")
        assert (app.table.cursor, app.table.scroll_offset.y) == (10, 10)
        await pilot.press("G")
        assert app.table.cursor == 999
        await pilot.press("down")
        assert app.table.cursor == 999
        await pilot.press("home", "up")
        assert app.table.cursor == 0
        await pilot.press("enter")
        await until(lambda: app.chosen == [0])


async def test_click_puts_the_cursor_and_a_double_click_chooses() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 11)) as pilot:
        await settled(app, pilot)
        await pilot.click(RowTable, offset=(12, 4))
        assert app.table.cursor == 3
        await pilot.click(RowTable, offset=(12, 0))
        assert app.table.cursor == 3, "the header is no row"
        await pilot.double_click(RowTable, offset=(12, 6))
        await until(lambda: app.chosen == [5])


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 11)) as pilot:
        await settled(app, pilot)
        table = app.table
        table.scroll_down(animate=False)
        await pilot.pause()
        assert (table.scroll_offset.y, table.cursor) == (1, 0)
        assert grid(app)[1].split()[0] == "2"


async def test_rows_that_have_not_come_yet_hold_their_place_and_are_filled_in() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        app.gate.clear()
        await pilot.press("end")
        await pilot.pause()
        assert grid(app)[9].split() == ["1,000", "..."]
        app.gate.set()
        await settled(app, pilot)
        assert grid(app)[9].split()[:2] == ["1,000", "email1000"]


async def test_what_was_scrolled_past_is_not_asked_for() -> None:
    app = TableApp(100_000)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        app.gate.clear()
        for position in range(0, 100_000, 1_000):
            app.table.go_to(position)
        app.gate.set()
        await settled(app, pilot)
        await pilot.pause()
        assert len(app.asked) <= 8, app.asked


async def test_few_pages_are_kept_and_of_huge_cells_only_what_can_be_seen() -> None:
    app = TableApp(PAGE * (KEPT_PAGES + 10), columns=("only",), cell="x" * 50_000)
    async with app.run_test(size=(60, 10)) as pilot:
        for page in range(KEPT_PAGES + 10):
            app.table.go_to(page * PAGE)
            await settled(app, pilot)
        assert app.table.pages_kept <= KEPT_PAGES
        current = app.table.current
        assert current is not None
        assert len(current.cells[0]) <= 1_000


async def test_sideways_goes_column_by_column_and_the_left_edge_stays() -> None:
    app = TableApp(100, columns=[f"column{number}" for number in range(30)])
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        await pilot.press("right", "right")
        await pilot.pause()
        assert grid(app)[0].split()[:2] == ["row", "column2"]
        assert grid(app)[1].split()[:2] == ["1", "column21"]
        await pilot.press("left")
        await pilot.pause()
        assert grid(app)[0].split()[:2] == ["row", "column1"]


async def test_every_key_is_harmless_where_there_is_nothing() -> None:
    app = TableApp(0, columns=())
    async with app.run_test() as pilot:
        for column in (None, 0):
            app.table.column = column
            await pilot.press("left", "right", "ctrl+left", "ctrl+right", "down", "pageup", "end", "home", "enter")
        await pilot.click(RowTable, offset=(9, 0))
        assert not app.chosen


async def test_a_mark_at_the_end_of_the_names_says_that_there_are_more() -> None:
    app = TableApp(100, columns=[f"column{number}" for number in range(8)])
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        assert grid(app)[0].endswith(" »")
        await pilot.press(*["right"] * 8)
        await pilot.pause()
        assert grid(app)[0].endswith("column7")


async def test_wide_letters_and_long_cells_keep_the_columns_apart() -> None:
    app = TableApp(3, columns=("a", "b"))
    rows = [TableRow(0, "1", ("花子花子", "second")), TableRow(1, "2", ("y" * 90, "second"))]
    async with app.run_test(size=(60, 6)) as pilot:
        app.table.show_rows(("a", "b"), rows)
        await settled(app, pilot)
        lines = grid(app)
        assert "y…  second" in lines[2]
        assert lines[0].index("b") == lines[2].index("second")


async def test_an_error_is_told_and_the_table_goes_on() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        app.error = UsageError("The list is gone")
        await pilot.press("end")
        await until(lambda: app.failed == ["The list is gone"])
        app.error = None
        await pilot.press("home")
        await pilot.press("end")
        await settled(app, pilot)
        await until(lambda: shows(app, "email1000"))


async def test_another_list_takes_its_place_and_late_rows_of_the_former_are_dropped() -> None:
    app = TableApp(1_000)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        app.gate.clear()
        await pilot.press("end")
        app.table.show_rows(("x",), [TableRow(0, "1", ("other",))])
        app.gate.set()
        await settled(app, pilot)
        await until(lambda: shows(app, "other"))
        assert not shows(app, "email1000")


@pytest.mark.parametrize("rows", [0, 1])
async def test_tiny_tables(rows: int) -> None:
    app = TableApp(rows)
    async with app.run_test(size=(60, 10)) as pilot:
        for key in ("down", "end", "pagedown", "pageup", "home", "right", "left", "enter"):
            await pilot.press(key)
        assert app.table.cursor == 0
        assert len(app.chosen) == rows


async def test_a_column_cursor_walks_thousands_of_columns() -> None:
    columns = [f"c{number}" for number in range(5_000)]
    app = TableApp(1_000, columns=columns)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(app, pilot)
        app.table.go_to_column(0)
        await pilot.press("right", "right", "left")
        assert app.table.column == 1
        app.table.go_to_column(4_321)
        await pilot.pause()
        await until(lambda: shows(app, "c4321 ", "c43211"))
        await pilot.press("ctrl+right")
        await pilot.pause()
        moved = app.table.column
        assert moved is not None
        assert 4_321 < moved < 4_340
        assert shows(app, f"c{moved} ")
        app.table.go_to_column(99_999)
        await pilot.pause()
        assert app.table.column == 4_999
        assert grid(app)[0].endswith("c4999")
        await pilot.press("ctrl+left")
        assert app.table.column is not None
        assert app.table.column < 4_999


async def test_headings_carry_marks_and_rows_theirs() -> None:
    app = TableApp(10)
    async with app.run_test(size=(60, 10)) as pilot:
        rows = [TableRow(0, "1", ("a", "b", "c"), marks="2r"), TableRow(1, "2", ("d", "e", "f"), good=False)]

        async def fetch(first: int, count: int) -> list[TableRow]:
            return rows[first : first + count]

        app.table.show(COLUMNS, 2, fetch, marks=2, headings=("", "#", "d \u2191"))
        await until(lambda: shows(app, "1 2r", "2 \u00d7") or shows(app, "12r a", "2\u00d7  d"))
        await pilot.pause()
        assert grid(app)[0].split() == ["row", "email", "name", "#", "city", "d", "\u2191"]
