"""Owns what rendering gives: one recipient's finished message, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mailtui.errors import Place
from mailtui.message.mime import body_text


class RenderedMessage(NamedTuple):
    """One message, ready for the wire.

    `sender` and `recipient` are the envelope. `text_lines` and `html_lines` are the bodies with CRLF, before they
    were encoded for their transfer. `data` is the whole message with CRLF, not dot-stuffed, ending with a line break
    and no terminator. `dotless`: it is known that no line of `data` begins with a dot, so that nothing needs stuffing;
    otherwise one may.
    A server must offer 8BITMIME when `data` is not ASCII, SMTPUTF8 when an address is not.
    """

    sender: str
    recipient: str
    message_id: str
    subject: str
    text_lines: bytes | None
    html_lines: bytes | None
    data: bytes
    dotless: bool = False
    copies: tuple[str, ...] = ()
    """Addresses that get a copy of it, where that was asked."""

    @property
    def text(self) -> str | None:
        """The text as the reader gets it, with LF."""
        return None if self.text_lines is None else body_text(self.text_lines)

    @property
    def html(self) -> str | None:
        """The HTML as the reader gets it, with LF."""
        return None if self.html_lines is None else body_text(self.html_lines)


@dataclass(frozen=True, slots=True)
class RenderProblem:
    """Why one row has no message: a sentence safe to show, and where in the templates it arose."""

    row: int
    reason: str
    place: Place

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}" + (f" ({self.place})" if str(self.place) else "")
