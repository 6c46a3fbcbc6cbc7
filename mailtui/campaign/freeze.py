"""Owns freezing a campaign into the outbox: from here on, files may change and what is sent does not.

A campaign belongs to a series (its file and name). Launching the same message again adds only people who are not in
it yet; two launches at the same time make one set of rows, because the occurrence and the recipients' keys are
unique in the outbox. Rows go in by a thousand, so that a runner beside it is never kept waiting.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.campaign import Campaign
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import OutboxError, UsageError
from mailtui.message.source import MessageSource
from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.records import IntakeRow, NewCampaign, NewDelivery
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.smtp.endpoint import Endpoint

_STEP = 1_000
_BREATH = 0.003  # between two steps while a runner lives: its commits then wait 4 ms at the most
_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
_RACES = 5


class Again(Enum):
    """What to do when the series has a campaign already and the message has changed since."""

    ASK = "ask"  # refuse, and say what the choices are
    NEW = "new"  # a new campaign to everybody on the list
    TOP_UP = "top_up"  # only those who are not in the earlier one, and those still waiting in it


@dataclass(frozen=True, slots=True)
class Freezing:
    """Everything a launch needs. `actor` is who launches, for the record."""

    campaign: Campaign
    audience: Audience
    source: MessageSource
    endpoint: Endpoint
    plan: SendPlan
    cache: Path
    actor: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launch came to. `added` recipients are new; `orders` are to be obeyed by a runner, none when new."""

    campaign: LaunchedCampaign
    added: int
    is_new: bool
    orders: tuple[int, ...]


class MessageChanged(UsageError):
    """The series was launched with another message, and nobody said what that means."""

    def __init__(self, earlier: LaunchedCampaign) -> None:
        super().__init__(
            f"The message has changed since {earlier.name} was launched as {earlier.id}",
            hint="Say --new to send this one to everybody on the list, "
            "or --top-up to send it only to those who did not get the earlier one",
        )
        self.earlier = earlier


async def freeze(
    freezing: Freezing,
    desk: Desk,
    reader: Reader,
    again: Again,
    *,
    runner_lives: Callable[[], bool],
    progress: Callable[[int], None],
) -> Launch:
    """Put the campaign into the outbox. Raises `MessageChanged`, `OutboxError`.

    `progress` hears how many recipients were written.
    """
    draft, is_new = await _place(freezing, desk, reader, again)
    await _keep_intake(freezing, desk, draft.number)
    added = await _copy(freezing, desk, draft, runner_lives, progress)
    now = time.time()
    orders: tuple[int, ...] = ()
    if is_new:
        try:
            await desk.go_live(draft.number, actor=freezing.actor, now=now)
        except OutboxError:
            # Another launch of the same campaign was quicker by an instant; it is live, and that is all we wanted.
            if (await reader.campaign(draft.id)).state is CampaignState.DRAFT:
                raise
    else:
        orders = await _top_up(freezing, desk, draft, now)
    return Launch(await reader.campaign(draft.id), added, is_new, orders)


async def _place(freezing: Freezing, desk: Desk, reader: Reader, again: Again) -> tuple[LaunchedCampaign, bool]:
    """The campaign to fill, and whether it is a new one."""
    message = freezing.source.to_json().encode()
    digest = freezing.source.digest
    for _ in range(_RACES):
        latest = await reader.latest_of_series(freezing.campaign.series)
        if latest is not None and latest.state is CampaignState.DRAFT:
            # A launch that did not come to its end. The same message: take it further. Another: begin anew.
            if latest.message_digest == digest and latest.columns == freezing.audience.columns:
                return latest, True
            await desk.discard_draft(latest.number)
            continue
        if latest is not None:
            if latest.state is CampaignState.CANCELLED and again is not Again.NEW:
                raise UsageError(
                    f"{latest.name} was cancelled ({latest.id}), perhaps after some had got it",
                    detail=f"Who got it: mailtui report {latest.id}",
                    hint="Say --new to send it to everybody on the list, these included",
                )
            if latest.message_digest == digest and again is not Again.NEW:
                return latest, False
            if again is Again.ASK:
                raise MessageChanged(latest)
            if again is Again.TOP_UP:
                _require_columns(freezing, latest)
                return latest, False
        draft = await desk.create_draft(_new_campaign(freezing, message, latest), now=time.time())
        if draft is not None:
            return draft, True
    raise OutboxError("Several launches of this campaign are in each other's way", hint="Try again in a moment.")


