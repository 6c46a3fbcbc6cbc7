"""Owns a dry run: the mails of all or some rows, rendered as they would be sent, and put where they can be looked at.

No connection is opened, and nothing is put into the outbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from mailtui.campaign.campaign import Campaign
from mailtui.errors import UsageError
from mailtui.message.rendered import RenderProblem
from mailtui.service.campaigns import CampaignDesk
from mailtui.service.mailbox import Sink, open_sink

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
    """What became of it: mails written, and rows whose mail could not be rendered; whether it was `stopped` early."""

    rendered: int
    failed: int
    stopped: bool = False


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
) -> DryRun:
    """Render into a sink, until `stop` says so. Raises what stands in the way, `UsageError` when none of these rows
    gets a mail.
    """
    rendered = failed = 0
    with closing(desk.render_all(campaign, rows.first, rows.last, told=told)) as mails:
        for recipient, message in islice(mails, rows.limit):
            if isinstance(message, RenderProblem):
                failed += 1
                trouble(NoMail(recipient.row, recipient.address, message.reason, str(message.place)))
            else:
                rendered += 1
                sink.add(recipient, message)
            if stop():
                return DryRun(rendered, failed, stopped=True)
    if not (rendered or failed) and not rows.all:
        raise UsageError(
            f"Nobody in {rows} gets a mail" if rows.first != rows.last else f"Nobody gets a mail for {rows}",
            hint="The filter leaves them out, or they have no usable address: mailtui audience CAMPAIGN --explain ROW",
        )
    return DryRun(rendered, failed)


def write_mails(
    desk: CampaignDesk,
    campaign: Campaign,
    out: str,
    rows: Rows,
    *,
    told: Told,
    trouble: Callable[[NoMail], None],
    stop: Callable[[], bool],
) -> DryRun:
    """The same into a new mbox or folder, for an app; what was written before it is stopped stays. Raises so, too."""
    with open_sink(out) as sink:
        return dry_run(desk, campaign, sink, rows, told=told, trouble=trouble, stop=stop)


def _no_rows(text: str) -> UsageError:
    return UsageError(f"{text.strip()!r} says no rows of a list", hint="Say 7, 5-20, 5- or -20; rows count from 1.")
