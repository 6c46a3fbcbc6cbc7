"""Owns showing a finished message: what the reader sees, and how it is put together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message

from mailtui.kit.safe_text import safe_text
from mailtui.message.reference import parse_message

_LONG = 64 * 1024  # bytes of a file in base64 that are shown in the source
_BASE64 = re.compile(rb"(?<=\r\n\r\n)(?:[A-Za-z0-9+/=]{76}\r\n){850,}")


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that a message carries. `name` is safe to show; `size` is in bytes, as its reader gets them. `cid` is what
    the HTML names an image by, '' for an attachment.
    """

    name: str
    media_type: str
    size: int
    cid: str = ""


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message taken apart. Headers are decoded, and safe to show; `tree` has a line for each part, `files` has the
    attachments and images.

    `text` and `html` are the bodies as they are, line breaks as LF, and `source` is the message as it goes
    over the wire but for the middle of long files: a face that shows these passes them through `kit.safe_text`.
    """

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    tree: tuple[str, ...]
    source: str
    files: tuple[FileView, ...] = ()


def describe(data: bytes) -> MessageView:
    """Take the bytes of a message apart with the standard parser."""
    message = parse_message(data)
    return MessageView(
        headers=tuple((name, safe_text(str(value))) for name, value in message.items()),
        text=_content(message, "plain"),
        html=_content(message, "html"),
        tree=tuple(_lines(message)),
        source=_BASE64.sub(_shortened, data).decode("utf-8", "backslashreplace").replace("\r\n", "\n"),
        files=tuple(_file(part) for part in message.walk() if part.get_content_disposition() is not None),
    )


def _content(message: EmailMessage, kind: str) -> str | None:
    for part in message.walk():
        if part.get_content_disposition() is not None:
            continue  # a file, whatever is in it
        if part.get_content_type() == f"text/{kind}" and isinstance(part, EmailMessage):
            content: str = part.get_content()
            return content.replace("\r\n", "\n")
    return None


def _file(part: Message) -> FileView:
    name = safe_text(part.get_filename() or "", limit=80)
    return FileView(name, part.get_content_type(), _size(part), str(part.get("Content-ID", "")).strip("<> "))


def _size(part: Message) -> int:
    body = part.get_payload(decode=True)
    return len(body) if isinstance(body, bytes) else 0


def _shortened(found: re.Match[bytes]) -> bytes:
    whole = found.group()
    kept = _LONG // 78 // 2 * 78
    left_out = len(whole) - 2 * kept
    return whole if left_out <= 0 else b"%b[%d bytes more]\r\n%b" % (whole[:kept], left_out, whole[-kept:])


def _lines(part: Message, indent: str = "", lead: str = "") -> Iterator[str]:
    label = part.get_content_type()
    if not part.is_multipart():
        label = f"{label}  {part.get('Content-Transfer-Encoding', '7bit')}  {_size(part):,} bytes"
        name = part.get_filename()
        if name:
            label += f"  {safe_text(name, limit=80)}"
    yield lead + label
    children = list(part.iter_parts()) if isinstance(part, EmailMessage) else []
    for number, child in enumerate(children, 1):
        last = number == len(children)
        yield from _lines(child, indent + ("   " if last else "│  "), indent + ("└─ " if last else "├─ "))
