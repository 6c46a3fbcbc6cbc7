"""Owns how the cells of a list's rows, and the files of a mail, are kept in the outbox: JSON lists, those of cells made
three times as quickly as by `json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from json.encoder import encode_basestring

from mailtui.message.files import FileRef


def cells_text(fields: Iterable[str]) -> str:
    """The cells of one row as text."""
    return f"[{','.join(map(encode_basestring, fields))}]"


def rows_text(more: Iterable[Iterable[str]]) -> str | None:
    """The cells of the further rows of one person; None where there is none."""
    rows = ",".join(map(cells_text, more))
    return f"[{rows}]" if rows else None


def rows_from(text: str | None) -> tuple[tuple[str, ...], ...]:
    """What `rows_text` was given."""
    return () if text is None else tuple(map(tuple, json.loads(text)))


def files_text(files: Iterable[FileRef]) -> str:
    """The files of one mail as text; empty for none."""
    refs = list(files)
    return json.dumps(refs, ensure_ascii=False, separators=(",", ":")) if refs else ""


def files_from(text: str) -> tuple[FileRef, ...]:
    """What `files_text` was given."""
    return tuple(FileRef._make(ref) for ref in json.loads(text)) if text else ()
