"""Owns freezing a campaign into the outbox: from here on, files may change and what is sent does not.

A campaign belongs to a series (its file and name). Launching the same message again adds only people who are not in
it yet. Launches into one outbox take turns, so two at the same time make one set of rows. Beside a runner rows go in by
a thousand, so that it is never kept waiting.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mailtui.audience.audience import Audience
from mailtui.campaign.again import Again, BeingSent, MessageChanged, NotFinished, OtherTimes, WasCancelled
from mailtui.campaign.agreement import MAY_GET_IT, require_carriers, require_columns, require_extras
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.drafts import BREATH, LONG_STEP, STEP, discard, discard_all
from mailtui.campaign.due_times import DueTimes, due_times
from mailtui.campaign.mails import Mails, open_mails
from mailtui.campaign.suppression import LeftOut, open_left_out
from mailtui.dispatch.members import Member, members_to_json
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import OutboxError
from mailtui.kit.file_lock import exclusive
from mailtui.message.frozen import MessageSource
from mailtui.outbox.copies import concerned
from mailtui.outbox.notices import Event, Happening, Hook, hooks_to_json, notices_of
from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.records import IntakeRow, NewCampaign, NewDelivery, NewSuppression
from mailtui.outbox.states import ACTIVE_CAMPAIGNS, CampaignState, OrderKind
from mailtui.outbox.suppression import scope_of_campaign
from mailtui.schedule.hours import has_hours_of, with_hours_of
from mailtui.schedule.schedule import Schedule

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
_UNDER_WAY = frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSING, CampaignState.PAUSED})


@dataclass(frozen=True, slots=True)
class Freezing:
    """Everything a launch needs. `actor` is who launches, for the record; `lock` the file that launches queue up at.

    `schedule` is a `Schedule` as JSON, empty for none; `start_at` (epoch seconds) when the campaign is to begin, None
    for at once. `recurrence` is the recurring one that it is an occurrence of, for its time `occurrence_at`: always a
    campaign of its own, and one alone for each time.
    """

    campaign: Campaign
    audience: Audience
    source: MessageSource
    members: tuple[Member, ...]
    plan: SendPlan
    cache: Path
    lock: Path
    actor: str
    schedule: str = ""
    start_at: float | None = None
    recurrence: str = ""
    occurrence_at: float | None = None
    hooks: tuple[Hook, ...] = ()
    """Who is told what becomes of it."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launch came to. `added` mails are new, of which so many are `copies`; `orders` are to be obeyed by a
    runner, none when new. `members` send it once they are, whoever the campaign still has on record.
    """

    campaign: LaunchedCampaign
    added: int
    is_new: bool
    orders: tuple[int, ...]
    members: tuple[Member, ...]
    copies: int = 0


async def freeze(
    freezing: Freezing,
    desk: Desk,
    reader: Reader,
    again: Again,
    *,
    runner_lives: Callable[[], bool],
    progress: Callable[[int], None],
) -> Launch:
    """Put the campaign into the outbox. Raises `MessageChanged`, `WasCancelled`, `NotFinished`, `BeingSent`,
    `RecurrenceChanged`, `OutboxError`.

    `progress` hears how many recipients were written. Before anything is written, everything has been read.
    """
    due = due_times(Schedule.from_json(freezing.schedule), freezing.start_at, freezing.audience.columns)
    with (
        open_left_out(freezing.campaign, freezing.cache) as left_out,
        open_mails(freezing.campaign, freezing.audience, freezing.source, left_out, due=due) as mails,
    ):
        return await _freeze(freezing, desk, reader, again, left_out, mails, runner_lives, progress)


async def _freeze(
    freezing: Freezing,
    desk: Desk,
    reader: Reader,
    again: Again,
    left_out: LeftOut,
    mails: Mails,
    runner_lives: Callable[[], bool],
    progress: Callable[[int], None],
) -> Launch:
    async with exclusive(freezing.lock):
        occurred = await _occurred(freezing, reader)
        if occurred is not None:
            return Launch(occurred, added=0, is_new=False, orders=(), members=freezing.members)
        await discard_all(desk, reader, runner_lives)
        earlier = None if freezing.recurrence else await _earlier(freezing, reader, again)
        if earlier is None:
            draft = await _draft(freezing, desk, reader)
            live = False
            try:
                added = await _fill(freezing, desk, draft, mails, runner_lives, progress)
                await _go_live(freezing, desk, reader, draft, mails.due)
                live = True
            finally:
                if not live:
                    await discard(draft.number, desk, runner_lives)
            launched = await reader.campaign(draft.id)
            return Launch(launched, added, is_new=True, orders=(), members=freezing.members, copies=launched.copies)
        changes = _changes(freezing, earlier)
        if runner_lives() and earlier.state in ACTIVE_CAMPAIGNS:
            _require_at_rest(earlier, changes, "server" if len(freezing.members) == 1 else "choice of accounts")
        await _leave_out_too(freezing, desk, reader, earlier, left_out, runner_lives)
        orders = await _order_changes(freezing, desk, earlier, changes)
        if freezing.start_at is not None and mails.due is None and not _is_to_begin(earlier):
            mails.due = DueTimes(Schedule.from_json(freezing.schedule), freezing.start_at)
        added = await _fill(freezing, desk, earlier, mails, runner_lives, progress)
        kind, given = _going_on(freezing, earlier, mails.due)
        orders.append(await desk.order(earlier.number, kind, given, actor=freezing.actor, now=time.time()))
        grown = await reader.campaign(earlier.id)
        copies = grown.copies - earlier.copies
        return Launch(grown, added, is_new=False, orders=tuple(orders), members=freezing.members, copies=copies)


async def _go_live(
    freezing: Freezing, desk: Desk, reader: Reader, draft: LaunchedCampaign, due: DueTimes | None
) -> None:
    """Let it go, and put on record who is told that it has begun, if it has."""
    now, notices = time.time(), []
    start_at = freezing.start_at if due is None else due.begin_after(now)
    if start_at is None:
        counts = await reader.counts(draft.number)
        notices = notices_of(Happening(Event.STARTED, now, draft, CampaignState.RUNNING, counts))
    await desk.go_live(draft.number, actor=freezing.actor, now=now, start_at=start_at, notices=notices)


def _is_to_begin(campaign: LaunchedCampaign) -> bool:
    """Whether it was launched for a time, and nothing of it has been touched."""
    return campaign.start_at is not None and campaign.first_claim_at is None


def _require_same_times(freezing: Freezing, earlier: LaunchedCampaign) -> None:
    """Nobody is to think that all are put to another time, where those who were there keep their own."""
    then, wanted = Schedule.from_json(earlier.schedule), Schedule.from_json(freezing.schedule)
    is_for_once = wanted.begins_later and not wanted.recurs
    if _is_to_begin(earlier) and then.has_own_times and is_for_once and not then.has_times_of(wanted):
        raise OtherTimes(earlier)


def _going_on(
    freezing: Freezing, earlier: LaunchedCampaign, due: DueTimes | None
) -> tuple[OrderKind, dict[str, object]]:
    """What a runner is to do with a campaign that was added to: go on, or begin at the time that is said now."""
    start_at = freezing.start_at if due is None else due.begin_after(time.time())
    if not _is_to_begin(earlier):
        return OrderKind.TOP_UP, {}
    if start_at is None:
        return OrderKind.RESUME, {}
    if due is not None and earlier.start_at is not None:
        start_at = min(start_at, earlier.start_at)  # those who were there keep their times
    return OrderKind.SCHEDULE, {"at": start_at, "schedule": freezing.schedule, "added": True}


async def _occurred(freezing: Freezing, reader: Reader) -> LaunchedCampaign | None:
    """The campaign that the recurrence has for this time already; None where it has none, or a draft of one."""
    if not freezing.recurrence or freezing.occurrence_at is None:
        return None
    there = await reader.occurrence(freezing.recurrence, freezing.occurrence_at)
    return there if there is not None and there.state is not CampaignState.DRAFT else None


async def _earlier(freezing: Freezing, reader: Reader, again: Again) -> LaunchedCampaign | None:
    """The campaign to add to, None when there is to be a new one."""
    return await to_add_to(freezing, await reader.latest_of_series(freezing.campaign.series), reader, again)


async def to_add_to(
    freezing: Freezing, latest: LaunchedCampaign | None, reader: Reader | None, again: Again
) -> LaunchedCampaign | None:
    """The latest of the series, where a launch adds to it; None when it makes a new one.

    Raises `MessageChanged`, `WasCancelled`, `NotFinished`, `OtherTimes`.
    """
    if latest is None or reader is None:
        return None
    if again is Again.NEW:
        # The same command given again after a crash, or by two at once, must not mail everybody twice.
        if latest.message_digest == freezing.source.digest and latest.state in _UNDER_WAY:
            raise NotFinished(latest)
        return None
    if latest.state in (CampaignState.CANCELLED, CampaignState.CANCELLING):
        raise WasCancelled(latest, await reader.counts(latest.number))
    if latest.message_digest != freezing.source.digest:
        if again is Again.ASK:
            raise MessageChanged(latest)
        require_columns(freezing.campaign, freezing.source, freezing.audience.columns, latest)
        await require_extras(freezing.source, latest, reader)
    await require_carriers(freezing.members, latest, reader)
    _require_same_times(freezing, latest)
    return latest


async def _draft(freezing: Freezing, desk: Desk, reader: Reader) -> LaunchedCampaign:
    latest = await reader.latest_of_series(freezing.campaign.series)
    message = freezing.source.to_json().encode()
    draft = await desk.create_draft(_new_campaign(freezing, message, latest), now=time.time())
    if draft is None:
        raise OutboxError("Another launch of this campaign was quicker by an instant", hint="Try again in a moment.")
    return draft


def new_id() -> str:
    """An id that a person can type, for a campaign or a recurring one."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(8))


