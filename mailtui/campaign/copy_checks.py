"""Owns what is looked at of copies before anything is sent: that everybody whom a row names can be mailed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mailtui.audience.address import AddressError
from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.extras import Brought, bringing
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
    """Rows with the same wrong with them, and the first that was said of it."""

    message: str
    place: Place
    rows: list[int] = field(default_factory=list)
    count: int = 0


def copy_findings(
    campaign: Campaign,
    source: MessageSource,
    columns: tuple[str, ...],
    recipients: Iterable[Recipient],
    progress: Callable[[int], None],
) -> Iterator[Finding]:
    """Who of all rows names somebody for a copy that is no address, and how many copies there are.

    Raises `TemplateError` when a template overruns; `progress` hears how many rows were looked at.
    """
    bad: dict[str, _Bad] = {}
    copies = 0
    with bringing(campaign, source, columns, files=False) as rows:
        for done, one in enumerate(rows.of(recipients), 1):
            try:
                copies += _copies(one)
            except _Unreadable as wrong:
                found = bad.setdefault(wrong.kind, _Bad(str(wrong), wrong.place))
                found.count += 1
                if len(found.rows) < _ROWS:
                    found.rows.append(one.recipient.row)
            if done % _STEP == 0:
                progress(done)
    for found in bad.values():
        yield Finding("error", "bad-copy", found.message, tuple(found.rows), found.count, place=found.place, hint=_HINT)
    if copies:
        yield Finding("note", "copies", f"{counted(copies, 'copy goes', 'copies go')} out besides, by cc and bcc")


class _Unreadable(Exception):
    """Nobody can tell who is to get a copy; the message is a sentence."""

    def __init__(self, kind: str, message: str, place: Place) -> None:
        super().__init__(message)
        self.kind = kind
        self.place = place


def _copies(one: Brought) -> int:
    """How many copies a row has."""
    if one.problem is not None:
        raise _Unreadable(one.problem.reason, one.problem.reason, one.problem.place)
    for kind, given in (("cc", one.cc), ("bcc", one.bcc)):
        try:
            copied(given, (), one.recipient.key)
        except AddressError as error:
            raise _Unreadable(kind, f"{kind}: {error}", Place(key=kind)) from None
    return len(copied(one.cc, one.bcc, one.recipient.key).addresses)
