"""Owns the settings of how a list is read as a person types them, and the ways to keep them for the next time."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from mailtui.audience.findings import Understanding
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import UsageError
from mailtui.kit.validation import expected

NONE = "none"
"""What is typed where nothing is meant: no line of column names, no quotes."""
_NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "blank"}
_ABOUT_ROWS = ("exclude", "group")
_FLAGS = ("format", "encoding", "delimiter", "quote", "header", "address", "sheet", "range", "records", "query")
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_MEANS_ELSE = ("true", "false", "null")


class SettingMistake(UsageError):
    """What was typed for one setting cannot be taken; `key` says which one."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message[:1].upper() + message[1:])
        self.key = key


def keys_of(found: Understanding) -> tuple[str, ...]:
    """The settings that apply to a list that was understood so, in the order to show them."""
    ranged = ("range",) if "sheet" in dict(found.settings) else ()
    format = () if found.format.value == "sheet" else ("format",)
    return (*format, *(key for key, _ in found.settings if key != "range"), *ranged, "address", *_ABOUT_ROWS)


def text_of(key: str, found: Understanding, spec: AudienceSpec) -> str:
    """A setting as it is typed: what was found, or what was given."""
    if key == "format":
        return found.format.value
    if key == "address":
        return found.address_column.value
    finding = found.setting(key)
    if finding is not None:
        return shown(key, finding.value)
    value = getattr(spec, key)
    if key == "exclude":
        return " ".join(value)
    if key == "group":
        return "yes" if value else "no"
    return "" if value is None else str(value)


def shown(key: str, value: str) -> str:
    """A value as it is typed: delimiters by their names, and a word for nothing."""
    if key == "delimiter":
        return _NAMED.get(value, value)
    return NONE if key == "quote" and not value else value


def changed(spec: AudienceSpec, texts: Mapping[str, str]) -> AudienceSpec:
    """The spec with these settings as they were typed; an empty one is found out again.

    Raises `SettingMistake` for the first that cannot be taken.
    """
    values = {**spec.model_dump(), **{key: _value(key, text.strip()) for key, text in texts.items()}}
    return _checked(values)


def with_type(spec: AudienceSpec, column: str, kind: str) -> AudienceSpec:
    """The spec with a column of another type; an empty one is found out again. Raises `SettingMistake`."""
    types = {name: given for name, given in spec.types.items() if name != column}
    return _checked({**spec.model_dump(), "types": {**types, column: kind} if kind else types})


def campaign_lines(spec: AudienceSpec, base: AudienceSpec) -> list[str]:
    """The lines below `audience:` of a campaign file that say what differs from `base`.

    A setting that `base` has and `spec` has not is not among them: that is a line to take away.
    """
    return [f"  {key}: {_written(value)}" for key, value in _differing(spec, base) if value not in (None, (), {})]


def command(spec: AudienceSpec) -> str:
    """The command that reads the list in this way, for a shell."""
    flags: list[str] = []
    for key in _FLAGS:
        value = getattr(spec, key)
        if value is not None and value is not True:
            flags += [f"--{key}", NONE if value is False or value == "" else shown(key, str(value))]
    for column, kind in spec.types.items():
        flags += ["--type", f"{column}={kind}"]
    for kind in spec.exclude:
        flags += ["--exclude", kind]
    flags += ["--group"] if spec.group else []
    return shlex.join(["mailtui", "audience", spec.source, *flags])


def _value(key: str, text: str) -> Any:
    if key == "exclude":
        return tuple(text.replace(",", " ").split())
    if key == "group":
        if text.lower() not in ("yes", "no", ""):
            raise SettingMistake(key, "Say yes or no.")
        return text.lower() == "yes"
    if not text:
        return None
    if key == "quote" and text.lower() == NONE:
        return ""
    if key == "header":
        if text.lower() == NONE:
            return False
        if not text.isdecimal():
            raise SettingMistake(key, f"Type the number of the line with the column names, or {NONE}.")
        return int(text)
    if key == "delimiter" and text.lower() == "blank":
        return " "
    return text


def _checked(values: Mapping[str, Any]) -> AudienceSpec:
    try:
        return AudienceSpec.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        message = str(first["ctx"]["error"]) if first["type"] == "value_error" else f"It {expected(first)}."
        raise SettingMistake(key, message) from None


def _differing(spec: AudienceSpec, base: AudienceSpec) -> Iterator[tuple[str, Any]]:
    """Settings of `spec` that are others than those of `base`, but for source and filter, which are set elsewhere."""
    for key in AudienceSpec.model_fields:
        if key not in ("source", "filter") and getattr(spec, key) != getattr(base, key):
            yield key, getattr(spec, key)


def _written(value: Any) -> str:
    """A value as YAML."""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_written(name)}: {_written(item)}' for name, item in value.items())}}}"
    text = str(value)
    bare = _BARE.fullmatch(text) is not None and text.lower() not in _MEANS_ELSE
    return text if bare else json.dumps(text, ensure_ascii=False)
