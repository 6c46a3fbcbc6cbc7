"""Owns bodies that are made of what a template gives: HTML from Markdown or MJML, or with its styles inlined, and the
plain text of any page where its author wrote none.

A page is made from the author's part alone, with a word that stands for each value of the row, and the values are put
in afterwards, escaped. So a cell is never read as Markdown or MJML. A page is made once for all rows whose template
took the same turns. Where a value may decide how the page is made, as in `class="…"` or by being blank, it stands there
itself, and a page is made for each such value. In Markdown none does: `**{{ name }}**` of nobody is no four asterisks.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from mailtui.message.filling import Lines, Unusual, Variables, Woven
from mailtui.message.frozen import MessageSource
from mailtui.message.html_blocks import READ_ATTRIBUTES, SHEET_ATTRIBUTES, Kind
from mailtui.message.locales import Conventions
from mailtui.message.markdown import html_from_markdown
from mailtui.message.marked import MarkedTemplate, Parts
from mailtui.message.mime import BodyError, canonical, wire_lines
from mailtui.message.mjml import html_from_mjml
from mailtui.message.styles import inline_styles
from mailtui.message.templates import TemplateText, is_constant

Maker = Callable[[str], str]

_KEPT = 200  # pages that are kept, and
_KEPT_CHARACTERS = 20_000_000  # of all of them together
_INERT_ATTRIBUTES = frozenset({"href", "src", "alt", "title"})
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>style|script|mj-style|mj-attributes|mj-html-attributes)\b.*?(?:</(?P=raw)\s*>|\Z)"
    r"""|<[a-zA-Z/](?:[^<>"']|"[^"]*"|'[^']*')*(?:>|\Z)""",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SCRIPT = re.compile(r"[\s\x00-\x20]*(?:j\s*a\s*v\s*a|v\s*b)\s*s\s*c\s*r\s*i\s*p\s*t\s*:|[\s\x00-\x20]*data\s*:", re.I)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Which values of a page stand where they may decide how it is made, and which ones a link begins with."""

    deciding: tuple[int, ...]
    links: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Body:
    """A body with places for those of a page's values that it shows, `shown`."""

    woven: Woven
    shown: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """A page with places for values; `size` in characters."""

    html: _Body
    text: _Body | None
    links: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class PageBodies:
    """One recipient's bodies; `text` is None where it is not made from the page."""

    html: Lines
    text: Lines | None


class Page:
    """One body of a campaign that is made from its template."""

    def __init__(
        self,
        texts: dict[str, str],
        text: TemplateText,
        make: Maker | None,
        *,
        markdown: bool,
        plain: bool,
        conventions: Conventions,
    ) -> None:
        """`texts` are the files it may include. `make` is None for HTML that goes out as it is filled in. `plain` says
        whether its text is wanted too.
        """
        self.same_for_all = is_constant(text.source)
        self._template = MarkedTemplate(texts, text.name, text.source, literal=markdown, conventions=conventions)
        self._make = make
        self._markdown = markdown
        self._plain = plain
        self._standing: dict[Hashable, _Standing] = {}
        self._pages: dict[Hashable, _Made] = {}
        self._size = 0

    def bodies(self, variables: Variables) -> PageBodies:
        """Both bodies for one recipient. Raises one of `templates.RENDER_ERRORS`."""
        parts = self._template.parts(variables)
        made, values = self._page(parts), parts.values
        self._refuse_scripts(made, values)
        page, text = made.html, made.text
        plain = None if text is None else _lines(text.woven, [html.unescape(values[at]) for at in text.shown])
        return PageBodies(_lines(page.woven, [values[at] for at in page.shown]), plain)

    def plainly(self, variables: Variables) -> tuple[str, str | None]:
        """What `bodies` gives, made anew; for a check."""
        parts = self._template.parts(variables)
        made, values = self._made(parts, self._find(parts)), parts.values
        page, text = made.html, made.text
        plain = None if text is None else text.woven.text([html.unescape(values[at]) for at in text.shown])
        return page.woven.text([values[at] for at in page.shown]), plain

    def _page(self, parts: Parts) -> _Made:
        values = parts.values
        key = (parts.texts, parts.places, () if self._markdown else tuple([value == "" for value in values]))
        standing = self._standing.get(key)
        if standing is None:
            if len(self._standing) >= _KEPT:
                self._standing.clear()
            standing = self._standing[key] = self._find(parts)
        whole = (key, tuple([values[index] for index in standing.deciding]))
        made = self._pages.get(whole)
        if made is None:
            made = self._made(parts, standing)
            if len(self._pages) >= _KEPT or self._size + made.size > _KEPT_CHARACTERS:
                self._pages.clear()
                self._size = 0
            self._pages[whole] = made
            self._size += made.size
        return made

    def _find(self, parts: Parts) -> _Standing:
        if self._markdown:
            return _Standing((), ())
        word = _word(parts.texts)
        blank = frozenset(index for index, value in enumerate(parts.values) if not value)
        found = _standing(_joined(parts, word, blank), word, styled=self._make is not None)
        return _Standing((*sorted(blank), *found.deciding), found.links)

    def _made(self, parts: Parts, standing: _Standing) -> _Made:
        shown = frozenset(standing.deciding)
        word = _word([*parts.texts, *(parts.values[index] for index in shown)])
        filled = _joined(parts, word, shown)
        page = filled if self._make is None else self._make(filled)
        links = _standing(page, word, styled=True).links if self._markdown else standing.links
        text = _body(plain_text(page), word) if self._plain else None
        return _Made(_body(page, word), text, links, 2 * len(page))

    def _refuse_scripts(self, made: _Made, values: Sequence[str]) -> None:
        for index in made.links:
            if _SCRIPT.match(html.unescape(values[index])):
                raise BodyError("has a link that begins with a cell of the row, and there it would run a script")


def page_of(source: MessageSource, conventions: Conventions) -> Page | None:
    """The body that is made from its template; None for HTML that goes out as it is, with no text made of it."""
    if source.html is None or not (source.written_in or source.inline_css or source.plain_from_html):
        return None
    texts = {text.name: text.source for text in source.includes}
    plain = source.text is None and (bool(source.written_in) or source.plain_from_html)
    markdown = source.written_in == "markdown"
    make: Maker | None = None
    if markdown:
        make = partial(html_from_markdown, language=source.language)
    elif source.written_in == "mjml":
        make = html_from_mjml
    elif source.inline_css:
        make = inline_styles
    return Page(texts, source.html, make, markdown=markdown, plain=plain, conventions=conventions)


def plain_text(page: str) -> str:
    """The text of a page, with the targets of its links behind it by number. Raises `BodyError` for one without end."""
    from mailtui.message.html_text import lay_out  # only who makes text of a page needs a parser

    lines: list[str] = []
    quoted = 0
    for block in lay_out(page, whole=True):
        if block.kind is Kind.NOTE:
            raise BodyError("is too long for plain text to be made of it: write the text yourself, text: body.txt.j2")
        edge = "> " * block.quoted + " " * block.indent
        if block.gap:
            lines.append(("> " * min(quoted, block.quoted)).rstrip())
        quoted = block.quoted
        said = "-" * 40 if block.kind is Kind.RULE else block.text
        lines.append((edge + block.lead + said).rstrip())
    return "\n".join(lines) + "\n"


def _joined(parts: Parts, word: str, shown: frozenset[int]) -> str:
    """The template's text with a word for each value, and those values themselves that are to be shown."""
    pieces = [parts.texts[0]]
    for index, text in zip(parts.places, parts.texts[1:], strict=True):
        pieces.append(parts.values[index] if index in shown else f"{word}{index}x")
        pieces.append(text)
    return "".join(pieces)


def _word(texts: Sequence[str]) -> str:
    """The beginning of the words that stand for values: letters that occur nowhere in the page."""
    number = 0
    while any(f"mailtui{number}v" in text for text in texts):
        number += 1
    return f"mailtui{number}v"


def _body(page: str, word: str) -> _Body:
    parts = re.split(f"{word}([0-9]+)x", page)
    pieces = ["", *parts[::2]]
    shown: dict[int, int] = {}
    order = [0, 1]
    for at, index in enumerate(map(int, parts[1::2]), 2):
        order += [len(pieces) + shown.setdefault(index, len(shown)), at]
    return _Body(Woven(pieces, order), tuple(shown))


def _lines(woven: Woven, values: Sequence[str]) -> Lines:
    try:
        return woven.lines(values)
    except (Unusual, UnicodeEncodeError):
        return wire_lines(canonical(woven.text(values))), False


def _standing(page: str, word: str, *, styled: bool) -> _Standing:
    """Where values stand in HTML or MJML. `styled`: style sheets decide how it is made, and they look at every
    attribute; otherwise it is only read, by `html_text`.
    """
    found = re.compile(f"{word}([0-9]+)x")
    # A style sheet that selects by attributes may look at any.
    selects = styled and any("[" in tag.group() for tag in _TAG.finditer(page) if tag.group("raw"))
    sheets = any((tag.group("raw") or "").lower() == "style" for tag in _TAG.finditer(page))
    read = READ_ATTRIBUTES | SHEET_ATTRIBUTES if sheets else READ_ATTRIBUTES
    inert: frozenset[str] = frozenset() if selects else _INERT_ATTRIBUTES
    deciding: list[int] = []
    links: list[int] = []
    for tag in _TAG.finditer(page):
        if word not in tag.group() or tag.group().startswith("<!--"):
            continue
        if (tag.group("raw") or "style").lower() != "style" and not styled:
            continue
        harmless: set[str] = set()
        for attribute in () if tag.group("raw") else _ATTRIBUTE.finditer(tag.group()):
            name = attribute.group(1).lower()
            value = attribute.group(2) if attribute.group(2) is not None else attribute.group(3)
            if name in ("href", "src") and (first := found.match(value.lstrip())):
                links.append(int(first.group(1)))
            if name in inert if styled else name not in read:
                harmless.update(found.findall(value))
        deciding += [int(index) for index in found.findall(tag.group()) if index not in harmless]
    return _Standing(tuple(deciding), tuple(links))
