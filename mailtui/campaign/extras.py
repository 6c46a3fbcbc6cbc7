"""Owns what rows bring beside their bodies, as found on the disk: files by path and hash, and who gets a copy.

Templates that say which file is whose are first worked out in the trial child, as all templates are. Many rows may
name one file: it is looked at once, and hashed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.message.extras import Extras
from mailtui.message.files import FileProblem, FileRef, looked_up, refer_to, refusal
from mailtui.message.frozen import MessageSource
from mailtui.message.rendered import RenderProblem

_SECRET = b"extras"


@dataclass(frozen=True, slots=True)
class Brought:
    """What one recipient's row brings. `files` that could not be had are refusals, and their recipient's mail fails
    with that alone; `problem` says why nothing is known of the row.
    """

    recipient: Recipient
    files: tuple[FileRef, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    problem: RenderProblem | None = None


class Folder:
    """The files of one campaign folder, each looked at once and read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, tuple[Path, int] | FileProblem] = {}
        self._refs: dict[Path, FileRef | FileProblem] = {}

    def look(self, name: str) -> tuple[Path, int]:
        """Where a file is and its size in bytes, without reading it. Raises `FileProblem`."""
        if name not in self._found:
            try:
                self._found[name] = looked_up(self._path, name)
            except FileProblem as problem:
                self._found[name] = problem
        found = self._found[name]
        if isinstance(found, FileProblem):
            raise found
        return found

    def refer(self, name: str, shown: str) -> FileRef:
        """A file by its hash; `shown` is what the reader sees it called, '' for its own name."""
        path, _ = self.look(name)
        if path not in self._refs:
            try:
                self._refs[path] = refer_to(path, name)
            except FileProblem as problem:
                self._refs[path] = problem
        ref = self._refs[path]
        if isinstance(ref, FileProblem):
            raise ref
        return ref._replace(name=shown or Path(name).name)


def brought(
    campaign: Campaign, source: MessageSource, columns: tuple[str, ...], recipients: Iterable[Recipient]
) -> Iterator[Brought]:
    """What each of these recipients' rows brings, in their order, for freezing.

    Raises `TemplateError` when a template overruns. Only for messages where `CompiledMessage.has_extras`.
    """
    folder = Folder(campaign.folder)
    with TrialRenderer(source, columns, secret=_SECRET, date=0.0, want="extras") as trial:
        for recipient, extras in trial.extras(recipients):
            yield _brought(folder, recipient, extras)


def _brought(folder: Folder, recipient: Recipient, extras: Extras | RenderProblem) -> Brought:
    if isinstance(extras, RenderProblem):
        place = f" ({extras.place})" if str(extras.place) else ""
        return Brought(recipient, (refusal(f"{extras.reason}{place}"),), problem=extras)
    files = []
    for path, name in extras.files:
        try:
            files.append(folder.refer(path, name))
        except FileProblem as problem:
            files.append(refusal(str(problem)))
    return Brought(recipient, tuple(files), extras.cc, extras.bcc)
