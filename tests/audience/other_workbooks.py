"""Writes the smallest workbooks of other kinds than .xlsx, for which there is no writer among the tests' libraries."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[str | float]]
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def xls(rows: Rows, *, tab: str = "L", last_row_down: int = 0, last_row_right: int = 0) -> bytes:
    """A BIFF8 workbook ([MS-XLS]) in a compound file ([MS-CFB]) of one stream; the last row may stand elsewhere."""
    name = tab.encode("ascii")
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            last = at == len(rows) - 1
            place = struct.pack("<HHH", at + last * last_row_down, column + last * last_row_right, 0)
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                sheet += _record(0x0204, place + text)
            else:
                sheet += _record(0x0203, place + struct.pack("<d", cell))
    sheet += _record(0x000A, b"")
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + _record(0x0042, b"\xb0\x04")
    length = len(begin) + 4 + 8 + len(name) + 4
    begin += _record(0x0085, struct.pack("<IBBBB", length, 0, 0, len(name), 0) + name) + _record(0x000A, b"")
    assert len(begin) == length
    return _compound("Workbook", begin + sheet)


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _compound(name: str, content: bytes) -> bytes:
    content = content.ljust(max(4_096, -(-len(content) // 512) * 512), b"\0")
    sectors = len(content) // 512
    fat = [_FAT, _END, *range(3, sectors + 2), _END]
    assert len(fat) <= 128
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack("<HHHHH6xIII4xIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 4_096, _END, 0, _END, 0, 0)
    directory = _entry("Root Entry", 5, 1, _END, 0) + _entry(name, 2, _FREE, 2, len(content))
    table = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat)))
    return header.ljust(512, b"\xff") + table + directory.ljust(512, b"\0") + content


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(text), kind, 1, _FREE, _FREE, child)
    return text.ljust(64, b"\0") + links + b"\0" * 36 + struct.pack("<IQ", start, size)


def ods(rows: Rows, *, repeated: str = "") -> bytes:
    """An OpenDocument spreadsheet with one tab; `repeated` are attributes of its last row and the last cell in it."""
    lines = []
    for at, row in enumerate(rows):
        last = at == len(rows) - 1
        cells = "".join(
            _ods_cell(cell, repeated if last and column == len(row) - 1 else "") for column, cell in enumerate(row)
        )
        lines.append(
            f"<table:table-row {repeated.replace('columns', 'rows') if last else ''}>{cells}</table:table-row>"
        )
    # An empty end, as the office programs write it.
    lines.append(
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>'
    )
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="L">{"".join(lines)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return target.getvalue()


def _ods_cell(cell: str | float, repeated: str) -> str:
    kind = 'string"' if isinstance(cell, str) else f'float" office:value="{cell}"'
    text = escape(str(cell))
    return f'<table:table-cell office:value-type="{kind} {repeated}><text:p>{text}</text:p></table:table-cell>'
