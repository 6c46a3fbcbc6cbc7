"""Owns telling what kind of file a list is: by its first bytes, then by its content, and by its name last.

A name lies more often than a file does: workbooks and web pages are saved as .csv every day.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from pathlib import Path

from mailtui.audience.findings import Finding
from mailtui.audience.formats.json_values import DECODER
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec, ListFormat
from mailtui.errors import AudienceError

_HEAD = 64 << 10
_OLE_PART = 4 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_AT_TAR_MAGIC = 257
_SUFFIXES: dict[str, ListFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_NOT_TEXT = (*_SUFFIXES, ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers", ".parquet", ".sqlite", ".db")
FORMAT_NAMES: Mapping[ListFormat, str] = {
    "csv": "text with a record a line",
    "xlsx": "a workbook",
    "json": "a JSON document",
    "jsonl": "JSON lines",
    "parquet": "a Parquet file",
    "sqlite": "a SQLite file",
    "sheet": "a Google sheet",
}
"""Each format in words."""

_AS_CSV = "Save it as CSV (in a spreadsheet: File, Save as, CSV UTF-8) and name that file."
_UNPACK = "Unpack it and name the list in it."
_BZIP2 = tuple(b"BZh%d1AY&SY" % level for level in range(1, 10))
_VCARD = (b"BEGIN:VCARD", codecs.BOM_UTF8 + b"BEGIN:VCARD")
_OTHERS: tuple[tuple[bytes | tuple[bytes, ...], str, str], ...] = (
    (b"%PDF", "a PDF, which has no rows", "Ask for the list it was printed from, as CSV or as a workbook."),
    (_BZIP2, "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\0", "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x1f\x8b", "packed with gzip more than once", _UNPACK),
    (b"\x89PNG", "a picture", "A list is text, a workbook or a database."),
    (b"\xff\xd8\xff", "a picture", "A list is text, a workbook or a database."),
    (b"{\\rtf", "an RTF document", _AS_CSV),
    (_VCARD, "a file of vCards, which are not read yet", "Export the contacts as CSV."),
)
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|script)\b", re.IGNORECASE)


def find_kind(source: Source, spec: AudienceSpec) -> tuple[ListFormat, Finding]:
    """The format of a file, and how that is known. Raises `AudienceError` for what is no list."""
    kind, finding = _by_content(source)
    if spec.format is None or spec.format == kind:
        return kind, finding if spec.format is None else Finding(spec.format, "given", "as you said")
    if kind not in ("csv", "json", "jsonl") or spec.format not in ("csv", "json", "jsonl"):
        raise AudienceError(
            f"{source.name} is no {spec.format} file",
            detail=f"It is {FORMAT_NAMES[kind]}: {finding.reason}",
            hint="Leave the format out." if kind == "sheet" else f"Leave the format out, or say: format: {kind}",
        )
    return spec.format, Finding(spec.format, "given", "as you said")


def _by_content(source: Source) -> tuple[ListFormat, Finding]:
    if source.sheet is not None:
        return "sheet", Finding("sheet", "certain", "its link says so")
    try:
        with source.path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise AudienceError(f"{source.name} cannot be read", detail=str(error.strerror or error)) from None
    suffix = _suffix(source.name)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        from mailtui.audience.formats.archives import zip_kind  # here, since few lists need it

        return "xlsx", Finding(
            "xlsx", "certain", zip_kind(source) + _despite(suffix, ".xlsx", ".xlsm", ".ods", ".xlsb")
        )
    if head.startswith(_OLE):
        return "xlsx", Finding("xlsx", "certain", _ole_kind(source) + _despite(suffix, ".xls", ".xlt"))
    if head.startswith(b"PAR1"):
        return "parquet", Finding("parquet", "certain", "its first bytes say so")
    if head.startswith(b"SQLite format 3\0"):
        return "sqlite", Finding("sqlite", "certain", "its first bytes say so")
    for magic, what, hint in _OTHERS:
        if head.startswith(magic):
            raise AudienceError(f"{source.name} is {what}", hint=hint)
    if head[_AT_TAR_MAGIC:].startswith(b"ustar"):
        raise AudienceError(f"{source.name} is a tar archive", hint=_UNPACK)
    text = _text(head)
    if text.startswith("<"):
        _refuse_markup(source, head, suffix)
    return _text_kind(text, suffix)


def _text(head: bytes) -> str:
    """The beginning of a text, well enough to tell JSON from a table."""
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:4]
    codec = json.detect_encoding(head) if utf16 else "utf-8"
    return head.decode(codec, "replace").lstrip("\ufeff \t\r\n")


def _text_kind(text: str, suffix: str) -> tuple[ListFormat, Finding]:
    named = _SUFFIXES.get(suffix)
    if text.startswith("{"):
        if named == "jsonl" or _is_object_a_line(text):
            return "jsonl", Finding("jsonl", "certain", "each line is an object")
        return "json", Finding("json", "certain" if named else "likely", "it begins with an object")
    if re.match(r"\[\s*[\[{\]]", text) or (named is not None and text.startswith("[")):
        if named == "jsonl":
            return "jsonl", Finding("jsonl", "likely", f"its name ends in {suffix}")
        return "json", Finding("json", "certain", "it begins with a list of objects")
    if suffix in _NOT_TEXT:
        return "csv", Finding("csv", "likely", f"it is plain text, though its name ends in {suffix}")
    return "csv", Finding("csv", "certain" if suffix in (".csv", ".tsv", ".tab") else "likely", "it is text")


def _is_object_a_line(text: str) -> bool:
    """Whether the first line is an object of its own, and another line follows."""
    first, _, rest = text.partition("\n")
    rest = rest.lstrip()
    if not rest:
        return False
    try:
        DECODER.decode(first.strip())
    except json.JSONDecodeError:
        # A first line that is damaged is told as such, when the second one is whole.
        ends = first.rstrip(), rest.partition("\n")[0].rstrip()
        return rest.startswith("{") and all(line.endswith("}") for line in ends)
    except RecursionError:
        return rest.startswith("{")
    return True


def _refuse_markup(source: Source, head: bytes, suffix: str) -> None:
    """Raise for a web page or another file of markup; a list may begin with < for other reasons."""
    plain = head.replace(b"\0", b"")
    if _WEB_PAGE.search(plain[:4_096]):
        name = f", saved as {suffix}" if suffix not in ("", ".html", ".htm") else ""
        title = re.search(rb"<title[^>]*>([^<]{1,200})", plain, re.IGNORECASE)
        raise AudienceError(
            f"{source.name} is a web page{name}, not a list",
            detail=f"Its title: {title.group(1).decode('utf-8', 'replace').strip()}" if title else "",
            hint="A download that wants a login first often ends so: log in and download the list again. "
            "A page with a table in it opens in a spreadsheet program, which saves it as CSV.",
        )
    if plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<?xml"):
        raise AudienceError(f"{source.name} is an XML file, which is not read", hint=_AS_CSV)


def _ole_kind(source: Source) -> str:
    """What an old Office file is. Raises `AudienceError` when it is no workbook, or a locked one."""
    with source.path.open("rb") as stream:
        part = stream.read(_OLE_PART)
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - _OLE_PART))
        part += stream.read(_OLE_PART)
    if _utf16("EncryptedPackage") in part:
        raise AudienceError(
            f"{source.name} is locked with a password",
            hint="Open it in a spreadsheet program, take the password off (File, Info, Protect) and save it.",
        )
    if _utf16("WordDocument") in part:
        raise AudienceError(f"{source.name} is a Word document, not a list", hint=_AS_CSV)
    if _utf16("Workbook") in part or _utf16("Book") in part:
        return "it is an old Excel workbook inside"
    raise AudienceError(f"{source.name} is an Office file with no workbook in it", hint=_AS_CSV)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-le") + b"\0\0"


def _despite(suffix: str, *usual: str) -> str:
    return f", though its name ends in {suffix}" if suffix and suffix not in usual else ""


def _suffix(name: str) -> str:
    path = Path(name)
    return (path.with_suffix("") if path.suffix.lower() in (".gz", ".gzip") else path).suffix.lower()
