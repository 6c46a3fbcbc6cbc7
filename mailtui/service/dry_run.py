"""Owns a dry run: the mails that a launch would send, or some of them, put where they can be looked at.

Whoever is suppressed gets none, and each copy is a mail of its own, as in the outbox. A row that is asked for by its
number has its mail in any case. No connection is opened, and nothing is put into the outbox.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from mailtui.audience.recipient import Recipient, recipient_of
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.mails import open_mails
from mailtui.errors import Place, UsageError
from mailtui.kit.words import counted
from mailtui.message.conventions import with_types
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.outbox.copies import concerned, said_of
from mailtui.outbox.records import NewDelivery
from mailtui.service.campaigns import PREVIEW_SECRET, CampaignDesk, OnRecord, trial_of
from mailtui.service.mailbox import Sink, open_sink
from mailtui.service.signing import UNSIGNED, Signature, signature_for
from mailtui.service.terms import show_people

if TYPE_CHECKING:
    from mailtui.service.facade import Service

_STEP = 1_000
_ROWS = re.compile(r"\s*([0-9]{1,9})?\s*(-)?\s*([0-9]{1,9})?\s*")

Told = Callable[[int, int], None]
"""Hears how many rows of the list were gone through, and how many there are; what it raises ends the run."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of the list, from 1; `last` None for the list's last. Of them, the first `limit` that get a mail."""

    first: int = 1
    last: int | None = None
    limit: int | None = None

    @property
    def all(self) -> bool:
        return self == Rows()

    def __str__(self) -> str:
        if self.first == self.last:
            return f"row {self.first:,}"
        return f"rows {self.first:,} to {self.last:,}" if self.last is not None else f"rows from {self.first:,} on"


@dataclass(frozen=True, slots=True)
class NoMail:
    """A row whose mail could not be rendered, and why: `place` in a template, '' where it is in none."""

    row: int
    address: str
    reason: str
    place: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What became of it: how many recipients' mails were `rendered`, how many `copies` of them written, how many mails
    and copies left out as `suppressed`, and how many rows have none; whether it was `stopped` early.

    `despite` says why a row that was asked for by its number would get nothing. `earlier` is the id of the campaign's
    last launch: another one adds to it, and whoever is in it gets nothing new. `unsigned` says why mails have no
    signature that a launch would give them.
    """

    rendered: int
    failed: int
    copies: int = 0
    suppressed: int = 0
    stopped: bool = False
    despite: str = ""
    earlier: str = ""
    unsigned: str = ""

    @property
    def in_words(self) -> str:
        """What was written, such as `39 mails (34 recipients and 5 copies)`."""
        mails = self.rendered + self.copies
        people = f" ({show_people(mails, self.copies)})" if self.copies else ""
        return f"{counted(mails, 'mail')}{people}"

    def notes(self) -> Iterator[str]:
        """What there is to say of whom a launch would send nothing."""
        if self.despite:
            yield f"A launch would not send it: {self.despite}"
        if self.suppressed:
            yield f"{counted(self.suppressed, 'mail')} left out: suppressed"
        if self.unsigned:
            yield f"Not signed (DKIM), as a launch would: {self.unsigned}"
        if self.earlier:
            yield f"Launched before as {self.earlier}: a launch sends nothing new to those who are in it"


def parse_rows(text: str, limit: int | None = None) -> Rows:
    """Read `7`, `5-20`, `5-` or `-20`; blank for all. Raises `UsageError`."""
    if not text.strip():
        return Rows(limit=limit)
    found = _ROWS.fullmatch(text)
    first, dash, last = found.groups() if found is not None else (None, None, None)
    if not (first or last) or (first and last and not dash):
        raise _no_rows(text)
    begin = int(first) if first else 1
    end = (int(last) if last else None) if dash else begin
    if begin < 1 or (end is not None and end < begin):
        raise _no_rows(text)
    return Rows(begin, end, limit)


def dry_run(
    desk: CampaignDesk,
    campaign: Campaign,
    sink: Sink,
    rows: Rows,
    *,
    told: Told,
    trouble: Callable[[NoMail], None],
    stop: Callable[[], bool] = lambda: False,
    signature: Signature = UNSIGNED,
) -> DryRun:
    """Render into a sink, until `stop` says so. Raises what stands in the way, `UsageError` when none of these rows
    gets a mail.
    """
    without = signature.missing
    with ExitStack() as life:
        audience = life.enter_context(desk.open_audience(campaign))
        audience.require_sendable()
        source = with_types(campaign.read_message(), audience.understanding)
        campaign.compile(source, audience.columns, secret=PREVIEW_SECRET)  # for its errors, which need no child
        left_out = life.enter_context(desk.left_out_by(campaign))
        record = life.enter_context(desk.on_record(campaign))
        # Who gets a copy is worked out as for a launch; files are looked at by the child, which reads them.
        mails = life.enter_context(open_mails(campaign, audience, source, left_out, files=False))
        trial = life.enter_context(
            trial_of(campaign, source, audience.columns, signed=desk.signing(campaign) is not None)
        )
        going = _Going(mails.of(audience.columns, rows.first, rows.last), audience.columns, rows, record, stop)
        of = min(rows.last or audience.size, audience.size) - rows.first + 1
        rendered = failed = copies = 0
        for recipient, message in trial.render(going.recipients()):
            mail, *others = going.waiting.popleft()
            found = _problem(mail, message)
            if found is not None:
                failed += 1
                trouble(NoMail(mail.row, mail.address, found.reason, str(found.place)))
            elif isinstance(message, RenderedMessage):
                rendered += 1
                message = signature.of(message)
                copies += len(others)
                sink.add(mail.row, mail.address, message)
                for number, other in enumerate(others, 1):
                    sink.add(mail.row, other.address, message, copy=number)
            told(recipient.row - rows.first + 1, of)
            if stop():
                return DryRun(rendered, failed, copies, going.suppressed, stopped=True, unsigned=without)
    if not (rendered or failed or going.stopped) and not rows.all:
        raise _nobody(rows, going.suppressed)
    return DryRun(rendered, failed, copies, going.suppressed, going.stopped, going.despite, record.earlier, without)


@dataclass(slots=True)
class _Going:
    """Goes through the mails of rows: which would be sent, each recipient's with its copies, and how many would not."""

    mails: Iterator[NewDelivery]
    columns: tuple[str, ...]
    rows: Rows
    record: OnRecord
    stop: Callable[[], bool]
    waiting: deque[list[NewDelivery]] = field(default_factory=deque)
    """The mails of those whom `recipients` gave, and behind each its copies."""
    suppressed: int = 0
    despite: str = ""
    stopped: bool = False

    def recipients(self) -> Iterator[Recipient]:
        """Those whose mail is to be rendered."""
        asked_for = self.rows.first == self.rows.last
        given = 0
        for mail, *copies in _with_copies(self._judged()):
            if given == self.rows.limit:
                return
            if self.stop():
                self.stopped = True
                return
            if mail.suppressed and asked_for:
                self.despite = mail.suppressed
            elif mail.suppressed:
                self.suppressed += 1 + len(copies)
                continue
            others = [copy for copy in copies if not copy.suppressed]
            self.suppressed += len(copies) - len(others)
            self.waiting.append([mail, *others])
            given += 1
            yield recipient_of(self.columns, mail.key, mail.row, mail.address, mail.fields, mail.more)

    def _judged(self) -> Iterator[NewDelivery]:
        """All mails; those that would not be sent say why, by the campaign's own lists or by the outbox."""
        while part := list(islice(self.mails, _STEP)):
            asked = [concerned(mail.key, mail.address, mail.copy_of) for mail in part]
            found = self.record.suppressed(list({name for names in asked for name in names}))
            for mail, names in zip(part, asked, strict=True):
                said = mail.suppressed or said_of(found, names)
                yield mail._replace(suppressed=said) if said else mail


