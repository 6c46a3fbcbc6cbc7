"""Owns the list of accounts, and finding one among many by words."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from mailtui.service.account_book import AccountRow, SecretPlace
from mailtui.service.account_state import AccountNow
from mailtui.tui.widgets.account_facts import COLUMNS, account_cells
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.table import KeyedTable


class AccountList(Vertical):
    """`show` says what is in it; `Searched` is told when something else is looked for."""

    DEFAULT_CSS = """
    AccountList #account-search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    AccountList #accounts { width: 1fr; height: 1fr; background: $background; }
    """

    class Searched(Message):
        """Other accounts may be in it, and another one under the cursor."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._accounts: Mapping[str, AccountRow] = {}
        self._places: Mapping[str, SecretPlace] = {}
        self._stand: Mapping[str, AccountNow] = {}
        self.search = ""
        """The words that are looked for."""

    def compose(self) -> ComposeResult:
        yield SafeInput(id="account-search", placeholder="name, server, user or provider; enter keeps it, esc ends it")
        yield KeyedTable(COLUMNS, id="accounts")

    @property
    def key(self) -> str | None:
        """The name of the account under the cursor."""
        return self.query_one(KeyedTable).key

    @property
    def searching(self) -> bool:
        """Whether the line to type into is there."""
        return self.query_one("#account-search").display

    def show(
        self,
        accounts: Mapping[str, AccountRow],
        places: Mapping[str, SecretPlace],
        stand: Mapping[str, AccountNow],
        *,
        chosen: str = "",
    ) -> None:
        """Show these, of which the secrets of some have been looked for; with the cursor on the one that is chosen."""
        self._accounts, self._places, self._stand = accounts, places, stand
        if chosen in accounts and not accounts[chosen].is_meant(self.search):
            self.stop()
        self._draw()
        if chosen in accounts:
            self.query_one(KeyedTable).move_cursor(row=[*self._meant()].index(chosen))

    def _draw(self) -> None:
        meant = self._meant().items()
        cells = {name: account_cells(row, self._places.get(name), self._stand.get(name)) for name, row in meant}
        self.query_one(KeyedTable).show(cells)

    def _meant(self) -> dict[str, AccountRow]:
        return {name: row for name, row in self._accounts.items() if row.is_meant(self.search)}

    def find(self) -> None:
        """Have words typed."""
        line = self.query_one("#account-search", SafeInput)
        line.display = True
        line.focus()

    def stop(self) -> None:
        """Look for nothing any more."""
        line = self.query_one("#account-search", SafeInput)
        line.value = self.search = ""
        line.display = False
        self._draw()
        self.query_one(KeyedTable).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() != self.search:
            self.search = event.value.strip()
            self._draw()
            self.post_message(self.Searched())

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(KeyedTable).focus()

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        self.screen.refresh_bindings()
