"""Owns the entries of the suppression list as they are shown: some at a time, and all that is known of one of them."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable

from mailtui.service.archive import Archive
from mailtui.service.suppression import SuppressionEntry
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.table import Column, KeyedTable, Row

PAGE = 200
_COLUMNS = (
    Column("address", "Address"),
    Column("where", "For", 16),
    Column("since", "Since", 10),
    Column("why", "Why", least=70),
    Column("by", "By", 12, least=110),
)


class SuppressedPages(Vertical):
    """One list's entries, or everybody's; only those with a text in their address, where that is asked for.

    The screen says when to read, and awaits it.
    """

    DEFAULT_CSS = """
    SuppressedPages { height: 1fr; }
    SuppressedPages #shown { height: 1; padding: 0 1; margin-top: 1; }
    SuppressedPages #entries { height: 1fr; min-height: 4; padding: 0 1; background: $background; }
    SuppressedPages #entry { height: auto; min-height: 2; max-height: 4; padding: 0 1; margin-top: 1; }
    """

    def __init__(self, archive: Archive, *, id: str) -> None:
        super().__init__(id=id)
        self._archive = archive
        self._entries: dict[str, SuppressionEntry] = {}
        self._starts = [0]  # the id that each page so far begins after
        self._more = False
        self.list_name: str | None = None
        """The list that is shown: a name, `""` for everybody's, None for all."""
        self.search = ""
        """What the addresses that are shown have in them."""

    def compose(self) -> ComposeResult:
        yield Plain(id="shown")
        yield KeyedTable(_COLUMNS, id="entries")
        yield Plain(id="entry")

    @property
    def entry(self) -> SuppressionEntry | None:
        """The one under the cursor."""
        key = self.query_one(KeyedTable).key
        return None if key is None else self._entries.get(key)

    def has(self, step: int) -> bool:
        """Whether there is a page so many after this one: 1 or -1."""
        return self._more if step > 0 else len(self._starts) > 1

    async def read(self, total: int) -> None:
        """Read the first page anew; `total` is how many the list that is shown has in all."""
        self._starts = [0]
        await self._read(total)

    async def read_on(self, total: int) -> None:
        """Read this page anew; the cursor stays where it is."""
        await self._read(total)
        if not self._entries and len(self._starts) > 1:
            await self.read(total)

    async def turn(self, step: int, total: int) -> None:
        """Show the next page, or the one before."""
        if step > 0 and self._more and self._entries:
            self._starts.append(max(entry.id for entry in self._entries.values()))
        elif step < 0 and len(self._starts) > 1:
            self._starts.pop()
        await self._read(total)

    async def _read(self, total: int) -> None:
        name, search, after = self.list_name, self.search, self._starts[-1]
        found = await self._archive.within(
            lambda service, _: service.suppression.page(name, search=search, after=after, limit=PAGE + 1)
        )
        self._more = len(found) > PAGE
        self._entries = {str(entry.id): entry for entry in found[:PAGE]}
        self.query_one(KeyedTable).show({key: _row(entry) for key, entry in self._entries.items()})
        self._show_shown(total)
        self._show_entry()

    def _show_shown(self, total: int) -> None:
        first, count = (len(self._starts) - 1) * PAGE + 1, len(self._entries)
        where = f"{first:,} to {first + count - 1:,}" if count else "none"
        if not self.search:
            said = plain(f"Shown: {where} of {total:,}" if count else "Shown: none", "$text-muted")
        else:
            more = " and more" if self._more else ""
            said = joined(plain(f"Shown: {where}{more}, with ", "$text-muted"), plain(self.search, "bold", limit=60))
        self.query_one("#shown", Plain).show(said)

    @on(DataTable.RowHighlighted)
    def _show_entry(self) -> None:
        """All that is known of the entry under the cursor."""
        entry = self.entry
        self.query_one("#entry", Plain).show("" if entry is None else _told(entry))
        self.screen.refresh_bindings()


def _row(entry: SuppressionEntry) -> Row:
    return (
        plain(entry.address),
        plain(entry.where, "" if entry.scope else "$text-muted"),
        plain(entry.since[:10], "$text-muted"),
        plain(entry.reason or entry.source, "" if entry.reason else "$text-muted"),
        plain(entry.actor, "$text-muted"),
    )


def _told(entry: SuppressionEntry) -> Content:
    return joined(*_facts(entry), separator="\n")


def _facts(entry: SuppressionEntry) -> Iterable[Content]:
    whom = f"Everybody at {entry.address[1:]}" if entry.address.startswith("@") else entry.address
    what = "any campaign" if not entry.scope else f"campaigns of {entry.list}" if entry.list else entry.where
    said = plain(f"gets nothing from {what}", "$text-muted")
    yield joined(plain(whom, "bold", limit=120), said, separator="  ")
    since = entry.since[:16].replace("T", " ")
    by = f", by {entry.actor}" if entry.actor else ""
    added = f"since {since} UTC{by}: {entry.source}"
    yield plain(f"{entry.reason}   {added}" if entry.reason else added, limit=300)
