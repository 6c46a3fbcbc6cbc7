"""Owns writing rendered mails to files: a folder of .eml files, or one mbox (the mboxrd form)."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import IO, Protocol

from mailtui.audience.recipient import Recipient
from mailtui.errors import UsageError
from mailtui.kit.paths import create_private, private_folder
from mailtui.message.rendered import RenderedMessage

_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)
_UNFIT = re.compile(r"[^A-Za-z0-9@._+-]")


class Sink(Protocol):
    """Where rendered mails go."""

    @property
    def name(self) -> str: ...
    @property
    def where(self) -> str: ...
    def add(self, recipient: Recipient, message: RenderedMessage) -> None: ...


class Nowhere:
    """Keeps nothing: the mails were only rendered."""

    name = ""
    where = ""

    def add(self, recipient: Recipient, message: RenderedMessage) -> None:
        """There is nothing to keep."""


class Mbox:
    """One file for all."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self.name = name
        self.where = "" if name == "-" else f" into {name}"

    def add(self, recipient: Recipient, message: RenderedMessage) -> None:  # noqa: ARG002 - Sink's signature
        stamp = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime())
        body = _QUOTED.sub(rb">\1", message.data.replace(b"\r\n", b"\n"))
        self._stream.write(f"From {message.sender} {stamp}\n".encode() + body + b"\n")


class EmlFolder:
    """A file a mail, named after row and address."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not empty", hint="Name a new folder; nothing is ever overwritten.")
        self._folder = private_folder(folder)
        self.name = str(folder)
        self.where = f" into {folder}"

    def add(self, recipient: Recipient, message: RenderedMessage) -> None:
        path = self._folder / f"{recipient.row:06d}-{_UNFIT.sub('_', recipient.address)[:80]}.eml"
        with create_private(path) as stream:
            stream.write(message.data)
