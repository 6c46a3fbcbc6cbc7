"""Owns reading the files that every mail of a campaign carries; those of one recipient's own stay templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mailtui.errors import Place, Problem
from mailtui.kit.words import size_in_words
from mailtui.message.enclosed import safe_name
from mailtui.message.files import FileProblem, digest_of, find_file, read_plain
from mailtui.message.frozen import SharedFile
from mailtui.message.media_types import media_type_of
from mailtui.message.spec import AttachmentSpec, MessageSpec
from mailtui.message.templates import is_constant


def is_shared(attachment: AttachmentSpec) -> bool:
    """Whether every mail carries the same file by the same name."""
    return is_constant(attachment.path) and is_constant(attachment.name or "")


def own_file_templates(spec: MessageSpec) -> tuple[tuple[str, str], ...]:
    """The others, as (template of the path, template of the name or '')."""
    return tuple((item.path, item.name or "") for item in spec.attachments if not is_shared(item))


def own_file_key(spec: MessageSpec, number: int) -> str:
    """Where in the campaign file the `number`-th of those stands, from 0."""
    own = [at for at, item in enumerate(spec.attachments) if not is_shared(item)]
    return f"attachments.{own[number]}"


def shared_attachments(spec: MessageSpec, folder: Path, problems: list[Problem]) -> list[SharedFile]:
    """The attachments of every mail, read; what stands in the way is added to `problems`."""
    found: list[SharedFile] = []
    for at, item in enumerate(spec.attachments):
        if not is_shared(item):
            continue
        try:
            found.append(_read(item, folder, spec.attachment_bytes))
        except FileProblem as problem:
            hint = f"Attachments must lie in the campaign's folder, {folder.resolve()}."
            problems.append(Problem(Place(key=f"attachments.{at}"), f"{problem}.", hint))
    return found


def _read(item: AttachmentSpec, folder: Path, limit: int) -> SharedFile:
    path = find_file(folder, item.path, limit=limit)
    data = read_plain(path, item.path, limit=limit)
    name = safe_name(item.name or item.path)
    return SharedFile(item.path, name, media_type_of(name, data), digest_of(data), data)


def too_much(files: Sequence[SharedFile], spec: MessageSpec) -> Iterator[Problem]:
    """The files of every mail together may be more than the campaign allows."""
    total = sum(len(file.data) for file in files)
    if total > spec.attachment_bytes:
        message = (
            f"the files of every mail come to {size_in_words(total)}, more than the {spec.attachment_limit} MB allowed."
        )
        hint = "Put the largest where people can fetch it, and link to it; or raise attachment_limit."
        yield Problem(Place(key="attachments"), message, hint)
