"""Owns the report of a campaign: one line a recipient, as values, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from mailtui.audience.recipient import Recipient
from mailtui.kit.safe_text import safe_json
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.source import MessageSource
from mailtui.outbox.ports import Reader
from mailtui.outbox.records import Campaign, DeliveryRow
from mailtui.outbox.states import DeliveryState

_PAGE = 1_000
_FORMULA_STARTS = "=+-@\t\r＝＋－＠"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What became of one recipient. `row` is the data row of the list, `at` the last change (RFC 3339, UTC)."""

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


async def report_lines(
    reader: Reader, campaign: Campaign, states: Sequence[DeliveryState] = ()
) -> AsyncIterator[ReportLine]:
    """The lines in the order of the list, read in short pages beside a running send."""
    source = MessageSource.from_json((await reader.message(campaign.message_digest)).decode())
    compiled = compile_message(source, campaign.columns, secret=campaign.secret)
    after = 0
    while page := await reader.deliveries(campaign.number, states=states, after=after, limit=_PAGE):
        after = page[-1].id
        for row in page:
            yield _line(row, campaign, compiled)


def _line(row: DeliveryRow, campaign: Campaign, compiled: CompiledMessage) -> ReportLine:
    fields = dict(zip(campaign.columns, row.fields, strict=True))
    recipient = Recipient(row.key, row.row, row.address, fields)
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
        message_id=compiled.message_id(recipient),
        at=datetime.fromtimestamp(row.updated_at, UTC).isoformat(timespec="seconds"),
    )


def as_json(line: ReportLine) -> str:
    """One JSON object, on one line."""
    return safe_json(json.dumps(asdict(line), ensure_ascii=False))


def csv_header() -> str:
    """The first line of the CSV report."""
    return _csv_row(list(ReportLine.__dataclass_fields__))


def as_csv(line: ReportLine) -> str:
    """One CSV row (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return _csv_row(["" if value is None else _inert(str(value)) for value in asdict(line).values()])


def _inert(text: str) -> str:
    """Defuse a cell (CWE-1236); taking one leading apostrophe off gives the text back."""
    bare = text.lstrip(" \"'")
    return f"'{text}" if bare.startswith(tuple(_FORMULA_STARTS)) or text.startswith("'") else text


def _csv_row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
