"""Owns reading the named statements and the numbered migrations that ship beside this module.

A statement file holds `-- name: some_name` lines, each followed by one statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(dialect: str, file: str) -> Mapping[str, str]:
    """The statements of `sql/<dialect>/<file>.sql` by name."""
    text = (files("mailtui.outbox") / "sql" / dialect / f"{file}.sql").read_text("utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


@cache
def migrations(dialect: str) -> tuple[str, ...]:
    """The migrations in order; the n-th takes the schema from version n to n + 1."""
    folder = files("mailtui.outbox") / "migrations" / dialect
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((folder / name).read_text("utf-8") for name in names)
