"""Owns fetching a sheet by the way that is open: without an account when everybody may read it, else with one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from mailtui.audience.cells import Cells, parse_cells
from mailtui.audience.sheets.api import Book, RowsMoved, SheetsApi, Tab
from mailtui.audience.sheets.google import Account, Google, Heard
from mailtui.audience.sheets.grid import cut, read_grid, write_grid
from mailtui.audience.sheets.kept import Copy
from mailtui.audience.sheets.link import Wanted
from mailtui.audience.sheets.public import NotPublic, export
from mailtui.audience.sheets.service_account import service_account
from mailtui.errors import AudienceError

_READ_AGAIN = 3


def download(google: Google, wanted: Wanted, into: Path, heard: Heard) -> Copy:
    """Write what is wanted to a file, as `write_grid` does. Raises `AudienceError`, `Unreachable` among it."""
    link, private = wanted.link, google.login is not None or google.service_account is not None
    part = parse_cells(wanted.cells)
    first = wanted.tab in (1, "1") and link.gid in (None, 0)
    named = wanted.tab is not None and not first
    if named and (link.published or not private):
        raise AudienceError(
            "A tab of a public sheet is named by its link",
            detail=f"{link.name}: sheet is {wanted.tab}",
            hint="Open the tab in a browser, copy the link from the address line (it ends in #gid=…), leave sheet out.",
        )
    if not named:
        try:
            title = export(google, link, into, heard)
        except NotPublic:
            if link.published or not private:
                raise
        else:
            # Google names the file after the spreadsheet and its tab.
            tab = title.rpartition(" - ")[2]
            return _written(cut(read_grid(into), part), wanted, part, into, title=title or link.name, tab=tab)
    return _download_as(_reader(google), google, wanted, part, into, heard)


def _reader(google: Google) -> Account:
    """Who reads what is not public. Raises `AudienceError`."""
    if google.login is not None:
        return google.login
    assert google.service_account is not None
    return service_account(google, google.service_account)


def _download_as(account: Account, google: Google, wanted: Wanted, part: Cells, into: Path, heard: Heard) -> Copy:
    api = SheetsApi(google, account, heard)
    notes: tuple[str, ...] = ()
    title = ""
    for _ in range(_READ_AGAIN):
        book: Book = api.book(wanted.link.id)
        tab: Tab = book.tab(wanted.tab, wanted.link.gid)
        title = f"{book.title} - {tab.title}"
        try:
            return _written(api.rows(book, tab, part), wanted, part, into, title=title, tab=tab.title, notes=notes)
        except RowsMoved:
            notes = ("Somebody changed the sheet while it was read, so it was read again.",)
    raise AudienceError(
        "The sheet is being changed all the time",
        detail=f"{title}: it was read {_READ_AGAIN} times, and each time its rows moved meanwhile",
        hint="Try again when nobody sorts it or puts rows in, or read a copy of it: File, Make a copy.",
    )


def _written(
    rows: Iterable[list[str]],
    wanted: Wanted,
    part: Cells,
    into: Path,
    *,
    title: str,
    tab: str,
    notes: tuple[str, ...] = (),
) -> Copy:
    digest = write_grid(rows, into)
    return Copy(
        content=f"{wanted.key}-{digest[:16]}.csv",
        title=title,
        tab=tab,
        digest=digest,
        fetched_at=time.time(),
        first_row=part.first_row,
        notes=notes,
    )
