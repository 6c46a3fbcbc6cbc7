"""Owns the Sheets API, version 4: the tabs of a spreadsheet, and their rows as a person sees them.

https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from mailtui.audience.cells import Cells, letters
from mailtui.audience.sheets.google import Account, Google
from mailtui.audience.sheets.web import Answer, Web
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean

CELLS_A_PAGE = 100_000  # about 2 MB, the size of answers that Google advises to stay below
_HEAD_ROWS = 10
_TAB_FIELDS = "properties.title,sheets.properties(sheetId,title,index,sheetType,gridProperties(rowCount,columnCount))"

Row = list[str]


class RowsMoved(Exception):
    """Somebody put rows or columns in or took some out while the sheet was read."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of a spreadsheet. `rows` and `columns` are the size of its grid, empty cells and all."""

    gid: int
    title: str
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Book:
    """A spreadsheet and its tabs, in order. Tabs that hold a chart are left out."""

    id: str
    title: str
    tabs: tuple[Tab, ...]

    def tab(self, wanted: str | int | None, gid: int | None) -> Tab:
        """The tab by name or by number from 1, else by the number in a link, else the first. Raises `AudienceError`."""
        if not self.tabs:
            raise AudienceError(f"{self.title} has no tab with cells")
        names = [tab.title for tab in self.tabs]
        if isinstance(wanted, str):
            folded = wanted.strip().casefold()
            found = [tab for tab in self.tabs if tab.title == wanted]
            found = found or [tab for tab in self.tabs if tab.title.strip().casefold() == folded]
            if not found and wanted.strip().isdecimal():
                return self.tab(int(wanted), gid)
            hint = did_you_mean(wanted, names)
        elif wanted is not None:
            found = [tab for number, tab in enumerate(self.tabs, start=1) if number == wanted]
            hint = f"It has {len(names)}: {', '.join(names)}."
        elif gid is not None:
            found = [tab for tab in self.tabs if tab.gid == gid]
            hint = f"It has these: {', '.join(names)}."
        else:
            return self.tabs[0]
        if not found:
            what = f"{wanted!r}" if wanted is not None else f"with the number {gid}, which the link names"
            raise AudienceError(f"{self.title} has no tab {what}", hint=hint)
        return found[0]


