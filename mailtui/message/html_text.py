"""Owns turning a mail's HTML into lines a terminal can show: what stands there, and where its links lead.

Mail is laid out with tables that hold no data, so a table counts as one only when it looks like it; everything else
is read cell after cell. Nothing is loaded, no style sheet is applied, and what a reader would not see is left out. The
text that comes out is still a stranger's: whoever shows it makes it harmless first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailtui.message.html_blocks import PLAIN, Block, Kind, Look, Run

SIZE_LIMIT = 1024 * 1024  # characters that are read; Gmail cuts a mail at a tenth of it
BLOCK_LIMIT = 3_000
_CELL_WIDTH = 40
_DEEPEST = 12  # levels of lists and quotes that are still set off
_URL_SHOWN = 500
_NESTED = 1_000  # deeper, the parser takes seconds and then minutes; a mail full of tables has forty levels

_SPACE = re.compile(r"[ \t\n\r\f]+")
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_BOLD = re.compile(r"(?:^|;)\s*font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Elements without an end, and those that the next of their kind closes.
_NEST_NOTHING = _tags("br hr img meta link input wbr col area base source p li dt dd tr td th tbody thead tfoot option")
_IN_ITS_OWN_COLUMN = "  "
_BAR = " | "

_UNSEEN = _tags(
    "head script style template title svg math iframe object audio video noscript "
    "input select textarea canvas map meta link"
)
_SET_OFF = _tags("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl figure")
_BLOCKS = _SET_OFF | _tags(
    "div section article header footer main nav aside address center form fieldset li dt dd "
    "table tbody thead tfoot tr td th caption figcaption body html"
)


def lay_out(html: str, *, whole: bool = False) -> tuple[Block, ...]:
    """The blocks of a mail's HTML in reading order, and behind them the targets of its links by number.

    `whole`: they become a mail's own text, so no link and no cell is shortened, and a row's cells stand behind each
    other with a bar between them: mail programs line nothing up.
    """
    walker = _Walker(whole)
    read = shallow(html[:SIZE_LIMIT])
    body = LexborHTMLParser(read).body
    if body is not None:
        walker.walk(body)
    walker.cut = walker.cut or len(read) < len(html)
    return tuple(walker.result())


def shallow(html: str) -> str:
    """The HTML up to where it is nested so deeply that parsing it takes seconds."""
    depth = 0
    for tag in _TAG.finditer(html):
        if tag.group(2).lower() not in _NEST_NOTHING:
            depth = max(depth - 1, 0) if tag.group(1) else depth + 1
            if depth > _NESTED:
                return html[: tag.start()]
    return html


@dataclass(frozen=True, slots=True)
class _Around:
    """What holds for everything inside an element."""

    look: Look = PLAIN
    kind: Kind = Kind.TEXT
    indent: int = 0
    quoted: int = 0
    kept: bool = False  # white space counts
    items: _Items | None = None


@dataclass(slots=True)
class _Items:
    """A list that is being read."""

    ordered: bool
    number: int

    def lead(self, given: str | None) -> str:
        if not self.ordered:
            return "• "
        if given is not None and _is_number(given):
            self.number = int(given)
        self.number += 1
        return f"{self.number - 1}. "


@dataclass(slots=True)
class _End:
    """What happens behind an element's last child."""

    flush: bool = False
    gap: bool = False
    item: bool = False
    link: str = ""
    look: Look = PLAIN


