"""Owns turning a mail's HTML into lines a terminal can show: what stands there, and where its links lead.

Nothing is loaded, what a reader would not see is left out (`html_unseen`), pictures and the parts of forms are called
by their names (`html_stand_ins`), and tables become columns only where they hold data (`html_tables`). The text that
comes out is still a stranger's: whoever shows it makes it harmless first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailtui.message import html_stand_ins as stand_ins
from mailtui.message.html_around import Around, Attributes, Items, cell_of, inside, is_tight
from mailtui.message.html_blocks import Block, Kind, Look, Run
from mailtui.message.html_letters import BLANK, NO_ROOM, bare, is_number, trimmed
from mailtui.message.html_styles import PLAIN_STYLE, Seen, Style, style_of
from mailtui.message.html_tables import Cell, Table, finish
from mailtui.message.html_unseen import Sheets

SIZE_LIMIT = 1024 * 1024  # characters that are read; Gmail cuts a mail at a tenth of it
BLOCK_LIMIT = 3_000
_DEEPEST = 12  # levels of lists and quotes that are still set off
_URL_SHOWN = 500
_NESTED = 1_000  # deeper, the parser takes seconds and then minutes; a mail full of tables has forty levels

_WHITE = " \t\n\r\f"
_SPACE = re.compile(rf"[{_WHITE}]+")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Elements without an end, and those that the next of their kind closes.
_NEST_NOTHING = _tags("br hr img meta link input wbr col area base source p li dt dd tr td th tbody thead tfoot option")
_UNSEEN = _tags(
    "head script style template title math iframe object audio video noscript textarea canvas map meta link datalist"
)
_INSTEAD = _tags("br hr img amp-img svg input select button")
_SET_OFF = _tags("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl figure")
_BLOCKS = _SET_OFF | _tags(
    "div section article header footer main nav aside address center form fieldset li dt dd "
    "table tbody thead tfoot tr td th caption figcaption body html marquee"
)
_NOT_PLAIN = _SET_OFF | _tags("table div img hr a")


def lay_out(html: str, *, whole: bool = False) -> tuple[Block, ...]:
    """The blocks of a mail's HTML in reading order, and behind them the targets of its links by number.

    `whole`: they become a mail's own text, so no link is shortened, and a row's cells stand behind each other with a
    bar between them: mail programs line nothing up.
    """
    read = shallow(html[:SIZE_LIMIT])
    parser = LexborHTMLParser(read)
    walker = _Walker(_sheets(parser, read), whole)
    if parser.body is not None:
        walker.walk(parser.body)
    walker.cut = walker.cut or len(read) < len(html)
    return tuple(walker.result())


def shallow(html: str) -> str:
    """The HTML up to where it is nested so deeply that parsing it takes seconds."""
    if html.count("<") <= _NESTED:
        return html
    depth = 0
    for tag in _TAG.finditer(html):
        if tag.group(2).lower() not in _NEST_NOTHING:
            depth = max(depth - 1, 0) if tag.group(1) else depth + 1
            if depth > _NESTED:
                return html[: tag.start()]
    return html


def _sheets(parser: LexborHTMLParser, html: str) -> Sheets:
    if "<style" not in html and "<STYLE" not in html:
        return Sheets()
    found = parser.css("style")
    return Sheets.read(sheet.text() for sheet in found if "(" not in (sheet.attributes.get("media") or ""))


@dataclass(slots=True)
class _End:
    """What happens behind an element's last child."""

    around: Around
    flush: bool = False
    gap: bool = False
    item: bool = False
    link: str = ""
    blocks: int = 0  # that there were before a link
    table: bool = False
    cell: Cell | None = None


