"""Owns a dry run from the app: which rows' mails are written and where, how far it is, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input
from textual.worker import Worker

from mailtui.errors import MailtuiError, UsageError
from mailtui.kit.words import counted, sentence
from mailtui.service.dry_run import DryRun, NoMail, parse_rows
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, from_home, joined, plain
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.safe_input import SafeInput

_LOOK_EVERY = 0.1
_TOLD = 4  # rows without a mail that are told; the command line tells all
_NAME = "dry-run.mbox"
_KEYS = "tab next   enter in a field writes them   esc closes"


class DryRunDialog(ModalScreen[None]):
    """Stays open until it is closed, so that what was written can be read."""

    BINDINGS: ClassVar = [("escape", "leave", "Close")]
    CSS = """
    DryRunDialog #result { height: auto; }
    DryRunDialog > .dialog { overflow-y: auto; scrollbar-size-vertical: 1; }
    DryRunDialog.-short > .dialog { padding: 0 1; max-height: 100%; }
    """

    def __init__(self, folder: Path, write: Callable[..., DryRun]) -> None:
        """`folder` is where a file is proposed, `write` is `service.dry_run.write_mails` for a campaign."""
        super().__init__()
        self._folder = folder
        self._to_files = write
        self._ending = False
        self._far = (0, 0)
        self._troubles: list[NoMail] = []
        self._watch: Timer | None = None
        self._at_work = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Write the mails to files", classes="title")
            yield Plain(plain("As they would be sent. Nothing is sent, and no server is called.", "$text-muted"))
            yield SafeInput(from_home(str(_free(self._folder / _NAME))), id="path")
            yield Plain(plain("One file when it ends with .mbox, else a folder with a file a mail", "$text-muted"))
            yield SafeInput(placeholder="all rows; or 7, 5-20, 5-", id="rows")
            yield Plain(id="result")
            yield Plain(_KEYS, id="keys", classes="muted")
            with Buttons():
                yield Button("Close", id="close", compact=True)
                yield Button("Write", id="write", variant="primary", compact=True)

    def on_mount(self) -> None:
        self._watch = self.set_interval(_LOOK_EVERY, self._show_far, pause=True)
        self.query_one("#path", Input).focus()

    def on_unmount(self) -> None:
        self._ending = True  # the app may end while it is still writing

    @on(Input.Submitted)
    @on(Button.Pressed, "#write")
    def writing(self) -> None:
        if not self._at_work:
            self._set_at_work(at_work=True)
            start(self, self._write, "dry-run")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        failure_of(event)

    async def _write(self) -> None:
        typed = self.query_one("#path", Input).value.strip()
        try:
            path = _path(typed)
            rows = parse_rows(self.query_one("#rows", Input).value)
            written = await asyncio.to_thread(
                self._to_files,
                str(path),
                rows,
                told=self._hear,
                trouble=self._troubles.append,
                stop=lambda: self._ending,
            )
        except MailtuiError as error:
            told = [part for part in (sentence(error.title), error.detail, error.hint) if part]
            self._say(plain("\n".join(told), "$text-error", newlines=True))
        else:
            self._say(_told(written, path, self._troubles))
            if self.is_attached:
                self.query_one("#close").focus()  # done; an enter would only find that the file is there
                self.call_after_refresh(self.query_one(".dialog").scroll_end, animate=False)
        finally:
            self._set_at_work(at_work=False)

    def _set_at_work(self, *, at_work: bool) -> None:
        self._at_work = at_work
        if self._watch is None or not self.is_attached:
            return
        self.query_one("#write", Button).disabled = at_work
        self.query_one("#keys", Plain).show("esc stops; what is written stays" if at_work else _KEYS)
        if at_work:
            self._ending, self._far, self._troubles = False, (0, 0), []
            self._show_far()
            self._watch.resume()
        else:
            self._watch.pause()

    def _hear(self, done: int, of: int) -> None:
        self._far = (done, of)  # called from the thread that writes

    def _show_far(self) -> None:
        done, of = self._far
        far = f"{done:,} of {counted(of, 'row')} …" if of else "Writing …"
        self._say(plain(far, "$text-muted"))

    def _say(self, text: Content) -> None:
        if self.is_attached:
            self.query_one("#result", Plain).show(text)

    @on(Button.Pressed, "#close")
    def action_leave(self) -> None:
        if self._at_work:
            self._ending = True
        else:
            self.dismiss(None)


def _path(typed: str) -> Path:
    if not typed:
        raise UsageError("Say first where the mails are to go")
    return Path(typed).expanduser().absolute()


def _free(path: Path) -> Path:
    """The same name, or with the first number that nothing has yet."""
    number = 2
    free = path
    while free.exists():
        free = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return free


def _told(written: DryRun, path: Path, troubles: list[NoMail]) -> Content:
    mails = f"{written.in_words} into {from_home(str(path))}."
    if written.stopped:
        first = joined(plain("! Stopped ", "bold $text-warning"), plain(f"after {mails}"))
    else:
        first = joined(plain("+ Written: ", "bold $text-success"), plain(mails))
    lines = [first, *(plain(f"{note}.", "$text-muted", limit=300) for note in written.notes())]
    lines += [
        plain(f"× row {item.row:,} ({item.address}): {item.reason}", "$text-error", limit=300)
        for item in troubles[:_TOLD]
    ]
    if len(troubles) > _TOLD:
        more = counted(len(troubles) - _TOLD, "row")
        lines.append(plain(f"  and {more} more: mailtui render lists all.", "$text-muted"))
    return joined(*lines, separator="\n")
