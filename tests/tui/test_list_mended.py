"""How a list is read is mended on its screen: tried while it is typed, told where it is wrong, kept where one wants."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.column_type import ColumnTypeDialog
from mailtui.tui.dialogs.columns import ColumnsDialog
from mailtui.tui.dialogs.place import PlaceDialog
from mailtui.tui.dialogs.reading import ReadingDialog
from mailtui.tui.dialogs.reading_notes import ReadingNotes
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.widgets.setting_field import SettingField
from tests.tui.conftest import MakeApp, shows, until

NAMES = ("Zoë Müller", "José Núñez", "Jürgen Groß")


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """Semicolons, a code page, a title above the names, dates and codes."""
    lines = ["Customers 2026;;;;", "", "email;name;city;joined;zip"]
    lines += [
        f"p{row}@example.com;{NAMES[row % 3]};City {row};{row % 28 + 1:02}.01.2026;0{999 + row}" for row in range(40)
    ]
    path = tmp_path / "customers.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


async def opened(app: MailtuiApp) -> AudienceScreen:
    await until(lambda: isinstance(app.screen, AudienceScreen) and app.bench.open_list is not None)
    screen = app.screen
    assert isinstance(screen, AudienceScreen)
    await until(lambda: screen.table.current is not None and shows(app, "recipient"))
    return screen


async def mending(pilot: Pilot[Any], app: MailtuiApp) -> ReadingDialog:
    """Open the dialog, and wait until it has tried the list."""
    await pilot.press("h")
    await until(lambda: isinstance(app.screen, ReadingDialog) and shows(app, "email │ name"))
    screen = app.screen
    assert isinstance(screen, ReadingDialog)
    return screen


def put(dialog: ReadingDialog, key: str, text: str) -> None:
    """Type into the field of a setting."""
    field = dialog.query_one(f"#field-{key}", SettingField)
    field.take_focus()
    field.query_one(Input).value = text


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_the_encoding_is_chosen_by_how_the_letters_read(
    app: MakeApp, customers: Path, size: tuple[int, int]
) -> None:
    shown = app(target=customers)
    async with shown.run_test(size=size) as pilot:
        screen = await opened(shown)
        await pilot.press("down", "down", "right")
        dialog = await mending(pilot, shown)
        assert shows(shown, "encoding", "? guess", "» cp1252"), "it begins where there is doubt"
        assert shows(shown, "Zoë Müller", "Zoл Mьller")
        await pilot.press("down")
        await until(lambda: shows(shown, "» cp1251", "= given") and shows(shown, "p0@example.com │ Zoл Mьller"))
        assert dialog.query_one("#field-encoding", SettingField).text == "cp1251"
        await pilot.press("enter")
        await until(lambda: shown.screen is screen and shows(shown, "Zoл Mьller"))
        assert shown.bench.spec is not None
        assert shown.bench.spec.encoding == "cp1251"
        await until(lambda: screen.table.cursor == 2)
        assert screen.table.column == 1, "the cursor stays where it was"


async def test_a_wrong_choice_is_told_beside_its_field(app: MakeApp, customers: Path) -> None:
    shown = app(target=customers)
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        dialog = await mending(pilot, shown)
        put(dialog, "header", "2")
        await until(lambda: shows(shown, "× No row of the list starts on line 2", "The first ones start on line"))
        await pilot.press("enter")
        await pilot.pause()
        assert shown.screen is dialog
        put(dialog, "header", "many")
        await until(lambda: shows(shown, "header      many", "× Type the number of the line"))
        assert not shows(shown, "The first ones start on line")
        put(dialog, "header", "3")
        put(dialog, "delimiter", "both")
        await until(lambda: shows(shown, "delimiter   both", "× A delimiter is one character"))
        put(dialog, "delimiter", "comma")
        await until(lambda: shows(shown, "delimiter   comma", "× "))
        put(dialog, "delimiter", "")
        await until(lambda: shows(shown, "email │ name │ city") and not shows(shown, "× "))
        await pilot.press("escape")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        assert shown.bench.spec is not None
        assert shown.bench.spec.header is None, "what was tried is not taken"


async def test_how_to_keep_it_is_told_for_a_list_and_for_a_campaign(
    app: MakeApp, customers: Path, sample: Path
) -> None:
    shown = app(target=customers)
    async with shown.run_test(size=(120, 40)) as pilot:
        await opened(shown)
        put(await mending(pilot, shown), "header", "4")
        await until(lambda: shows(shown, "to keep it  mailtui audience ") and shows(shown, "header      4", "= given"))
        await pilot.press("ctrl+y")
        assert shown.clipboard == f"mailtui audience {customers} --header 4\n"
        dialog = shown.screen
        assert isinstance(dialog, ReadingDialog)
        put(dialog, "header", "400")
        await until(lambda: shows(shown, "× No row of the list starts") and not shows(shown, "to keep it"))
        await pilot.press("escape")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        assert await shown.open_target(sample)
        await opened(shown)
        await pilot.press("h")
        await until(lambda: isinstance(shown.screen, ReadingDialog) and shows(shown, "email │ first_name"))
        dialog = shown.screen
        assert isinstance(dialog, ReadingDialog)
        put(dialog, "encoding", "cp1252")
        put(dialog, "exclude", "role disposable")
        await until(lambda: shows(shown, "to keep it  audience:", "encoding: cp1252", "exclude: [role, disposable]"))
        await pilot.press("ctrl+y")
        assert shown.clipboard == "audience:\n  encoding: cp1252\n  exclude: [role, disposable]\n"


async def test_a_columns_type_is_mended_and_counts_for_the_order(app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("email,code\n" + "".join(f"p{n}@example.com,{code}\n" for n, code in enumerate(["9", "10", "007"])))
    shown = app(target=path)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        await pilot.press("right")
        await until(lambda: shows(shown, "code 0", "code: code"))
        await pilot.press("s")
        await until(lambda: shows(shown, "code 0↑") and shows(shown, "by code ↑"))
        await until(lambda: rows_of(screen) == ["007", "10", "9"])
        await pilot.press("t")
        await until(lambda: isinstance(shown.screen, ColumnTypeDialog) and shows(shown, "found out"))
        await pilot.press("down", "down", "enter")
        await until(lambda: shows(shown, "code #", "code: number"))
        await pilot.press("s")
        await until(lambda: rows_of(screen) == ["007", "9", "10"])
        await pilot.press("s")
        await until(lambda: rows_of(screen) == ["10", "9", "007"] and shows(shown, "by code ↓"))
        await pilot.press("s")
        await until(lambda: rows_of(screen) == ["9", "10", "007"])


def rows_of(screen: AudienceScreen) -> list[str]:
    """The second cell of the first rows that are seen."""
    table = screen.table
    cells = []
    for position in range(min(3, table.rows)):
        table.cursor = position
        row = table.current
        cells.append("" if row is None else row.cells[1])
    return cells


async def test_columns_are_found_by_name_and_gone_to(app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    names = [f"field_{number}" for number in range(1_200)]
    path.write_text(",".join(["email", *names]) + "\n" + ",".join(["a@example.com", *map(str, range(1_200))]) + "\n")
    shown = app(target=path)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        await pilot.press("c")
        await until(
            lambda: isinstance(shown.screen, ColumnsDialog) and shows(shown, "1,201 columns", "field_0", "number")
        )
        await pilot.press("slash", *"_1150", "enter")
        await until(lambda: shows(shown, "1,152  field_1150"))
        await pilot.press("enter")
        await until(lambda: screen.table.column == 1_151 and shows(shown, "field_1150", "field_1150: number"))


async def test_the_tab_is_asked_for_where_a_workbook_has_several(app: MakeApp, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, count in (("Customers", 3), ("Suppliers", 5)):
        tab = book.create_sheet(title)
        tab.append(["email", "name"])
        for number in range(count):
            tab.append([f"{title.lower()}{number}@example.com", f"Name {number}"])
    book.save(tmp_path / "book.xlsx")
    shown = app(target=tmp_path / "book.xlsx")
    async with shown.run_test(size=(80, 24)) as pilot:
        await until(
            lambda: isinstance(shown.screen, PlaceDialog) and shows(shown, "which one is the list?", "Suppliers")
        )
        await pilot.press("end", "enter")
        await opened(shown)
        await until(lambda: shows(shown, "sheet", "Suppliers", "= given", "5 recipients"))
        dialog = await mending(pilot, shown)
        put(dialog, "sheet", "Customers")
        await until(lambda: shows(shown, "customers0@example.com │ Name 0", "» Customers"))
        await pilot.press("enter")
        await until(lambda: isinstance(shown.screen, AudienceScreen) and shows(shown, "3 recipients"))


async def test_the_table_is_asked_for_and_may_be_left_unchosen_where_it_is_found(app: MakeApp, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as database:
        for table in ("people", "press"):
            database.execute(f"CREATE TABLE {table} (email, name)")
            database.execute(f"INSERT INTO {table} VALUES ('{table}@example.com', 'A')")
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE goods (name, price)")
        database.execute("CREATE TABLE buyers AS SELECT 'buyer@example.com' AS email")
    shown = app(target=tmp_path / "crm.db")
    async with shown.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(shown.screen, PlaceDialog) and shows(shown, "people", "press"))
        assert not shows(shown, "with addresses"), "there are two, and none is found out"
        await pilot.press("escape")
        await until(lambda: shows(shown, "No list is open."))
        await pilot.press("o")
        await until(lambda: bool(shown.screen.query(Input)))
        shown.screen.query_one(Input).value = str(tmp_path / "shop.db")
        await pilot.press("enter")
        await until(lambda: isinstance(shown.screen, PlaceDialog) and shows(shown, "the only table with addresses"))
        await pilot.press("enter")
        await until(lambda: shows(shown, "buyer@example.com", "1 recipient"))
        await pilot.press("o")
        await until(lambda: bool(shown.screen.query(Input)))
        shown.screen.query_one(Input).value = str(tmp_path / "crm.db")
        await pilot.press("enter")
        await until(lambda: isinstance(shown.screen, PlaceDialog) and shows(shown, "press"))
        await pilot.press("down", "enter")
        await until(lambda: shows(shown, "press@example.com", "query", "1 recipient"))


async def test_opening_anew_shows_how_far_it_is_and_can_be_stopped(
    app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.csv"
    path.write_text("email,name\n" + "".join(f"p{row}@example.com,N{row}\n" for row in range(30_000)))
    shown = app(target=path)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        dialog = await mending(pilot, shown)
        put(dialog, "encoding", "cp1252")
        await until(lambda: shows(shown, "= given"))
        slow(monkeypatch)
        await pilot.press("enter")
        await until(lambda: shows(shown, "Reading many.csv", "esc stops"))
        await pilot.press("escape")
        await until(lambda: shown.bench.opening is None)
        await until(lambda: shown.screen is dialog and shows(shown, "enter reads it so"))
        await pilot.press("escape")
        await until(lambda: shown.screen is screen)
        assert shown.bench.spec is not None
        assert shown.bench.spec.encoding is None


def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reading a list take its time: a small machine."""
    from mailtui.service.workbench import Workbench

    real = Workbench._open

    def slowly(bench: Workbench, *arguments: object) -> object:
        deadline = time.monotonic() + 1.0
        heard = arguments[2] if len(arguments) > 2 else None
        while callable(heard) and time.monotonic() < deadline:
            heard(1)
            time.sleep(0.02)
        return real(bench, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Workbench, "_open", slowly)


