"""Owns what rows bring beside their bodies, as found on the disk: files by path and hash, and who gets a copy.

Templates that say which file is whose are first worked out in the trial child, as all templates are; where every mail
is copied to the same people, no row is asked. Many rows may name one file: it is looked at once, and hashed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.message.extras import Extras, ExtrasError, same_copies
from mailtui.message.files import FileRef, refusal
from mailtui.message.folder import Folder
from mailtui.message.frozen import MessageSource
from mailtui.message.rendered import RenderProblem
from mailtui.message.templates import is_constant

Asked: TypeAlias = tuple[Recipient, Extras | RenderProblem]

TOLD_WITH_ROWS = ("audience",)
"""Of `told_of`: what is found without working out templates, and told then."""
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


class Bringing:
    """What the rows of one list bring, for freezing. Made by `bringing`."""

    def __init__(self, ask: Callable[[Iterable[Recipient]], Iterator[Asked]], folder: Folder | None) -> None:
        self._ask = ask
        self._folder = folder

    def of(self, recipients: Iterable[Recipient]) -> Iterator[Brought]:
        """What each of these rows brings, in their order. Raises `TemplateError` when a template overruns."""
        for recipient, extras in self._ask(recipients):
            yield _brought(self._folder, recipient, extras)


@contextmanager
def bringing(
    campaign: Campaign, source: MessageSource, columns: tuple[str, ...], *, files: bool = True
) -> Iterator[Bringing]:
    """Opened once for a whole list; without `files` nobody looks for those."""
    same = _same_for_all(source, files=files)
    if same is not None:
        yield Bringing(lambda recipients: ((recipient, same) for recipient in recipients), None)
        return
    with TrialRenderer(source, columns, secret=_SECRET, date=0.0, want="extras") as trial:
        yield Bringing(trial.extras, Folder(campaign.folder, limit=campaign.spec.attachment_bytes) if files else None)


def brings_copies(source: MessageSource) -> bool:
    """Whether rows of a campaign say who gets a copy of their mail, or the campaign does."""
    return bool(source.cc or source.bcc) or any(role in ("cc", "bcc") for role, _ in source.columns)


def brings_extras(source: MessageSource) -> bool:
    """Whether rows bring anything beside their bodies, so that they have to be asked."""
    return bool(source.own_files) or brings_copies(source) or any(role == "attachment" for role, _ in source.columns)


def _same_for_all(source: MessageSource, *, files: bool) -> Extras | None:
    """What every row brings, where neither a cell nor a template has a say in it; None where rows have to be asked."""
    roles = {role for role, _ in source.columns}
    if roles & {"cc", "bcc"} or (files and (source.own_files or "attachment" in roles)):
        return None
    if not all(map(is_constant, (*source.cc, *source.bcc))):
        return None
    try:
        return same_copies(source.cc, source.bcc)
    except ExtrasError:
        return None  # it is told with each row


def told_of(problem: RenderProblem) -> str:
    """What a row's problem is about: `attachments`, `cc`, `bcc`, the `audience`, or else an included file."""
    return (problem.place.key or problem.place.file).partition(".")[0]


def _brought(folder: Folder | None, recipient: Recipient, extras: Extras | RenderProblem) -> Brought:
    if isinstance(extras, RenderProblem):
        place = f" ({extras.place})" if str(extras.place) else ""
        return Brought(recipient, (refusal(f"{extras.reason}{place}"),), problem=extras)
    if folder is None:
        return Brought(recipient, (), extras.cc, extras.bcc)
    return Brought(recipient, folder.files(extras), extras.cc, extras.bcc)
