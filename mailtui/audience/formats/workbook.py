"""Owns workbooks as a kind of list: .xlsx and .xlsm, .xlsb, .xls and .ods, as python-calamine reads them.

A tab is read whole, which takes memory: some 110 MiB for 100,000 rows of 10 columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from mailtui.audience.address_column import guess_address_column
from mailtui.audience.cells import Cells, parse_cells
from mailtui.audience.csv_reader import BadRecord, Record, shown_text
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.archives import damaged, require_sane
from mailtui.audience.formats.columns import SAMPLE_ROWS, settle, shown_names
from mailtui.audience.formats.format import Format
from mailtui.audience.formats.workbook_cells import Cell, cell_text, notes_on_columns
from mailtui.audience.formats.workbook_parts import CELL_LIMIT, PartsLooker, SheetFacts
from mailtui.audience.formats.workbook_trial import require_openable
from mailtui.audience.heading import Heading, find_heading
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.words import counted

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


@dataclass(frozen=True, slots=True)
class Workbook:
    """Which tab, which part of it, and where its data begins.

    Rows and columns count from 1 as in the spreadsheet, `last_row` and `last_column` may be None for the end.
    `first_row` is the first one of data. `width` is the number of columns.
    """

    sheet: str
    first_row: int
    last_row: int | None
    first_column: int
    last_column: int | None
    width: int


Row = tuple[int, list[Cell]]


def _understand(source: Source, spec: AudienceSpec, format: Finding) -> tuple[Workbook, Understanding]:
    looker = _look_inside(source)
    area = parse_cells(spec.range)
    with _opened(source) as book:
        name, finding, notes = _choose_tab(book, source, spec, area)
        rows = list(islice(_rows(_sheet(book, name, source), area), SAMPLE_ROWS))
        if not rows:
            raise AudienceError(
                f"The tab {name} of {source.name} is empty" + (f" in {spec.range}" if spec.range else ""),
                detail=f"Its tabs: {shown_names(book.sheet_names)}",
                hint="A list has a row of column names and a row a person.",
            )
        extra = _notes_on_cells(looker.of_tab(name))
    heading, width = _heading(rows, spec)
    columns = heading.columns[:width]
    first = rows[heading.first - 1][0] + 1 if heading.first else area.first_row
    layout = Workbook(name, first, area.last_row, area.first_column, area.last_column, len(columns))
    data = [cells for _, cells in rows[heading.first :]]
    understanding = settle(
        source,
        spec,
        format=format,
        settings=[("sheet", finding), ("header", heading.finding)],
        columns=columns,
        rows=[_fitted(cells, len(columns)) for cells in data],
        unit="row",
        notes=[*notes, *heading.notes, *extra],
    )
    lost = notes_on_columns(columns, data, understanding.types)
    return layout, replace(understanding, notes=(*understanding.notes, *lost))


def _read(source: Source, layout: Workbook) -> Iterator[Record]:
    area = Cells(layout.first_row, layout.first_column, layout.last_row, layout.last_column)
    with _opened(source) as book:
        for number, cells in _rows(_sheet(book, layout.sheet, source), area):
            texts = _fitted(cells, layout.width)
            beyond = next((text for text in map(cell_text, cells[layout.width :]) if text), None)
            if beyond is not None:
                why = f"it has cells beyond its {counted(layout.width, 'column')}, such as {beyond[:60]}"
                yield number, BadRecord(why, _as_text(cells))
            elif any("\0" in text for text in texts):
                yield number, BadRecord("it holds a NUL character", _as_text(cells))
            else:
                yield number, texts


def _tabs(source: Source, spec: AudienceSpec) -> tuple[str, ...]:  # noqa: ARG001 - as every `places`
    _look_inside(source)
    with _opened(source) as book:
        visible = _visible(book)
        return tuple(name for name in book.sheet_names if name in visible)


def _look_inside(source: Source) -> PartsLooker:
    """What the parts of the file tell. Raises `AudienceError` for one that is damaged, a bomb, or far too wide."""
    looker = PartsLooker()
    with source.path.open("rb") as stream:
        zipped = stream.read(2) == b"PK"
    if zipped:
        require_sane(source, looker.look)
    if not zipped or looker.is_binary:
        require_openable(source)
    for facts in looker.sheets.values():
        if facts.rows * facts.columns > CELL_LIMIT:
            raise AudienceError(
                f"{source.name} has a tab that goes on to row {facts.rows:,} and column {facts.columns:,}",
                detail="There is something in a cell that far out; everything up to it would have to be read.",
                hint="Delete what stands outside the list, or save the tab as CSV.",
            )
    return looker


class _opened:  # noqa: N801 - used like a function, in a with
    """The workbook, with what its reader raises in words."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> CalamineWorkbook:
        import python_calamine  # here, since few lists need it

        self._locked, self._broken = python_calamine.PasswordError, python_calamine.CalamineError
        try:
            self._stream = self._source.path.open("rb")
            self._book = python_calamine.CalamineWorkbook.from_filelike(self._stream)
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise self._told(error) from None
        return self._book

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._book.close()
        self._stream.close()
        if isinstance(error, self._broken | OSError):
            raise self._told(error) from None

    def _told(self, error: Exception) -> AudienceError:
        if isinstance(error, self._locked):
            return AudienceError(
                f"{self._source.name} is locked with a password",
                hint="Open it in a spreadsheet program, take the password off and save it.",
            )
        return damaged(self._source, str(error))


