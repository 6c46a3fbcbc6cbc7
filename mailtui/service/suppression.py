"""Owns what faces do with the suppression list: look at it, add to it, take off it, read it from a file and write it
to one.

What is added counts at once, also for a campaign that is being sent: see the outbox. A face passes the name of a list,
or `""` for everybody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtui.audience.address import AddressError
from mailtui.audience.addresses import AddressList, Listed, open_addresses, read_key
from mailtui.audience.spec import AudienceSpec, is_list_name
from mailtui.errors import UsageError
from mailtui.kit.spreadsheet import csv_row, inert
from mailtui.kit.suggest import nearest
from mailtui.outbox.ports import Desk
from mailtui.outbox.records import NewSuppression, Suppression
from mailtui.outbox.suppression import EVERYBODY, campaign_of, folded, list_of, scope_of_list
from mailtui.service.actor import SOMEBODY, actor
from mailtui.service.list_options import ListOptions
from mailtui.service.views import now

if TYPE_CHECKING:
    from mailtui.service.facade import Service

_STEP = 1_000  # entries in one transaction while a runner lives: its commits then wait a few milliseconds
_LONG_STEP = 20_000
_BREATH = 0.003
_COLUMNS = ("address", "list", "reason", "source", "added_by", "added_at")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SuppressionEntry:
    """One entry. `address` is in small letters, or `@` and a domain for all of it; `added_at` in epoch seconds.

    `actor` is who put it there, empty where no name of a user was known. `id` grows with each entry; pages follow it.
    """

    address: str
    scope: str
    reason: str
    source: str
    actor: str
    added_at: float
    id: int

    @property
    def list(self) -> str:
        """The list that it is for; empty for everybody, and for the entries of one campaign."""
        return list_of(self.scope) or ""

    @property
    def where(self) -> str:
        """For whose campaigns it counts, in words: `everybody`, `newsletter`, `campaign 2xfj2vpz`."""
        campaign = campaign_of(self.scope)
        return f"campaign {campaign}" if campaign is not None else self.list or "everybody"

    @property
    def since(self) -> str:
        """When it was added: RFC 3339, in UTC."""
        return datetime.fromtimestamp(self.added_at, UTC).isoformat(timespec="seconds")

    def to_json(self) -> dict[str, Any]:
        """As `suppress list --json` prints it."""
        return {
            "address": self.address,
            "list": self.list or None,
            "campaign": campaign_of(self.scope),
            "reason": self.reason,
            "source": self.source,
            "added_by": self.actor or None,
            "added_at": self.since,
        }


@dataclass(frozen=True, slots=True)
class SuppressionCounts:
    """How many entries there are: for everybody, for each list by its name, for each campaign by its id."""

    everybody: int
    lists: tuple[tuple[str, int], ...]
    campaigns: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return self.everybody + sum(number for _, number in (*self.lists, *self.campaigns))

    def of(self, list_name: str | None) -> int:
        """Of everybody (`""`), of one list, or (None) of all together."""
        if list_name is None:
            return self.total
        return dict(self.lists).get(list_name, 0) if list_name else self.everybody


@dataclass(frozen=True, slots=True)
class Added:
    """What adding came to. `known` were on that list already, and keep the reason they have."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What taking off came to. `still` are entries that go on to keep mail from one of these addresses."""

    gone: int
    missing: tuple[str, ...]
    still: tuple[tuple[str, str], ...]
    """(address, why it gets nothing all the same, in words)"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What reading a list came to. `problems` are rows that hold no address; nothing was made of them."""

    name: str
    rows: int
    new: int
    known: int
    problems: int
    seconds: float
    address_column: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"seconds": round(self.seconds, 3)}


