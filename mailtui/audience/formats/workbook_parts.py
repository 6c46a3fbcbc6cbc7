"""Owns looking into the XML of a workbook for what its reader does not tell, or would break on.

The reader gives '' for a cell with an error and for a formula that no program ever worked out, and makes room for
every cell up to the last one, so that one stray cell in the far corner would take half a terabyte.
"""

from __future__ import annotations

import html
import re
import xml.parsers.expat
from dataclasses import dataclass, field

from mailtui.audience.cells import column_number

CELL_LIMIT = 32_000_000
"""Cells up to the last one in use, empty ones included; the reader takes 32 bytes for each."""

_OVERLAP = 2_048
_WIDE_CELL = re.compile(rb'<(?:\w+:)?c\b[^<>]*?\br="([A-Z]{2,3})(\d{1,7})"[^<>]*?(?<!/)>')
_ROW = re.compile(rb'row\b[^<>]*?\br="(\d{1,7})"')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b[^<>]*?\bhidden="(?:1|true)"[^<>]*?(?<!/)>(?=\s*<[^/])')
_ERROR = re.compile(rb'<(?:\w+:)?c\b(?=[^<>]*?\bt="e")[^<>]*?\br="([A-Z]{1,3}\d{1,7})"')
_UNCOMPUTED = re.compile(
    rb'<(?:\w+:)?c\b[^<>]*?\br="([A-Z]{1,3}\d{1,7})"[^<>]*><(?:\w+:)?f\b[^<>]*>[^<>]*</(?:\w+:)?f>'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
_WIDE = re.compile(rb'r="[A-Z]{2,3}\d')
_TAB = re.compile(rb"<(?:\w+:)?sheet\b[^<>]*>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^<>]*>")
_ATTRIBUTE = re.compile(rb"""\b([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_DIRECTORY = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
_DIRECTORY_LIMIT = 4 << 20
_KEPT = 20


@dataclass(slots=True)
class SheetFacts:
    """What the XML of one tab tells: its extent, the first cells that come out empty though something is there, and how
    many rows with cells are hidden.
    """

    rows: int = 0
    columns: int = 26
    errors: list[str] = field(default_factory=list)
    error_count: int = 0
    uncomputed: list[str] = field(default_factory=list)
    uncomputed_count: int = 0
    hidden_rows: int = 0


class PartsLooker:
    """Takes the parts of a workbook piece by piece, and keeps the facts of each tab by the name of its part."""

    def __init__(self) -> None:
        self.sheets: dict[str, SheetFacts] = {}
        self.is_binary = False
        self._document = _OpenDocument()
        self._directory = dict.fromkeys(_DIRECTORY, b"")
        self._tail = b""
        self._part = ""

    def look(self, part: str, block: bytes) -> None:
        """The next piece of a part."""
        name = part.replace("\\", "/").lower()
        if name != self._part:
            self._part, self._tail = name, b""
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            self._look_at_sheet(self.sheets.setdefault(name, SheetFacts()), block)
        elif name in self._directory and len(self._directory[name]) < _DIRECTORY_LIMIT:
            self._directory[name] += block
        elif name == "xl/workbook.bin":
            self.is_binary = True
        elif name == "content.xml":
            self._document.feed(block)
            self.sheets[name] = self._document.facts

    def of_tab(self, tab: str) -> SheetFacts:
        """The facts of a tab by its name; of one that is not found, nothing is known."""
        tabs, relations = (self._directory[name] for name in _DIRECTORY)
        targets = {
            found.get("id", ""): found.get("target", "") for found in map(_attributes, _RELATION.findall(relations))
        }
        for found in map(_attributes, _TAB.findall(tabs)):
            if found.get("name") == tab:
                target = targets.get(found.get("r:id", ""), "").lower()
                return self.sheets.get(target.lstrip("/") if target.startswith("/") else f"xl/{target}", SheetFacts())
        return SheetFacts()

    def _cut(self, block: bytes) -> bytes:
        """The bytes that can be looked at now: whole cells, as far as cells are of any usual size."""
        text = self._tail + block
        end = max(text.rfind(b"</c>"), text.rfind(b"</row>"), text.rfind(b":c>"), text.rfind(b"/>"))
        end = text.find(b">", end) + 1 if end >= 0 else 0
        if not end or len(text) - end > _OVERLAP * 512:
            end = max(0, len(text) - _OVERLAP)
        self._tail = text[end:]
        return text[:end]

    def _look_at_sheet(self, facts: SheetFacts, block: bytes) -> None:
        text = self._cut(block)
        last = _ROW.search(text, max(text.rfind(b"<row "), text.rfind(b":row "), 0))
        if last is not None:
            facts.rows = max(facts.rows, int(last.group(1)))
        if _WIDE.search(text):
            for letters, row in _WIDE_CELL.findall(text):
                facts.columns = max(facts.columns, column_number(letters.decode()))
                facts.rows = max(facts.rows, int(row))
        if b' hidden="' in text:
            facts.hidden_rows += len(_HIDDEN_ROW.findall(text))
        if b't="e"' in text:
            found = _ERROR.findall(text)
            facts.error_count += len(found)
            facts.errors += [cell.decode() for cell in found[: _KEPT - len(facts.errors)]]
        if b"</f>" in text or b":f>" in text:
            found = _UNCOMPUTED.findall(text)
            facts.uncomputed_count += len(found)
            facts.uncomputed += [cell.decode() for cell in found[: _KEPT - len(facts.uncomputed)]]


def _attributes(tag: bytes) -> dict[str, str]:
    return {
        name.decode("utf-8", "replace").lower(): html.unescape((double or single).decode("utf-8", "replace"))
        for name, double, single in _ATTRIBUTE.findall(tag)
    }


class _OpenDocument:
    """Follows the content of an OpenDocument spreadsheet to where its last cell with something in it stands.

    Cells and rows are repeated by a number; the empty end of a tab is repeated a million times, and means nothing.
    """

    def __init__(self) -> None:
        self.facts = SheetFacts(columns=1)
        self._row = self._column = 0
        self._row_repeated = self._cell_repeated = 1
        self._row_filled = self._cell_filled = False
        self._parser = xml.parsers.expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, block: bytes) -> None:
        try:
            self._parser.Parse(block)
        except xml.parsers.expat.ExpatError as error:
            raise ValueError(str(error)) from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table:table":
            self._row = 0
        elif name == "table:table-row":
            self._row_repeated = _count(attributes.get("table:number-rows-repeated"))
            self._column, self._row_filled = 0, False
        elif name in ("table:table-cell", "table:covered-table-cell"):
            self._cell_repeated = _count(attributes.get("table:number-columns-repeated"))
            self._cell_filled = "office:value-type" in attributes
        elif name == "text:p":
            self._cell_filled = True

    def _end(self, name: str) -> None:
        if name == "table:table-row":
            self._row += self._row_repeated
            if self._row_filled:
                self.facts.rows = max(self.facts.rows, self._row)
        elif name in ("table:table-cell", "table:covered-table-cell"):
            self._column += self._cell_repeated
            if self._cell_filled:
                self._row_filled = True
                self.facts.columns = max(self.facts.columns, self._column)


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 1
