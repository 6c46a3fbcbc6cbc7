"""Owns writing CSV that people open in a spreadsheet: a stranger's text must not become a formula there (CWE-1236)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")


def inert(text: str) -> str:
    """A cell that is no formula; `bare` gives the text back."""
    return f"'{text}" if _is_defused(text) else text


def bare(text: str) -> str:
    """What `inert` was given; every other text as it is."""
    return text[1:] if text.startswith("'") and _is_defused(text[1:]) else text


def _is_defused(text: str) -> bool:
    return text.startswith("'") or text.lstrip(" \"'").startswith(_FORMULA_STARTS)


def csv_row(cells: Sequence[str]) -> str:
    """One row (RFC 4180), with its line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
