"""Owns trying out how a list could be read, before it is opened that way: for whoever mends a wrong guess."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.encoding import find_encoding
from mailtui.audience.findings import Understanding
from mailtui.audience.formats.kind import find_kind
from mailtui.audience.reach import Reach
from mailtui.audience.reading import places, read, understand
from mailtui.audience.sheets.link import is_link
from mailtui.audience.source import Source, find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

ENCODINGS = (
    *("utf-8", "cp1252", "iso8859-15", "cp1250", "cp1251", "cp1253", "cp1254", "koi8-r", "mac-roman", "cp850"),
    *("cp932", "euc-jp", "gb18030", "big5", "cp949"),
)
"""Encodings that lists are found in, the most frequent first."""
_PLACED = {"xlsx": "sheet", "sqlite": "query", "json": "records"}
_ROWS = 4
_LINES = 12
_LINE = 200
_LONGEST_LINE = 1 << 20
_BEFORE = 12
_SAMPLE = 60


@dataclass(frozen=True, slots=True)
class Trial:
    """What would come of reading a list so: how it is understood, and its first rows; `spec` is what was tried."""

    spec: AudienceSpec
    understanding: Understanding
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class EncodingSample:
    """A line with letters beyond ASCII as it reads in one encoding; None where some of its bytes mean nothing in it."""

    encoding: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a list as it stands, whatever it was understood as.

    `lines` are its first ones with the numbers that a header is named by. `encodings` is empty where nothing but ASCII
    is in it, and where it says its encoding itself. `places` are the tabs, tables or lists of which one is read.
    """

    lines: tuple[tuple[int, str], ...] = ()
    encodings: tuple[EncodingSample, ...] = ()
    places: tuple[str, ...] = ()


def try_reading(spec: AudienceSpec, folder: Path, spool: Path, reach: Reach) -> Trial:
    """Understand a list and read its first rows, no more. Raises `AudienceError`."""
    source = find_source(_at_hand(spec, reach), folder, spool, sheets=reach.sheets)
    try:
        reading = understand(source, spec)
        rows = (cells for _, cells in read(source, reading) if not isinstance(cells, BadRecord))
        return Trial(spec, reading.understanding, tuple(tuple(cells) for cells in islice(rows, _ROWS)))
    finally:
        source.discard()


def look_at_beginning(spec: AudienceSpec, folder: Path, spool: Path, reach: Reach) -> Beginning:
    """The first lines of a list, and how its letters read in each encoding. Raises `AudienceError`."""
    source = find_source(_at_hand(spec, reach), folder, spool, sheets=reach.sheets)
    try:
        kind, _ = find_kind(source, spec)
        if kind == "csv":
            return Beginning(tuple(_text_lines(source, spec)), tuple(_encodings(source)))
        lines = tuple(_grid_lines(source, spec)) if kind in ("xlsx", "sheet") else ()
        return Beginning(lines, (), places(source, spec))
    except OSError as error:
        raise AudienceError(f"{source.name} cannot be read", detail=str(error.strerror or error)) from None
    finally:
        source.discard()


@dataclass(frozen=True, slots=True)
class Places:
    """The tabs, tables or lists of a file, and the setting that names the one to read.

    `found` is whether one is found out where none is named.
    """

    key: str
    names: tuple[str, ...]
    found: bool


def find_places(path: Path, spool: Path, reach: Reach) -> Places | None:
    """What there is to choose from before a file is opened; None where there is nothing. Raises `AudienceError`."""
    spec = AudienceSpec(source=str(path))
    source = find_source(spec, Path(), spool, sheets=reach.sheets)
    try:
        kind, _ = find_kind(source, spec)
        names = places(source, spec) if kind in _PLACED else ()
        if len(names) < 2:
            return None
        return Places(_PLACED[kind], names, kind == "xlsx" or _understood(source, spec))
    finally:
        source.discard()


def _understood(source: Source, spec: AudienceSpec) -> bool:
    try:
        understand(source, spec)
    except AudienceError:
        return False
    return True


def _at_hand(spec: AudienceSpec, reach: Reach) -> AudienceSpec:
    """A sheet on the network is looked at in the copy that was kept when it was opened; another tab has none yet."""
    held = reach.sheets is not None and is_link(spec.source) and reach.sheets.holds(spec)
    return spec.model_copy(update={"offline": True}) if held else spec


def _text_lines(source: Source, spec: AudienceSpec) -> Iterator[tuple[int, str]]:
    codec = find_encoding(source.path, spec.encoding).codec
    with source.path.open(encoding=codec, errors="backslashreplace", newline="") as stream:
        for number in range(1, _LINES + 1):
            line = stream.readline(_LONGEST_LINE)
            if not line:
                return
            yield number, line.rstrip("\r\n")[:_LINE]


def _grid_lines(source: Source, spec: AudienceSpec) -> Iterator[tuple[int, str]]:
    """The first rows of a sheet as if none of them held names."""
    try:
        reading = understand(source, spec.model_copy(update={"header": False, "address": None, "types": {}}))
    except AudienceError:
        return  # it has no row that looks like a list's, and the trial itself says why
    for number, cells in islice(read(source, reading), _LINES):
        text = cells.text if isinstance(cells, BadRecord) else " | ".join(cell for cell in cells if cell)
        yield number, text[:_LINE]


def _encodings(source: Source) -> Iterator[EncodingSample]:
    line = next(iter(find_encoding(source.path, None).samples.splitlines()), b"")
    if line:
        for encoding in ENCODINGS:
            yield EncodingSample(encoding, _decoded(line, encoding))


def _decoded(line: bytes, encoding: str) -> str | None:
    """The part of a line around its first letter beyond ASCII; None where some byte means nothing."""
    try:
        # Not to its end, since a long line may have been cut within a letter.
        text = codecs.getincrementaldecoder(encoding)().decode(line)
    except UnicodeDecodeError:
        return None
    first = next((place for place, letter in enumerate(text) if not letter.isascii()), 0)
    begin = first - _BEFORE
    return ("…" + text[begin:] if begin > 0 else text)[:_SAMPLE]
