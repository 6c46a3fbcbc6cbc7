"""Owns the report of a campaign: one line a recipient, as values, JSON lines or CSV."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailtui.audience.recipient import recipient_of
from mailtui.kit.safe_text import safe_json
from mailtui.kit.spreadsheet import csv_row, inert
from mailtui.message.own_cells import SENT_AS
from mailtui.outbox.amendments import Resolution
from mailtui.outbox.ports import Reader
from mailtui.outbox.records import Campaign, DeliveryRow
from mailtui.outbox.states import DeliveryState

if TYPE_CHECKING:
    from mailtui.message.compose import CompiledMessage

_PAGE = 1_000
ERROR = "error"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What became of one recipient. `row` is the data row of the list, `at` the last change (RFC 3339, UTC).

    `account` is the one that carried it last, where that is on record.
    `resolution` is what a person said about a mail whose outcome was unknown: sent or resend. `corrected_from` is the
    address that another one took the place of, `next_try` when one who is deferred is tried again. `copy_of` is the
    address of the recipient whose mail this is a copy of; a copy has that one's row and Message-ID.
    """

    row: int
    address: str
    state: str
    code: int | None
    enhanced: str | None
    reply: str | None
    reason: str
    stage: str | None
    attempts: int
    message_id: str | None
    at: str
    resolution: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None
    corrected_from: str | None = None
    next_try: str | None = None
    copy_of: str | None = None
    account: str | None = None

    @property
    def name(self) -> str:
        """What tells it from all other mails of its campaign."""
        return self.address if self.copy_of is None else f"{self.address}, a copy of the mail to {self.copy_of}"


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Lines in the order of the list, and the id of the last one's delivery, after which the next page begins."""

    lines: tuple[ReportLine, ...]
    last: int


class ReportReader:
    """Reads the report of one campaign in short pages, beside a running send."""

    def __init__(self, reader: Reader, campaign: Campaign) -> None:
        self._reader = reader
        self._campaign = campaign
        self._editions: dict[int, str] = {}
        self._compiled: dict[int, CompiledMessage] = {}

    async def page(self, states: Sequence[DeliveryState] = (), *, after: int = 0, size: int = _PAGE) -> ReportPage:
        """Up to `size` lines of the deliveries with an id above `after`; none after the last."""
        rows = await self._reader.deliveries(self._campaign.number, states=states, after=after, limit=size)
        ids = [row.id for row in rows]
        resolved = {one.delivery: one for one in await self._reader.resolutions(ids)}  # the last word of each
        corrected = {one.delivery: one.was for one in reversed(await self._reader.corrections(self._campaign.number))}
        lines = []
        for row in rows:
            message = self._compiled.get(row.edition) or await self._compile(row.edition)
            lines.append(_line(row, self._campaign, message, resolved.get(row.id), corrected.get(row.id)))
        return ReportPage(tuple(lines), ids[-1] if ids else after)

    async def _compile(self, edition: int) -> CompiledMessage:
        """The message that recipients were added with: their Message-ID comes from it, whatever was sent since."""
        # To make a message costs much to load, and few who only look at campaigns ask for a report.
        from mailtui.message.compose import compile_message
        from mailtui.message.frozen import MessageSource

        if not self._editions:
            self._editions = await self._reader.editions(self._campaign.number)
        source = MessageSource.from_json((await self._reader.message(self._editions[edition])).decode())
        campaign = self._campaign
        compiled = compile_message(source, campaign.columns, secret=campaign.secret, campaign_id=campaign.id)
        self._compiled[edition] = compiled
        return compiled


async def report_lines(
    reader: Reader, campaign: Campaign, states: Sequence[DeliveryState] = ()
) -> AsyncIterator[ReportLine]:
    """All lines, in the order of the list."""
    report = ReportReader(reader, campaign)
    page = await report.page(states)
    while page.lines:
        for line in page.lines:
            yield line
        page = await report.page(states, after=page.last)


def _line(
    row: DeliveryRow, campaign: Campaign, message: CompiledMessage, said: Resolution | None, was: str | None
) -> ReportLine:
    key, address = row.copy_of or (row.key, row.address)
    recipient = recipient_of(campaign.columns, key, row.row, address, row.fields, row.more)
    return ReportLine(
        row=row.row,
        address=row.address,
        state=str(row.state),
        code=row.code,
        enhanced=row.enhanced,
        reply=row.reply,
        reason=row.reason,
        stage=row.stage,
        attempts=row.attempts,
        message_id=message.message_id(recipient),
        at=_time(row.updated_at),
        resolution=None if said is None else str(said.decision),
        resolved_by=None if said is None else said.actor,
        resolved_at=None if said is None else _time(said.at),
        corrected_from=was,
        next_try=_time(row.due_at) if row.state is DeliveryState.DEFERRED else None,
        copy_of=row.copy_of[1] if row.copy_of is not None else None,
        account=row.account or None,
    )


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


async def original_rows(reader: Reader, campaign: Campaign, states: Sequence[DeliveryState] = ()) -> AsyncIterator[str]:
    """The rows of the list as CSV, its columns as they were and one more, `error`; the header comes first.

    The column of accounts that take turns is none of the list's. An `error` column of an earlier such file is written
    anew. Cells are defused as in the report. Where several rows made one mail, each of them is here. A row is here for
    its recipient, and not once more for each copy.
    """
    kept = [index for index, column in enumerate(campaign.columns) if column not in (ERROR, SENT_AS)]
    yield csv_row([*(inert(campaign.columns[index]) for index in kept), ERROR])
    after = 0
    while rows := await reader.deliveries(campaign.number, states=states, after=after, limit=_PAGE):
        after = rows[-1].id
        for row in rows:
            for cells in () if row.copy_of else (row.fields, *row.more):
                yield csv_row([*(inert(cells[index]) for index in kept), inert(_error(row))])


def _error(row: DeliveryRow) -> str:
    reply = "" if row.code is None else f"{row.code} {row.reply or ''}".strip()
    said = "; ".join(filter(None, (reply, row.reason)))
    return f"{row.state}: {said}" if said else str(row.state)


def as_json(line: ReportLine) -> str:
    """One JSON object, on one line."""
    return safe_json(json.dumps(asdict(line), ensure_ascii=False))


def csv_header() -> str:
    """The first line of the CSV report."""
    return csv_row(list(ReportLine.__dataclass_fields__))


def as_csv(line: ReportLine) -> str:
    """One CSV row (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return csv_row(["" if value is None else inert(str(value)) for value in asdict(line).values()])
