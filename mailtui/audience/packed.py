"""Owns lists that are packed with gzip: unpacked into a private copy, within limits: 1 MiB may hold a gigabyte."""

from __future__ import annotations

import os
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mailtui.errors import AudienceError
from mailtui.kit.paths import private_folder

if TYPE_CHECKING:
    from mailtui.audience.source import Source

GZIP = b"\x1f\x8b"
UNPACKED_LIMIT = 4 << 30
HONEST_SIZE = 256 << 20
HONEST_RATIO = 200

_BLOCK = 1 << 20
_WITH_HEADER = 31


def unpack(source: Source, spool: Path | None) -> Source:
    """The list in a gzip file, as a private copy in `spool` that its reader deletes. Raises `AudienceError`."""
    if spool is not None:
        private_folder(spool)
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(prefix=".unpacked-", suffix=".tmp", dir=spool)
    copy = Path(name)
    try:
        with os.fdopen(handle, "wb") as target:
            _unpack(source, target)
    except zlib.error as error:
        copy.unlink(missing_ok=True)
        raise _damaged(source, str(error)) from None
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise AudienceError(
            f"{source.name} cannot be unpacked",
            detail=f"{copy.parent}: {error.strerror or error}",
            hint="Free some space, or unpack it elsewhere and name the file.",
        ) from None
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    source.discard()
    origin = source.origin if source.temporary else source.path
    return replace(source, path=copy, temporary=True, origin=origin, notes=(*source.notes, "It was packed with gzip."))


def _unpack(source: Source, target: BinaryIO) -> None:
    """Write all members of a gzip file (RFC 1952 section 2.2) one after the other."""
    packed = source.path.stat().st_size
    limit = min(UNPACKED_LIMIT, max(HONEST_SIZE, packed * HONEST_RATIO))
    size = 0
    with source.path.open("rb") as stream:
        pending = stream.read(_BLOCK)
        while pending.strip(b"\0"):  # some programs fill the file up with zeros
            member = zlib.decompressobj(_WITH_HEADER)
            while pending:
                block = member.decompress(pending, _BLOCK)
                size += len(block)
                if size > limit:
                    raise AudienceError(
                        f"{source.name} unpacks to more than {limit >> 20:,} MiB, and is not read",
                        detail=f"It has {packed:,} bytes.",
                        hint="If it is an honest list, unpack it yourself and name the file.",
                    )
                target.write(block)
                pending = member.unconsumed_tail
                if member.eof:
                    break
                pending = pending or stream.read(_BLOCK)
            if not member.eof:
                raise _damaged(source, "it is cut off: its end is missing")
            pending = member.unused_data or stream.read(_BLOCK)


def _damaged(source: Source, why: str) -> AudienceError:
    return AudienceError(
        f"{source.name} is packed with gzip, and damaged", detail=why, hint="Copy or download it again."
    )