def _new_campaign(freezing: Freezing, message: bytes, latest: LaunchedCampaign | None) -> NewCampaign:
    campaign = freezing.campaign
    return NewCampaign(
        id="".join(secrets.choice(_ID_LETTERS) for _ in range(8)),
        series=campaign.series,
        occurrence=latest.occurrence + 1 if latest is not None else 1,
        name=campaign.name,
        message_digest=freezing.source.digest,
        message=message,
        endpoint=freezing.endpoint.to_json(),
        plan=freezing.plan.to_json(),
        columns=freezing.audience.columns,
        source=freezing.audience.name,
        filter=campaign.filter_text,
        secret=secrets.token_bytes(32),
    )


def _require_columns(freezing: Freezing, latest: LaunchedCampaign) -> None:
    """A changed message must be able to speak to those who are in the earlier campaign already."""
    compiled = freezing.campaign.compile(freezing.source, freezing.audience.columns, secret=b"")
    needed = compiled.fields if compiled.fields is not None else frozenset(freezing.audience.columns)
    missing = sorted(needed - set(latest.columns))
    if missing:
        raise UsageError(
            f"The changed message uses columns that {latest.id} was launched without: {', '.join(missing)}",
            hint="Launch it as a new campaign: --new",
        )


async def _keep_intake(freezing: Freezing, desk: Desk, number: int) -> None:
    problems = iter(freezing.audience.problems())
    while part := list(islice(problems, _STEP)):
        await desk.add_intake(
            number, [IntakeRow(item.line, item.row, item.kind, item.reason, item.text) for item in part]
        )


async def _copy(
    freezing: Freezing,
    desk: Desk,
    draft: LaunchedCampaign,
    runner_lives: Callable[[], bool],
    progress: Callable[[int], None],
) -> int:
    suppressed = _suppressed_keys(freezing)
    deliveries = _deliveries(freezing.audience, draft.columns, suppressed)
    added = done = 0
    while part := list(islice(deliveries, _STEP)):
        added += await desk.add(draft.number, part, now=time.time())
        done += len(part)
        progress(done)
        await asyncio.sleep(_BREATH if runner_lives() else 0)
    return added


def _deliveries(audience: Audience, columns: tuple[str, ...], suppressed: frozenset[str]) -> Iterator[NewDelivery]:
    for item in audience.recipients():
        fields = tuple(item.fields.get(column, "") for column in columns)
        yield NewDelivery(item.key, item.row, item.address, fields, item.key in suppressed)


def _suppressed_keys(freezing: Freezing) -> frozenset[str]:
    """The keys of everybody on the lists that the campaign leaves out. Raises `AudienceError` for a list it cannot
    read: mailing somebody because of a typing error in a path is not an option.
    """
    keys: set[str] = set()
    for path in freezing.campaign.spec.audience.suppress:
        with open_audience(
            AudienceSpec(source=path), folder=freezing.campaign.folder, cache=freezing.cache
        ) as left_out:
            keys.update(item.key for item in left_out.recipients())
    return frozenset(keys)


async def _top_up(freezing: Freezing, desk: Desk, campaign: LaunchedCampaign, now: float) -> tuple[int, ...]:
    """Let the runner take over what changed since the first launch, and go on."""
    changes: dict[str, object] = {}
    before = SendPlan.from_json(campaign.plan)
    if freezing.plan != before:
        changes |= {
            "workers": freezing.plan.workers,
            "rate": freezing.plan.rate,
            "burst": freezing.plan.burst,
        }
    if freezing.endpoint.to_json() != campaign.endpoint:
        changes["endpoint"] = freezing.endpoint.to_json()
    if freezing.source.digest != campaign.message_digest:
        await desk.put_message(freezing.source.digest, freezing.source.to_json().encode())
        changes["message"] = freezing.source.digest
    wanted = [(OrderKind.SET, changes)] if changes else []
    wanted.append((OrderKind.TOP_UP, {}))
    return tuple(
        [
            await desk.order(campaign.number, kind, arguments, actor=freezing.actor, now=now)
            for kind, arguments in wanted
        ]
    )
