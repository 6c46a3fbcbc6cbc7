"""Owns the place beside the list of accounts: everything about the one under the cursor."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from mailtui.service.account_book import AccountRow, SecretPlace
from mailtui.service.account_state import AccountNow
from mailtui.service.settings import Settings
from mailtui.tui.text import plain
from mailtui.tui.widgets.account_facts import account_lines
from mailtui.tui.widgets.wrapped import Line, Wrapped


class AccountDetails(VerticalScroll, can_focus=False):
    """`show` says of which."""

    DEFAULT_CSS = "AccountDetails Wrapped { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Wrapped()

    def show(
        self, row: AccountRow | None, settings: Settings, place: SecretPlace | None, now: AccountNow | None
    ) -> None:
        """Show all of an account, with where its secret is and how it stands, as far as that is known."""
        if row is None:
            lines = [Line(plain("No account has these words.", "$text-muted"))]
        else:
            spec = settings.account(row.name)
            provider = "" if spec.oauth is None else spec.oauth.resolved().title
            signing = "" if spec.dkim is None else f"{spec.dkim.domain or 'the domain of From'}, {spec.dkim.selector}"
            lines = list(account_lines(row, place, now, provider=provider, signing=signing))
        self.query_one(Wrapped).show_lines(lines)
        self.scroll_home(animate=False)
