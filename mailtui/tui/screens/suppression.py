"""Owns the suppression screen: who gets nothing, from any campaign or from those of one list; adding, taking off,
reading such people from a file and writing them to one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.suppression import SuppressionCounts, SuppressionEntry
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.import_suppressed import ImportDialog
from mailtui.tui.dialogs.suppress import suppress, take_off
from mailtui.tui.dialogs.token import take_token
from mailtui.tui.exporting import export_suppressed
from mailtui.tui.room import Room, start
from mailtui.tui.text import Plain, plain
from mailtui.tui.ways_on import way_on
from mailtui.tui.widgets.import_line import ImportLine
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.suppressed_lists import SuppressedLists
from mailtui.tui.widgets.suppressed_pages import SuppressedPages

_EMPTY = """Nobody is on the suppression list.

Whoever is on it gets no mail, from any campaign or from those of one list;
it counts at once, also for a campaign that is being sent.

a adds an address, i everybody in a file, v whose token it is."""


class SuppressionScreen(Room):
    """About everybody's list and those of each name."""

    ROOM: ClassVar[str] = "suppression"
    BINDINGS: ClassVar = bindings("suppression")
    CSS_PATH = "suppression.tcss"
    AUTO_FOCUS = ""
    HELP: ClassVar[str] = (
        "Whoever is on this list gets nothing: from any campaign, or from those that say audience: list: NAME.\n"
        "It counts at once, up to the moment in which the end of a mail is written. An address counts in any\n"
        "spelling; @example.com is everybody there. On the command line: mailtui suppress."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._archive = Archive(service)
        self._counts: SuppressionCounts | None = None

    def body(self) -> Iterable[Widget]:
        yield Plain("Looking …", id="empty", classes="empty")
        yield SuppressedLists(id="lists")
        yield SafeInput(id="search", placeholder="a part of an address; enter keeps it, esc shows all")
        yield SuppressedPages(self._archive, id="pages")
        yield ImportLine(self.service)
        yield Plain(id="trouble", classes="trouble")

    @property
    def _pages(self) -> SuppressedPages:
        return self.query_one(SuppressedPages)

    def on_mount(self) -> None:
        for name in ("#lists", "#pages", "#trouble"):
            self.query_one(name).display = False

    def on_screen_resume(self) -> None:
        start(self, self._read_on, "read")

    def on_unmount(self) -> None:
        self._archive.close()

    # looking

    @property
    def _total(self) -> int:
        return 0 if self._counts is None else self._counts.of(self._pages.list_name)

    async def _read(self) -> None:
        await self._count()
        await self._pages.read(self._total)
        self.refresh_bindings()

    async def _read_on(self) -> None:
        """Read anew, and stay at this place."""
        await self._count()
        await self._pages.read_on(self._total)
        self.refresh_bindings()

    async def _count(self) -> None:
        counts = self._counts = await self._archive.within(lambda service, _: service.suppression.counts())
        names = [name for name, _ in counts.lists]
        if self._pages.list_name and self._pages.list_name not in names:
            self._pages.list_name = None  # its last entry was taken off
        some = bool(counts.total)
        empty = self.query_one("#empty", Plain)
        empty.show(_EMPTY)
        empty.display = not some
        for name in ("#lists", "#pages"):
            self.query_one(name).display = some
        self.query_one(SuppressedLists).tell(counts, self._pages.list_name)
        if some and self.focused is None:
            self.query_one("#entries").focus()

    def complain(self, error: MailtuiError) -> None:
        text = "\n".join(part for part in (sentence(error.title), error.detail, way_on(error)) if part)
        self._show("#trouble", plain(text, newlines=True))
        if self._counts is None:
            self.query_one("#empty", Plain).show("The suppression list could not be read.")

    def _show(self, place: str, text: Content | str) -> None:
        found = self.query_one(place, Plain)
        found.display = bool(text if isinstance(text, str) else text.plain)
        found.show(text)
        self.refresh_bindings()

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is nothing for."""
        if not self.is_mounted:
            return super().check_action(action, parameters)
        pages, counts = self._pages, self._counts
        entry = pages.entry
        searching, reading = self.query_one("#search").display, self.query_one(ImportLine).reading
        troubled = self.query_one("#trouble").display
        possible = {
            "which": counts is not None and counts.total > 0,
            "find": counts is not None and counts.total > 0,
            "remove": entry is not None and _removable(entry),
            "export": counts is not None and counts.total > 0,
            "page": pages.has(1 if parameters == (1,) else -1),
            "import_list": not reading,
            "stop": reading and not searching and not troubled,
            "put_away": searching or troubled,
        }
        if action in ("stop", "put_away"):
            return possible[action]
        return (True if possible[action] else None) if action in possible else super().check_action(action, parameters)

    def action_which(self) -> None:
        """The next list: all, everybody's, and each by its name."""
        if self._counts is not None:
            order: list[str | None] = [None, "", *(name for name, _ in self._counts.lists)]
            here = self._pages.list_name
            self._pages.list_name = order[(order.index(here) + 1) % len(order)] if here in order else None
            start(self, self._read, "read")

    def action_page(self, step: int) -> None:
        start(self, partial(self._pages.turn, step, self._total), "read")

    def action_again(self) -> None:
        start(self, self._read, "read")

    def action_find(self) -> None:
        line = self.query_one("#search", SafeInput)
        line.display = True
        line.focus()
        self.refresh_bindings()

    @on(Input.Changed, "#search")
    def searched(self, event: Input.Changed) -> None:
        if event.value.strip() != self._pages.search:
            self._pages.search = event.value.strip()
            start(self, self._read, "read")

    @on(Input.Submitted, "#search")
    def kept(self) -> None:
        self.query_one("#entries").focus()

    def action_put_away(self) -> None:
        """Put an error away; where there is none, show everybody again."""
        if self.query_one("#trouble").display:
            self._show("#trouble", "")
            return
        line = self.query_one("#search", SafeInput)
        line.value = ""
        line.display = False
        self.query_one("#entries").focus()
        self.refresh_bindings()

    def action_add(self) -> None:
        async def add() -> None:
            if await suppress(self.app, self.service, list_name=self._pages.list_name or ""):
                self._show("#trouble", "")
                start(self, self._read_on, "read")

        start(self, add, "order")

    def action_verify(self) -> None:
        async def verify() -> None:
            if await take_token(self.app, self.service):
                self._show("#trouble", "")
                start(self, self._read_on, "read")

        start(self, verify, "order")

    def action_remove(self) -> None:
        entry = self._pages.entry
        if entry is not None:
            start(self, partial(self._remove, entry), "order")

    async def _remove(self, entry: SuppressionEntry) -> None:
        if await take_off(self.app, self.service, entry):
            start(self, self._read_on, "read")

    def action_import_list(self) -> None:
        start(self, self._ask_and_import, "import")

    async def _ask_and_import(self) -> None:
        wish = await self.app.push_screen_wait(ImportDialog(self._pages.list_name or ""))
        if wish is None:
            return
        self._show("#trouble", "")
        try:
            await self.query_one(ImportLine).read(wish)
        finally:
            start(self, self._read_on, "read")

    def action_stop(self) -> None:
        self.query_one(ImportLine).stop()

    def action_export(self) -> None:
        work = partial(export_suppressed, self.app, self._archive, self._pages.list_name, self._total)
        start(self, work, "export")


def _removable(entry: SuppressionEntry) -> bool:
    """Those of one campaign come from the lists that its file names, and are taken off there."""
    return not entry.scope or bool(entry.list)
