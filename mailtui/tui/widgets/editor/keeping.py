"""Owns that no text is lost: saving and leaving, what other programs write, and texts that outlive an ended app."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from textual.timer import Timer

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted
from mailtui.service.drafts import Draft
from mailtui.service.facade import Service
from mailtui.service.rescue import NotKept, Rescued, RescuedText
from mailtui.service.text_files import ChangedMeanwhile
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.campaign_room import CampaignRoom
from mailtui.tui.dialogs.choose import ChooseDialog
from mailtui.tui.room import start
from mailtui.tui.text import plain, tell
from mailtui.tui.widgets.editor.editor import Editor

_POLL = 1.0  # seconds; what was typed within the last one is lost when the app is killed outright


class KeepingRoom(CampaignRoom):
    """A room with texts that are edited."""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self.editor = Editor()
        self.draft: Draft | None = None
        self._busy = asyncio.Lock()  # texts are being saved, or read again, and the campaign file with them
        self._keeping = asyncio.Lock()
        self._poll: Timer | None = None
        self._kept: list[RescuedText] = []

    def on_mount(self) -> None:
        self._poll = self.set_interval(_POLL, self._every_second, pause=True)

    def on_screen_resume(self) -> None:
        if self._poll is not None:
            self._poll.resume()

    def on_screen_suspend(self) -> None:
        if self._poll is not None:
            self._poll.pause()
            self._keep()

    def on_unmount(self) -> None:
        """The app ends, perhaps by a signal, or broke."""
        try:
            self._keep_now(self.editor.not_saved())
        except NotKept as error:
            self.log.error(error.title, error.detail)

    def look_at_texts(self) -> None:
        """Have a look at the texts as they are now."""

    async def show_first_of(self, paths: Collection[Path]) -> None:
        """Show the first of the texts that is in one of these files."""

    # saving, and leaving

    @property
    def holds_back(self) -> bool:
        return bool(self.editor.unsaved())

    async def let_go(self) -> bool:
        names = sorted(path.name for path in self.editor.unsaved())
        if not names:
            return True
        title = f"{names[0]} is not saved" if len(names) == 1 else f"{counted(len(names), 'file')} are not saved"
        lines = [plain(", ".join(names), limit=400)] if len(names) > 1 else []
        choices = {"save": "Save", "drop": "Discard", "": "Stay"}
        choice = await self.app.push_screen_wait(ChooseDialog(title, lines, choices, grave="drop"))
        if choice == "drop":
            await self.editor.read_again(all_of_them=True)
        return choice == "drop" or (choice == "save" and await self.save())

    async def save(self) -> bool:
        """Save every text that is changed; whether all of them are. Asks where another program was quicker."""
        async with self._busy:
            try:
                names = await self._save()
            except MailtuiError as error:
                self.complain(error)
                return False
            await self.take_over(names or ())
            return names is not None

    async def _save(self) -> list[str] | None:
        """The names of what was saved; None where nothing is to be decided yet."""
        try:
            return self._told(await self.editor.save())
        except ChangedMeanwhile as error:
            choices = {"mine": "Save mine", "theirs": "Read theirs", "": "Leave it"}
            lines = ["Save what is written here over it, or read it again and lose what was changed here?"]
            choice = await self.app.push_screen_wait(ChooseDialog(error.title, lines, choices, grave="theirs"))
        if choice == "mine":
            return self._told(await self.editor.save(anyway=True))
        return await self.editor.read_again(all_of_them=True) if choice == "theirs" else None

    def _told(self, names: list[str]) -> list[str]:
        if names:
            tell(self.app, f"Saved: {', '.join(names)}")
        return names

    async def take_over(self, names: Iterable[str]) -> None:
        """Go by the files as they are on disk now; the campaign file is read again where it is among these."""
        campaign = self.bench.campaign
        if campaign is not None and campaign.path.name in names:
            await self.reopen()
        self.look_at_texts()

    async def reopen(self) -> bool:
        """Open the campaign file again; a filter set on the rules screen stays."""
        campaign, chosen, own = self.bench.campaign, self.bench.filter_text, self.bench.file_filter
        if campaign is None:
            return False
        try:
            await self.bench.open(campaign.path)
        except Superseded:
            return False
        except MailtuiError as error:
            self.complain(error)
            return False
        if chosen != own:
            try:
                self.bench.set_filter(chosen)
            except MailtuiError as error:
                self.complain(error)
        self.show_where()
        return True

    # what other programs write

    def _every_second(self) -> None:
        self._keep()
        if not self._busy.locked() and self.draft is not None:
            start(self, self._read_outside, "outside")

    async def _read_outside(self) -> None:
        async with self._busy:  # a list may take longer to open than until the next look
            read = await self.editor.read_again(all_of_them=False)
            if read:
                tell(self.app, f"Changed by another program, and read again: {', '.join(read)}")
                await self.take_over(read)

    # texts that outlive the app

    def _keep(self) -> None:
        texts = self.editor.not_saved()
        if texts != self._kept:
            self._kept = texts
            work: Any = partial(self._keep_in_turn, texts)
            self.run_worker(work, group="keep", exit_on_error=False)

    async def _keep_in_turn(self, texts: list[RescuedText]) -> None:
        async with self._keeping:
            await asyncio.to_thread(self._keep_now, texts)

    def _keep_now(self, texts: list[RescuedText]) -> None:
        campaign = self.editor.campaign
        if campaign is not None:
            self.bench.rescue.keep(campaign, texts)

    async def offer_rescued(self) -> None:
        """Ask what becomes of texts that were not saved when the app ended."""
        campaign = self.editor.campaign
        if campaign is None:
            return
        found = await self.ask(lambda: asyncio.to_thread(self.bench.rescue.left_behind, campaign))
        if found is None:
            return
        names = ", ".join(sorted(Path(text.path).name for text in found.texts))
        when = datetime.fromtimestamp(found.written).astimezone()
        lines = [plain(names, "bold", limit=400), plain(f"They were written last on {when:%Y-%m-%d at %H:%M}.")]
        choices = {"drop": "Remove them", "later": "Ask later", "up": "Take them up"}
        title = "Texts that were not saved are still here"
        choice = await self.app.push_screen_wait(ChooseDialog(title, lines, choices, grave="drop"))
        if choice == "up":
            await self._take_up(found)
        elif choice == "drop":
            await self.ask(lambda: asyncio.to_thread(self.bench.rescue.drop, found))

    async def _take_up(self, found: Rescued) -> None:
        languages = (
            {file.path.resolve(): file.language for file in self.draft.files if not file.loc} if self.draft else {}
        )
        try:
            for text in found.texts:
                await self.editor.take_up(text, languages.get(Path(text.path), "text"))
            self._kept = self.editor.not_saved()
            await self._keep_in_turn(self._kept)
            await asyncio.to_thread(self.bench.rescue.drop, found)
        except MailtuiError as error:
            hint = f"The text is in {found.file}. {error.hint}"
            self.complain(MailtuiError(error.title, detail=error.detail, hint=hint))
        taken = {Path(text.path) for text in found.texts}
        await self.show_first_of(taken)
        self.look_at_texts()