def _new_campaign(freezing: Freezing, message: bytes, latest: LaunchedCampaign | None) -> NewCampaign:
    campaign = freezing.campaign
    return NewCampaign(
        id=new_id(),
        series=campaign.series,
        occurrence=latest.occurrence + 1 if latest is not None else 1,
        name=campaign.name,
        message_digest=freezing.source.digest,
        message=message,
        endpoint=members_to_json(freezing.members),
        plan=freezing.plan.to_json(),
        columns=freezing.audience.columns,
        source=freezing.audience.name,
        filter=campaign.filter_text,
        secret=secrets.token_bytes(32),
        list=campaign.spec.audience.list or "",
        hooks=hooks_to_json(freezing.hooks),
        schedule=freezing.schedule,
        recurrence=freezing.recurrence,
        occurrence_at=freezing.occurrence_at,
    )


async def _fill(
    freezing: Freezing,
    desk: Desk,
    campaign: LaunchedCampaign,
    mails: Mails,
    runner_lives: Callable[[], bool],
    progress: Callable[[int], None],
) -> int:
    """Write the rows of the list; how many mails were new."""
    problems = iter(freezing.audience.problems())
    while bad := list(islice(problems, STEP)):
        rows = [IntakeRow(item.line, item.row, item.kind, item.reason, item.text) for item in bad]
        await desk.add_intake(campaign.number, rows)
    added = done = reached = 0

    def next_ones(rows: int) -> Iterator[NewDelivery]:
        nonlocal done
        for item in mails.of(campaign.columns, reached + 1, reached + rows):
            done += item.copy_of is None
            yield item

    while reached < freezing.audience.size:
        lives = runner_lives()
        step = STEP if lives else LONG_STEP
        # A runner waits for the outbox, so for it the rows are read first; otherwise they never lie here all at once.
        part = list(next_ones(step)) if lives else next_ones(step)
        added += await desk.add(campaign.number, part, now=time.time())
        reached += step
        progress(done)
        await asyncio.sleep(BREATH if lives else 0)
    return added


