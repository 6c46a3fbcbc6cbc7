"""Owns understanding a list before it is read: delimiter, quotes, header, and which column has the addresses.

Every guess comes with how sure it is and why, and everything a person says overrides it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import islice

from mailtui.audience.address import is_address
from mailtui.audience.address_column import guess_address_column
from mailtui.audience.csv_reader import BadRecord, Layout, open_text, read_records
from mailtui.audience.encoding import Encoding, find_encoding
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.match import fold
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean

_SAMPLE = 64 << 10
_SAMPLE_ROWS = 300
_COLUMN_LIMIT = 1_900
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?[\r\n]*', re.IGNORECASE)


def sniff(source: Source, spec: AudienceSpec, format: Finding) -> tuple[Layout, Understanding]:
    """Understand a delimited list.

    Raises `AudienceError` when it is no text, when no column looks like addresses, and when `spec` names a
    column it does not have.
    """
    try:
        encoding = find_encoding(source.path, spec.encoding)
        sample = _sample(source, encoding)
    except OSError as error:
        raise AudienceError(f"{source.name} cannot be read", detail=str(error.strerror or error)) from None
    rough, delimiter, quote = _cut(sample, encoding, spec)
    lines = _physical(sample.splitlines(keepends=True))[rough.skip_lines :]
    records = (cells for _, cells in read_records(lines, rough) if not isinstance(cells, BadRecord))
    rows = list(islice(records, _SAMPLE_ROWS))
    if not rows:
        raise AudienceError(
            f"{source.name} has no row that can be read",
            hint="Say how it is written: encoding, delimiter, quote.",
        )
    header = _find_header(rows, spec, line=rough.skip_lines + 1)
    has_header = header.value != "none"
    columns, notes = _column_names(rows[0]) if has_header else _numbered(Counter(map(len, rows)).most_common(1)[0][0])
    if len(columns) > _COLUMN_LIMIT:
        raise AudienceError(f"{source.name} has {len(columns):,} columns", hint=f"Up to {_COLUMN_LIMIT:,} are read.")
    least = len(columns)
    while has_header and least > 1 and (least > len(rows[0]) or not rows[0][least - 1].strip()):
        least -= 1
    layout = replace(rough, has_header=has_header, width=len(columns), least=least)
    data = [row for row in rows[1 if has_header else 0 :] if len(row) == len(columns)]
    address = _given_column(spec.address, columns) if spec.address is not None else guess_address_column(columns, data)
    if not address.value:
        raise AudienceError(
            f"{source.name} has no column with mail addresses",
            detail=f"Its columns: {', '.join(columns)}" + _shown_row(data, columns),
            hint="Name the column in the campaign file: audience: {address: COLUMN}. "
            "The column names must stand in the first line.",
        )
    settings = (("encoding", encoding.finding), ("delimiter", delimiter), ("quote", quote), ("header", header))
    understanding = Understanding(
        format=format,
        settings=settings,
        columns=columns,
        types=(),
        address_column=address,
        notes=(*source.notes, *notes),
        samples=_shown_samples(encoding),
    )
    return layout, understanding


def _sample(source: Source, encoding: Encoding) -> str:
    probe = Layout(encoding.codec, encoding.damaged, ",", '"')
    try:
        with open_text(source, probe) as stream:
            text = stream.read(_SAMPLE)
            # A line cut in two would look like a ragged one; a list whose first line is longer is read that far.
            return text + stream.readline() if len(text) == _SAMPLE else text
    except UnicodeError as error:
        raise AudienceError(
            f"{source.name} is not written in {encoding.codec}",
            detail=str(error),
            hint="Say which encoding it has, such as: encoding: cp1252",
        ) from None


def _physical(lines: list[str]) -> list[str]:
    """Lines as a file would give them: `splitlines` also cuts at separators that end no line of a file."""
    joined: list[str] = []
    whole = True
    for line in lines:
        if whole:
            joined.append(line)
        else:
            joined[-1] += line
        whole = line.endswith(("\n", "\r"))
    return joined


def _cut(sample: str, encoding: Encoding, spec: AudienceSpec) -> tuple[Layout, Finding, Finding]:
    """Delimiter and quote, and a layout that does not know its columns yet."""
    declared = _SEPARATOR_LINE.match(sample)
    declared_line = declared is not None and (declared.end() == len(sample) or sample[declared.end() - 1] in "\r\n")
    body = sample[declared.end() :] if declared is not None and declared_line else sample
    quote = _find_quote(body, spec)
    rough = Layout(encoding.codec, encoding.damaged, ",", quote.value, skip_lines=int(declared_line))
    if spec.delimiter is not None:
        delimiter = Finding(spec.delimiter, "given", "as you said")
    elif declared is not None and declared_line:
        delimiter = Finding(declared.group(1), "certain", "the first line says so")
    else:
        delimiter = _find_delimiter(body, rough)
    character = re.escape(delimiter.value)
    spaced = bool(quote.value) and re.search(f"{character} +{re.escape(quote.value)}", body) is not None
    escape = _find_escape(body, delimiter.value, quote.value)
    return replace(rough, delimiter=delimiter.value, escape=escape, skip_space=spaced), delimiter, quote


def _find_escape(body: str, delimiter: str, quote: str) -> str:
    r"""A backslash when quotes inside cells are written as \", as MySQL does; the end of "C:\" is no sign of it."""
    if not quote:
        return ""
    inside = rf"[^\\{re.escape(quote)}]\\{re.escape(quote)}(?![{re.escape(delimiter)}\r\n]|$)"
    return "\\" if re.search(inside, body) else ""


