"""Owns the one person a message goes to, as every later room sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipient:
    """A distinct, valid, matched row of the list.

    `key` tells people apart: the domain as lower-cased A-labels, the local part as it was written, NFC.
    `row` is the number of the data record, from 1, the header not counted. `address` is what RCPT TO
    carries, byte for byte. `fields` holds every cell of the row by column name; a missing cell is ''.
    """

    key: str
    row: int
    address: str
    fields: Mapping[str, str]
