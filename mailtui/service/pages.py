"""Owns mails as pages for a browser, and as pictures: private files that are gone when mailtui ends."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from mailtui.errors import UsageError
from mailtui.kit.paths import create_private, private_folder
from mailtui.message.page import standalone_page
from mailtui.service.browsers import draw_page, drawing_browser, show_page
from mailtui.service.previews import Preview

PICTURE_WIDTH = 680
"""Pixels; most mails are written for 600, and have some room around them then."""

ADD_PICTURES = "pipx inject mailtui textual-image"
_FORGOTTEN = 24 * 3600.0  # seconds; a page that is left by then was left by a crash
_MARGIN = 16


class PageShelf:
    """The pages of one mailtui. `close` takes them away."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._shelf = folder
        self._environ = environ
        self._own: Path | None = None
        self._stop = threading.Event()

    def close(self) -> None:
        """Take all pages away."""
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
            self._own = None

    def page(self, mail: Preview) -> Path:
        """A page with this mail, which loads nothing from anywhere: of mode 0600, in a folder of mode 0700."""
        path = self._folder() / f"row-{mail.recipient.row}.html"
        path.unlink(missing_ok=True)
        with create_private(path) as stream:
            stream.write(standalone_page(mail.message.data).encode("utf-8", "replace"))
        return path

    def show(self, page: Path) -> None:
        """Open a page in the person's browser. Raises `NoBrowser`."""
        show_page(page, self._environ)

    def picture(self, mail: Preview, *, width: int = PICTURE_WIDTH) -> bytes:
        """A PNG of this mail, drawn by a browser of this machine that has no network; it takes some seconds.

        As high as the mail, up to a limit. Raises `UsageError` without the extra `pictures` or a browser.
        """
        self._stop = stop = threading.Event()
        require_pictures()
        drawing_browser(self._environ)
        folder = Path(tempfile.mkdtemp(prefix="drawn-", dir=self._folder()))
        try:
            picture = folder / "page.png"
            draw_page(self.page(mail), picture, width=width, environ=self._environ, stop=stop)
            return _without_end(picture.read_bytes())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop_drawing(self) -> None:
        """Nobody waits for the picture any more: the browser is ended."""
        self._stop.set()

    def _folder(self) -> Path:
        if self._own is None:
            shelf = private_folder(self._shelf)
            for left in shelf.iterdir():
                if time.time() - left.stat().st_mtime > _FORGOTTEN:
                    shutil.rmtree(left, ignore_errors=True)
            self._own = Path(tempfile.mkdtemp(prefix="page-", dir=shelf))
        return self._own


def require_pictures() -> None:
    """Raise `UsageError` when the extra for pictures is not installed."""
    if importlib.util.find_spec("PIL") is None or importlib.util.find_spec("textual_image") is None:
        raise UsageError(
            "Pictures of mails take a library more",
            hint=f"Install it: {ADD_PICTURES} (or: pip install 'mailtui[pictures]').",
        )


def _without_end(png: bytes) -> bytes:
    """A picture without the empty stretch below what is drawn."""
    from PIL import Image, ImageChops  # an extra, asked for before

    with Image.open(BytesIO(png)) as read:
        image = read.convert("RGB")
    empty = Image.new("RGB", image.size, image.getpixel((0, image.height - 1)))
    drawn = ImageChops.difference(image, empty).getbbox()
    bottom = _MARGIN if drawn is None else min(drawn[3] + _MARGIN, image.height)
    cut = BytesIO()
    image.crop((0, 0, image.width, bottom)).save(cut, "PNG", optimize=False)
    return cut.getvalue()
