"""Owns reading YAML so that every mistake can be pointed at by file, line and column.

The dialect is the sane part of YAML: only `true` and `false` are booleans (so `countries: [no, se]` stays
text), no dates, no octal numbers, no duplicate keys, no aliases (a few lines of them expand to gigabytes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mailtui.errors import ConfigError, Place, Problem
from mailtui.kit.suggest import nearest_in_folder

Loc = tuple[str | int, ...]
_SIZE_LIMIT = 4 * 1024 * 1024
_DEPTH_LIMIT = 100
_PREFIX = "tag:yaml.org,2002:"

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """PyYAML's safe loader with resolvers of our own."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML copies this on the first add


_Loader.add_implicit_resolver(_PREFIX + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_PREFIX + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_PREFIX + "int", re.compile(r"^[-+]?(?:0|[1-9](?:_?[0-9])*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _PREFIX + "float",
    re.compile(r"^[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A parsed file: its data, and where each key of it stands."""

    path: Path
    data: Any
    marks: Mapping[Loc, tuple[int, int]]

    def place(self, loc: Loc) -> Place:
        """Where the key at `loc` stands, or the nearest one above it."""
        key = ".".join(str(part) for part in loc)
        for length in range(len(loc), -1, -1):
            mark = self.marks.get(loc[:length])
            if mark is not None:
                return Place(str(self.path), mark[0], mark[1], key)
        return Place(str(self.path), key=key)


def read_yaml(path: Path) -> YamlDocument:
    """Read and parse one file. Raises `ConfigError` with file, line and column of what is wrong."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        hint = nearest_in_folder(path) or "Check the path, or make a sample with: mailtui init DIR"
        raise ConfigError(
            f"There is no file {path}", detail=f"Looked for {path.name} in {path.absolute().parent}", hint=hint
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            f"{path} is a folder, not a file", hint=f"Name the file in it, such as {path / 'campaign.yaml'}"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read", detail=str(error.strerror or error)) from None
    if len(raw) > _SIZE_LIMIT:
        raise ConfigError(
            f"{path} is too large for a settings file", detail=f"{len(raw)} bytes; the limit is {_SIZE_LIMIT}"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path} is not UTF-8 text",
            [Problem(Place(str(path), line), "this line has a byte that is not UTF-8")],
            hint="Save it as UTF-8.",
        ) from None
    return parse_yaml(text, path)


def _mending(text: str, mark: yaml.Mark | None) -> str:
    """What most likely mends the line of a mistake: a tab before it, or an expression without quotes."""
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "The line begins with a tab; indent with spaces."
    if re.search(r":\s*\{\{", line):
        return "A value that begins with {{ stands in quotes: subject: '{{ name }}, hello'"
    return "Check the indentation and quotes there."


def parse_yaml(text: str, path: Path) -> YamlDocument:
    """Parse YAML text; `path` is only named in errors."""
    try:
        _refuse_depth(text, path)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{path} is not valid YAML", [Problem(place, what)], hint=_mending(text, mark)) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML", detail=str(error)) from None
    marks: dict[Loc, tuple[int, int]] = {(): (1, 1)}
    data = None if root is None else _walk(root, (), marks, set(), str(path))
    return YamlDocument(path, data, marks)


def node_at(text: str, loc: Loc) -> yaml.Node | None:
    """What stands at `loc` with its marks, in a text that `parse_yaml` reads; None where nothing does."""
    node: Any = yaml.compose(text, Loader=_Loader)
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            return None
    found: yaml.Node | None = node
    return found


def scalar_at(text: str, loc: Loc) -> yaml.ScalarNode | None:
    """The same where it is a single value; None where it is not."""
    node = node_at(text, loc)
    return node if isinstance(node, yaml.ScalarNode) else None


def _refuse_depth(text: str, path: Path) -> None:
    """Composing a document recurses, in C too, so one nested without end would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_LIMIT:
                mark = event.start_mark
                place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
                message = f"more than {_DEPTH_LIMIT} levels inside one another"
                raise ConfigError(f"{path} is nested too deep", [Problem(place, message)])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _walk(node: yaml.Node, loc: Loc, marks: dict[Loc, tuple[int, int]], seen: set[int], file: str) -> Any:
    here = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if id(node) in seen:
        raise ConfigError(
            f"{file} uses a YAML alias", [Problem(here, "aliases (*name) are not read; write the value out")]
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(
                    f"{file} is not valid here", [Problem(Place(file, *mark), "a key must be plain text")]
                )
            key = str(key_node.value)
            if key in result:
                raise ConfigError(
                    f"{file} names a key twice",
                    [Problem(Place(file, *mark, key), "this key stands here a second time")],
                )
            marks[(*loc, key)] = mark
            result[key] = _walk(value_node, (*loc, key), marks, seen, file)
        return result
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            marks[(*loc, index)] = (item.start_mark.line + 1, item.start_mark.column + 1)
            items.append(_walk(item, (*loc, index), marks, seen, file))
        return items
    return _scalar(node, here)


def _scalar(node: yaml.Node, here: Place) -> Any:
    kind = node.tag.removeprefix(_PREFIX)
    text = str(node.value)
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float"):
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:  # what an explicit tag calls a number need not be one, and an int may have 4,300 digits
            raise ConfigError(
                f"{here.file} is not valid here", [Problem(here, f"{text[:40]!r} is not a number")]
            ) from None
    raise ConfigError(
        f"{here.file} uses a YAML tag",
        [Problem(here, f"{node.tag} is not read; write plain text, numbers, lists and maps")],
    )
