"""Owns the accounts screen: the servers of the settings, where their secrets are, and what can be done about both."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import DataTable

from mailtui.errors import MailtuiError
from mailtui.service.account_book import AccountBook, AccountRow, SecretKind, SecretPlace
from mailtui.service.account_state import AccountNow
from mailtui.service.accounts import server_of
from mailtui.service.facade import Service
from mailtui.service.webhooks import Webhooks
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.account_form import edit_account
from mailtui.tui.dialogs.account_removal import remove_account
from mailtui.tui.dialogs.account_secret import change_secret
from mailtui.tui.dialogs.choose_preset import PresetDialog
from mailtui.tui.dialogs.dkim_key import DkimDialog
from mailtui.tui.dialogs.oauth_login import log_in
from mailtui.tui.dialogs.try_account import TryAccountDialog
from mailtui.tui.room import Room, start
from mailtui.tui.text import Plain
from mailtui.tui.widgets.account_details import AccountDetails
from mailtui.tui.widgets.account_facts import webhook_lines
from mailtui.tui.widgets.account_list import AccountList
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.wrapped import Wrapped

_EMPTY = """There is no account yet.

An account is a mail server with a login, by a name that campaign files say:
account: acme

Press a to add one: choose its provider, and the server and its quotas are known.
The password goes into the system's keyring, never into a file."""


_DRAWN_EVERY = 0.25
"""Seconds, of the list while secrets are looked for."""


