"""Owns adding, replacing and removing keys in a YAML text: comments, order and quotes of everything else stay.

Whatever comes out is read again, and must say exactly what was meant, in the same order; else nothing is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mailtui.errors import MailtuiError
from mailtui.kit.yaml_edit import NotInPlace
from mailtui.kit.yaml_file import Loc, node_at, parse_yaml

_NOWHERE = Path("text.yaml")
_BARE = re.compile(r"[A-Za-z/~$][\w./@+=~$-]*(?: [\w./@+=~$-]+)*", re.ASCII)
_STEP = 2  # columns


def put(text: str, loc: Loc, value: Any) -> str:
    """The text with `value` (texts, numbers, booleans, lists and maps of them) at the key `loc`.

    The key is added behind the others of its map where it is not there, with the maps above it. Raises `NotInPlace`
    where that cannot be done without touching something else, `ConfigError` for a text that is no YAML.
    """
    before = parse_yaml(text, _NOWHERE).data
    depth = len(loc)
    while depth > 0 and not _holds(before, loc[:depth]):
        depth -= 1
    while 0 < depth < len(loc) and _at(before, loc[:depth]) is None:
        depth -= 1  # a key with nothing behind it is as good as none
    if depth < len(loc) and not isinstance(_at(before, loc[:depth]), Mapping | None):
        raise NotInPlace(_title(loc), detail=f"{'.'.join(map(str, loc[:depth]))} is no map of keys there.")
    wanted = _with(before, loc, value)
    if depth == len(loc):
        return _first(loc, wanted, _replaced(text, loc, value))
    missing = loc[depth + 1 :]
    for step in reversed(missing):
        value = {step: value}
    parent, key = loc[:depth], str(loc[depth])
    if _holds(before, (*parent, key)):
        return _first(loc, wanted, _filled(text, (*parent, key), value))
    return _first(loc, wanted, *(_added(text, parent, key, value, at_end=end) for end in (True, False)))


def take_out(text: str, loc: Loc) -> str:
    """The text without the key at `loc` and all that is below it. Raises as `put`."""
    before = parse_yaml(text, _NOWHERE).data
    if not _holds(before, loc):
        raise NotInPlace(_title(loc), detail="It does not stand in the file.")
    return _first(loc, _without(before, loc), _removed(text, loc))


def rename(text: str, loc: Loc, name: str) -> str:
    """The text with the key at `loc` being called `name`. Raises as `put`."""
    before = parse_yaml(text, _NOWHERE).data
    if not _holds(before, loc):
        raise NotInPlace(_title(loc), detail="It does not stand in the file.")
    key, _ = _entry(text, loc)
    changed = text[: key.start_mark.index] + _scalar(name) + text[key.end_mark.index :]
    return _first(loc, _renamed(before, loc, name), changed)


def _title(loc: Loc) -> str:
    return f"{'.'.join(str(step) for step in loc)} cannot be changed in place"


def _first(loc: Loc, wanted: Any, *texts: str) -> str:
    """The first text that says what is wanted."""
    for changed in texts:
        try:
            said = parse_yaml(changed, _NOWHERE).data
        except MailtuiError:
            continue
        if json.dumps({} if said is None else said) == json.dumps(wanted):
            return changed
    raise NotInPlace(_title(loc), detail="It is written in a way that is not changed here without touching the rest.")


# values


def _holds(data: Any, loc: Loc) -> bool:
    for step in loc:
        if not isinstance(data, Mapping) or step not in data:
            return False
        data = data[step]
    return True


def _at(data: Any, loc: Loc) -> Any:
    for step in loc:
        data = data[step]
    return data


def _with(data: Any, loc: Loc, value: Any) -> Any:
    if not loc:
        return value
    below = {} if data is None else data
    return {**below, loc[0]: _with(below.get(loc[0]), loc[1:], value)}


def _without(data: Any, loc: Loc) -> Any:
    if len(loc) == 1:
        return {key: value for key, value in data.items() if key != loc[0]}
    return {key: _without(value, loc[1:]) if key == loc[0] else value for key, value in data.items()}


def _renamed(data: Any, loc: Loc, name: str) -> Any:
    if len(loc) == 1:
        return {name if key == loc[0] else key: value for key, value in data.items()}
    return {key: _renamed(value, loc[1:], name) if key == loc[0] else value for key, value in data.items()}


# how values are written


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if not isinstance(value, str):
        return json.dumps(value)
    if _BARE.fullmatch(value) and parse_yaml(value, _NOWHERE).data == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    try:
        kept = parse_yaml(quoted, _NOWHERE).data == value
    except MailtuiError:
        kept = False
    return quoted if kept else json.dumps(value)


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _block(key: str, value: Any, column: int, levels: int) -> list[str]:
    """The lines of a key and its value; maps of so many levels have a line for each key of theirs."""
    margin = " " * column
    if levels and isinstance(value, Mapping) and value:
        below = [line for name, item in value.items() for line in _block(str(name), item, column + _STEP, levels - 1)]
        return [f"{margin}{_scalar(key)}:", *below]
    return [f"{margin}{_scalar(key)}: {_flow(value)}"]


def _levels(parent: Loc) -> int:
    """How many levels of maps have lines of their own below a key of this map: a section, and its entries."""
    return max(2 - len(parent), 0)


# places in the text


def _entry(text: str, loc: Loc) -> tuple[yaml.Node, yaml.Node]:
    """The key at `loc` and its value."""
    parent = node_at(text, loc[:-1])
    assert isinstance(parent, yaml.MappingNode)
    found: tuple[yaml.Node, yaml.Node] = next(pair for pair in parent.value if pair[0].value == loc[-1])
    return found


def _end(text: str, node: yaml.Node) -> int:
    """The index behind the last character of a node; marks of block nodes lie behind comments and blank lines."""
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    if isinstance(node, yaml.ScalarNode):
        return start + len(text[start:end].rstrip()) if node.style in ("|", ">") else end
    assert isinstance(node, yaml.CollectionNode)
    if node.flow_style or not node.value:
        return end
    last = node.value[-1]
    ends = [_end(text, part) for part in (last if isinstance(last, tuple) else (last,))]
    return max(ends)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """The index behind the line feed of the line, or of the text."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _block_end(text: str, value: yaml.Node, column: int) -> int:
    """Where the lines of an entry of a block map end, with the comments below it that are indented further."""
    end = _line_end(text, _end(text, value))
    look = end
    while look < len(text):
        after = _line_end(text, look)
        line = text[look:after]
        bare = line.lstrip(" ")
        if bare.strip() and not (bare.startswith("#") and len(line) - len(bare) > column):
            break
        look = after
        end = after if bare.strip() else end
    return end


