"""Owns what is looked at of copies before anything is sent: that everybody whom a row names can be mailed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mailtui.audience.address import AddressError
from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.extras import TOLD_WITH_ROWS, Brought, bringing, told_of
from mailtui.campaign.file_checks import brings_files
from mailtui.errors import Place
from mailtui.kit.words import counted
from mailtui.message.copies import copied
from mailtui.message.frozen import MessageSource
from mailtui.message.preflight import Finding

_STEP = 500
_ROWS = 20  # that a finding names
_HINT = "Write one or several addresses, separated by commas or semicolons; a blank cell is nobody."


@dataclass(slots=True)
class _Bad:
    """Rows with something wrong at the same place, and the first that was said of it."""

    message: str
    place: Place
    alike: bool = True
    rows: list[int] = field(default_factory=list)
    count: int = 0


def copy_findings(
    campaign: Campaign,
    source: MessageSource,
    columns: tuple[str, ...],
    recipients: Iterable[Recipient],
    progress: Callable[[int], None],
    *,
    rendered: Callable[[int], bool],
) -> Iterator[Finding]:
    """Who of all rows names somebody for a copy that is no address, and how many copies there are.

    `rendered` says of the nth recipient whether the mail was rendered, which tells what is wrong with its Cc. Raises
    `TemplateError` when a template overruns; `progress` hears how many rows were looked at.
    """
    bad: dict[str, _Bad] = {}
    copies = 0
    with_files = brings_files(source)  # what is wrong with a row beside cc and bcc is told with those
    with bringing(campaign, source, columns, files=False) as rows:
        for done, one in enumerate(rows.of(recipients), 1):
            try:
                copies += _copies(one)
            except _Unreadable as wrong:
                told = rendered(done) if wrong.about == "cc" else with_files and wrong.about != "bcc"
                if not told and wrong.about not in TOLD_WITH_ROWS:
                    _note(bad, wrong, one.recipient.row)
            if done % _STEP == 0:
                progress(done)
    for found in bad.values():
        message = found.message if found.alike else f"{found.message} (and others)"
        yield Finding("error", "bad-copy", message, tuple(found.rows), found.count, place=found.place, hint=_HINT)
    if copies:
        yield Finding("note", "copies", f"{counted(copies, 'copy goes', 'copies go')} out besides, by cc and bcc")


class _Unreadable(Exception):
    """Nobody can tell who is to get a copy; the message is a sentence, `about` is cc, bcc, or what else is wrong with
    the row.
    """

    def __init__(self, about: str, message: str, place: Place) -> None:
        super().__init__(message)
        self.about = about
        self.place = place


def _note(bad: dict[str, _Bad], wrong: _Unreadable, row: int) -> None:
    found = bad.setdefault(str(wrong.place), _Bad(str(wrong), wrong.place))
    found.alike &= found.message == str(wrong)
    found.count += 1
    if len(found.rows) < _ROWS:
        found.rows.append(row)


def _copies(one: Brought) -> int:
    """How many copies a row has."""
    if one.problem is not None:
        raise _Unreadable(told_of(one.problem), one.problem.reason, one.problem.place)
    for kind, given in (("cc", one.cc), ("bcc", one.bcc)):
        try:
            copied(given, (), one.recipient.key)
        except AddressError as error:
            raise _Unreadable(kind, str(error), Place(key=kind)) from None
    return len(copied(one.cc, one.bcc, one.recipient.key).addresses)
