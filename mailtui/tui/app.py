"""Owns the app: its screens as modes, its themes, what works everywhere, and leaving the terminal as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import traceback
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.driver import Driver
from textual.screen import Screen
from textual.worker import Worker

from mailtui.errors import ConfigError, MailtuiError
from mailtui.kit.hidden import without_secrets
from mailtui.kit.words import counted, sentence
from mailtui.service.facade import Service
from mailtui.service.importing import find_mailmerge
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.actions import ACTIONS, EVERYWHERE, bindings
from mailtui.tui.dialogs.help import HelpDialog, spelled
from mailtui.tui.dialogs.import_mailmerge import ImportMailmergeDialog
from mailtui.tui.dialogs.open import OpenDialog
from mailtui.tui.dialogs.place import PlaceDialog
from mailtui.tui.dialogs.quit import Leaving, QuitDialog
from mailtui.tui.drivers import kept
from mailtui.tui.result import AppResult
from mailtui.tui.ringing import Endings
from mailtui.tui.room import ROOMS, Room, failure_of, start
from mailtui.tui.screens import SCREENS
from mailtui.tui.text import tell
from mailtui.tui.themes import DEFAULT, FOLLOW_TERMINAL, load_themes, shipped_themes

_LEAVES_WITHIN = 10.0  # seconds
_SIGNALS = ("SIGTERM", "SIGHUP")
_PALETTE_OF_TEXTUAL = ("Theme", "Screenshot")  # the others do what ours do, or nothing here
_MEND = "Mend that in an editor; o then opens it."
_BY_NAME = ("enter", "escape")


class MailtuiApp(App[AppResult], inherit_bindings=False):
    """The terminal app over one user's service."""

    TITLE = "mailtui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar = [
        *bindings(EVERYWHERE),
        Binding("ctrl+c", "help_quit", show=False, system=True),
        Binding("ctrl+z", "suspend_process", show=False, system=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(
        self, service: Service, *, target: Path | None = None, colourless: bool = False, demo: int | None = None
    ) -> None:
        """`target` is a campaign or list to open at the start; `colourless` follows the terminal's own colours.

        `demo` says that this is the demo already, which then is not offered again: its sandbox's port.
        """
        self._terminal: Driver | None = None
        super().__init__()
        self.service = service
        self.bench = Workbench(service)
        self.demo = demo
        self.watched = ""
        self.crash: str = ""
        """The traceback of what broke the app, without any variable's value."""
        self._target = target
        self._colourless = colourless
        for room in ROOMS:
            self.add_mode(room, partial(SCREENS[room], service, self.bench))

    async def on_mount(self) -> None:
        self._restore_terminal_on_signals()
        # After ctrl+z and fg the terminal is empty, and Textual draws only what has changed since.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        found = load_themes([shipped_themes(), self.service.settings.home.config / "themes"])
        for theme in found.loaded:
            self.register_theme(theme)
        self.theme = FOLLOW_TERMINAL if self._colourless else DEFAULT
        await self.switch_mode("home")
        if found.failed:
            tell(self, f"{counted(len(found.failed), 'theme')} could not be read: {found.failed[0]}", bad=True)
        start(self, Endings(self.service, self._to_terminal, lambda: self.app_focus).watch, "endings")
        if self._target is not None:
            start(self, partial(self.open_target, self._target), "open")

    def on_unmount(self) -> None:
        self.bench.close()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._complain(error)

    async def open_target(self, target: Path, *, then: str = "audience") -> bool:
        """Go to a room and open a campaign or a list there, which may take a while; whether it could be opened."""
        await self.switch_mode(then)
        sources = await asyncio.to_thread(find_mailmerge, target)
        if sources is not None:
            made = await self.push_screen_wait(ImportMailmergeDialog(sources, self.service.settings.home.audiences))
            if made is None:
                return False
            target = made
        try:
            settings = await self._which_part(target)
            if settings is None:
                return False
            await self.bench.open(target, settings)
        except Superseded:
            return False
        except MailtuiError as error:
            if isinstance(error, ConfigError) and error.problems and not error.hint:
                error = ConfigError(error.title, error.problems, hint=_MEND)
            self._complain(error)
            return False
        if isinstance(self.screen, Room) and self.screen.entered:  # else it is on its way in, and looks by itself
            await self.screen.opened()
        if await self.bench.holds_unsaved():
            tell(self, "Texts of this message were not saved when the app ended: key 4 has them.")
        return True

    async def _which_part(self, target: Path) -> Mapping[str, str] | None:
        """Ask for the tab or table where a list has several; None when nobody wants any."""
        places = await self.bench.places(target)
        if places is None:
            return {}
        chosen = await self.push_screen_wait(PlaceDialog(target.name, places))
        return None if chosen is None else {places.key: chosen}

    def _complain(self, error: MailtuiError) -> None:
        if not self.screen_stack:
            return  # it came while the app closes, and there is nothing left to show it on
        room = self.screen
        if isinstance(room, Room):
            room.complain(error)
        else:
            tell(self, f"{sentence(error.title)} {error.hint}", bad=True)

    # what can do nothing now

    def on_key(self, event: events.Key) -> None:
        """A key that nobody took. Where it stands for something that is greyed, it says what that takes."""
        active = self.screen.active_bindings.get(event.key)
        if active is not None and not active.enabled:
            self._say_what_it_takes(active.node, active.binding.action)

    def _say_what_it_takes(self, node: DOMNode, action: str) -> None:
        said = node.needs(action) if isinstance(node, Room) else ""
        if said:
            tell(self, said)

    # what works everywhere

    async def action_go(self, room: str) -> None:
        if isinstance(self.screen, Room) and self.screen.holds_back:
            start(self, partial(self._go_when_free, self.screen, room), "leave")
        else:
            await self._go(room)

    async def _go_when_free(self, left: Room, room: str) -> None:
        if room == left.ROOM or await left.let_go():
            await self._go(room)

    async def _go(self, room: str) -> None:
        self.clear_notifications()  # what was told in one room covers the text of the next
        await self.switch_mode(room)

    def action_open(self) -> None:
        start(self, self._open, "open")

    async def _open(self) -> None:
        if isinstance(self.screen, Room) and not await self.screen.let_go():
            return
        target = await self.push_screen_wait(OpenDialog(Path.cwd()))
        if target is not None:
            await self.open_target(target)

    def action_help(self) -> None:
        room = self.screen
        name = room.ROOM if isinstance(room, Room) else EVERYWHERE
        self.push_screen(HelpDialog(name, room.HELP if isinstance(room, Room) else ""))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every action of this screen and of the app, and Textual's own."""
        names = [screen.ROOM] if isinstance(screen, Room) else []
        for name in (*names, EVERYWHERE):
            for action in ACTIONS[name]:
                target = screen if name != EVERYWHERE else self
                run = partial(self._run_named, action.name, target)
                yield SystemCommand(f"{action.label}: {action.what}", f"Key: {spelled(action.keys)}", run)
        theirs = super().get_system_commands(screen)
        yield from (command for command in theirs if command.title in _PALETTE_OF_TEXTUAL)

    async def _run_named(self, name: str, target: App[AppResult] | Screen[object]) -> None:
        if not await self.run_action(name, target):
            self._say_what_it_takes(target, name)

    def get_key_display(self, binding: Binding) -> str:
        """Keys by the names that are printed on them, in letters that every terminal has."""
        return binding.key if binding.key in _BY_NAME else super().get_key_display(binding)

    def get_driver_class(self) -> type[Driver]:
        """That of this platform, and kept: whoever writes past Textual has to write through it."""
        return kept(super().get_driver_class(), self._keep_terminal)

    def _keep_terminal(self, driver: Driver) -> None:
        self._terminal = driver

    def _to_terminal(self, text: str) -> None:
        """Write what is no picture; nothing where there is no terminal."""
        if self._terminal is not None:
            self._terminal.write(text)

    # leaving

    def _restore_terminal_on_signals(self) -> None:
        """A killed app must not leave the terminal in its own screen with the mouse on."""
        loop = asyncio.get_running_loop()

        def leave(number: int, _: object) -> None:
            loop.call_soon_threadsafe(partial(self.exit, return_code=128 + number))
            # Without a terminal Textual's writer is dead, and whoever writes waits for it for ever, the loop too.
            last_resort = threading.Timer(_LEAVES_WITHIN, os._exit, (128 + number,))
            last_resort.daemon = True
            last_resort.start()

        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, leave)  # not by the loop, which may be the one that waits

    async def action_quit(self) -> None:
        """Leave; while something is being sent, ask what is to become of it."""
        if not isinstance(self.screen, QuitDialog):
            start(self, self._leave, "quit")

    async def _leave(self) -> None:
        room = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Room)), None)
        if room is not None and not await room.let_go():
            return
        sending = [view for view in await self.service.views() if view.active and not view.lost]
        if sending:
            choice = await self.push_screen_wait(QuitDialog([view.name for view in sending]))
            if choice is Leaving.STAY:
                return
            if choice is Leaving.PAUSE:
                for view in sending:
                    await self.service.pause(view)
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print every local variable, which may be a stranger's data or a secret. We keep the bare
        traceback for a file, and show nothing. There is no public place for this.
        """
        self.crash = self.crash or without_secrets("".join(traceback.format_exception(error)))
        crash = AppCrash()
        crash.__cause__ = error
        super()._handle_exception(crash)


class AppCrash(Exception):
    """The app broke; its cause is what broke it. Textual prints what an error has to show, which here is nothing."""

    def __rich__(self) -> str:
        return ""
