"""Owns one message on its way through a dialogue: its envelope and body as bytes, and how far it got."""

from __future__ import annotations

import re
from typing import Any

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.verdict import Verdict

END = b".\r\n"
"""What ends a message behind DATA."""
_UNFIT = re.compile(rb"[\x00-\x20<>\x7f]")
_LEADING_DOT = re.compile(rb"\r\n\.")  # three times as fast as bytes' own search where lines are many


class Job:
    """One transaction's bytes. `tag` is the owner's and means nothing here."""

    __slots__ = ("_dotless", "data", "data_apart", "mail", "marked", "rcpt", "recipient", "refused", "tag")

    def __init__(
        self,
        sender: str,
        recipient: str,
        data: bytes,
        capabilities: Capabilities,
        tag: Any,
        *,
        dotless: bool = False,
    ) -> None:
        """`data` is a message in CRLF lines; `dotless` when it is known that none of them begins with a dot.

        Raises ValueError for an address that could end its command.
        """
        self.recipient = recipient
        self.data = data if data.endswith(b"\r\n") else data + b"\r\n"
        self._dotless = dotless
        self.mail = b"MAIL FROM:<%b>%b\r\n" % (_path(sender), _parameters(sender, recipient, self.data, capabilities))
        self.rcpt = b"RCPT TO:<%b>\r\n" % _path(recipient)
        self.refused: Verdict | None = None
        self.marked = False  # a mark was asked for, so the record may say in_flight
        self.data_apart = False  # DATA was not written with the envelope; it waits for the recipient's reply
        self.tag = tag

    def take(self) -> bytes:
        """The message as it is; the job lets go of it."""
        data, self.data = self.data, b""
        return data

    def take_stuffed(self) -> bytes:
        """The message as it stands behind DATA, without the dot that ends it; the job lets go of it."""
        data = self.take()
        return data if self._dotless else stuffed(data)


def stuffed(data: bytes) -> bytes:
    """A message that ends in CRLF with leading dots doubled (RFC 5321 section 4.5.2)."""
    if _LEADING_DOT.search(data):
        data = data.replace(b"\r\n.", b"\r\n..")
    return b"." + data if data.startswith(b".") else data


def _path(address: str) -> bytes:
    raw = address.encode()
    if _UNFIT.search(raw):
        raise ValueError(f"{address!r} cannot stand in an SMTP command")
    return raw


def _ascii_head(data: bytes) -> bool:
    """Whether no header has UTF-8 in it: of a copy, To is another's address (RFC 6532)."""
    return data.isascii() or data[: data.find(b"\r\n\r\n")].isascii()


def _parameters(sender: str, recipient: str, data: bytes, capabilities: Capabilities) -> bytes:
    parameters = b" SIZE=%d" % len(data) if capabilities.size_known else b""
    if capabilities.eight_bit and not data.isascii():
        parameters += b" BODY=8BITMIME"
    if capabilities.smtputf8 and not (sender.isascii() and recipient.isascii() and _ascii_head(data)):
        parameters += b" SMTPUTF8"
    return parameters
