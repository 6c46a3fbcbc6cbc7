"""Owns one file as a part of a mail: its headers, its name in any script, its bytes in base64.

A name that is not plain ASCII stands in `filename*` (RFC 2231), which is what the standards say, and for readers that
do not know that as an encoded word in the `name` of Content-Type, which the standards do not allow and every reader
takes. There is no second `filename` beside `filename*`: standard parsers take the first and leave the other out.

Sources: RFC 2045 section 6.8 (base64), RFC 2183 (Content-Disposition), RFC 2231 sections 3 and 4 (long values and
charsets), RFC 2392 (cid:).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from mailtui.message.files import FileProblem, FileRef, read_file
from mailtui.message.frozen import SharedFile
from mailtui.message.headers import encoded_words
from mailtui.message.media_types import charset_of, media_type_of
from mailtui.message.mime import Files, base64_lines

NAME_LIMIT = 200  # bytes of UTF-8; some systems have no longer file names than 255
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
# What parsers take off a value's ends, and Windows takes in no name.
_BRACKETS = str.maketrans('"<>', "'()")
_PLAIN_NAME = re.compile(r"[ !#-&(-\[\]-~]{1,55}")  # in quotes, and on one line beside its parameter
_PIECE = 55  # characters of a name that is written in pieces, a line each
_CHARSET = "utf-8''"
_KEPT_BYTES = 32 * 1024 * 1024  # of files in base64 that several recipients get
_ASKED = 1_000  # files of late of which it is known that somebody got them


def safe_name(name: str) -> str:
    """What a reader is told that a file is called: no folders, nothing that acts on a screen or reverses its letters
    (`cod.exe` shown as `exe.doc`), and not too long. What is left of nothing is `attachment`.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    cleaned = " ".join(_UNSAFE.sub(" ", last).translate(_BRACKETS).split()).strip(". ")
    if len(cleaned.encode()) > NAME_LIMIT:
        ending = PurePosixPath(cleaned).suffix
        ending = ending if len(ending.encode()) <= 20 else ""
        room = NAME_LIMIT - len(ending.encode())
        cleaned = cleaned.encode()[:room].decode(errors="ignore").rstrip() + ending
    return cleaned or "attachment"


def attachment_part(name: str, data: bytes, media_type: str = "") -> bytes:
    """The part of an attachment, headers and all, without a boundary. The media type is found out where not given."""
    shown = safe_name(name)
    return _part(shown, media_type or media_type_of(shown, data), data, b"attachment", b"")


def shared_parts(files: Sequence[SharedFile]) -> Files:
    """The parts of what every mail carries."""
    return Files(
        images=tuple(image_part(file) for file in files if file.cid),
        attachments=tuple(attachment_part(file.name, file.data, file.media_type) for file in files if not file.cid),
    )


def image_part(image: SharedFile) -> bytes:
    """The part of an image that the HTML shows by its cid."""
    identified = b"Content-ID: <%s>\r\n" % image.cid.encode("ascii")
    return _part(safe_name(image.name), image.media_type, image.data, b"inline", identified)


PartsRead = Mapping[FileRef, bytes | FileProblem]
"""The parts of files, or why there is none."""


def read_parts(refs: Sequence[FileRef]) -> PartsRead:
    """The parts of recipients' own files; may be called in any thread."""
    return {ref: _part_or_problem(ref) for ref in refs}


class OwnParts:
    """The parts of recipients' own files. One that is asked for again is kept, since many may get it; what each has
    for itself would only take room.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[FileRef, bytes] = OrderedDict()
        self._bytes = 0
        self._asked: OrderedDict[FileRef, None] = OrderedDict()
        self._brought: dict[FileRef, bytes | FileProblem] = {}

    def unread(self, refs: Sequence[FileRef]) -> list[FileRef]:
        """Those of these files that `of` would have to read."""
        return [ref for ref in refs if ref not in self._kept and ref not in self._brought]

    def bring(self, parts: PartsRead) -> None:
        """What was read elsewhere for the next mail, instead of what was brought before."""
        self._brought = dict(parts)

    def of(self, ref: FileRef) -> bytes:
        """The part of one file, which is what was approved. Raises `FileProblem`."""
        part = self._kept.get(ref)
        if part is not None:
            self._kept.move_to_end(ref)
            return part
        found = self._brought.pop(ref, None) or _part_or_problem(ref)
        if isinstance(found, FileProblem):
            raise found
        if ref in self._asked and len(found) <= _KEPT_BYTES // 4:
            self._keep(ref, found)
        self._asked[ref] = None
        if len(self._asked) > _ASKED:
            self._asked.popitem(last=False)
        return found

    def _keep(self, ref: FileRef, part: bytes) -> None:
        self._kept[ref] = part
        self._bytes += len(part)
        while self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1])


def _part_or_problem(ref: FileRef) -> bytes | FileProblem:
    try:
        return attachment_part(ref.name, read_file(ref))
    except FileProblem as problem:
        return problem


def _part(name: str, media_type: str, data: bytes, disposition: bytes, more: bytes) -> bytes:
    kind = media_type.encode("ascii")
    charset = charset_of(data) if media_type.startswith("text/") else None
    if charset is not None:
        kind += b"; charset=" + charset.encode("ascii")
    return b"".join(
        (
            b"Content-Type: %s;\r\n name=%s\r\nContent-Transfer-Encoding: base64\r\n" % (kind, _for_old_readers(name)),
            more,
            b"Content-Disposition: %s;\r\n " % disposition,
            b";\r\n ".join(_file_name(name)),
            b"\r\n\r\n",
            base64_lines(data),
        )
    )


def _for_old_readers(name: str) -> bytes:
    plain = _PLAIN_NAME.fullmatch(name) is not None and "=?" not in name
    return b'"%s"' % (name.encode() if plain else encoded_words(name, used=len(' name=""')).encode())


def _file_name(name: str) -> Iterator[bytes]:
    if _PLAIN_NAME.fullmatch(name) is not None and "=?" not in name:
        yield b'filename="%s"' % name.encode()
        return
    pieces = [""]
    for character in name:  # no character in two pieces: some readers decode each by itself
        code = quote(character, safe="!#$&+-.^_`|~", encoding="utf-8")
        if len(pieces[-1]) + len(code) > _PIECE:
            pieces.append("")
        pieces[-1] += code
    if len(pieces) == 1:
        yield f"filename*={_CHARSET}{pieces[0]}".encode()
        return
    for number, piece in enumerate(pieces):
        yield f"filename*{number}*={'' if number else _CHARSET}{piece}".encode()
