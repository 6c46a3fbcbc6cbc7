"""Owns how a mail looks as lines: laid out, as plain text, its headers, its parts, its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from mailtui.service.drafts import Block, Kind, Look, lay_out
from mailtui.service.previews import NO_TEXT, FileView, MessageView
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.wrapped import LINES, Line

_SHOWN = 300_000  # characters
_LONGEST = 20_000  # of one line
_RULE = "─" * 40
_STYLES = {Kind.HEADING: "bold $text-primary", Kind.LINK: "$text-accent", Kind.NOTE: "$text-warning"}


def mail_pages(view: MessageView) -> dict[str, list[Line]]:
    """All views of a mail by their names."""
    text = as_text(view.text) if view.text is not None else [Line(plain(NO_TEXT))]
    return {
        "laid out": text if view.html is None else laid_out(lay_out(view.html)),
        "text": text,
        "headers": as_headers(view.headers),
        "tree": as_tree(view.tree),
        "source": as_text(view.source),
    }


def files_line(files: Sequence[FileView]) -> Content:
    """What a mail carries, by name and size; images that stand in its text are marked."""
    told = [f"{file.name} ({_size(file.size)}{', in the text' if file.cid else ''})" for file in files]
    return plain(", ".join(told), limit=400)


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 1_000 else f"{size / 1_000:,.0f} kB"


def laid_out(blocks: Iterable[Block]) -> list[Line]:
    """A mail's HTML as its reader may see it."""
    lines: list[Line] = []
    for block in blocks:
        edge = plain(" " * block.indent + "│ " * block.quoted, "$text-muted")
        if block.gap:
            lines.append(Line(plain("")))
        if block.kind is Kind.RULE:
            lines.append(Line(plain(_RULE, "$text-muted"), edge))
            continue
        whole = _STYLES.get(block.kind, "")
        text = joined(*(plain(run.text, f"{whole} {_style(run.look)}".strip()) for run in block.runs))
        lead = joined(edge, plain(block.lead, "$text-muted"))
        lines.append(Line(text, lead, joined(edge, " " * len(block.lead))))
    return lines


def _style(look: Look) -> str:
    said = [("bold", look.bold), ("italic", look.italic), ("strike", look.strike), ("underline", look.link)]
    words = [word for word, holds in said if holds]
    if look.muted:
        words.append("$text-muted")
    elif look.code:
        words.append("$text-accent")
    return " ".join(words)


def as_text(text: str) -> list[Line]:
    """Plain text as it is."""
    return _cut([Line(plain(line.expandtabs(4), limit=_LONGEST)) for line in _lines(text)], text)


def as_headers(headers: Sequence[tuple[str, str]]) -> list[Line]:
    """Headers in columns."""
    widest = min(max((len(name) for name, _ in headers), default=0), 20)
    return [Line(plain(value), plain(f"{name:<{widest}}  ", "$text-accent", limit=60)) for name, value in headers]


def as_tree(tree: Sequence[str]) -> list[Line]:
    """How a message is put together, a line for each part."""
    return [Line(plain(part)) for part in tree]


def _lines(text: str) -> list[str]:
    return text[:_SHOWN].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:LINES]


def _cut(lines: list[Line], text: str) -> list[Line]:
    if len(text) > _SHOWN or text.count("\n") >= LINES:
        note: Content = plain("The rest is not shown here.", "$text-warning")
        return [*lines[: LINES - 1], Line(note)]
    return lines