class AccountsScreen(Room):
    """By name; secrets are looked for one after the other, and whoever waits for a keyring is not in the way."""

    ROOM: ClassVar[str] = "accounts"
    BINDINGS: ClassVar = bindings("accounts")
    CSS_PATH = "accounts.tcss"
    AUTO_FOCUS = "#accounts"
    HELP: ClassVar[str] = (
        "The servers that can be sent through, as the settings file has them; campaign files name one: account: acme."
        " Passwords are in no file: p puts one into the system's keyring, or keeps it until the app is closed; l logs"
        " in at Google, Microsoft or another provider instead. t tries an account out without sending anything. A"
        " keyring that does not answer keeps nobody waiting. On the command line: mailtui accounts. Below them stand"
        " the webhooks, which are told what becomes of campaigns; mailtui webhooks adds, tests and removes them."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._book = AccountBook(service)
        self._accounts: dict[str, AccountRow] = {}
        self._places: dict[str, SecretPlace] = {}
        self._stand: dict[str, AccountNow] = {}

    def body(self) -> Iterable[Widget]:
        yield Plain("Looking …", id="empty", classes="empty")
        with Horizontal(id="book"):
            yield AccountList(id="list")
            yield AccountDetails(id="details")
        yield Wrapped(id="webhooks")
        yield Trouble()

    def on_mount(self) -> None:
        self.query_one("#book").display = False

    def on_screen_resume(self) -> None:
        start(self, self._read, "read")

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "read")

    # looking

    async def _read(self, chosen: str = "") -> None:
        """Read the accounts, then look for their secrets, first for the one under the cursor."""
        rows = await self.ask(self._rows)
        if rows is None:
            self.query_one("#empty", Plain).show("The accounts could not be read.")
            return
        self._stand = await self.ask(self.service.accounts_now) or {}
        self._accounts = {row.name: row for row in rows}
        self._places = {name: place for name, place in self._places.items() if name in self._accounts}
        empty = self.query_one("#empty", Plain)
        empty.show(_EMPTY)
        empty.display = not rows
        self.query_one("#book").display = bool(rows)
        self._draw(chosen)
        if rows and self.focused is None:
            self.query_one("#accounts").focus()
        if rows:
            self._show_details()
        await self._look_for_secrets()
        await self._show_webhooks()

    async def _look_for_secrets(self) -> None:
        """One after the other; of very many, what is known is shown now and then."""
        accounts = self.query_one(AccountList)
        first, drawn = accounts.key, time.monotonic()
        for name in sorted(self._accounts, key=lambda name: name != first):
            self._places[name] = await self._book.secret_place(name)
            if name == accounts.key:
                self._show_details()
            if name == first or time.monotonic() - drawn > _DRAWN_EVERY:
                self._draw()
                drawn = time.monotonic()
        self._draw()

    async def _show_webhooks(self) -> None:
        """Who is told what becomes of campaigns; nothing where nobody is."""
        book, place = Webhooks(self.service), self.query_one("#webhooks", Wrapped)
        rows = await self.ask(book.rows) or []
        place.display = bool(rows)
        place.show_lines(webhook_lines(rows, set()))
        missing = {row.name for row in rows if await book.secret_problem(row.name) is not None}
        place.show_lines(webhook_lines(rows, missing))

    async def _rows(self) -> list[AccountRow]:
        """The accounts as the settings file has them now: another program may have changed it."""
        self.service.settings_changed()
        return self._book.rows()

    def _draw(self, chosen: str = "") -> None:
        self.query_one(AccountList).show(self._accounts, self._places, self._stand, chosen=chosen)

    @on(AccountList.Searched)
    @on(DataTable.RowHighlighted)
    def moved(self) -> None:
        self._show_details()

    @on(DataTable.RowSelected)
    def clicked(self) -> None:
        self.action_change()

    @property
    def _row(self) -> AccountRow | None:
        key = self.query_one(AccountList).key if self.is_mounted else None
        return None if key is None else self._accounts.get(key)

    def _show_details(self) -> None:
        row, details = self._row, self.query_one(AccountDetails)
        name = "" if row is None else row.name
        details.show(row, self.service.settings, self._places.get(name), self._stand.get(name))
        self.refresh_bindings()

    def complain(self, error: MailtuiError) -> None:
        self.query_one(Trouble).tell(error)
        self.refresh_bindings()

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what the account under the cursor has no use for."""
        if not self.is_mounted:
            return super().check_action(action, parameters)
        row = self._row
        at_provider = row is not None and row.endpoint.grant is not None
        possible = {
            "change": row is not None,
            "try_out": row is not None,
            "dkim": row is not None,
            "remove": row is not None,
            "password": row is not None and bool(row.endpoint.user) and not at_provider,
            "login": at_provider,
            "find": bool(self._accounts),
        }
        if action == "put_away":
            return self.query_one(Trouble).display or self.query_one(AccountList).searching
        return (True if possible[action] else None) if action in possible else super().check_action(action, parameters)

    def action_put_away(self) -> None:
        """Put an error away; where there is none, look for nothing any more."""
        if self.query_one(Trouble).display:
            self.query_one(Trouble).clear()
        else:
            self.query_one(AccountList).stop()
        self.refresh_bindings()

    def action_find(self) -> None:
        self.query_one(AccountList).find()
        self.refresh_bindings()

    def action_again(self) -> None:
        self._places.clear()
        self._read_on()

    def _read_on(self, chosen: str = "") -> None:
        """Look anew, with the cursor on an account; nobody waits for it."""
        self._places.pop(chosen, None)
        start(self, partial(self._read, chosen), "read")

    def action_add(self) -> None:
        start(self, self._add, "dialog")

    async def _add(self) -> None:
        preset = await self.app.push_screen_wait(PresetDialog(self._book.presets()))
        if preset is None:
            return
        name = await edit_account(self.app, self._book, self._book.draft(preset=preset))
        if name is not None:
            self._read_on(name)
            if (await self._book.secret_place(name)).kind is SecretKind.MISSING:
                await self._give_secret(name)

    async def _give_secret(self, name: str) -> None:
        """Have the person give what an account needs to log in: a password, or a login at its provider."""
        if self.service.settings.account(name).oauth is not None:
            await log_in(self.app, self.service, name)
        else:
            await change_secret(self.app, self._book, name)
        self._read_on(name)

    def action_change(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._edit, row.name), "dialog")

    async def _edit(self, name: str) -> None:
        changed = await edit_account(self.app, self._book, self._book.draft(name=name), replaces=name)
        if changed is not None:
            self._read_on(changed)

    def action_password(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._give_secret, row.name), "dialog")

    action_login = action_password

    def action_try_out(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._try_out, row.name), "dialog")

    async def _try_out(self, name: str) -> None:
        await self.app.push_screen_wait(TryAccountDialog(self.service, server_of(self.service, name)))
        self._read_on(name)

    def action_dkim(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._sign, row.name), "dialog")

    async def _sign(self, name: str) -> None:
        if await self.app.push_screen_wait(DkimDialog(self.service, name)):
            self._read_on(name)

    def action_remove(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._remove, row.name), "dialog")

    async def _remove(self, name: str) -> None:
        if await remove_account(self.app, self._book, name):
            self._read_on()
