"""Owns the list of what was sent, the newest first, and finding one in it by words that a person remembers."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from mailtui.kit.words import counted
from mailtui.service.views import CampaignView
from mailtui.tui.states import campaign_look
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.table import Column, KeyedTable, Row

MOST = 200
_COLUMNS = (
    Column("state", "State", 12),
    Column("name", "Campaign"),
    Column("sent", "Sent", 9, right=True),
    Column("failed", "Failed", 7, right=True),
    Column("of", "Of", 9, right=True, least=70),
    Column("when", "Launched", 16, right=True),
    Column("late", "Late", 8, right=True, least=96),
)


class SentList(Vertical):
    """`show` says what is in it; `Searched` is told when something else is looked for."""

    DEFAULT_CSS = """
    SentList { height: 1fr; border-top: solid $panel; }
    SentList #sent-head { height: 1; padding: 0 1; }
    SentList #sent-search { display: none; height: 1; border: none; padding: 0 1; margin: 0 1; background: $panel; }
    SentList #sent-rows { height: 1fr; min-height: 3; padding: 0 1; background: $background; }
    """

    class Searched(Message):
        """What is looked for has changed."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._views: dict[str, CampaignView] = {}
        self.search = ""
        """The words that are looked for."""

    def compose(self) -> ComposeResult:
        yield Plain(id="sent-head")
        yield SafeInput(id="sent-search", placeholder="name, id, file, list, state or day; enter keeps it, esc ends it")
        yield KeyedTable(_COLUMNS, id="sent-rows")

    @property
    def view(self) -> CampaignView | None:
        """The one under the cursor."""
        key = self.query_one(KeyedTable).key
        return None if key is None else self._views.get(key)

    @property
    def searching(self) -> bool:
        """Whether the line to type into is there."""
        return self.query_one("#sent-search").display

    def show(self, views: Sequence[CampaignView]) -> None:
        """Show these campaigns, in their order."""
        self._views = {view.id: view for view in views[:MOST]}
        found = f"{counted(len(views), 'campaign')}"
        shown = f", the newest {MOST} are shown" if len(views) > MOST else ""
        head = plain("Sent  ", "bold")
        what = f"{found} with " if views else "nothing with "
        if self.search:
            said = joined(plain(what, "$text-muted"), plain(self.search, "bold", limit=60), plain(shown))
        else:
            said = plain(f"{found}{shown}; / finds one" if views else "nothing yet", "$text-muted")
        self.query_one("#sent-head", Plain).show(joined(head, said))
        self.query_one(KeyedTable).show({view.id: _cells(view) for view in self._views.values()})

    def find(self) -> None:
        """Have words typed."""
        line = self.query_one("#sent-search", SafeInput)
        line.display = True
        line.focus()

    def stop(self) -> None:
        """Look for nothing any more."""
        line = self.query_one("#sent-search", SafeInput)
        line.value = ""
        line.display = False
        self.query_one(KeyedTable).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() != self.search:
            self.search = event.value.strip()
            self.post_message(self.Searched())

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(KeyedTable).focus()

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        self.screen.refresh_bindings()


def _cells(view: CampaignView) -> Row:
    counts, launched = view.counts, view.campaign.woke_at or view.campaign.launched_at
    late = view.lateness
    return (
        campaign_look(view).content,
        plain(view.name, "bold" if view.active else ""),
        plain(f"{counts.sent:,}"),
        plain(f"{counts.failed:,}", "$text-error" if counts.failed else "$text-muted"),
        plain(f"{counts.total:,}", "$text-muted"),
        plain("" if launched is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(launched)), "$text-muted"),
        plain("" if late is None else f"{late:,.1f} s", "$text-muted"),
    )
