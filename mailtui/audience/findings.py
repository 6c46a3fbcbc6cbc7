"""Owns how a guess about a list is told: what, how sure, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["given", "certain", "likely", "guess"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out about a file. `reason` is a short phrase for a person."""

    value: str
    confidence: Confidence
    reason: str


@dataclass(frozen=True, slots=True)
class Understanding:
    """How a list is read. Each finding can be overridden by the `AudienceSpec` key of nearly the same name.

    `has_header.value` is `yes` or `no`. `quote.value` is '' when nothing is quoted. `address_column.value`
    is '' when no column looks like one; then the rows can be shown, but nobody can be written to.
    `samples` are a few lines with characters beyond ASCII, as decoded: a person sees at once whether the
    encoding is right.
    """

    encoding: Finding
    delimiter: Finding
    quote: Finding
    has_header: Finding
    columns: tuple[str, ...]
    address_column: Finding
    notes: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