@dataclass(slots=True)
class _Walker:
    """Goes through the tree without recursion: a mail may be nested as deep as it likes."""

    whole: bool = False
    cut: bool = False
    _blocks: list[Block] = field(default_factory=list)
    _runs: list[Run] = field(default_factory=list)
    _around: _Around = field(default_factory=_Around)
    _lead: str = ""
    _gap: bool = False
    _links: dict[str, int] = field(default_factory=dict)

    def walk(self, root: LexborNode) -> None:
        waiting: list[tuple[LexborNode | _End, _Around]] = [(root, _Around())]
        while waiting:
            if len(self._blocks) >= BLOCK_LIMIT:
                self.cut = True
                return
            item, around = waiting.pop()
            if isinstance(item, _End):
                self._end(item, around)
                continue
            self._around = around
            if item.tag == "-text":
                self._text(item.text_content or "", around)
                continue
            opened = self._open(item, around)
            if opened is None:
                continue
            inner, end = opened
            waiting.append((end, around))
            waiting.extend((child, inner) for child in reversed(list(_children(item))))
        self._flush()

    def result(self) -> Iterator[Block]:
        yield from self._blocks
        for number, (target, _) in enumerate(self._links.items(), 1):
            shown = target if self.whole or len(target) <= _URL_SHOWN else target[:_URL_SHOWN] + "…"
            yield Block(Kind.LINK, (Run(shown),), lead=f"[{number}] ", gap=number == 1)
        if self.cut:
            yield Block(Kind.NOTE, (Run("The rest is not shown here; see the source."),), gap=True)

    def _open(self, node: LexborNode, around: _Around) -> tuple[_Around, _End] | None:
        """What holds inside an element and what comes behind it; None when its children are not to be read."""
        tag = node.tag or ""
        attributes = node.attributes
        style = attributes.get("style") or ""
        if tag in _UNSEEN or tag.startswith(("-", "!")) or "hidden" in attributes or _HIDDEN.search(style):
            return None
        if tag in ("br", "hr", "img"):
            self._void(tag, attributes, around)
            return None
        if tag == "table" and _holds_data(node):
            self._table(node, around)
            return None
        look = _look(tag, style, around.look)
        inner = replace(around, look=look)
        end = _End()
        if tag in _BLOCKS:
            self._flush()
            self._gap = self._gap or (tag in _SET_OFF and around.items is None)
            end = _End(flush=True, gap=tag in _SET_OFF and around.items is None, item=tag == "li")
            inner = self._block(tag, attributes, inner)
        elif tag == "a" and attributes.get("href"):
            target = _SPACE.sub(" ", attributes["href"] or "").strip()
            inner = replace(inner, look=replace(look, link=True))
            end = _End(link=target, look=look)
        return inner, end

    def _block(self, tag: str, attributes: dict[str, str | None], around: _Around) -> _Around:
        if tag[0] == "h" and tag[1:].isdigit():
            return replace(around, kind=Kind.HEADING)
        if tag == "pre":
            return replace(around, kind=Kind.CODE, kept=True)
        if tag == "blockquote":
            return replace(around, quoted=min(around.quoted + 1, _DEEPEST), items=None)
        if tag in ("ul", "ol"):
            start = attributes.get("start")
            number = int(start) if start is not None and _is_number(start) else 1
            deeper = min(around.indent + 2, 2 * _DEEPEST)
            return replace(around, indent=deeper, items=_Items(tag == "ol", number))
        if tag == "li" and around.items is not None:
            self._lead = around.items.lead(attributes.get("value"))
        elif tag == "dd":
            return replace(around, indent=min(around.indent + 2, 2 * _DEEPEST))
        return around

    def _void(self, tag: str, attributes: dict[str, str | None], around: _Around) -> None:
        if tag == "br":
            self._flush(blank_too=True)
        elif tag == "hr":
            self._flush()
            self._blocks.append(Block(Kind.RULE, (), around.indent, around.quoted))
        else:
            alternative = attributes.get("alt")
            if alternative is None or alternative.strip():
                said = _SPACE.sub(" ", alternative or "").strip()
                self._runs.append(Run(f"[image: {said}]" if said else "[image]", replace(around.look, muted=True)))

    def _text(self, text: str, around: _Around) -> None:
        if around.kept:
            lines = text.split("\n")
            for number, line in enumerate(lines):
                if number:
                    self._flush(blank_too=True)
                if line:
                    self._runs.append(Run(line, around.look))
            return
        text = _SPACE.sub(" ", text)
        if not self._runs or self._runs[-1].text.endswith(" "):
            text = text.removeprefix(" ")
        if text:
            self._runs.append(Run(text, around.look))

    def _end(self, end: _End, around: _Around) -> None:
        if end.link:
            self._number(end.link, end.look)
        if end.flush:
            self._flush()
        if end.item:
            self._lead = ""
        if end.gap:
            self._gap = True
        self._around = around

    def _number(self, target: str, look: Look) -> None:
        """Say behind a link's text where it leads, unless the text says it already."""
        said = ""
        for run in reversed(self._runs):
            if not run.look.link:
                break
            said = run.text + said
        bare = target.removeprefix("mailto:")
        if said.strip() in (target, bare) or target.startswith("#"):
            return
        number = self._links.setdefault(target, len(self._links) + 1)
        self._runs.append(Run(f"[{number}]", replace(look, muted=True)))

    def _flush(self, *, blank_too: bool = False) -> None:
        """End the line that is being gathered."""
        around, runs = self._around, self._runs
        self._runs = []
        if not around.kept:
            runs = _trimmed(runs)
        if not runs and not (blank_too and self._blocks and (around.kept or not self._gap)):
            return
        gap = self._gap and bool(self._blocks)
        self._blocks.append(Block(around.kind, tuple(runs), around.indent, around.quoted, self._lead, gap))
        if around.items is not None and self._lead:
            self._lead = " " * len(self._lead)
        self._gap = False

    def _table(self, table: LexborNode, around: _Around) -> None:
        """A table of data: a line a row, its columns below each other."""
        self._flush()
        limit = SIZE_LIMIT if self.whole else _CELL_WIDTH
        rows = [[(cell.tag == "th", _cell_text(cell, limit)) for cell in _cells(row)] for row in _rows(table)]
        widths: dict[int, int] = {}
        for row in rows:
            for number, (_, text) in enumerate(row):
                widths[number] = max(widths.get(number, 0), _width(text))
        for count, row in enumerate(rows):
            if len(self._blocks) >= BLOCK_LIMIT:
                return
            runs = []
            for number, (heads, text) in enumerate(row):
                last = number == len(row) - 1
                aligned = _BAR if self.whole else " " * (widths[number] - _width(text)) + _IN_ITS_OWN_COLUMN
                padding = "" if last else aligned
                runs.append(Run(text + padding, replace(around.look, bold=around.look.bold or heads)))
            gap = bool(self._blocks) and count == 0
            self._blocks.append(Block(Kind.ROW, tuple(runs), around.indent, around.quoted, self._lead, gap))
            self._lead = " " * len(self._lead)
        self._gap = True


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _look(tag: str, style: str, look: Look) -> Look:
    if tag in ("b", "strong", "th", "dt") or _BOLD.search(style):
        look = replace(look, bold=True)
    if tag in ("i", "em", "cite", "dfn"):
        look = replace(look, italic=True)
    if tag in ("s", "del", "strike"):
        look = replace(look, strike=True)
    if tag in ("code", "kbd", "samp", "tt"):
        look = replace(look, code=True)
    return look


