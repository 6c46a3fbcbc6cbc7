"""Owns who is left out by the campaign's own file: the lists under `audience: suppress:`.

A list that cannot be read stops everything: mailing somebody because of a typing error in a path is not an option.
The people on them lie in a private temporary file, which nobody else can open, so that memory stays flat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from mailtui.audience.addresses import AddressList, open_addresses
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.campaign import Campaign, error_at
from mailtui.errors import AudienceError
from mailtui.outbox.suppression import domain_key, folded

_STEP = 10_000
_PART = 1_000
_CACHE = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -8000"
_TABLE = "CREATE TABLE left_out (key TEXT PRIMARY KEY, file INTEGER NOT NULL) WITHOUT ROWID"
_FIND = "SELECT left_out.key, file FROM json_each(?) AS asked CROSS JOIN left_out ON left_out.key = asked.value"


class LeftOut:
    """Whom the campaign's own lists leave out. `unusable`: the lists with rows that hold no address, and how many."""

    def __init__(self, connection: apsw.Connection | None, files: tuple[str, ...]) -> None:
        self._connection = connection
        self._files = files
        self.unusable: tuple[tuple[str, int], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any such list."""
        return self._connection is not None

    def reasons(self, keys: Iterable[str]) -> dict[str, str]:
        """Which of these addresses are left out, and why in words: `on no.csv`, `all of example.com is on no.csv`."""
        if self._connection is None:
            return {}
        asked: dict[str, list[str]] = {}
        for key in keys:
            small = folded(key)
            asked.setdefault(small, []).append(key)
            asked.setdefault(domain_key(small), []).append(key)
        found: dict[str, str] = {}
        rows: Any = self._connection.execute(_FIND, (json.dumps(list(asked)),))
        for entry, file in rows:
            whose = f"all of {entry[1:]} is " if entry.startswith("@") else ""
            found.update(dict.fromkeys(asked[entry], f"{whose}on {self._files[file]}"))
        return found


NOBODY = LeftOut(None, ())


class Suppressed:
    """Counts who of a list gets nothing: by the campaign's own lists, and by what `stored` has of some addresses.

    `lists` are the suppression lists by name that somebody is on.
    """

    def __init__(
        self, left_out: LeftOut, stored: Callable[[Sequence[str]], Collection[str]], *, lists: Collection[str] = ()
    ) -> None:
        self.unusable = left_out.unusable
        self.lists = lists
        self._left_out = left_out
        self._stored = stored
        self._number = 0
        self._next: list[str] = []

    def feed(self, key: str) -> None:
        """Count one address in; each is given once."""
        self._next.append(key)
        if len(self._next) == _PART:
            self.total()

    def total(self) -> int:
        """How many get nothing so far."""
        keys, self._next = self._next, []
        self._number += len({*self._left_out.reasons(keys), *self._stored(keys)})
        return self._number


@contextmanager
def open_left_out(campaign: Campaign, cache: Path) -> Iterator[LeftOut]:
    """Read the lists. Raises `AudienceError` that names the line of the campaign file. An empty file is nobody."""
    files = campaign.spec.audience.suppress
    if not files:
        yield NOBODY
        return
    connection = apsw.Connection("")  # a file that has no name, and is gone with the connection
    try:
        connection.execute(_CACHE)
        connection.execute(_TABLE)
        left_out = LeftOut(connection, files)
        left_out.unusable = tuple(_read(campaign, cache, connection))
        yield left_out
    finally:
        connection.close()


def _read(campaign: Campaign, cache: Path, connection: apsw.Connection) -> Iterator[tuple[str, int]]:
    for index, name in enumerate(campaign.spec.audience.suppress):
        path = campaign.folder / Path(name).expanduser()
        if path.is_file() and path.stat().st_size == 0:
            continue
        try:
            spec = AudienceSpec(source=name)
            with open_addresses(spec, folder=campaign.folder, spool=cache, reach=campaign.reach) as opened:
                problems = _fill(connection, index, opened)
        except AudienceError as error:
            place = campaign.document.place(("audience", "suppress", index))
            raise error_at(place, error) from None
        if problems:
            yield name, problems


def _fill(connection: apsw.Connection, file: int, opened: AddressList) -> int:
    """Keep everybody on a list; how many of its rows hold no address."""
    problems = 0
    rows = opened.rows()
    while part := list(islice(rows, _STEP)):
        keys = sorted(folded(row.key) for row in part if row.key is not None)  # in their order, into fewer pages
        problems += len(part) - len(keys)
        with connection:
            connection.executemany("INSERT OR IGNORE INTO left_out VALUES (?, ?)", ((key, file) for key in keys))
    return problems