class SuppressionDesk:
    """The suppression list of one user's outbox. `Service.suppression` has it."""

    def __init__(self, house: Service) -> None:
        self._house = house

    async def counts(self) -> SuppressionCounts:
        """How many entries there are, by what they count for."""
        found = await self._house.reader.suppression_counts()
        lists = sorted((name, number) for scope, number in found.items() if (name := list_of(scope)) is not None)
        campaigns = sorted((id_, number) for scope, number in found.items() if (id_ := campaign_of(scope)) is not None)
        return SuppressionCounts(found.get(EVERYBODY, 0), tuple(lists), tuple(campaigns))

    async def page(
        self, list_name: str | None = None, *, search: str = "", after: int = 0, limit: int = 1_000
    ) -> list[SuppressionEntry]:
        """Entries with an id above `after`, the oldest first: of everybody (`""`), of one list, or (None) all.

        `search`: only addresses that have this in them. Raises `UsageError` for what cannot be a list's name.
        """
        scope = None if list_name is None else scope_for(list_name)
        rows = await self._house.reader.suppressions(scope, search=search.strip(), after=after, limit=limit)
        return [_entry(row) for row in rows]

    async def entries(self, list_name: str | None = None, *, search: str = "") -> AsyncIterator[SuppressionEntry]:
        """All of them, read page by page."""
        after = 0
        while page := await self.page(list_name, search=search, after=after):
            after = page[-1].id
            for entry in page:
                yield entry

    async def word_on_list(self, list_name: str) -> str:
        """A sentence on a list that nobody is on yet and that is called nearly like one that somebody is on, else ''.

        To be asked before somebody is put on it.
        """
        names = [name for name, _ in (await self.counts()).lists] if list_name else []
        hit = None if list_name in names else nearest(list_name, names)
        return f"That list is new; there is another one called {hit}." if hit else ""

    async def add(
        self, addresses: Sequence[str], *, list_name: str = "", reason: str = "", source: str = "by hand"
    ) -> Added:
        """Put people, or `@domain`s, on the list; they get nothing from now on, whatever is being sent.

        `source` says how they came there, such as `row 12 of customers.csv`. Raises `UsageError` that names what is
        no address; then nobody is added.
        """
        scope = scope_for(list_name)
        entries = [NewSuppression(key, scope, reason.strip(), source) for key in _keys(addresses)]
        desk = self._house.desk()
        try:
            new = await desk.suppress(entries, actor=actor(), now=now())
        finally:
            desk.close()
        return Added(new, len({entry.key for entry in entries}) - new)

    async def remove(self, addresses: Sequence[str], *, list_name: str = "") -> Removed:
        """Take people off the list: campaigns frozen from now on send to them. Who is settled as suppressed stays so.

        Raises `UsageError` that names what is no address; then nobody is removed.
        """
        scope = scope_for(list_name)
        keys = _keys(addresses)
        found = [key for key in keys if await self._has(scope, key)]
        desk = self._house.desk()
        try:
            gone = await desk.unsuppress(found, scope, actor=actor(), now=now())
        finally:
            desk.close()
        scopes = [scope_of_list(name) for name, _ in (await self.counts()).lists]
        still = await self._house.reader.suppressed([key for key in keys if key[0] != "@"], [EVERYBODY, *scopes])
        missing = tuple(key for key in keys if key not in found)
        return Removed(gone, missing, tuple(sorted(still.items())))

    async def _has(self, scope: str, key: str) -> bool:
        rows = await self._house.reader.suppressions(scope, search=key, limit=100)
        return any(row.key == key for row in rows)

    async def import_list(
        self,
        path: str,
        *,
        list_name: str = "",
        reason: str = "",
        options: ListOptions | None = None,
        progress: Progress | None = None,
        problem: Callable[[Listed], None] | None = None,
    ) -> Imported:
        """Put everybody on a list (any file that mailtui reads, `-` for standard input) on the suppression list.

        `reason` is kept with each, else what the list's own column `reason` says. `progress` hears how many rows were
        read, `problem` each row that holds no address. `options` say how the file is read. Memory stays flat, and a
        campaign that is being sent goes on meanwhile. Raises `AudienceError`, `UsageError`.
        """
        scope = scope_for(list_name)
        found_out = AudienceSpec.model_construct(source=path)
        given = options.over(found_out) if options is not None else found_out
        began = time.monotonic()
        cache = self._house.settings.home.audiences
        with open_addresses(given, folder=Path(), spool=cache, reach=self._house.settings.reach()) as opened:
            desk = self._house.desk()
            try:
                told = _Told(progress, problem)
                new = await self._take(desk, _entries(opened, scope, reason.strip(), told), told)
            finally:
                desk.close()
            return Imported(
                name=opened.name,
                rows=told.rows,
                new=new,
                known=told.rows - told.problems - new,
                problems=told.problems,
                seconds=time.monotonic() - began,
                address_column=opened.reading.understanding.address_column.value,
            )

    async def _take(self, desk: Desk, entries: Iterator[NewSuppression], told: _Told) -> int:
        """Write entries in steps that keep no runner waiting; how many were new."""
        new = 0
        while True:
            lives = self._house.runner_pid() is not None
            before = told.rows
            # A runner waits for the outbox, so for it the rows are read first; else they never lie here all at once.
            part = list(islice(entries, _STEP)) if lives else islice(entries, _LONG_STEP)
            new += await desk.suppress(part, actor=actor(), now=now())
            if told.rows == before:
                return new
            told.show()
            await asyncio.sleep(_BREATH if lives else 0)

    async def export(self, list_name: str | None = None) -> AsyncIterator[str]:
        """The list as CSV rows (RFC 4180), the header first; `import_list` reads them again."""
        yield csv_row(_COLUMNS)
        async for entry in self.entries(list_name):
            cells = (entry.address, entry.where, entry.reason, entry.source, entry.actor, entry.since)
            yield csv_row([inert(cell) for cell in cells])


