"""Owns understanding a list before it is read: delimiter, quotes, header, and which column has the addresses.

Every guess comes with how sure it is and why, and everything a person says overrides it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TextIO

from mailtui.audience.csv_reader import BadRecord, Layout, open_text, read_records
from mailtui.audience.encoding import Encoding, find_encoding
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.columns import settle
from mailtui.audience.heading import Heading, Row, find_heading
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

_SAMPLE = 64 << 10
_BLOCK = 1 << 20
_SAMPLE_ROWS = 300
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
    if encoding.escapes and not rough.escape and len(sample) >= _SAMPLE:
        rough = replace(rough, escape=_find_late_escape(source, rough))
    rows = _first_rows(sample, rough)
    if not rows:
        raise AudienceError(
            f"{source.name} has no row that can be read",
            hint="Say how it is written: encoding, delimiter, quote.",
        )
    heading = find_heading(rows, spec.header, address=spec.address)
    columns = heading.columns
    data = [list(cells) for _, cells in rows[heading.first :] if len(cells) == len(columns)]
    layout = _layout(rough, heading, rows)
    found = settle(
        source,
        spec,
        format=format,
        settings=(
            ("encoding", encoding.finding),
            ("delimiter", delimiter),
            ("quote", quote),
            ("header", heading.finding),
        ),
        columns=columns,
        rows=data,
        unit="line",
        notes=heading.notes,
        texts=_texts(encoding),
    )
    return layout, replace(found, samples=_shown_samples(encoding))


def _first_rows(sample: str, rough: Layout) -> list[Row]:
    """The first records; one that cannot be cut into cells, as may stand in a title block, has a single one."""
    lines = _physical(sample.splitlines(keepends=True))[rough.skip_lines :]
    records = read_records(lines, rough, first_line=rough.skip_lines + 1)
    return [
        (line, [cells.text] if isinstance(cells, BadRecord) else cells) for line, cells in islice(records, _SAMPLE_ROWS)
    ]


def _layout(rough: Layout, heading: Heading, rows: Sequence[Row]) -> Layout:
    width = len(heading.columns)
    if heading.line is None:
        return replace(rough, has_header=False, width=width, least=width)
    names = rows[heading.first - 1][1]
    least = width
    while least > 1 and not names[least - 1].strip():
        least -= 1  # columns without a name at the end may be missing
    return replace(rough, skip_lines=heading.line - 1, width=width, least=least)


def _sample(source: Source, encoding: Encoding) -> str:
    probe = Layout(encoding.codec, encoding.damaged, ",", '"')
    with _decoded(source, probe) as stream:
        text = stream.read(_SAMPLE)
        # A line cut in two would look like a ragged one; a list whose first line is longer is read that far.
        return text + stream.readline() if len(text) == _SAMPLE else text


@contextmanager
def _decoded(source: Source, layout: Layout) -> Iterator[TextIO]:
    try:
        with open_text(source, layout) as stream:
            yield stream
    except UnicodeError as error:
        raise AudienceError(
            f"{source.name} is not written in {layout.codec}",
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
    rough = Layout(
        encoding.codec, encoding.damaged, ",", quote.value, skip_lines=int(declared_line), mixed=encoding.mixed
    )
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
    r"""A backslash when quotes inside cells are written as \", as MySQL does.

    The end of "C:\" is no sign of it, nor is that of "say ""C:\"" to it", where quotes are doubled.
    """
    if not quote or "\\" + quote not in body:
        return ""
    delimiter, quote = re.escape(delimiter), re.escape(quote)
    inside = rf"(?:[^\\{quote}]|(?:^|{delimiter}){quote})\\{quote}(?![{delimiter}{quote}\r\n]|$)"
    return "\\" if re.search(inside, body, re.MULTILINE) else ""


def _find_late_escape(source: Source, rough: Layout) -> str:
    """The same, of the whole file: a list may have its first quote inside a cell far down."""
    with _decoded(source, rough) as stream:
        while text := stream.read(_BLOCK):
            escape = _find_escape(text + stream.readline(), rough.delimiter, rough.quote)
            if escape:
                return escape
    return ""


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


def _texts(encoding: Encoding) -> Sequence[str] | None:
    """Where to look for letters that were damaged before; lines of UTF-8 in a code page are problems of their own."""
    if encoding.finding.confidence == "guess":
        return ()
    return encoding.samples.decode(encoding.codec, "ignore").splitlines() if encoding.samples else None


def _shown_samples(encoding: Encoding) -> tuple[str, ...]:
    lines = encoding.samples.splitlines()[:3]
    return tuple(line.decode(encoding.codec, "backslashreplace")[:200] for line in lines)
