"""Owns the picture of a mail: drawn by a browser that has no network, shown as well as the terminal can."""

from __future__ import annotations

import asyncio
import importlib
import sys
from io import BytesIO
from typing import Any, ClassVar

from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.pages import PageShelf, require_pictures
from mailtui.service.previews import Preview
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, plain

_WIDGETS = "textual_image.widget"
_ROUGH = "This terminal shows no pictures, so it is put together from blocks of colour."
_KEYS = "arrows scroll   B opens it in the browser   esc closes"


class MailPictureDialog(ModalScreen[bool]):
    """One mail's picture. True when the browser is wanted instead."""

    AUTO_FOCUS = "#picture"
    BINDINGS: ClassVar = [
        Binding("escape,p,q", "leave(False)", "Close"),
        Binding("B", "leave(True)", "Browser", show=False),
    ]
    CSS = """
    MailPictureDialog > .dialog { width: 96; height: 95%; max-height: 95%; padding: 0 1; }
    MailPictureDialog #picture { height: 1fr; scrollbar-size-vertical: 1; }
    MailPictureDialog #picture > * { width: 100%; height: auto; }
    """

    def __init__(self, pages: PageShelf, mail: Preview) -> None:
        super().__init__()
        self._pages = pages
        self._mail = mail

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            recipient = self._mail.recipient
            yield Plain(plain(f"Row {recipient.row:,} · {recipient.address}", limit=200), classes="title")
            yield VerticalScroll(id="picture")
            yield Plain("A browser draws it, without any network …   esc closes", id="picture-said", classes="muted")

    def on_mount(self) -> None:
        self.query_one("#picture").loading = True
        start(self, self._draw, "picture")

    def on_unmount(self) -> None:
        self._pages.stop_drawing()  # also when the app is left, which would wait for it

    async def _draw(self) -> None:
        try:
            await asyncio.to_thread(require_pictures)
            await _ask_terminal(self.app)
            png = await asyncio.to_thread(self._pages.picture, self._mail)
            widget, rough = await asyncio.to_thread(_widget, png, self.query_one(".dialog").content_size.width - 1)
        finally:
            self.query_one("#picture").loading = False
        await self.query_one("#picture").mount(widget)
        self.query_one("#picture-said", Plain).show(f"{_ROUGH} {_KEYS}" if rough else _KEYS)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._say(error)

    def _say(self, error: MailtuiError) -> None:
        told = "\n".join(filter(None, (f"× {sentence(error.title)}", error.detail, error.hint, "esc closes")))
        self.query_one("#picture-said", Plain).show(plain(told, "$text-error", limit=1_000, newlines=True))

    def action_leave(self, browser: bool) -> None:
        self.dismiss(browser)


async def _ask_terminal(app: App[Any]) -> None:
    """Have the terminal asked once whether it shows pictures.

    The library asks when it is imported, and reads the answer from the keyboard: not while the app reads from there.
    """
    if _WIDGETS in sys.modules:
        return
    await asyncio.to_thread(importlib.import_module, "PIL.Image")  # most of its time
    try:
        with app.suspend():
            importlib.import_module(_WIDGETS)
    except SuspendNotSupported:  # no terminal of its own: nobody answers
        importlib.import_module(_WIDGETS)


def _widget(png: bytes, columns: int) -> tuple[Widget, bool]:
    """What shows a picture here, and whether it is rough. Such a one is made as small beforehand as it is shown."""
    from PIL import Image as Pictures  # an extra, asked for before
    from textual_image import renderable, widget

    picture = Pictures.open(BytesIO(png))
    picture.load()
    rough = renderable.Image not in (renderable.SixelImage, renderable.TGPImage)
    if not rough:
        return widget.Image(picture), False
    width = max(1, min(columns, picture.width))
    return widget.HalfcellImage(picture.resize((width, max(1, picture.height * width // picture.width)))), True