def scope_for(list_name: str) -> str:
    """The scope of a list by its name, `""` for everybody. Raises `UsageError` for what cannot be a name."""
    if list_name and not is_list_name(list_name):
        raise UsageError(
            f"{list_name} cannot be the name of a list",
            hint="A name has up to 64 letters, digits, dots, hyphens and underscores.",
        )
    return scope_of_list(list_name)


class _Told:
    """What has been read so far, and who hears of it."""

    def __init__(self, progress: Progress | None, problem: Callable[[Listed], None] | None) -> None:
        self.rows = 0
        self.problems = 0
        self._progress = progress
        self._problem = problem

    def show(self) -> None:
        if self._progress is not None:
            self._progress(self.rows, 0)

    def bad(self, row: Listed) -> None:
        self.problems += 1
        if self._problem is not None:
            self._problem(row)


def _entries(opened: AddressList, scope: str, reason: str, told: _Told) -> Iterator[NewSuppression]:
    source = f"imported from {opened.name}"
    for row in opened.rows():
        told.rows += 1
        if row.key is None:
            told.bad(row)
        else:
            yield NewSuppression(row.key, scope, reason or row.reason, source)


def _entry(row: Suppression) -> SuppressionEntry:
    by = "" if row.actor == SOMEBODY else row.actor
    return SuppressionEntry(row.key, row.scope, row.reason, row.source, by, row.added_at, row.id)


def _keys(addresses: Iterable[str]) -> list[str]:
    """The keys of these, each once, in their order. Raises `UsageError`."""
    keys: dict[str, None] = {}
    for text in addresses:
        try:
            keys[folded(read_key(text))] = None
        except AddressError as error:
            raise UsageError(
                f"{text} cannot be put on the list or taken off it: {error}",
                detail="Nothing was changed.",
                hint="Give an address, or @example.com for everybody at a domain.",
            ) from None
    return list(keys)


__all__ = [
    "Added",
    "Imported",
    "Listed",
    "Removed",
    "SuppressionCounts",
    "SuppressionDesk",
    "SuppressionEntry",
    "scope_for",
]