def _find_quote(body: str, spec: AudienceSpec) -> Finding:
    if spec.quote is not None:
        return Finding(spec.quote, "given", "as you said")
    if '"' in body:
        return Finding('"', "certain", "it stands in the file")
    edges = len(re.findall(r"(?:^|[,;\t|])'[^'\r\n]*'(?=[,;\t|\r\n]|$)", body, re.MULTILINE))
    if edges > 2 and edges > len(body.splitlines()):
        return Finding("'", "likely", "cells stand between single quotes")
    return Finding('"', "likely", "the usual one; none is in the first lines")


def _find_delimiter(body: str, rough: Layout) -> Finding:
    """The candidate by which most records of the sample have the same number of cells, more than one."""
    lines = _physical(body.splitlines(keepends=True))
    best, best_score, best_share = ",", 0.0, 0.0
    for candidate in _DELIMITERS:
        layout = replace(rough, delimiter=candidate)
        counts = [len(cells) for _, cells in read_records(lines, layout) if not isinstance(cells, BadRecord)]
        if not counts:
            continue
        width, hits = Counter(count for count in counts if count > 1).most_common(1)[0] if max(counts) > 1 else (1, 0)
        share = hits / len(counts)
        score = share * (1 - 1 / width) * (1.0 if counts[0] == width else 0.6)
        if score > best_score:
            best, best_score, best_share = candidate, score, share
    if not best_score:
        return Finding(",", "guess", "there is only one column")
    reason = f"{best_share:.0%} of the first rows have the same number of cells with {_DELIMITERS[best]}"
    return Finding(best, "certain" if best_share > 0.97 else "likely" if best_share > 0.7 else "guess", reason)


def _find_header(rows: list[list[str]], spec: AudienceSpec, *, line: int) -> Finding:
    if spec.header is not None:
        return Finding("none" if spec.header is False else str(line), "given", "as you said")
    first = next((cell for cell in rows[0] if is_address(cell)), None)
    if first is not None:
        return Finding("none", "certain", f"the first row already holds an address, {first.strip()}")
    if any(is_address(cell) for row in rows[1:] for cell in row):
        return Finding(str(line), "certain", "the first row holds no address, later ones do")
    return Finding(str(line), "likely", "the first row holds no address")


def _column_names(cells: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that differ even without regard to case: a second `Name` is `Name_2`, an empty one `column_3`."""
    taken = {fold(cell.strip()) for cell in cells}
    seen: set[str] = set()
    names: list[str] = []
    notes: list[str] = []
    for position, cell in enumerate(cells, start=1):
        wanted = name = " ".join(cell.replace("\ufeff", "").split())
        number = 2
        if not name:
            wanted = name = f"column_{position}"
            number = 2
        while fold(name) in seen or (name != wanted and fold(name) in taken):
            name = f"{wanted}_{number}"
            number += 1
        if name != wanted:
            notes.append(f"A second column {wanted} is called {name} here.")
        seen.add(fold(name))
        names.append(name)
    return tuple(names), tuple(notes)


def _numbered(width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(f"column_{number}" for number in range(1, width + 1))
    return names, (f"There is no row of column names, so they are called {names[0]} to {names[-1]}.",)


def _given_column(name: str, columns: tuple[str, ...]) -> Finding:
    for candidate in columns:
        if candidate == name or fold(candidate) == fold(name.strip()):
            return Finding(candidate, "given", "as you said")
    hint = did_you_mean(name, columns)
    raise AudienceError(f"The list has no column {name}", detail=f"Its columns: {', '.join(columns)}", hint=hint)


def _shown_row(data: list[list[str]], columns: tuple[str, ...]) -> str:
    if not data:
        return ""
    return "\nIts first row: " + ", ".join(f"{name} = {cell}" for name, cell in zip(columns, data[0], strict=True))


def _shown_samples(encoding: Encoding) -> tuple[str, ...]:
    lines = encoding.samples.splitlines()[:3]
    return tuple(line.decode(encoding.codec, "backslashreplace")[:200] for line in lines)