def _choose_tab(
    book: CalamineWorkbook, source: Source, spec: AudienceSpec, area: Cells
) -> tuple[str, Finding, list[str]]:
    """The tab that was named, else the first with addresses, else the first with anything; and notes on the others."""
    names = list(book.sheet_names)
    if not names:
        raise AudienceError(f"{source.name} has no tab with cells")
    if spec.sheet is not None:
        return _named_tab(names, spec.sheet, source)
    visible = _visible(book)
    candidates = [name for name in names if name in visible] or names
    if len(candidates) == 1:
        reason = "its only tab" if len(names) == 1 else "its only tab that is not hidden"
        return candidates[0], Finding(candidates[0], "certain", reason), []
    filled = []
    for name in candidates:
        rows = list(islice(_rows(_sheet(book, name, source), area), SAMPLE_ROWS))
        if not rows:
            continue
        filled.append(name)
        if type(spec.header) is int and spec.header not in (line for line, _ in rows):
            continue  # the row of the names that was given is in a longer tab
        heading, width = _heading(rows, spec)
        data = [_fitted(cells, width) for _, cells in rows[heading.first :]]
        if guess_address_column(heading.columns[:width], data).value:
            others = [other for other in names if other != name]
            note = f"Of {counted(len(names), 'tab')} only {name} is read, not {shown_names(others)}."
            return name, Finding(name, "likely", "the first tab with addresses"), [note]
    if not filled:
        raise AudienceError(f"{source.name} is empty", detail=f"Its tabs: {shown_names(names)}")
    return filled[0], Finding(filled[0], "guess", "the first tab; none has addresses"), []


def _named_tab(names: list[str], wanted: str | int, source: Source) -> tuple[str, Finding, list[str]]:
    if isinstance(wanted, str):
        for name in names:
            if name == wanted or name.casefold() == wanted.strip().casefold():
                return name, Finding(name, "given", "as you said"), []
    # Digits given as text, as from a command line: a tab of that name comes first.
    number = int(wanted) if str(wanted).strip().isascii() and str(wanted).strip().isdigit() else 0
    if 1 <= number <= len(names):
        return names[number - 1], Finding(names[number - 1], "given", "as you said"), []
    raise AudienceError(
        f"{source.name} has no tab {wanted}",
        detail=f"Its tabs: {shown_names(names)}",
        hint=did_you_mean(str(wanted), names),
    )


def _visible(book: CalamineWorkbook) -> set[str]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    return {
        item.name
        for item in book.sheets_metadata
        if item.visible == SheetVisibleEnum.Visible and item.typ == SheetTypeEnum.WorkSheet
    }


def _sheet(book: CalamineWorkbook, name: str, source: Source) -> CalamineSheet:
    from python_calamine import WorksheetNotFound

    try:
        return book.get_sheet_by_name(name)
    except WorksheetNotFound:
        raise AudienceError(f"{source.name} has no tab {name} any more", hint="Run the same command again.") from None


def _rows(sheet: CalamineSheet, area: Cells) -> Iterator[Row]:
    """The rows of an area that are not empty, each with its number; cells before the area are left out."""
    # The reader leaves out empty columns at the left, and no rows at the top.
    left = sheet.start[1] if sheet.start is not None else 0
    skip = area.first_column - 1 - left
    padding: list[Cell] = [""] * -min(skip, 0)
    if area.first_column == 1 and area.last_column is None:
        skip, padding = 0, []  # without a range a list begins where its cells begin
    width = None if area.last_column is None else area.last_column - area.first_column + 1
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number < area.first_row:
            continue
        if area.last_row is not None and number > area.last_row:
            return
        row = (padding + list(cells[max(skip, 0) :]))[:width]
        if any(cell != "" for cell in row):
            yield number, row


def _heading(rows: list[Row], spec: AudienceSpec) -> tuple[Heading, int]:
    """Where the names stand, and how many columns there are: those with a name or with anything below."""
    texts = [(number, [cell_text(cell) for cell in cells]) for number, cells in rows]
    heading = find_heading(texts, spec.header, address=spec.address, unit="row")
    used = [cells for _, cells in texts[max(heading.first - 1, 0) :]]
    width = max((at for cells in used for at, cell in enumerate(cells, start=1) if cell.strip()), default=1)
    return heading, min(width, len(heading.columns))


def _fitted(cells: list[Cell], width: int) -> list[str]:
    texts = list(map(cell_text, cells[:width]))
    return texts + [""] * (width - len(texts))


def _as_text(cells: list[Cell]) -> str:
    return shown_text([", ".join(map(cell_text, cells))])


def _notes_on_cells(found: SheetFacts) -> list[str]:
    """What is known of cells that come out empty though something stands there, and of rows that nobody sees."""
    notes = []
    if found.hidden_rows:
        are, they = ("is", "It is") if found.hidden_rows == 1 else ("are", "They are")
        notes.append(
            f"{counted(found.hidden_rows, 'row')} {are} hidden in the spreadsheet, by a filter there perhaps. "
            f"{they} read like the others."
        )
    if found.error_count:
        notes.append(
            f"Read as empty: {counted(found.error_count, 'cell')} with an error such as #N/A: "
            f"{_cells(found.errors, found.error_count)}"
        )
    if found.uncomputed_count:
        notes.append(
            f"Read as empty: {counted(found.uncomputed_count, 'formula')} that no program has worked out: "
            f"{_cells(found.uncomputed, found.uncomputed_count)}. Open the file in a spreadsheet program and save it."
        )
    return notes


def _cells(names: list[str], count: int) -> str:
    return ", ".join(names[:5]) + (", …" if count > 5 else "")


WORKBOOK = Format("xlsx", Workbook, _understand, _read, _tabs)
