"""Owns zip files before a library reads them: which are workbooks, sound and of a sane size."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable

from mailtui.audience.source import Source
from mailtui.errors import AudienceError
from mailtui.kit.words import counted

UNPACKED_LIMIT = 2 << 30
_HONEST_SIZE = 64 << 20
_HONEST_RATIO = 100
_MEMBERS = 10_000
_BLOCK = 1 << 20
_SHOWN = 5
_LISTS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".json", ".jsonl", ".parquet", ".sqlite", ".db")


def zip_kind(source: Source) -> str:
    """What sort of workbook a zip file is. Raises `AudienceError` when it is none."""
    with opened_zip(source) as archive:
        names = archive.namelist()
    kinds = (
        ("xl/workbook.xml", "it is an Excel workbook inside"),
        ("xl/workbook.bin", "it is a binary Excel workbook inside"),
    )
    for member, what in kinds:
        if any(name.replace("\\", "/").lower() == member for name in names):
            return what
    if "content.xml" in names and "mimetype" in names:
        return "it is an OpenDocument spreadsheet inside"
    others = (
        ("word/", "a Word document, not a list"),
        ("ppt/", "a PowerPoint file, not a list"),
        ("Index/", "an Apple Numbers file, which is not read"),
    )
    for start, what in others:
        if any(name.startswith(start) for name in names):
            raise AudienceError(f"{source.name} is {what}", hint="Export it as CSV or as an Excel workbook.")
    lists = [name for name in names if name.lower().endswith(_LISTS) and not name.startswith("__MACOSX/")]
    shown = lists or [name for name in names if not name.endswith("/")]
    raise AudienceError(
        f"{source.name} is a zip archive",
        detail=f"In it: {', '.join(shown[:_SHOWN])}" + (f" and {len(shown) - _SHOWN} more" if shown[_SHOWN:] else ""),
        hint=f"Unpack it and name the list in it{', such as ' + lists[0] if lists else ''}.",
    )


_NO_END = "File is not a zip file"  # what Python's reader says of every archive whose end it does not find


def opened_zip(source: Source) -> zipfile.ZipFile:
    """The archive. Raises `AudienceError` when it is cut off or damaged."""
    try:
        archive = zipfile.ZipFile(source.path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        why = "Its end is missing, which says what is in it." if str(error) == _NO_END else str(error)
        raise damaged(source, why) from None
    except OSError as error:
        raise AudienceError(f"{source.name} cannot be read", detail=str(error.strerror or error)) from None
    if len(archive.infolist()) > _MEMBERS:
        archive.close()
        raise AudienceError(f"{source.name} has {counted(len(archive.infolist()), 'file')} in it, more than a workbook")
    return archive


def require_sane(source: Source, look: Callable[[str, bytes], None]) -> None:
    """Read all that a workbook's reader would read, and raise `AudienceError` when it is damaged or a bomb.

    `look` gets each member's name and content, piece by piece. Sizes in the directory of a zip file may lie: here no
    member is read beyond what it claims, and one with more in it fails its checksum.
    """
    with opened_zip(source) as archive:
        members = [item for item in archive.infolist() if item.filename.lower().endswith((".xml", ".rels", ".bin"))]
        total, packed = sum(item.file_size for item in members), sum(item.compress_size for item in members)
        if total > UNPACKED_LIMIT or (total > _HONEST_SIZE and total > _HONEST_RATIO * max(packed, 1)):
            raise AudienceError(
                f"{source.name} would unpack to {total >> 20:,} MiB, and is not read",
                detail=f"It has {packed >> 10:,} KiB. No honest workbook is packed so tightly, or so large.",
                hint="If it is one, save it as CSV and name that file.",
            )
        for item in members:
            try:
                with archive.open(item) as stream:
                    while block := stream.read(_BLOCK):
                        if source.heard is not None:
                            source.heard()
                        look(item.filename, block)
            except RuntimeError:  # what the zip module raises for a member with a password
                raise AudienceError(f"{source.name} is locked with a password", hint="Save it without one.") from None
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
                raise damaged(source, f"{item.filename}: {error}") from None


def damaged(source: Source, why: str) -> AudienceError:
    return AudienceError(
        f"{source.name} is damaged or cut off",
        detail=why,
        hint="Copy or download it again, or open it in a spreadsheet program and save it anew.",
    )