@dataclass(slots=True)
class _Walker:
    """Goes through the tree without recursion: a mail may be nested as deep as it likes."""

    sheets: Sheets
    whole: bool = False
    cut: bool = False
    _blocks: list[Block] = field(default_factory=list)
    _runs: list[Run] = field(default_factory=list)
    _around: Around = field(default_factory=Around)
    _lead: str = ""
    _gap: bool = False
    _links: dict[str, int] = field(default_factory=dict)
    _tables: list[Table] = field(default_factory=list)
    _unnamed: str = ""  # a picture in a link that may turn out to be all there is in it

    def walk(self, root: LexborNode) -> None:
        waiting: list[tuple[LexborNode, Around] | _End] = [(root, self._around)]
        while waiting:
            if len(self._blocks) >= BLOCK_LIMIT:
                self.cut = True
                break
            item = waiting.pop()
            if isinstance(item, _End):
                self._end(item)
                continue
            node, around = item
            following = node.next
            if following is not None and node is not root:
                waiting.append((following, around))
            self._around = around
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "", around)
                continue
            opened = self._open(node, tag, around)
            if opened is None:
                continue
            inner, end = opened
            if end is not None:
                waiting.append(end)
            first = node.child
            if first is not None:
                waiting.append((first, inner))
        self._flush()
        while self._tables:
            self._close_table()

    def result(self) -> Iterator[Block]:
        yield from self._blocks
        for number, (target, _) in enumerate(self._links.items(), 1):
            shown = target if self.whole or len(target) <= _URL_SHOWN else target[:_URL_SHOWN] + "…"
            yield Block(Kind.LINK, (Run(shown),), lead=f"[{number}] ", gap=number == 1)
        if self.cut:
            yield Block(Kind.NOTE, (Run("The rest is not shown here; see the source."),), gap=True)

    def _open(self, node: LexborNode, tag: str, around: Around) -> tuple[Around, _End | None] | None:
        """What holds inside an element and what comes behind it; None when its children are not to be read."""
        attributes = node.attributes
        if tag in _UNSEEN or tag.startswith(("-", "!")) or "hidden" in attributes:
            return None
        written = attributes.get("style")
        style = style_of(written) if written else PLAIN_STYLE
        seen = self.sheets.of(tag, attributes, style)
        if seen is Seen.GONE:
            return None
        if self._tables and tag in _NOT_PLAIN:
            self._tables[-1].plain = False
        if tag in _INSTEAD:
            self._instead(node, tag, attributes, around)
            return None
        if style.marker:
            self._put(f"{_SPACE.sub(' ', node.text()).strip(BLANK)} ", around.look)
            return None
        inner = inside(tag, style, around, seen)
        if tag in _BLOCKS or style.block:
            return self._open_block(tag, attributes, style, around, inner)
        if tag == "a" and attributes.get("href"):
            self._unnamed = ""
            if self._runs and style.boxed and not self._runs[-1].text.endswith(" "):
                self._put(" ", around.look)
        return inner, self._link_end(tag, attributes, _End(around))

    def _open_block(
        self, tag: str, attributes: Attributes, style: Style, around: Around, inner: Around
    ) -> tuple[Around, _End]:
        self._flush()
        apart = tag in _SET_OFF and around.items is None and not (tag == "p" and is_tight(attributes, style))
        self._gap = self._gap or apart
        if style.ruled and tag in ("p", "div") and self._blocks:
            self._rule(around)
        end = _End(around, flush=True, gap=apart, item=tag == "li", table=tag == "table")
        if tag == "table":
            self._open_table(attributes, around)
        elif self._tables and tag == "tr":
            self._tables[-1].rows.append([])
        elif self._tables and tag in ("td", "th") and self._tables[-1].rows:
            end.cell = cell_of(tag, attributes, style, len(self._blocks))
            self._tables[-1].rows[-1].append(end.cell)
        return self._block(tag, attributes, inner), self._link_end(tag, attributes, end)

    def _link_end(self, tag: str, attributes: Attributes, end: _End) -> _End:
        if tag == "a":
            end.link = _SPACE.sub(" ", attributes.get("href") or "").strip()
            end.blocks = len(self._blocks)
        return end

    def _block(self, tag: str, attributes: Attributes, around: Around) -> Around:
        if tag[0] == "h" and tag[1:].isdigit():
            return around._replace(kind=Kind.HEADING)
        if tag == "pre":
            return around._replace(kind=Kind.CODE, kept=True)
        if tag == "blockquote":
            return around._replace(quoted=min(around.quoted + 1, _DEEPEST), items=None)
        if tag in ("ul", "ol"):
            start = attributes.get("start")
            number = int(start) if start is not None and is_number(start) else 1
            deeper = min(around.indent + 2, 2 * _DEEPEST)
            return around._replace(indent=deeper, items=Items(tag == "ol", number))
        if tag == "li" and around.items is not None:
            self._lead = around.items.lead(attributes.get("value"))
        elif tag == "dd":
            return around._replace(indent=min(around.indent + 2, 2 * _DEEPEST))
        return around

    def _instead(self, node: LexborNode, tag: str, attributes: Attributes, around: Around) -> None:
        """Elements that are no text themselves."""
        if tag == "br":
            self._flush(blank_too=True)
            return
        if tag == "hr":
            self._flush()
            self._rule(around)
            return
        if tag in ("img", "amp-img"):
            said = stand_ins.picture(attributes)
            if not said and around.look.link and not self._unnamed:
                self._unnamed = stand_ins.picture(attributes, needed=True)
        elif tag == "svg":
            title = node.css_first("title")
            said = stand_ins.drawing(attributes, title.text() if title is not None else "")
        elif tag == "button":
            said = stand_ins.button(_SPACE.sub(" ", node.text()).strip())
        elif tag == "select":
            said = "[choice]"
        else:
            said = stand_ins.field_of_form(attributes)
        if said:
            self._put(said, replace(around.look, muted=True) if said[0] == "[" else around.look)

    def _rule(self, around: Around) -> None:
        if not self._blocks or self._blocks[-1].kind is not Kind.RULE:
            self._blocks.append(Block(Kind.RULE, (), around.indent, around.quoted))

    def _text(self, text: str, around: Around) -> None:
        if not around.seen:
            return
        if not text.isascii():
            text = text.translate(NO_ROOM)
        if around.digits is not None:
            text = text.translate(around.digits)
        if around.kept:
            for number, line in enumerate(text.split("\n")):
                if number:
                    self._flush(blank_too=True)
                if line:
                    self._put(line, around.look)
            return
        text = _SPACE.sub(" ", text) if text.strip(_WHITE) else text[:1] and " "  # most are only between two tags
        if not self._runs or self._runs[-1].text.endswith(" "):
            text = text.removeprefix(" ")
        if text:
            self._put(text, around.look)

    def _put(self, text: str, look: Look) -> None:
        if text[0] == "[" and self._runs and self._runs[-1].text[-1] == "]":
            text = f" {text}"
        self._runs.append(Run(text, look))

    def _end(self, end: _End) -> None:
        if end.link:
            self._number(end)
        if end.flush:
            self._flush()
        if end.cell is not None:
            end.cell.end = len(self._blocks)
        if end.table:
            self._close_table()
        if end.item:
            self._lead = ""
        if end.gap:
            self._gap = True
        self._around = end.around

    def _number(self, end: _End) -> None:
        """Say behind a link's text where it leads, unless the text says it already."""
        target, look = end.link, replace(end.around.look, muted=True)
        ended = len(self._blocks) > end.blocks and not self._runs  # it holds blocks, which are ended already
        runs = list(self._blocks[-1].runs) if ended else self._runs
        said = ""
        for run in reversed(runs):
            if not run.look.link:
                break
            said = run.text + said
        said = said.strip(BLANK)
        if not said and self._unnamed:
            runs.append(Run(self._unnamed, look))
            said, self._unnamed = self._unnamed, ""
        if not said or target.startswith("#") or bare(said) == bare(target):
            return
        number = self._links.setdefault(target, len(self._links) + 1)
        runs.append(Run(f"[{number}]", look))
        if ended:
            self._blocks[-1] = replace(self._blocks[-1], runs=tuple(runs))

    def _flush(self, *, blank_too: bool = False) -> None:
        """End the line that is being gathered."""
        around, runs = self._around, self._runs
        self._runs = []
        if not around.kept:
            if runs and not any(run.text.strip(BLANK) for run in runs):
                self._gap = self._gap or not blank_too  # blanks that are to take room
            runs = trimmed(runs)
        last = self._blocks[-1] if self._blocks else None
        if not runs and not (blank_too and last is not None and (around.kept or (last.runs and not self._gap))):
            return
        gap = self._gap and last is not None and bool(last.runs or last.kind is Kind.RULE)
        self._blocks.append(Block(around.kind, tuple(runs), around.indent, around.quoted, self._lead, gap))
        if around.items is not None and self._lead:
            self._lead = " " * len(self._lead)
        self._gap = False

    def _open_table(self, attributes: Attributes, around: Around) -> None:
        placed = (attributes.get("role") or "").lower() in ("presentation", "none")
        bordered = (attributes.get("border") or "0").strip() not in ("", "0", "0px")
        start = len(self._blocks)
        self._tables.append(Table(start, around.indent, around.quoted, self._lead, placed, bordered))

    def _close_table(self) -> None:
        table = self._tables.pop()
        for row in table.rows:
            for cell in row:
                if cell.end < 0:
                    cell.end = len(self._blocks)
        made, data = finish(table, self._blocks, whole=self.whole)
        self._blocks[table.start :] = made
        if len(made) > 1:
            self._gap = True
            made[0] = replace(made[0], gap=table.start > 0)
            self._blocks[table.start] = made[0]
        self._gap = self._gap or data
