"""Owns writing rendered mails to files: a folder of .eml files, or one mbox (the mboxrd form).

Nothing is ever overwritten, and what is written is for its owner only. A line that begins with From, with any number of
> before it, gets one more > in an mbox, so that it is no new mail there and every reader of mboxrd gives it back as it
was. A copy of a mail has its very bytes, and none of them says whom it goes to: so the name of its file does, or the
From line, which may say more behind its date.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from mailtui.errors import UsageError
from mailtui.kit.paths import create_private, private_folder
from mailtui.message.rendered import RenderedMessage

_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)
_UNFIT = re.compile(r"[^A-Za-z0-9@._+-]")
_BLANK = re.compile(r"\s")
_LONGEST = 80
_NOBODY = "MAILER-DAEMON"  # as mail programs write a blank sender there
_FRESH = "Name a new file or folder; nothing is ever overwritten."


class Sink(Protocol):
    """Where rendered mails go."""

    @property
    def name(self) -> str: ...
    @property
    def where(self) -> str: ...
    def add(self, row: int, address: str, message: RenderedMessage, *, copy: int = 0) -> None:
        """Put in the mail of a row to an address; a `copy` of one has its number, from 1."""


class Nowhere:
    """Keeps nothing: the mails were only rendered."""

    name = ""
    where = ""

    def add(self, row: int, address: str, message: RenderedMessage, *, copy: int = 0) -> None:
        """There is nothing to keep."""


class Mbox:
    """One file for all."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self.name = name
        self.where = "" if name == "-" else f" into {name}"

    def add(self, row: int, address: str, message: RenderedMessage, *, copy: int = 0) -> None:  # noqa: ARG002 - as Sink
        sender = _BLANK.sub("_", message.sender) or _NOBODY
        more = f" copy to {_BLANK.sub('_', address)}" if copy else ""
        body = _QUOTED.sub(rb">\1", message.data.replace(b"\r\n", b"\n"))
        self._stream.write(f"From {sender} {time.asctime(time.gmtime())}{more}\n".encode() + body + b"\n")


class EmlFolder:
    """A file a mail, named after row and address; letters that some system takes amiss are left out of the name."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileExistsError
        self._folder = private_folder(folder)
        self.name = str(folder)
        self.where = f" into {folder}"

    def add(self, row: int, address: str, message: RenderedMessage, *, copy: int = 0) -> None:
        which = f"{row:06d}-copy-{copy}" if copy else f"{row:06d}"
        with create_private(self._folder / f"{which}-{_UNFIT.sub('_', address)[:_LONGEST]}.eml") as stream:
            stream.write(message.data)


@contextmanager
def open_sink(out: str) -> Iterator[Sink]:
    """An mbox where the name ends with .mbox, else a folder. Raises `UsageError` for what cannot be written."""
    path = Path(out)
    try:
        if path.suffix.lower() == ".mbox":
            with create_private(path) as stream, _gone_if_nothing_came(path.unlink, stream.tell):
                yield Mbox(stream, out)
            return
        made = not path.exists()
        folder = EmlFolder(path)
        with _gone_if_nothing_came(path.rmdir if made else None, lambda: any(path.iterdir())):
            yield folder
    except FileExistsError:
        what = "is not empty" if path.is_dir() and path.suffix.lower() != ".mbox" else "exists already"
        raise UsageError(f"{out} {what}", hint=_FRESH) from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written", detail=str(error.strerror or error)) from None


@contextmanager
def _gone_if_nothing_came(remove: Callable[[], None] | None, anything: Callable[[], object]) -> Iterator[None]:
    """What was made is taken away again when it went wrong before the first mail: else the next try finds it there."""
    try:
        yield
    except BaseException:
        if remove is not None and not anything():
            remove()
        raise