def _changes(freezing: Freezing, campaign: LaunchedCampaign) -> dict[str, object]:
    """What is another now than at the first launch, as the order that takes it over."""
    changes: dict[str, object] = {}
    if freezing.plan != SendPlan.from_json(campaign.plan):
        changes |= freezing.plan.as_said()
    members = members_to_json(freezing.members)
    if members != campaign.endpoint:
        changes["endpoint"] = members
    if freezing.source.digest != campaign.message_digest:
        changes["message"] = freezing.source.digest
    if (freezing.campaign.spec.audience.list or "") != campaign.list:
        changes["list"] = freezing.campaign.spec.audience.list or ""
    then, wanted = Schedule.from_json(campaign.schedule), Schedule.from_json(freezing.schedule)
    if not has_hours_of(then, wanted):
        changes["schedule"] = with_hours_of(then, wanted).to_json()
    return changes


def _require_at_rest(running: LaunchedCampaign, changes: dict[str, object], through: str) -> None:
    """New people must not get the old message, nor go to the old server, because the order to change came too late."""
    if "message" in changes:
        raise BeingSent(running, "its message has changed")
    if "endpoint" in changes:
        raise BeingSent(running, f"its {through} has changed")


async def _leave_out_too(
    freezing: Freezing,
    desk: Desk,
    reader: Reader,
    campaign: LaunchedCampaign,
    left_out: LeftOut,
    runner_lives: Callable[[], bool],
) -> None:
    """Have the outbox know who of an earlier launch is left out by the campaign's lists now, and who not any more.

    Everybody but those who have it: who failed, or is unknown, may be given a second chance later.
    """
    scope = scope_of_campaign(campaign.id)
    after = 0
    while entries := await reader.suppressions(scope, after=after, limit=STEP):
        after = entries[-1].id
        keys = [entry.key for entry in entries]
        now_out = left_out.reasons(keys)
        if back := [key for key in keys if key not in now_out]:
            await desk.unsuppress(back, scope, actor=freezing.actor, now=time.time())
    after = 0
    while left_out and (page := await reader.deliveries(campaign.number, states=MAY_GET_IT, after=after, limit=STEP)):
        after = page[-1].id
        found = left_out.reasons({name for row in page for name in concerned(row.key, row.address, row.copy_of)})
        if found:
            source = str(freezing.campaign.path)
            new = [NewSuppression(key, scope, why, source) for key, why in found.items()]
            await desk.suppress(new, actor=freezing.actor, now=time.time())
        await asyncio.sleep(BREATH if found and runner_lives() else 0)


async def _order_changes(
    freezing: Freezing, desk: Desk, campaign: LaunchedCampaign, changes: dict[str, object]
) -> list[int]:
    """Have the runner take over what changed. Ordered before anybody is added, and orders are obeyed in turn."""
    if not changes:
        return []
    if "message" in changes:
        await desk.put_message(campaign.number, freezing.source.digest, freezing.source.to_json().encode())
    return [await desk.order(campaign.number, OrderKind.SET, changes, actor=freezing.actor, now=time.time())]
