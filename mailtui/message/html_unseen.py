"""Owns what of a mail's HTML its reader does not see: what its styles hide, in elements or in style sheets.

Only the plain ways count, as senders use them to hide a preheader or what is meant for phones: a rule that names a
class or an id. Rules for some media are passed over, and what is not understood is shown: better too much than too
little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mailtui.message.html_styles import Seen, Style, style_of

_SHEETS_LIMIT = 300_000  # characters of style sheets that are read
_RULES_LIMIT = 500  # of those that count; each element may be looked up in all of them

_NOISE = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_PART = re.compile(r"([^{}]*)([{}])")
_SIMPLE = re.compile(r"([a-z][a-z0-9]*)?((?:[.#][\w-]+)+)", re.IGNORECASE)
_NAME = re.compile(r"[.#][\w-]+")

Attributes = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class _Rule:
    tag: str
    names: frozenset[str]  # as in the selector: .class, #id
    seen: Seen
    forced: bool


@dataclass(slots=True)
class Sheets:
    """The rules of a mail's style sheets that decide what is seen."""

    _rules: dict[str, list[_Rule]] = field(default_factory=dict)
    _left: int = _RULES_LIMIT

    @classmethod
    def read(cls, sheets: Iterable[str]) -> Sheets:
        """Of the texts of its style elements."""
        found = cls()
        left = _SHEETS_LIMIT
        for sheet in sheets:
            found._read(sheet[:left])
            left -= len(sheet)
            if left <= 0:
                break
        return found

    def _read(self, sheet: str) -> None:
        depth, selectors = 0, ""
        for part in _PART.finditer(_NOISE.sub("", sheet)):
            text, brace = part.groups()
            if brace == "{":
                depth += 1
                if depth == 1:
                    selectors = text.rpartition(";")[2]
                continue
            if depth == 1:  # what is deeper holds for some media only
                self._add(selectors, text)
            depth = max(depth - 1, 0)

    def _add(self, selectors: str, style: str) -> None:
        read = style_of(style)
        if read.seen is Seen.AS_BEFORE and not read.shown:
            return
        for selector in selectors.split(","):
            simple = _SIMPLE.fullmatch(selector.strip())
            if simple is not None and self._left:
                self._left -= 1
                names = frozenset(_NAME.findall(simple.group(2)))
                rule = _Rule((simple.group(1) or "").lower(), names, read.seen, "!important" in style.lower())
                self._rules.setdefault(min(names), []).append(rule)

    def of(self, tag: str, attributes: Attributes, style: Style) -> Seen:
        """What they and its own style make of an element."""
        own = style.seen
        if not self._rules or own is Seen.GONE or not ("class" in attributes or "id" in attributes):
            return own
        names = {f".{name}" for name in (attributes.get("class") or "").split()}
        if attributes.get("id"):
            names.add(f"#{attributes['id']}")
        found, forced = Seen.AS_BEFORE, False
        for name in names:
            for rule in self._rules.get(name, ()):
                if rule.names <= names and rule.tag in ("", tag) and rule.forced >= forced:
                    found, forced = rule.seen, rule.forced
        if found is Seen.GONE:
            return own if style.shown and not forced else found
        return found if own is Seen.AS_BEFORE else own
