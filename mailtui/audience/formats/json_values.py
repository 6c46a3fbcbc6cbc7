"""Owns how a JSON value becomes cells: flat, as text, and every number spelled as it stands in the file.

Objects inside a record are flattened with dots (`{"address": {"city": "Oslo"}}` is the column `address.city`), lists
of plain values are joined with commas, null is empty. A list with objects or lists in it stays JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mailtui.audience.csv_reader import BadRecord, shown_text

_DEPTH = 20
_DAMAGE = re.compile("[\0\ud800-\udfff]")
_KINDS: dict[type, str] = {str: "a text", bool: "true or false", list: "a list", type(None): "null"}


class Number(str):
    """The spelling of a number, so that 007 stays out, 1.50 keeps its zero and 12345678901234567890 its digits."""

    __slots__ = ()


class RepeatedKey:
    """Stands for an object that says one key twice; readers differ in which of the two they believe."""

    def __init__(self, key: str) -> None:
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKey:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    return RepeatedKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


# Not strict: a line break or tab inside a text is damage to nobody.
DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=Number, strict=False
)


def flatten(value: Any) -> dict[str, str] | str:
    """A record as text by column, or in words why it is none."""
    if type(value) is not dict:
        return f"the key {value.key} stands twice in it" if isinstance(value, RepeatedKey) else _no_object(value)
    flat: dict[str, str] = {}
    try:
        for key, inner in value.items():
            if type(inner) is str:
                flat[key] = inner
            else:
                _flatten(key, inner, flat, 1)
    except _UnusableError as error:
        return str(error)
    return flat


def fit(flat: dict[str, str] | str, columns: tuple[str, ...], text: str) -> list[str] | BadRecord:
    """The cells of a flattened record in the order of the columns, or what is wrong with it. `text` is its original."""
    if isinstance(flat, str):
        return BadRecord(flat, shown_text([text]))
    cells = [flat.pop(column, "") for column in columns]
    if _DAMAGE.search("".join(cells)):
        what = "a NUL character" if any("\0" in cell for cell in cells) else "half a character, or a byte that is none"
        return BadRecord(f"it holds {what}", shown_text([text]))
    late = next((key for key, cell in flat.items() if cell), None)
    if late is not None:
        return BadRecord(
            f"it has the key {late}, which was not there when the list was looked through", shown_text([text])
        )
    return cells


def _no_object(value: Any) -> str:
    kind = "a number" if isinstance(value, Number) else _KINDS[type(value)]
    return f"it is {kind}, not an object with keys"


class _UnusableError(Exception):
    """A record says something that no cells can be made of; the message says what."""


def _flatten(key: str, value: Any, flat: dict[str, str], depth: int) -> None:
    if isinstance(value, RepeatedKey):
        raise _UnusableError(f"the key {key}.{value.key} stands twice in it")
    if not isinstance(value, dict):
        cell = _cell(value)
        if key in flat and cell:
            raise _UnusableError(f"the key {key} stands twice in it, once with a dot and once as an object")
        flat.setdefault(key, cell)
    elif depth >= _DEPTH:
        raise _UnusableError(f"more than {_DEPTH} objects are inside one another in it")
    else:
        for inner, found in value.items():
            _flatten(f"{key}.{inner}", found, flat, depth + 1)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, list):
        if any(isinstance(item, dict | list | RepeatedKey) for item in value):
            return _as_json(value)
        return ", ".join(filter(None, map(_cell, value)))
    return str(value)


def _as_json(value: Any) -> str:
    """JSON again, with numbers as they were spelled."""
    if isinstance(value, Number) or value is None or value is True or value is False:
        return "null" if value is None else _cell(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_as_json, value))}]"
    if isinstance(value, dict):
        parts = (f"{json.dumps(key, ensure_ascii=False)}: {_as_json(inner)}" for key, inner in value.items())
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, RepeatedKey):
        raise _UnusableError(f"the key {value.key} stands twice in it")
    return json.dumps(value, ensure_ascii=False)
