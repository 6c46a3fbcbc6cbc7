"""Owns telling what kind of file a list is, by its first bytes and its content, then by its name."""

from __future__ import annotations

from pathlib import Path

from mailtui.audience.findings import Finding
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec, ListFormat
from mailtui.errors import AudienceError

_HEAD = 4_096
_MAGIC = (
    (b"PK\x03\x04", "a spreadsheet or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"%PDF", "a PDF"),
)
_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers", ".parquet", ".json", ".jsonl", ".ndjson")


def find_kind(source: Source, spec: AudienceSpec) -> tuple[ListFormat, Finding]:
    """The format of a file, and how that is known. Raises `AudienceError` for what is no list."""
    with source.path.open("rb") as stream:
        head = stream.read(_HEAD)
    kind = next((what for magic, what in _MAGIC if head.startswith(magic)), None)
    suffix = Path(source.name).suffix.lower()
    if kind is None and suffix in _SUFFIXES:
        kind = f"a {suffix} file"
    if kind is not None:
        raise AudienceError(
            f"{source.name} is {kind}, which is not read yet",
            hint="Save it as CSV (in a spreadsheet: File, Save as, CSV UTF-8) and name that file.",
        )
    if spec.format is not None:
        return spec.format, Finding(spec.format, "given", "as you said")
    return "csv", Finding("csv", "likely", "it is text")