def _with_copies(mails: Iterable[NewDelivery]) -> Iterator[list[NewDelivery]]:
    """A recipient's mail, and the copies that stand behind it."""
    together: list[NewDelivery] = []
    for mail in mails:
        if mail.copy_of is None and together:
            yield together
            together = []
        together.append(mail)
    if together:
        yield together


def _problem(mail: NewDelivery, message: RenderedMessage | RenderProblem) -> RenderProblem | None:
    """Why a mail would not go out: it has no message, or nobody can tell who is to get a copy of it."""
    if isinstance(message, RenderProblem):
        return message
    refused = next(iter(mail.files), None)  # files themselves are not asked for
    return None if refused is None else RenderProblem(mail.row, refused.name, Place())


def write_mails(
    service: Service,
    campaign: Campaign,
    out: str,
    rows: Rows,
    *,
    told: Told,
    trouble: Callable[[NoMail], None],
    stop: Callable[[], bool],
) -> DryRun:
    """The same into a new mbox or folder, for an app; what was written before it is stopped stays. Raises so, too."""
    signature = signature_for(service, campaign)
    with open_sink(out) as sink:
        return dry_run(
            service.campaigns, campaign, sink, rows, told=told, trouble=trouble, stop=stop, signature=signature
        )


def _nobody(rows: Rows, suppressed: int) -> UsageError:
    if suppressed:
        hint = "All of them are suppressed. One that is asked for by its number is written in any case: --row N"
    else:
        hint = "The filter leaves them out, or they have no usable address: mailtui audience CAMPAIGN --explain ROW"
    return UsageError(
        f"Nobody in {rows} gets a mail" if rows.first != rows.last else f"Nobody gets a mail for {rows}", hint=hint
    )


def _no_rows(text: str) -> UsageError:
    return UsageError(f"{text.strip()!r} says no rows of a list", hint="Say 7, 5-20, 5- or -20; rows count from 1.")
