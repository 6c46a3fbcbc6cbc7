"""Owns changing one value in a YAML text, and not a character besides: comments, order and quotes stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mailtui.errors import MailtuiError
from mailtui.kit.yaml_file import Loc, YamlDocument, parse_yaml, scalar_at

_NOWHERE = Path("text.yaml")


class NotInPlace(MailtuiError):
    """This value is written in a way that cannot be changed without touching what stands around it."""


def value_at(text: str, loc: Loc) -> str:
    """The text at `loc`. Raises `NotInPlace` where there is none, `ConfigError` for a text that is no YAML."""
    parse_yaml(text, _NOWHERE)
    node = scalar_at(text, loc)
    if node is None:
        raise NotInPlace(_title(loc), detail="It does not stand in the file as a value of its own.")
    return str(node.value)


def line_of(text: str, loc: Loc) -> int:
    """The line, from 1, of what stands at `loc`, or of the nearest thing around it. Raises `ConfigError`."""
    return parse_yaml(text, _NOWHERE).place(loc).line or 1


def replace_text(text: str, loc: Loc, value: str) -> str:
    """The YAML text with the text at `loc` being `value`. Raises `NotInPlace`.

    Only values on one line are changed: plain ones and quoted ones. Whatever comes out is read again and must say
    the same as before in everything but this.
    """
    before = parse_yaml(text, _NOWHERE)
    node = scalar_at(text, loc)
    if node is None:
        raise NotInPlace(_title(loc), detail="It does not stand in the file as a value of its own.")
    if node.style in ("|", ">") or node.start_mark.line != node.end_mark.line:
        hint = "Change it in the campaign file itself."
        raise NotInPlace(_title(loc), detail="Its text goes over several lines there.", hint=hint)
    start, end = node.start_mark.index, node.end_mark.index
    for written in _spellings(value, node.style):
        changed = text[:start] + written + text[end:]
        if _says(changed, loc, value, before):
            return changed
    raise NotInPlace(_title(loc), hint="Change it in the campaign file itself.")


def _title(loc: Loc) -> str:
    return f"{'.'.join(str(step) for step in loc)} cannot be changed in place"


def _spellings(value: str, style: str | None) -> Iterator[str]:
    """The value as it may be written, the way it was first."""
    single = "'" + value.replace("'", "''") + "'"
    double = json.dumps(value, ensure_ascii=False)
    one_line = "\n" not in value
    if not style and one_line and value == value.strip() and value:
        yield value
    if style != '"' and one_line:
        yield single
    yield double
    if one_line:
        yield single
    yield json.dumps(value)


def _says(changed: str, loc: Loc, value: str, before: YamlDocument) -> bool:
    """Whether a text says the same as before but for this value, which is a text."""
    try:
        after = parse_yaml(changed, _NOWHERE)
    except (MailtuiError, yaml.YAMLError):
        return False
    return bool(after.data == _with(before.data, loc, value) and list(after.marks) == list(before.marks))


def _with(data: Any, loc: Loc, value: str) -> Any:
    if not loc:
        return value
    step, rest = loc[0], loc[1:]
    if isinstance(data, dict):
        return {key: _with(item, rest, value) if key == step else item for key, item in data.items()}
    return [_with(item, rest, value) if index == step else item for index, item in enumerate(data)]
