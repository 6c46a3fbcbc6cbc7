"""Owns the runner: one process's engine over one outbox. It recovers what a dead one left, sends what is active,
sees to orders, and leaves when told or when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import os
import secrets as random_ids
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailtui.dispatch.attention import Attention
from mailtui.dispatch.campaign_state import cancel_waiting, put_on_record
from mailtui.dispatch.clearing import Clearing
from mailtui.dispatch.clock import ClockWatch
from mailtui.dispatch.lock import RunnerLock
from mailtui.dispatch.members import members_from_json
from mailtui.dispatch.meter import KEPT
from mailtui.dispatch.meters import Meters
from mailtui.dispatch.notices import Herald, Notices
from mailtui.dispatch.occurrences import Occurrences
from mailtui.dispatch.orders import Orders
from mailtui.dispatch.paces import Paces
from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.recurring import Recurring
from mailtui.dispatch.rhythm import Rhythm
from mailtui.dispatch.sending import Sending
from mailtui.dispatch.sharing import Sharing
from mailtui.dispatch.signing import signer_for
from mailtui.dispatch.standing import Standing
from mailtui.dispatch.storage import Storage
from mailtui.dispatch.tenure import Tenure, tenure
from mailtui.dispatch.tools import Secrets, Tools
from mailtui.dispatch.waking import Waking
from mailtui.dispatch.watchdog import Watchdog, row_seconds
from mailtui.errors import AccountError, MailtuiError, OutboxError, SecretMissing
from mailtui.kit.journal import note
from mailtui.outbox.opening import Outbox
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import ProgressSnapshot, RunnerRow
from mailtui.outbox.states import CampaignState

_SNAPSHOT_EVERY = 0.1
_SHOWN_AT_ONCE = 50  # campaigns; each of a thousand is shown every two seconds
_GRACE = 60.0
_LAST_COMMIT = 1.0
_BREATH = 0.005
_FULL_DISK_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """How a runner runs. `sightings`: the folder in which it leaves how far the outbox has come; `say` gets what a
    person should know; `only`: work on this campaign alone; `scale` shortens waiting in tests.
    """

    version: str
    sightings: Path
    say: Callable[[str], None]
    until_idle: bool = False
    only: int | None = None
    scale: float = 1.0


class Runner:
    """`run` holds the outbox's lock from start to end."""

    def __init__(
        self,
        outbox: Outbox,
        options: RunnerOptions,
        secrets: Secrets,
        *,
        occurrences: Occurrences | None = None,
        herald: Herald | None = None,
    ) -> None:
        """`occurrences` makes the campaigns of recurring ones, `herald` tells others what becomes of campaigns; None:
        both are left to another runner.
        """
        self._occurrences = occurrences
        self._herald = herald
        self._outbox = outbox
        self._options = options
        self._secrets = secrets
        self._storage = Storage(patience=_FULL_DISK_PATIENCE * options.scale, say=options.say)
        self._sendings: dict[int, tuple[Sending, asyncio.Task[None]]] = {}
        self._clearing = Clearing()
        self._leaving = asyncio.Event()
        self._pause_for: str | None = None  # who asked for a pause
        self._defect: BaseException | None = None
        self._snapshot_due = 0.0
        self._clock = ClockWatch()
        self._absences = 0
        self._attended = options.only is not None  # a runner for one campaign does not answer for the others

    # what the process asks

    def stop(self) -> None:
        """Claim nothing more, let what is under way finish, and leave; the campaigns go on with the next runner."""
        self._leaving.set()
        for sending, _ in self._sendings.values():
            sending.leave()

    def pause(self, actor: str) -> None:
        """Pause every campaign this runner sends, or is about to take up."""
        self._pause_for = actor
        for sending, _ in self._sendings.values():
            sending.pause(actor)

    def abort(self, reason: str) -> None:
        """Drop all connections now; replies still awaited become unknown."""
        for sending, _ in self._sendings.values():
            sending.abort(reason)

    async def run(self, ready: Callable[[], None]) -> None:
        """Work until idle or stopped. `ready` is called once the lock is held and the runner is on record.

        Raises `RunnerBusy` when another runner holds the outbox, `OutboxError` when it cannot be trusted or stays
        unwritable.
        """
        lock = RunnerLock.acquire(self._outbox.lock_file, version=self._options.version)
        try:
            async with tenure(self._outbox, self._options.sightings, self._options.say) as session:
                ledger = self._outbox.ledger()
                try:
                    await self._work(ledger, ready, session)
                finally:
                    ledger.close()
        finally:
            lock.release()

    async def _work(self, ledger: Ledger, ready: Callable[[], None], session: Tenure) -> None:
        loop = asyncio.get_running_loop()
        former_handler = loop.get_exception_handler()
        loop.set_exception_handler(self._on_defect)
        recorder = Recorder(ledger, wall=time.time, riders=self._snapshots, on_trouble=self._on_trouble)
        scale = self._options.scale
        now, version = time.time(), self._options.version
        row = RunnerRow(random_ids.token_hex(8), os.getpid(), socket.gethostname(), version, now, now)
        await self._storage.patiently(lambda: ledger.sign_on(row))
        found = await self._storage.patiently(lambda: ledger.recover(now=time.time()))
        standing = await self._standing(ledger)
        watchdog = Watchdog(row_seconds(scale))
        sent = await ledger.sent_since(now - KEPT)
        rows = await ledger.meters()
        meters = Meters(wall=time.time, rows=rows, sent=sent, changed=self._account_changed)
        paces = Paces(meters, scale=scale, wall=time.time, rows=rows)
        herald = self._herald
        tools = Tools(
            ledger,
            recorder,
            self._storage,
            self._secrets,
            standing,
            time.time,
            scale,
            watchdog,
            meters,
            paces,
            Attention(time.time(), await ledger.absent_since()),
            sharing=Sharing(self._account_changed, scale=scale),
            herald=herald,
        )
        notices = Notices(ledger, self._storage, herald, wall=time.time, scale=scale)
        left = {"requeued": found.requeued, "unknown": found.unknown}
        note("the runner begins", version=version, outbox=self._outbox.url, **left)
        recording = asyncio.create_task(recorder.run(), name="recorder")
        try:
            ready()
            await self._watch(ledger, tools, recording, notices, session)
            await self._keep_paces(ledger, tools)
            await self._storage.patiently(session.end)
            await self._storage.patiently(ledger.sign_off)
            note("the runner leaves", told_to=self._leaving.is_set())
        finally:
            for _, task in self._sendings.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in self._sendings.values()), return_exceptions=True)
            await self._keep_results(recorder, recording)
            await notices.part()
            await self._secrets.settle()
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            tools.watchdog.close()
            tools.meters.close()
            loop.set_exception_handler(former_handler)

    async def _standing(self, ledger: Ledger) -> Standing:
        """How the accounts stand, as it is on record."""
        rests = await ledger.account_rests()
        standing = Standing(wall=time.time, scale=self._options.scale, rests=rests, changed=self._account_changed)
        # A password that the runner before did not find is looked for anew: this one may have been given it.
        missing = [rest for rest in rests if rest.reason.startswith(SecretMissing.title_for(rest.account))]
        standing.forgive(rest.account for rest in missing)
        return standing

    def _account_changed(self, account: str) -> None:
        for sending, _ in self._sendings.values():
            sending.account_changed(account)

    async def _keep_rests(self, ledger: Ledger, tools: Tools) -> None:
        """Put on record how accounts rest, and what servers let them have, for people and for the next runner."""
        for account, rest in tools.standing.take_unrecorded().items():
            if rest is None:
                await self._storage.patiently(lambda account=account: ledger.account_rested(account))  # type: ignore[misc]
            else:
                await self._storage.patiently(lambda rest=rest: ledger.rest_account(rest))  # type: ignore[misc]
        if tools.paces.is_worth_recording:
            await self._keep_paces(ledger, tools)

    async def _keep_paces(self, ledger: Ledger, tools: Tools) -> None:
        for meter, known in tools.paces.take_unrecorded():
            await self._storage.patiently(
                lambda meter=meter, known=known: ledger.set_cap(  # type: ignore[misc]
                    meter, known.cap, known.reason, known.at, rests_until=known.rests_until, at_once=known.at_once
                )
            )

    async def _keep_results(self, recorder: Recorder, recording: asyncio.Task[None]) -> None:
        """However this run ends, replies that have come are put on record if the outbox takes them."""
        if recording.done():
            return
        try:
            async with asyncio.timeout(_LAST_COMMIT):
                await recorder.settle()
        except TimeoutError:
            return  # they stay in flight on record, and are unknown to the next runner

    async def _watch(
        self, ledger: Ledger, tools: Tools, recording: asyncio.Task[None], notices: Notices, session: Tenure
    ) -> None:
        """The runner's own beat: orders, campaigns that come and go, snapshots, and its own health."""
        orders = Orders(tools, self._sending, self._clearing, only=self._options.only)
        recurring = Recurring(tools, self._occurrences, tools.attention)
        waking = Waking(tools, recurring, tools.attention, self._clearing, only=self._options.only)
        try:
            await self._beat(ledger, tools, recording, notices, orders, waking, session)
        finally:
            await waking.part()

    async def _beat(
        self,
        ledger: Ledger,
        tools: Tools,
        recording: asyncio.Task[None],
        notices: Notices,
        orders: Orders,
        waking: Waking,
        session: Tenure,
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline, rests_since = 0.0, loop.time()
        limited: set[str] = set()  # whose limits have changed while campaigns come to rest, maybe for the former ones
        await waking.look_at_limits()
        rhythm = Rhythm(loop.time())
        look = more = True
        stays = self._options.only is None  # a person waits for the end of a runner for one campaign
        while True:
            if self._defect is not None:
                raise self._defect
            if recording.done():
                recording.result()
            self._storage.check()
            await self._mind_the_clock(ledger, tools)
            if (look or more or ledger.changed()) and not self._leaving.is_set():
                rhythm.worked(loop.time())
                limited |= tools.meters.take_over(await ledger.meters())
                more = await orders.obey()
                await waking.limits_changed(limited)
                if all(sending.course.sends for sending, _ in self._sendings.values()):
                    limited.clear()
                await waking.look(anew=True)
                await self._take_up(ledger, tools)
            if not (self._attended or any(sending.own_times.have_passed for sending, _ in self._sendings.values())):
                await self._storage.patiently(ledger.attended)
                self._attended = True
            await self._keep_rests(ledger, tools)
            look = self._reap()
            if not self._leaving.is_set():
                look |= await waking.look(anew=False)
            if self._leaving.is_set():
                deadline = deadline or loop.time() + _GRACE * self._options.scale
                if loop.time() > deadline:
                    self.abort("the runner was told to leave")
            idle = self._options.until_idle and not more and not waking.awaited
            if self._sendings or look:
                rests_since = loop.time()
            elif self._leaving.is_set() or (idle and not await notices.awaited(since=rests_since, to_the_end=stays)):
                return
            waiting = all(sending.waiting for sending, _ in self._sendings.values())
            if not waiting:
                rhythm.worked(loop.time())
            session.look_seldom(rhythm.is_calm(loop.time()))
            if rhythm.nudges(loop.time(), campaigns=len(self._sendings), waiting=waiting):
                await self._refresh(ledger, tools)
                await notices.look()
            # Also between a thousand that begin at the same moment: those that have begun are to be sent.
            await asyncio.sleep(_BREATH if more or look else waking.nap(rhythm.tick(loop.time())))

    async def _mind_the_clock(self, ledger: Ledger, tools: Tools) -> None:
        """Looked at before anything is begun because its time has come."""
        absences = tools.attention.look(tools.wall())
        if absences > self._absences:
            self._absences = absences
            for sending, _ in self._sendings.values():
                sending.stir()
        by = self._clock.moved()
        if by:
            note("the clock was put", seconds=round(by, 1))
            await self._storage.patiently(lambda: ledger.clock_moved(by))
            tools.standing.clock_moved(by)
            tools.meters.clock_moved(by)
            tools.paces.clock_moved(by)
            for sending, _ in self._sendings.values():
                sending.clock_moved(by)

    async def _refresh(self, ledger: Ledger, tools: Tools) -> None:
        if self._storage.error is None:
            for number, (sending, _) in self._sendings.items():
                sending.progress.counts = await ledger.counts(number)
                sending.look()
        tools.recorder.nudge()
        ledger.tidy(at_once=self._storage.error is not None)

    # campaigns

    async def _take_up(self, ledger: Ledger, tools: Tools) -> None:
        """Begin to send every active campaign that is not being sent yet."""
        for campaign in await ledger.active_campaigns():
            if self._leaving.is_set():
                return  # told so while the outbox was waited for
            seen_to = campaign.number in self._sendings or campaign.number in self._clearing
            if seen_to or self._options.only not in (None, campaign.number):
                continue
            try:
                message = await ledger.message(campaign.message_digest)
                signer = await signer_for(members_from_json(campaign.endpoint), tools.secrets)
                sending = Sending(campaign, tools, message, signer)
            except MailtuiError as error:
                if campaign.state is CampaignState.CANCELLING:
                    await cancel_waiting(tools, campaign.number)
                    await put_on_record(tools, campaign.number, CampaignState.CANCELLED, "runner")
                    continue
                more = f". {error.hint}" if isinstance(error, AccountError) else f": {error.detail}"
                reason = f"{error.title}{more}"
                await put_on_record(tools, campaign.number, CampaignState.PAUSED, "runner", held_because=reason)
                continue
            sending.progress.counts = await ledger.counts(campaign.number)
            if campaign.state is CampaignState.CANCELLING:
                sending.cancel("runner")
            elif self._pause_for is not None:
                sending.pause(self._pause_for)
            elif campaign.state is CampaignState.PAUSING:
                sending.pause("runner")
            task = asyncio.create_task(sending.run(), name=f"sending {campaign.id}")
            self._sendings[campaign.number] = (sending, task)
            note("campaign taken up", campaign=campaign.number, id=campaign.id, open=sending.progress.counts.open)

    def _sending(self, campaign: int) -> Sending | None:
        entry = self._sendings.get(campaign)
        return entry[0] if entry is not None else None

    def _reap(self) -> bool:
        """Forget campaigns that rest; whether there was one, so that orders are looked at again."""
        done = [number for number, (_, task) in self._sendings.items() if task.done()]
        for number in done:
            self._sendings.pop(number)[1].result()
        return bool(done)

    # the recorder's ear and mouth

    def _snapshots(self, wall: float) -> Sequence[tuple[int, ProgressSnapshot]]:
        pause = _SNAPSHOT_EVERY * max(1.0, len(self._sendings) / _SHOWN_AT_ONCE)
        due = not 0 <= wall - self._snapshot_due < pause
        if due:
            self._snapshot_due = wall
        # The last words of a campaign that comes to rest are kept whatever the time.
        return [
            (number, sending.snapshot(wall))
            for number, (sending, _) in self._sendings.items()
            if due or sending.resting
        ]

    def _on_trouble(self, error: OutboxError | None) -> None:
        self._storage.report(error)
        if error is None:
            for sending, _ in self._sendings.values():
                sending.look_again()

    def _on_defect(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """An exception in a callback is a defect: stop rather than go on with a broken session."""
        error = context.get("exception")
        self._defect = self._defect or (
            error if isinstance(error, BaseException) else RuntimeError(str(context.get("message")))
        )