class SheetsApi:
    """Reads spreadsheets for one account."""

    def __init__(self, google: Google, account: Account, heard: Callable[[], None] | None) -> None:
        self._web = Web(google, google.sheets_url)
        self._base = f"{google.sheets_url}/v4/spreadsheets"
        self._account = account
        self._heard = heard
        self._token: str | None = None

    def book(self, id: str) -> Book:
        """A spreadsheet's title and tabs."""
        found = self._get(f"{quote(id)}?{urlencode({'fields': _TAB_FIELDS})}")
        tabs = []
        for sheet in found.get("sheets", []):
            properties = sheet["properties"]
            grid = properties.get("gridProperties", {})
            # Google leaves out what is zero: the first tab's number and index.
            if properties.get("sheetType", "GRID") == "GRID":
                rows, columns = grid.get("rowCount", 0), grid.get("columnCount", 0)
                tab = Tab(properties.get("sheetId", 0), properties["title"], rows, columns)
                tabs.append((properties.get("index", 0), tab))
        tabs.sort(key=lambda item: item[0])
        return Book(id, found.get("properties", {}).get("title", ""), tuple(tab for _, tab in tabs))

    def rows(self, book: Book, tab: Tab, cells: Cells) -> Iterator[Row]:
        """The rows of a tab within a range, as text, empty cells at their ends left out.

        Every page is asked for together with the head of the range and the last row of the page before, so that
        rows which moved in between are noticed: `RowsMoved`.
        """
        last_row = min(cells.last_row or tab.rows, tab.rows)
        last_column = min(cells.last_column or tab.columns, tab.columns)
        if cells.first_row > last_row or cells.first_column > last_column:
            return
        size = max(CELLS_A_PAGE // (last_column - cells.first_column + 1), 2 * _HEAD_ROWS)

        def part(first: int, last: int) -> str:
            corner, end = f"{letters(cells.first_column)}{first}", f"{letters(last_column)}{last}"
            return f"'{tab.title.replace(chr(39), chr(39) * 2)}'!{corner}:{end}"

        head = part(cells.first_row, min(cells.first_row + _HEAD_ROWS - 1, last_row))
        seen_head: list[Row] = []
        edge: Row = []
        for first in range(cells.first_row, last_row + 1, size):
            last = min(first + size - 1, last_row)
            if first == cells.first_row:
                [rows] = self._values(book.id, part(first, last))
                seen_head = _cut(rows[:_HEAD_ROWS])
            else:
                now_head, rows = self._values(book.id, head, part(first - 1, last))
                before = rows[0] if rows else []
                if _cut(now_head) != seen_head or before != edge:
                    raise RowsMoved
                del rows[:1]
            yield from rows
            # Rows at the end of a page that are empty do not come.
            missing = last - first + 1 - len(rows)
            if last < last_row:
                yield from ([] for _ in range(missing))
            edge = [] if missing else rows[-1]

    def _values(self, id: str, *ranges: str) -> list[list[Row]]:
        asked = [("ranges", item) for item in ranges]
        asked += [("majorDimension", "ROWS"), ("valueRenderOption", "FORMATTED_VALUE")]
        found = self._get(f"{quote(id)}/values:batchGet?{urlencode(asked)}")
        values = [item.get("values", []) for item in found.get("valueRanges", [])]
        if len(values) != len(ranges):
            raise AudienceError("Google answered with other ranges than were asked for", detail=", ".join(ranges))
        return [
            [[cell if isinstance(cell, str) else json.dumps(cell) for cell in row] for row in rows] for rows in values
        ]

    def _get(self, path: str) -> Mapping[str, Any]:
        if self._token is None:
            self._token = self._account.token(None)
        status, found = self._try(path)
        if status == 401:  # an access token lasts an hour, and a long list under a quota may take longer
            self._token = self._account.token(self._token)
            status, found = self._try(path)
        if status != 200:
            raise _refusal(status, found.get("error", {}), self._account.name)
        return found

    def _try(self, path: str) -> tuple[int, Mapping[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._web.ask(f"{self._base}/{path}", _take, headers=headers, heard=self._heard)


def _take(answer: Answer) -> tuple[int, Mapping[str, Any]]:
    body = answer.read()
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return answer.status, found
    if answer.status == 200:
        raise AudienceError(
            "Google Sheets answered with something else than a sheet", detail=body[:100].decode("latin-1")
        )
    return answer.status, {}


def _cut(rows: list[Row]) -> list[Row]:
    """Rows without empty ones at the end, which come or not with where a range ends."""
    kept = list(rows)
    while kept and not any(kept[-1]):
        kept.pop()
    return kept


def _refusal(status: int, error: Mapping[str, Any], account: str) -> AudienceError:
    """What an error of the API means (google.rpc.Status, with ErrorInfo among its details)."""
    said = str(error.get("message", "")) or f"Google answered {status}"
    reasons = {item.get("reason") for item in error.get("details", []) if isinstance(item, dict)}
    if status == 403 and ("SERVICE_DISABLED" in reasons or "has not been used in project" in said):
        return AudienceError(
            "The Google Sheets API is not enabled in the project of the app or service account",
            detail=said,
            hint="Enable it in the Google Cloud console: APIs & Services, Library, Google Sheets API, Enable.",
        )
    if status == 403:
        return AudienceError(
            f"{account} may not read the sheet", detail=said, hint=f"Share the sheet with {account}, as a viewer."
        )
    if status == 404:
        return AudienceError(
            "Google has no such sheet",
            detail=said,
            hint="Open the link in a browser; if it opens there, copy it anew from the address line.",
        )
    if error.get("status") == "FAILED_PRECONDITION":
        return AudienceError(
            "This is an Excel file in Google Drive, not a Google sheet",
            detail=said,
            hint="Open it in Google Sheets and choose File, Save as Google Sheets. Or download it, and name the file.",
        )
    if status == 401:
        return AudienceError(f"Google lets {account} in no more", detail=said)
    return AudienceError("Google does not give the sheet out", detail=said)