def _inserted(text: str, index: int, lines: list[str]) -> str:
    """The text with lines put in at the start of one."""
    feed = "\r\n" if "\r\n" in text else "\n"
    ahead = text[:index]
    if ahead and not ahead.endswith("\n"):
        ahead += feed
    return ahead + feed.join(lines) + feed + text[index:]


# the changes


def _added(text: str, parent: Loc, key: str, value: Any, *, at_end: bool) -> str:
    """A key behind the others of a map; at the root, `at_end` is behind the comments at the end of the file, too."""
    node = node_at(text, parent)
    if node is None or not isinstance(node, yaml.MappingNode):
        return _inserted(text, len(text), _block(key, value, 0, _levels(parent)))
    if not node.value:
        return _filled(text, parent, {key: value})
    if node.flow_style:
        end = _end(text, node.value[-1][1])
        return f"{text[:end]}, {_scalar(key)}: {_flow(value)}{text[end:]}"
    first, last = node.value[0][0], node.value[-1][1]
    column = int(first.start_mark.column)
    where = len(text) if not parent and at_end else _block_end(text, last, column)
    lines = _block(key, value, column, _levels(parent))
    parted = len(parent) < 2 and _levels(parent) and _blank_before(text, node)
    return _inserted(text, where, ["", *lines] if parted else lines)


def _blank_before(text: str, node: yaml.MappingNode) -> bool:
    """Whether the entries of a map have blank lines between them."""
    starts = [_line_start(text, key.start_mark.index) for key, _ in node.value[1:]]
    return any(text[_line_start(text, start - 1) : start].strip() == "" for start in starts)


def _filled(text: str, loc: Loc, value: Any) -> str:
    """A key whose value is empty gets one."""
    if not loc:
        node = node_at(text, loc)
        assert node is not None
        return text[: node.start_mark.index] + _flow(value) + text[node.end_mark.index :]
    key, held = _entry(text, loc)
    parent = node_at(text, loc[:-1])
    assert isinstance(parent, yaml.MappingNode)
    start, end = int(held.start_mark.index), int(held.end_mark.index)
    if parent.flow_style or not isinstance(value, Mapping) or not value:
        return text[:start] + ("" if text[start - 1] in " \t" else " ") + _flow(value) + text[end:]
    emptied = text[:start].rstrip(" ") + text[end:]
    column = int(key.start_mark.column)
    lines = _block(str(loc[-1]), value, column, max(_levels(loc[:-1]), 1))[1:]
    return _inserted(emptied, _line_end(emptied, key.end_mark.index), lines)


def _replaced(text: str, loc: Loc, value: Any) -> str:
    key, held = _entry(text, loc)
    start, end = int(held.start_mark.index), _end(text, held)
    if start == end:
        return _filled(text, loc, value)
    if held.start_mark.line != key.start_mark.line:  # lines of its own below the key
        start = key.end_mark.index + text[key.end_mark.index :].index(":") + 1
        return f"{text[:start]} {_flow(value)}{text[end:]}"
    return text[:start] + _flow(value) + text[end:]


def _removed(text: str, loc: Loc) -> str:
    parent = node_at(text, loc[:-1])
    assert isinstance(parent, yaml.MappingNode)
    pairs = parent.value
    number = next(index for index, (key, _) in enumerate(pairs) if key.value == loc[-1])
    key, value = pairs[number]
    if parent.flow_style:
        if len(pairs) == 1:
            return text[: parent.start_mark.index] + "{}" + text[parent.end_mark.index :]
        if number + 1 < len(pairs):
            return text[: key.start_mark.index] + text[pairs[number + 1][0].start_mark.index :]
        return text[: _end(text, pairs[number - 1][1])] + text[_end(text, value) :]
    column = int(key.start_mark.column)
    start, end = _line_start(text, key.start_mark.index), _block_end(text, value, column)
    if text[start : key.start_mark.index].strip():
        raise NotInPlace(_title(loc), detail="Something else stands in the same line.")
    if len(pairs) == 1 and loc[:-1]:
        above, _ = _entry(text, loc[:-1])
        colon = above.end_mark.index + text[above.end_mark.index :].index(":") + 1
        return f"{text[:colon]} {{}}{text[colon:start]}{text[end:]}"
    blank_after = text[end : _line_end(text, end)]
    if blank_after and not blank_after.strip() and not text[_line_start(text, start - 1) : start].strip():
        end += len(blank_after)
    return text[:start] + text[end:]
