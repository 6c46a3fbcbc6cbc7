"""Owns what becomes of the rows of a list: the mail to each recipient, and the copies of it that others get.

A copy is of the same row and the same bytes, so all that differs is whom it goes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mailtui.audience.address import AddressError
from mailtui.audience.audience import Audience
from mailtui.audience.recipient import Recipient, cells_of
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.due_times import DueTimes
from mailtui.campaign.extras import Bringing, Brought, bringing, brings_copies, brings_extras
from mailtui.campaign.suppression import LeftOut
from mailtui.message.copies import Copied, copied
from mailtui.message.files import refusal
from mailtui.message.frozen import MessageSource
from mailtui.message.own_cells import SENT_AS
from mailtui.outbox.copies import concerned, copy_key, said_of
from mailtui.outbox.records import NewDelivery

_STEP = 1_000
_NO_COPIES = Copied((), ())


class Mails:
    """The mails of one campaign's list. Made by `open_mails`."""

    def __init__(
        self, audience: Audience, left_out: LeftOut, rows: Bringing | None, *, turns: bool, due: DueTimes | None = None
    ) -> None:
        """`turns`: accounts take turns, so each mail is bound to its From; `due` says when each row is due, None where
        all are with the campaign.
        """
        self._turns = turns
        self.due = due
        self._audience = audience
        self._left_out = left_out
        self._rows = rows

    def of(self, columns: tuple[str, ...], first: int = 0, last: int | None = None) -> Iterator[NewDelivery]:
        """Those of the rows `first` to `last` of the list who are meant, with their cells in the order of the columns;
        each mail's copies stand behind it. Where accounts take turns, each is bound to the From in its cell.
        """
        mails = self._of(columns, first, last)
        if self.due is not None:
            mails = self.due.mails(mails, columns)
        if not self._turns:
            return mails
        cell = columns.index(SENT_AS)
        return (mail._replace(bound=mail.fields[cell]) for mail in mails)

    def _of(self, columns: tuple[str, ...], first: int, last: int | None) -> Iterator[NewDelivery]:
        in_order = None if columns == self._audience.columns else columns
        for part in _parts(self._audience.recipients(first, last)):
            if self._rows is None:
                yield from self._plain(part, in_order)
            else:
                yield from self._with_extras(self._rows.of(part), in_order)

    def _plain(self, part: list[Recipient], in_order: tuple[str, ...] | None) -> Iterator[NewDelivery]:
        found = self._left_out.reasons(item.key for item in part)
        for item in part:
            cells, *more = cells_of(item, in_order)
            yield NewDelivery(item.key, item.row, item.address, cells, found.get(item.key, ""), tuple(more))

    def _with_extras(self, part: Iterable[Brought], in_order: tuple[str, ...] | None) -> Iterator[NewDelivery]:
        mails = [mail for one in part for mail in _mail_and_copies(one, in_order)]
        asked = [concerned(mail.key, mail.address, mail.copy_of) for mail in mails]
        found = self._left_out.reasons({name for names in asked for name in names})
        for mail, names in zip(mails, asked, strict=True):
            yield mail._replace(suppressed=said_of(found, names)) if found else mail


@contextmanager
def open_mails(
    campaign: Campaign,
    audience: Audience,
    source: MessageSource,
    left_out: LeftOut,
    *,
    files: bool = True,
    due: DueTimes | None = None,
) -> Iterator[Mails]:
    """The mails of a list. Templates that say who gets a copy, and which file, are worked out in a child process, which
    lives as long as this; without `files` nobody looks for those.

    Reading them raises `TemplateError` where a template overruns.
    """
    if not (brings_extras(source) if files else brings_copies(source)):
        yield Mails(audience, left_out, None, turns=source.takes_turns, due=due)
        return
    with bringing(campaign, source, audience.columns, files=files) as rows:
        yield Mails(audience, left_out, rows, turns=source.takes_turns, due=due)


def _mail_and_copies(brought: Brought, in_order: tuple[str, ...] | None) -> Iterator[NewDelivery]:
    item, files = brought.recipient, brought.files
    people = _NO_COPIES
    if brought.cc or brought.bcc:
        try:
            people = copied(brought.cc, brought.bcc, item.key)
        except AddressError as error:
            files = (refusal(f"cc or bcc: {error}"), *files)
    cells, *more = cells_of(item, in_order)
    mail = NewDelivery(item.key, item.row, item.address, cells, "", tuple(more), files)
    yield mail
    for address in people.addresses:
        yield mail._replace(key=copy_key(item.key, address.key), address=address.text, copy_of=(item.key, item.address))


def _parts(recipients: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    """Recipients by the thousand rows: where one mail is made of many, a thousand people have a million."""
    part: list[Recipient] = []
    rows = 0
    for item in recipients:
        part.append(item)
        rows += max(1, len(item.rows))
        if rows >= _STEP:
            yield part
            part, rows = [], 0
    if part:
        yield part
