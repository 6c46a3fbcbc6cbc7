"""Owns JSON lines as a kind of list: an object a line, so that damage to one line reaches no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mailtui.audience.csv_reader import Record
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.columns import KeysFound
from mailtui.audience.formats.format import Format
from mailtui.audience.formats.json_text import VALUE_LIMIT, find_json_encoding, open_json
from mailtui.audience.formats.json_values import DECODER, fit, flatten
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

_BLANKS = " \t\r\n\ufeff"


@dataclass(frozen=True, slots=True)
class JsonLines:
    """How the file is encoded, and the keys of its records, with dots, a column each."""

    codec: str
    keys: tuple[str, ...]


def _understand(source: Source, spec: AudienceSpec, format: Finding) -> tuple[JsonLines, Understanding]:
    """Looks through the whole file for its keys, since a key may come late and none is to be lost."""
    encoding = find_json_encoding(source, spec)
    found = KeysFound(source)
    first_trouble = ""
    for line, _, flat in _lines(source, encoding.value):
        if isinstance(flat, str):
            first_trouble = first_trouble or f"line {line:,}: {flat}"
        else:
            found.add(flat)
    if not found.keys:
        raise AudienceError(
            f"{source.name} has no record that can be read",
            detail=first_trouble,
            hint='JSON lines have an object a line: {"email": "ann@example.com", "name": "Ann"}',
        )
    return JsonLines(encoding.value, tuple(found.keys)), found.settle(
        spec, format=format, settings=[("encoding", encoding)], unit="line"
    )


def _read(source: Source, layout: JsonLines) -> Iterator[Record]:
    for line, text, flat in _lines(source, layout.codec):
        yield line, fit(flat, layout.keys, text)


def _lines(source: Source, codec: str) -> Iterator[tuple[int, str, dict[str, str] | str]]:
    """Each line that is not blank: its number, its text, and its cells by key or why it has none."""
    try:
        with open_json(source, codec) as stream:
            number = 0
            while text := stream.readline(VALUE_LIMIT):
                number += 1
                text = text.strip(_BLANKS)
                if len(text) >= VALUE_LIMIT - 2:
                    raise AudienceError(
                        f"{source.name} has a line of more than {VALUE_LIMIT >> 20} MiB",
                        detail=f"Line {number:,}",
                        hint="Is it one JSON document? Then say so: format: json",
                    )
                if text:
                    yield number, text, _record(text)
    except UnicodeError as error:
        raise AudienceError(
            f"{source.name} is not written in {codec}", detail=str(error), hint="Say which encoding it has."
        ) from None
    except OSError as error:
        raise AudienceError(f"{source.name} cannot be read", detail=str(error.strerror or error)) from None


def _record(text: str) -> dict[str, str] | str:
    try:
        return flatten(DECODER.decode(text))
    except json.JSONDecodeError as error:
        if error.pos >= len(text):
            return "it is cut off: no JSON from its beginning to its end"
        return f"it is no JSON from its character {error.pos + 1} on: {error.msg}"
    except RecursionError:
        return "lists and objects are nested too deeply in it"


JSON_LINES = Format("jsonl", JsonLines, _understand, _read)
