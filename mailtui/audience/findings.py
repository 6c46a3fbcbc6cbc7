"""Owns how a guess about a list is told: what, how sure, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Confidence = Literal["given", "certain", "likely", "guess"]
ColumnKind = Literal["text", "number", "date", "code", "empty"]
Unit = Literal["line", "row", "record"]

SAID_TYPES: Mapping[str, tuple[ColumnKind, str]] = {
    "text": ("text", ""),
    "number": ("number", "point"),
    "number comma": ("number", "comma"),
    "date": ("date", ""),
    "date dmy": ("date", "dmy"),
    "date mdy": ("date", "mdy"),
    "date ymd": ("date", "ymd"),
}
"""What a person may say about a column's cells, and which kind and style that is: how they compare, never how they are
written.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out about a file. `reason` is a short phrase for a person."""

    value: str
    confidence: Confidence
    reason: str


@dataclass(frozen=True, slots=True)
class ColumnType:
    """As what a column's cells compare; they are never rewritten.

    `code` are digits that keep their zeros, such as postcodes, and compare as text. `style` says how values are
    written where that is not plain: `comma` for a decimal comma, `dmy`, `mdy` or `ymd` for dates.
    """

    kind: ColumnKind
    style: str
    confidence: Confidence
    reason: str

    @property
    def said(self) -> str:
        """What a person would write to say it: one of `SAID_TYPES`, or the kind alone."""
        return next((name for name, given in SAID_TYPES.items() if given == (self.kind, self.style)), self.kind)


@dataclass(frozen=True, slots=True)
class Understanding:
    """How a list is read. Each finding can be overridden by an `AudienceSpec` key.

    `settings` are those that apply to this format, each under its key, in the order to show them; of `header` the
    value is the line of the column names, or `none`, of `quote` it is '' when nothing is quoted.
    `types` are in the order of `columns`. `address_column.value` is always one of them.
    `samples` are a few lines with characters beyond ASCII, as decoded: a person sees at once whether the encoding
    is right. `unit` is what places in the list count: lines of a file, rows of a sheet or table, records.
    """

    format: Finding
    settings: tuple[tuple[str, Finding], ...]
    columns: tuple[str, ...]
    types: tuple[ColumnType, ...]
    address_column: Finding
    notes: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    unit: Unit = "line"

    def setting(self, key: str) -> Finding | None:
        """What was found out for a key of `AudienceSpec`; None where this format has no such thing."""
        return next((finding for name, finding in self.settings if name == key), None)