def _trimmed(runs: list[Run]) -> list[Run]:
    """Without the white space at the end of a line; that at its beginning was never taken in."""
    while runs:
        text = runs[-1].text.rstrip(" ")
        if text:
            runs[-1] = replace(runs[-1], text=text)
            break
        runs.pop()
    return runs


def _holds_data(table: LexborNode) -> bool:
    """Whether a table is one to its reader too: columns of short texts, and no layout made of it."""
    if (table.attributes.get("role") or "").lower() == "presentation":
        return False
    rows, heads = 0, False
    waiting = list(_children(table))
    while waiting:
        node = waiting.pop()
        tag = node.tag or ""
        if tag == "table" or tag in _SET_OFF or tag in ("div", "img", "hr", "a"):
            return False
        heads = heads or tag == "th"
        rows += tag == "tr" and len(_cells(node)) > 1
        waiting.extend(_children(node))
    return rows > 1 or (heads and rows > 0)


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    for part in _children(table):
        if part.tag == "tr":
            yield part
        elif part.tag in ("tbody", "thead", "tfoot"):
            yield from (row for row in _children(part) if row.tag == "tr")


def _cells(row: LexborNode) -> list[LexborNode]:
    return [cell for cell in _children(row) if cell.tag in ("td", "th")]


def _cell_text(cell: LexborNode, limit: int) -> str:
    text = _SPACE.sub(" ", cell.text(deep=True, separator="")).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _width(text: str) -> int:
    """How many columns a terminal needs for it."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8
