"""Owns what the screens about the open campaign share: when they look anew, and what they say where none is open."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.screen import ModalScreen
from textual.widget import Widget

from mailtui.errors import MailtuiError
from mailtui.service.dry_run import write_mails
from mailtui.service.facade import Service
from mailtui.service.workbench import Workbench
from mailtui.tui.dialogs.dry_run import DryRunDialog
from mailtui.tui.room import Room, start
from mailtui.tui.text import Plain
from mailtui.tui.ways_on import without_list
from mailtui.tui.widgets.trouble import Trouble


class CampaignRoom(Room):
    """A room about the campaign that is open. It looks anew when it is entered, and when another one is opened."""

    EMPTY: ClassVar[str] = ""
    """What is said where nothing is open."""
    LIST_ONLY: ClassVar[str] = ""
    """And where a list is open, and no campaign."""
    CONTENT: ClassVar[str] = ""
    """The selector of what is shown where one is."""
    NEEDS_LIST: ClassVar[bool] = True
    """Whether there is nothing to show of a campaign whose list cannot be read, or whose filter does not fit it."""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._covered = False
        self._of: Path | None = None

    def body(self) -> Iterable[Widget]:
        yield Trouble()
        yield Plain(self.EMPTY, id="empty", classes="empty")
        yield from self.content()

    def content(self) -> Iterable[Widget]:
        """What is shown where a campaign is open; `CONTENT` selects it."""
        return ()

    def on_screen_suspend(self) -> None:
        self._covered = isinstance(self.app.screen, ModalScreen)

    def on_screen_resume(self) -> None:
        """Beside the one of every room, which Textual calls too."""
        covered, self._covered = self._covered, False
        if not covered:  # a dialog that was closed has changed nothing
            self.look_anew()

    async def opened(self) -> None:
        await super().opened()
        self.look_anew()

    def look_anew(self) -> None:
        """List, files and filter may have changed since; and it may be another campaign."""
        campaign = self.bench.campaign
        path = None if campaign is None else campaign.path
        if path != self._of:
            self._of = path
            self.query_one(Trouble).clear()
            self.forget()
        trouble = self.bench.trouble
        if campaign is not None and trouble is not None and self.NEEDS_LIST:
            self.forget()
            self.show_empty(without_list(campaign.path, misfit=trouble is self.bench.misfit), empty=True)
            self.query_one(Trouble).tell(trouble)
            return
        self.show_empty(self.EMPTY if self.bench.open_list is None else self.LIST_ONLY, empty=campaign is None)
        if campaign is not None:
            self.look()

    def show_empty(self, text: str, *, empty: bool) -> None:
        """Say why there is nothing to show, or show what there is."""
        place = self.query_one("#empty", Plain)
        place.show(text)
        place.display = empty
        self.query_one(self.CONTENT).display = not empty
        self.refresh_bindings()

    def forget(self) -> None:
        """Nothing that is known holds any more: another campaign is open, or none."""

    def look(self) -> None:
        """Read what is to be shown of the open campaign."""

    @property
    def lacks_list(self) -> bool:
        """Whether there is no campaign, or nothing can be asked about its list."""
        return self.bench.campaign is None or self.bench.trouble is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what takes a campaign."""
        if action == "dry_run" and self.bench.campaign is None:
            return None
        return super().check_action(action, parameters)

    def action_dry_run(self) -> None:
        start(self, self._dry_run, "dialog")

    async def _dry_run(self) -> None:
        campaign = self.bench.campaign
        if campaign is not None:
            write = partial(write_mails, self.service, campaign)
            await self.app.push_screen_wait(DryRunDialog(campaign.folder, write))

    def complain(self, error: MailtuiError) -> None:
        self.query_one(Trouble).tell(error)
