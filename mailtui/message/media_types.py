"""Owns what kind of file something is: by its name, else by what it begins with.

The table is ours, since the one of the system differs from machine to machine, and the same mail is to have the same
bytes on all of them.

Sources: the IANA registry of media types; RFC 2046 section 4.5.1 (application/octet-stream for what is not known).
"""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
# A message in a message must not be in base64 (RFC 2046 section 5.2.1), so .eml stays a plain file.
_BY_EXTENSION = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "bz2": "application/x-bzip2",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{_OPEN_XML}.wordprocessingml.document",
    "epub": "application/epub+zip",
    "gif": "image/gif",
    "gz": "application/gzip",
    "heic": "image/heic",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "log": "text/plain",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odp": f"{_OPEN_DOCUMENT}.presentation",
    "ods": f"{_OPEN_DOCUMENT}.spreadsheet",
    "odt": f"{_OPEN_DOCUMENT}.text",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "pkpass": "application/vnd.apple.pkpass",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": f"{_OPEN_XML}.presentationml.presentation",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "vcf": "text/vcard",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OPEN_XML}.spreadsheetml.sheet",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
}
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"{\\rtf", "application/rtf"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
)
_LOOKED_AT = 1024  # bytes, for the element that an SVG begins with


def media_type_of(name: str, data: bytes = b"") -> str:
    """The media type of a file with this name, and where the name says nothing, of one that begins like `data`."""
    extension = PurePosixPath(name.replace("\\", "/")).suffix.lower().removeprefix(".")
    return _BY_EXTENSION.get(extension) or _of_beginning(data) or UNKNOWN


def image_type_of(data: bytes) -> str | None:
    """What kind of image this is, by its content alone; None for none that mail readers show."""
    found = _of_beginning(data)
    if found is not None and found.startswith("image/"):
        return found
    head = data[:_LOOKED_AT].removeprefix(codecs.BOM_UTF8).lstrip()
    return (
        "image/svg+xml" if head.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")) and b"<svg" in head else None
    )


def charset_of(data: bytes) -> str | None:
    """The charset of a text that says so itself or can be nothing else; None where that is not known."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _of_beginning(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _BEGINNINGS if data.startswith(beginning)), None)
