"""Owns what is done with the open list from its screen through dialogs: how it is read, columns, a row, problems."""

from __future__ import annotations

from mailtui.service.list_settings import with_type
from mailtui.service.lists import AudienceSpec
from mailtui.service.workbench import Superseded
from mailtui.tui.dialogs.column_type import ColumnTypeDialog
from mailtui.tui.dialogs.columns import ColumnsDialog
from mailtui.tui.dialogs.explain import ExplainDialog
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.mail_domains import MailDomainsDialog
from mailtui.tui.dialogs.problems import ProblemsDialog
from mailtui.tui.dialogs.reading import ReadingDialog
from mailtui.tui.dialogs.suppress import suppress
from mailtui.tui.room import Room
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.text import tell
from mailtui.tui.widgets.list_rows import ListRows


async def mend_reading(room: Room, rows: ListRows) -> None:
    """Have a person say how the list is read; it is opened anew so."""
    opened, spec = room.bench.open_list, room.bench.spec
    if opened is None or spec is None:
        return
    place = rows.row_number, rows.column_name
    if await room.app.push_screen_wait(ReadingDialog(room.bench, opened, spec)):
        await _show_again(room, rows, *place)


async def see_columns(room: Room, rows: ListRows) -> None:
    """Show the columns, and go to one of them, or mend its type."""
    opened = room.bench.open_list
    if opened is None:
        return
    first = await room.bench.page(1, 1)
    cells = first[0].cells if first else ()
    choice = await room.app.push_screen_wait(ColumnsDialog(opened.understanding, cells, rows.column))
    if choice is None:
        return
    if choice.column < len(opened.columns):
        rows.table.go_to_column(choice.column)
    if choice.mend:
        await mend_column(room, rows)


async def mend_column(room: Room, rows: ListRows) -> None:
    """Have a person say as what the column under the cursor compares."""
    opened, spec = room.bench.open_list, room.bench.spec
    if opened is None or spec is None:
        return
    found, column = opened.understanding, rows.column
    name = found.columns[column]
    now = found.types[column] if column < len(found.types) else None
    kind = await room.app.push_screen_wait(ColumnTypeDialog(name, now))
    if kind is not None and kind != spec.types.get(name, ""):
        await _reopen(room, rows, with_type(spec, name, kind))


async def read_again(room: Room, rows: ListRows) -> None:
    """Read the list again, as it stands in its file now; or that of a campaign that could not be read."""
    bench = room.bench
    if bench.open_list is None and bench.campaign is not None:
        path = bench.campaign.path
        await room.ask(lambda: bench.open(path))
        await room.opened()
    elif room.bench.spec is not None:
        await _reopen(room, rows, room.bench.spec)


async def _reopen(room: Room, rows: ListRows, spec: AudienceSpec) -> None:
    place = rows.row_number, rows.column_name
    try:
        await room.bench.reopen(spec)
    except Superseded:
        tell(room.app, "Stopped: the list stays as it was read before.")
        return
    await _show_again(room, rows, *place)


async def _show_again(room: Room, rows: ListRows, row: int | None, name: str) -> None:
    """The list that was opened anew, with the cursor on the row and the column where it was."""
    await room.opened()
    opened = room.bench.open_list
    if opened is None:
        return
    if name in opened.columns:
        rows.table.go_to_column(opened.columns.index(name))
    if row is not None and row <= opened.rows:
        rows.go_to_row(row)


async def go_to_row(room: Room, rows: ListRows) -> None:
    """Ask for a row by its number or its address, and go there."""
    opened = room.bench.open_list
    if opened is None:
        return
    wanted = await room.app.push_screen_wait(GotoDialog(opened.rows))
    if isinstance(wanted, str):
        address = wanted
        wanted = await room.ask(lambda: room.bench.find(address))
        if wanted is None:
            tell(room.app, f"{address} is not in the list.", bad=True)
    if wanted is not None:
        rows.go_to_row(wanted)


async def explain_row(room: Room, rows: ListRows) -> None:
    """Tell everything about the row under the cursor."""
    row = rows.row_number
    view = None if row is None else await room.ask(lambda: room.bench.explain(row))
    if view is not None:
        await room.app.push_screen_wait(ExplainDialog(view, room.bench.filter_text))


async def preview_row(room: Room, row: int) -> None:
    """Go to the mail of a row."""
    await room.app.switch_mode("preview")
    screen = room.app.screen
    if isinstance(screen, PreviewScreen):
        screen.show_row(row)


async def look_up_domains(room: Room, rows: ListRows) -> None:
    """Ask whether the recipients' domains take mail, and find the rows of one of them."""
    domain = await room.app.push_screen_wait(MailDomainsDialog(room.bench))
    if domain is not None:
        rows.look_for(f"@{domain}")


async def suppress_row(room: Room, rows: ListRows) -> None:
    """Put the address under the cursor on the suppression list."""
    opened, address = room.bench.open_list, rows.address
    if opened is None or not address:
        tell(room.app, "This row has no address.", bad=True)
        return
    spec = room.bench.spec
    name = "" if spec is None or spec.list is None else spec.list
    await suppress(room.app, room.service, address, list_name=name, source=f"row {rows.row_number} of {opened.name}")


async def see_problems(room: Room, rows: ListRows) -> None:
    """Show the rows that get no mail; go to one, or write them to a file."""
    counts = await room.ask(room.bench.counts)
    if counts is None:
        return
    if not counts.problems + counts.duplicates + counts.excluded:
        tell(room.app, "Every row has a usable address, and no address is there twice.")
        return
    row = await room.app.push_screen_wait(ProblemsDialog(room.bench, counts))
    if row is not None:
        rows.go_to_row(row)
