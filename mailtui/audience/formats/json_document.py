"""Owns JSON documents as a kind of list: a list of objects, alone or somewhere inside an object.

A document is read record by record, with no more than one in memory, however long its list is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailtui.audience.csv_reader import Record
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.columns import KeysFound, shown_names
from mailtui.audience.formats.format import Format
from mailtui.audience.formats.json_text import BrokenJson, JsonStream, find_json_encoding, open_json
from mailtui.audience.formats.json_values import fit, flatten
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean

_DEPTH = 8
WHOLE = "."
"""The path of a list that is the whole document."""


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """How the file is encoded, the keys on the way to its list, and the keys of its records, a column each."""

    codec: str
    path: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(slots=True)
class _List:
    """A list somewhere in a document: how many objects it has, and how many other values."""

    path: tuple[str, ...]
    found: KeysFound
    others: int = 0

    @property
    def name(self) -> str:
        return ".".join(self.path) or WHOLE


def _understand(source: Source, spec: AudienceSpec, format: Finding) -> tuple[JsonDocument, Understanding]:
    encoding, lists = _all_lists(source, spec)
    chosen, records = _choose(lists, spec, source)
    understanding = chosen.found.settle(
        spec, format=format, settings=[("encoding", encoding), ("records", records)], unit="record"
    )
    return JsonDocument(encoding.value, chosen.path, tuple(chosen.found.keys)), understanding


def _lists(source: Source, spec: AudienceSpec) -> tuple[str, ...]:
    _, lists = _all_lists(source, spec)
    return tuple(item.name for item in lists if item.found.count)


def _all_lists(source: Source, spec: AudienceSpec) -> tuple[Finding, list[_List]]:
    encoding = find_json_encoding(source, spec)
    lists: list[_List] = []
    with _opened(source, encoding.value) as stream:
        _survey(stream, (), lists, source)
        if stream.peek():
            raise stream.broken("something follows the end; an object a line are JSON lines: format: jsonl")
    return encoding, lists


def _read(source: Source, layout: JsonDocument) -> Iterator[Record]:
    with _opened(source, layout.codec) as stream:
        for wanted in layout.path:
            for key in stream.members():
                if key == wanted:
                    break
                stream.value()
            else:
                raise BrokenJson(f"{source.name} has no {'.'.join(layout.path)} any more", hint="Run it again.")
        for number, (value, text) in enumerate(stream.elements(), start=1):
            yield number, fit(flatten(value), layout.keys, text)


class _opened:  # noqa: N801 - used like a function, in a with
    """The file as a stream of values, with what goes wrong in words."""

    def __init__(self, source: Source, codec: str) -> None:
        self._source = source
        self._codec = codec

    def __enter__(self) -> JsonStream:
        try:
            self._stream = open_json(self._source, self._codec)
        except OSError as error:
            raise self._unreadable(error) from None
        return JsonStream(self._stream, self._source.name)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._stream.close()
        if isinstance(error, UnicodeError):
            raise AudienceError(
                f"{self._source.name} is not written in {self._codec}",
                detail=str(error),
                hint="Say which encoding it has, such as: encoding: cp1252",
            ) from None
        if isinstance(error, OSError):
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> AudienceError:
        return AudienceError(f"{self._source.name} cannot be read", detail=str(error.strerror or error))


def _survey(stream: JsonStream, path: tuple[str, ...], lists: list[_List], source: Source) -> None:
    """Go through a value and note every list in it that can be reached by keys alone."""
    start = stream.peek()
    if start == "[":
        found = _List(path, KeysFound(source))
        for value, _ in stream.elements():
            flat = flatten(value)
            if isinstance(flat, str):
                found.others += 1
            else:
                found.found.add(flat)
        lists.append(found)
    elif start == "{" and len(path) < _DEPTH:
        seen: set[str] = set()
        for key in stream.members():
            if key in seen:
                raise stream.broken(f"the key {key} stands twice in one object, and only one of the two can be meant")
            seen.add(key)
            _survey(stream, (*path, key), lists, source)
    else:
        stream.value()


def _choose(lists: list[_List], spec: AudienceSpec, source: Source) -> tuple[_List, Finding]:
    usable = [item for item in lists if item.found.count]
    names = [item.name for item in usable]
    if spec.records is not None:
        wanted = spec.records.strip().removeprefix("$").strip(".") or WHOLE
        meant = [item for item in usable if item.name == wanted]
        if len(meant) > 1:  # {"a.b": […], "a": {"b": […]}}
            raise AudienceError(
                f"{source.name} has {len(meant)} lists of records at {wanted}",
                hint="A dot in the name of a key cannot be told from a key inside another: name it otherwise there.",
            )
        if meant:
            return meant[0], Finding(wanted, "given", "as you said")
        raise AudienceError(
            f"{source.name} has no list of records at {spec.records}",
            detail=f"Its lists of objects: {shown_names(names)}" if names else "It has no list of objects.",
            hint=did_you_mean(wanted, names),
        )
    if not usable:
        what = "no list" if not lists else "only lists of plain values" if any(i.others for i in lists) else "no record"
        raise AudienceError(
            f"{source.name} holds {what}",
            hint='A JSON list is a list of objects: [{"email": "ann@example.com", "name": "Ann"}]',
        )
    if len(usable) == 1:
        return usable[0], Finding(names[0], "certain", f"the only list of objects, with {usable[0].found.count:,}")
    with_addresses = [item for item in usable if item.found.has_addresses]
    if len(with_addresses) == 1:
        others = shown_names([name for name in names if name != with_addresses[0].name])
        return with_addresses[0], Finding(with_addresses[0].name, "likely", f"it has addresses; {others} has not")
    raise AudienceError(
        f"{source.name} has {len(usable)} lists of objects",
        detail=", ".join(f"{item.name} ({item.found.count:,})" for item in usable),
        hint=f"Say which one is meant: records: {names[0]}",
    )


JSON_DOCUMENT = Format("json", JsonDocument, _understand, _read, _lists)
