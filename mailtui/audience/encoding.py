"""Owns finding out in which encoding a list is written, from every byte of it.

The order: what the person says, a byte order mark, UTF-16 by its pattern of NULs, strict UTF-8 over the
whole file, else a code page, which is a guess and shown as one.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.findings import Confidence, Finding
from mailtui.errors import AudienceError
from mailtui.kit.words import counted

_BLOCK = 256 << 10
_LINE_LIMIT = 16 << 20
_SAMPLE = 48 << 10
_LINE_END = re.compile(rb"[\r\n]+")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec's name, how sure that is, and whether some bytes will not decode or be NUL.

    `escapes` is whether a backslash stands before a quote somewhere; where that was not looked for, it is.
    `samples` are raw lines with bytes beyond ASCII, at most 48 KiB. `mixed` is whether some lines are UTF-8 in a file
    that as a whole is not.
    """

    codec: str
    finding: Finding
    damaged: bool
    samples: bytes
    mixed: bool = False
    escapes: bool = True


@dataclass(slots=True)
class _Scan:
    """What one pass over all bytes saw; lines are counted only where they leave ASCII, and roughly."""

    good_lines: int = 0
    bad_lines: int = 0
    has_nul: bool = False
    escapes: bool = False
    samples: bytes = b""


def find_encoding(path: Path, given: str | None) -> Encoding:
    """Read the whole file once and say how it is encoded. Raises `AudienceError` when no line ever ends."""
    with path.open("rb") as stream:
        head = stream.read(4_096)
    marked = next((codec for bom, codec in _BOMS if head.startswith(bom)), None)
    if given is None and marked is None:
        marked = _utf16_by_nuls(head)
        if marked is not None:
            return _decided(
                marked, "certain", "every other byte is NUL, as in UTF-16", _Scan(has_nul=True, escapes=True)
            )
    if given is None and marked not in (None, "utf-8-sig"):
        assert marked is not None
        return _decided(marked, "certain", "the file starts with a byte order mark", _Scan(has_nul=True, escapes=True))
    scan = _scan(path)
    if given is not None:
        codec = "utf-8-sig" if given in ("utf-8", "utf8") and marked == "utf-8-sig" else given
        damaged = scan.has_nul or scan.bad_lines > 0 or codec not in ("utf-8", "utf-8-sig")
        return Encoding(codec, Finding(given, "given", "as you said"), damaged, scan.samples, escapes=scan.escapes)
    if marked is not None:
        return _decided(marked, "certain", "the file starts with a byte order mark", scan)
    if not scan.bad_lines:
        reason = "every byte of the file is valid UTF-8" if scan.good_lines else "nothing but ASCII"
        return _decided("utf-8", "certain", reason, scan)
    if scan.good_lines:
        scan = _scan(path, exact=True)
    if scan.good_lines > scan.bad_lines:
        bad = counted(scan.bad_lines, "line is", "lines are")
        reason = f"most lines are; {bad} not, and reported"
        return _decided("utf-8", "likely", reason, scan)
    return _code_page(scan)


def _decided(codec: str, confidence: Confidence, reason: str, scan: _Scan) -> Encoding:
    return Encoding(
        codec,
        Finding(codec, confidence, reason),
        scan.has_nul or scan.bad_lines > 0,
        scan.samples,
        escapes=scan.escapes,
    )


def _utf16_by_nuls(head: bytes) -> str | None:
    half = max(len(head) // 2, 1)
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _scan(path: Path, *, exact: bool = False) -> _Scan:
    """Look at all bytes; lines of UTF-8 are counted one by one only where `exact`, since that takes longer."""
    scan = _Scan()
    samples: list[bytes] = []
    carry = b""
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            scan.has_nul = scan.has_nul or b"\0" in block
            scan.escapes = scan.escapes or b'\\"' in block
            end = max(block.rfind(b"\n"), block.rfind(b"\r"))
            if end < 0:
                carry += block
                if len(carry) > _LINE_LIMIT:
                    raise AudienceError(
                        "The list has a line of more than 16 MiB",
                        hint="Is it a text file, with one line a person?",
                    )
                continue
            _scan_lines(carry + block[: end + 1], scan, samples, exact=exact)
            carry = block[end + 1 :]
    _scan_lines(carry, scan, samples, exact=exact)
    scan.samples = b"\n".join(samples)
    return scan


def _scan_lines(chunk: bytes, scan: _Scan, samples: list[bytes], *, exact: bool) -> None:
    if chunk.isascii():
        return
    sampling = sum(map(len, samples)) < _SAMPLE
    if not sampling and not scan.bad_lines and not exact:
        try:
            chunk.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            scan.good_lines += 1
            return
    size = 0
    for line in _LINE_END.split(chunk):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            scan.good_lines += 1
        except UnicodeDecodeError:
            scan.bad_lines += 1
        if sampling and size < _SAMPLE:
            samples.append(line[:500])
            size += len(line)


def _code_page(scan: _Scan) -> Encoding:
    from mailtui.audience.code_page import ONE_BYTE, guess_code_page  # here, since few lists need it

    codec, reason = guess_code_page(scan.samples)
    mixed = scan.good_lines > 0 and codec in ONE_BYTE  # such lines came from elsewhere
    if mixed:
        reason += "; lines that are UTF-8 are reported"
    finding = Finding(codec, "guess", reason)
    return Encoding(codec, finding, damaged=True, samples=scan.samples, mixed=mixed, escapes=scan.escapes)
