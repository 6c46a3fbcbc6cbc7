"""Owns putting settings together from several layers, and remembering where each value came from.

The order is: command line, environment, project file, user file, default; the first that says something wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailtui.errors import ConfigError, Place, Problem
from mailtui.kit.children import holds_secret
from mailtui.kit.yaml_file import Loc, YamlDocument, parse_yaml

PREFIX = "MAILTUI_"
ENVIRONMENT = "environment"
"""The name of the layer that variables make."""
_SEPARATOR = "__"


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings: its values, and where a person finds each of them."""

    data: Mapping[str, Any]
    places: Mapping[Loc, Place]
    name: str

    def place(self, loc: Loc) -> Place:
        for length in range(len(loc), 0, -1):
            if loc[:length] in self.places:
                return self.places[loc[:length]]
        return Place(self.name)


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers merged, the first winning. Has what `kit.validation.validate` reads."""

    layers: Sequence[Layer]
    data: Any = field(init=False)
    marks: Mapping[Loc, tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            said = {key: value for key, value in layer.data.items() if value is not None or key not in merged}
            merged = _merged(merged, said)  # an empty section takes nothing away
        object.__setattr__(self, "data", merged)
        object.__setattr__(self, "marks", dict.fromkeys(_locs(merged), (0, 0)))

    def place(self, loc: Loc) -> Place:
        """Where the value at `loc` was set."""
        for layer in self.layers:
            if _holds(layer.data, loc):
                found = layer.place(loc)
                return Place(found.file, found.line, found.column, ".".join(map(str, loc)))
        return Place(key=".".join(map(str, loc)))

    def origin(self, loc: Loc) -> str:
        """The same as text for a person; `default` when no layer says anything."""
        for layer in self.layers:
            if _holds(layer.data, loc):
                place = layer.place(loc)
                return f"{place.file}:{place.line}" if place.line else place.file
        return "default"


def file_layer(document: YamlDocument) -> Layer:
    """The settings of one YAML file."""
    if document.data is None:
        return Layer({}, {}, str(document.path))
    if not isinstance(document.data, dict):
        problem = Problem(document.place(()), "a map of sections is expected here")
        raise ConfigError(f"{document.path} is no settings file", [problem])
    places = {loc: Place(str(document.path), *mark) for loc, mark in document.marks.items() if loc}
    return Layer(document.data, places, str(document.path))


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Every `MAILTUI_<SECTION>__<KEY>`; values are read as YAML scalars, so numbers and booleans are what they look."""
    data: dict[str, Any] = {}
    places: dict[Loc, Place] = {}
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or _SEPARATOR not in name or holds_secret(name):
            continue
        keys = tuple(name.removeprefix(PREFIX).lower().split(_SEPARATOR))
        value = parse_yaml(text, Path(name)).data
        here = data
        for key in keys[:-1]:
            step = here.setdefault(key, {})
            if not isinstance(step, dict):
                break
            here = step
        else:
            here[keys[-1]] = value
            places[keys] = Place(f"environment variable {name}")
    return Layer(data, places, ENVIRONMENT)


def option_layer(options: Mapping[Loc, tuple[str, Any]]) -> Layer:
    """Values given on the command line: location → (the flag, the value)."""
    data: dict[str, Any] = {}
    places: dict[Loc, Place] = {}
    for loc, (flag, value) in options.items():
        here = data
        for key in loc[:-1]:
            here = here.setdefault(str(key), {})
        here[str(loc[-1])] = value
        places[loc] = Place(f"option {flag}")
    return Layer(data, places, "command line")


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def _holds(data: Any, loc: Loc) -> bool:
    for key in loc:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[str(key)]
    return True


def _locs(data: Any, loc: Loc = ()) -> Iterator[Loc]:
    yield loc
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _locs(value, (*loc, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _locs(value, (*loc, index))
