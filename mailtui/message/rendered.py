"""Owns what rendering gives: one recipient's finished message, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.errors import Place


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """One message, ready for the wire.

    `sender` and `recipient` are the envelope. `text` and `html` are the bodies with LF, as the reader gets
    them. `data` is the whole message with CRLF, not dot-stuffed, ending with a line break and no terminator.
    A server must offer 8BITMIME when `data` is not ASCII, SMTPUTF8 when an address is not.
    """

    sender: str
    recipient: str
    message_id: str
    subject: str
    text: str | None
    html: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class RenderProblem:
    """Why one row has no message: a sentence safe to show, and where in the templates it arose."""

    row: int
    reason: str
    place: Place

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}" + (f" ({self.place})" if str(self.place) else "")