async def test_a_filter_that_does_not_fit_any_more_is_told_and_kept(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(120, 40)) as pilot:
        await opened(shown)
        await pilot.press("h")
        await until(lambda: isinstance(shown.screen, ReadingDialog) and shows(shown, "email │ first_name"))
        dialog = shown.screen
        assert isinstance(dialog, ReadingDialog)
        put(dialog, "address", "")
        put(dialog, "header", "none")
        await until(lambda: shows(shown, "column_1 │ column_2"))
        await pilot.press("enter")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        await until(lambda: shows(shown, "no column unsubscribed") or shows(shown, "no column joined"))
        assert "unsubscribed" in shown.bench.filter_text


async def test_everything_that_was_understood_is_shown_with_every_note(app: MakeApp, customers: Path) -> None:
    change_to = customers.read_bytes().replace(b"email;name;city", b"email;name;name")
    customers.write_bytes(change_to)
    shown = app(target=customers)
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        await pilot.press("i")
        await until(lambda: isinstance(shown.screen, ReadingNotes))
        await until(lambda: shows(shown, "notes", "name_2"))
        assert shows(shown, "Customers 2026")
        await pilot.press("end")
        await until(lambda: shows(shown, "joined  date", "zip  code"))
        await pilot.press("escape")
        await until(lambda: isinstance(shown.screen, AudienceScreen))


async def test_the_address_under_the_cursor_is_suppressed(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(shown)
        await pilot.press("down", "d")
        await until(lambda: shows(shown, "Send no mail to", "liam.murphy@example.org"))
        await pilot.press("enter")
        await until(lambda: shows(shown, "liam.murphy@example.org is on the suppression list"))
