"""Owns showing a finished message: what the reader sees, and how it is put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message

from mailtui.kit.safe_text import safe_text
from mailtui.message.reference import parse_message


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message taken apart. Headers are decoded, and safe to show; `tree` has a line for each part.

    `text` and `html` are the bodies as they are, line breaks as LF, and `source` is the message as it goes
    over the wire: a face that shows these passes them through `kit.safe_text`.
    """

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    tree: tuple[str, ...]
    source: str


def describe(data: bytes) -> MessageView:
    """Take the bytes of a message apart with the standard parser."""
    message = parse_message(data)
    return MessageView(
        headers=tuple((name, safe_text(str(value))) for name, value in message.items()),
        text=_content(message, "plain"),
        html=_content(message, "html"),
        tree=tuple(_lines(message)),
        source=data.decode("utf-8", "backslashreplace").replace("\r\n", "\n"),
    )


def _content(message: EmailMessage, kind: str) -> str | None:
    for part in message.walk():
        if part.get_content_type() == f"text/{kind}" and isinstance(part, EmailMessage):
            content: str = part.get_content()
            return content.replace("\r\n", "\n")
    return None


def _lines(part: Message, indent: str = "", lead: str = "") -> Iterator[str]:
    label = part.get_content_type()
    if not part.is_multipart():
        body = part.get_payload(decode=True)
        size = len(body) if isinstance(body, bytes) else 0
        label = f"{label}  {part.get('Content-Transfer-Encoding', '7bit')}  {size} bytes"
        name = part.get_filename()
        if name:
            label += f"  {safe_text(name, limit=80)}"
    yield lead + label
    children = list(part.iter_parts()) if isinstance(part, EmailMessage) else []
    for number, child in enumerate(children, 1):
        last = number == len(children)
        yield from _lines(child, indent + ("   " if last else "│  "), indent + ("└─ " if last else "├─ "))
