"""Owns the rows of a long table that are at hand: fetched a page at a time, those of long ago forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

PAGE = 200
KEPT_PAGES = 16
TEXT_KEPT = 400


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: where it stands in the table (from 0), what it is called at the left edge, and its cells.

    A row that is not `good` stands out, with `marks` beside its label or a mark of its own. One with a single cell
    where there are more columns is shown as one text.
    """

    position: int
    label: str
    cells: tuple[str, ...]
    good: bool = True
    marks: str = ""


Fetch = Callable[[int, int], Awaitable[Sequence[TableRow]]]
"""The rows from a position on, at most so many. May raise `MailtuiError`."""


class RowPages:
    """The pages of one list, `rows` long; another list has pages of its own."""

    def __init__(self, rows: int, fetch: Fetch) -> None:
        self.rows = rows
        self._fetch = fetch
        self._pages: OrderedDict[int, dict[int, TableRow]] = OrderedDict()
        self._wanted: list[int] = []

    def anew(self) -> RowPages:
        """The same rows, none of which is at hand."""
        return RowPages(self.rows, self._fetch)

    def __len__(self) -> int:
        """How many pages are held now; never more than `KEPT_PAGES`, however long the list."""
        return len(self._pages)

    def row(self, position: int) -> TableRow | None:
        """A row, None while it has not arrived."""
        page = self._pages.get(position // PAGE)
        if page is None:
            return None
        self._pages.move_to_end(position // PAGE)
        return page.get(position)

    def between(self, first: int, last: int) -> list[TableRow]:
        """Those rows between two positions that have arrived."""
        found = [self.row(position) for position in range(first, min(last + 1, self.rows))]
        return [row for row in found if row is not None]

    def want(self, first: int, last: int) -> bool:
        """Want the rows between two positions, and the pages next to them; whether any of it is missing.

        What was wanted before and has not been asked for is wanted no longer.
        """
        if not self.rows:
            return False
        begin, end, final = first // PAGE, min(last, self.rows - 1) // PAGE, (self.rows - 1) // PAGE
        near = [*range(begin, end + 1), end + 1, begin - 1]
        self._wanted = [page for page in near if 0 <= page <= final and page not in self._pages]
        return bool(self._wanted)

    def next_wanted(self) -> int | None:
        """The page to fetch next."""
        return self._wanted.pop(0) if self._wanted else None

    def want_nothing(self) -> None:
        """Ask for no more until somebody wants something."""
        self._wanted.clear()

    async def fetch(self, page: int) -> Sequence[TableRow]:
        """Have a page fetched; it is not kept yet. May raise `MailtuiError`."""
        return await self._fetch(page * PAGE, PAGE)

    def keep(self, page: int, rows: Sequence[TableRow]) -> None:
        """Keep a page that has arrived, and forget the one that nobody has looked at for longest."""
        self._pages[page] = {row.position: _kept(row) for row in rows}
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)


def _kept(row: TableRow) -> TableRow:
    """The row without what can never be in sight: a cell may be as large as the file."""
    if all(len(cell) <= TEXT_KEPT for cell in row.cells):
        return row
    return replace(row, cells=tuple(cell[:TEXT_KEPT] for cell in row.cells))
