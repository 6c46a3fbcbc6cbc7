"""Owns the sending of one campaign from its first claim to its last result: pace, pause, cancel, finish."""

from __future__ import annotations

import asyncio
from functools import partial

from mailtui.dispatch.aside import Aside
from mailtui.dispatch.campaign_state import cancel_waiting, put_at_rest
from mailtui.dispatch.encoding import fixed_encoding
from mailtui.dispatch.frozen import compiled
from mailtui.dispatch.intent import Course, Intent
from mailtui.dispatch.kept import SHORT_REST
from mailtui.dispatch.outlet import Outlet
from mailtui.dispatch.own_times import OwnTimes
from mailtui.dispatch.paced import Paced
from mailtui.dispatch.plan import MAX_WORKERS, SendPlan
from mailtui.dispatch.pool import open_pool
from mailtui.dispatch.progress import Progress
from mailtui.dispatch.retry import RetryPolicy
from mailtui.dispatch.staffing import Staffing
from mailtui.dispatch.supply import Supply
from mailtui.dispatch.tools import Tools
from mailtui.dispatch.windows import SendingWindow
from mailtui.errors import Place
from mailtui.kit.safe_text import safe_text
from mailtui.message.dkim import Signer
from mailtui.outbox.records import Campaign, Claim, ProgressSnapshot
from mailtui.outbox.states import CampaignState
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.job import Job

_LONGEST_NAP = 60.0
_LOOK_FOR_DUE = 5.0  # seconds; rows come due one by one, while some of the same domain are at hand
_NO_CARRIER = "no account of the campaign may send as those whom the mails that are left are from"


class Sending:
    """One campaign being sent. `run` returns when the campaign has come to rest, or the runner leaves."""

    def __init__(self, campaign: Campaign, tools: Tools, message: bytes, signer: Signer | None = None) -> None:
        self.campaign = campaign
        self.recorder = tools.recorder
        self.scale = tools.scale
        self._tools = tools
        self._loop = asyncio.get_running_loop()
        self._plan = SendPlan.from_json(campaign.plan)
        self._retry = self._policy()
        tools.meters.put_own(campaign.id, self._plan.all_limits, begun=campaign.first_claim_at is not None)
        self.window = SendingWindow(campaign, tools.wall)
        self.own_times = OwnTimes(campaign, tools)
        source = compiled(campaign, message)
        self.supply = Supply(
            campaign,
            source,
            tools,
            give_up_after=self._plan.give_up_after,
            signer=signer,
            former=partial(compiled, campaign),
            need=self.stir,
            arrived=lambda: self._pool.pump(),
            overran=self._overran,
            aside=Aside(
                lambda bound: self._pool.carriers(bound),
                lambda: self._pool.usable,
                lambda those: self._pool.tried_at(those),
                self.stir,
            ),
        )
        self._signed = signer is not None
        self._staffing = Staffing(self.supply.renderers, tools.cores)
        self._bodies = tools.bodies.share()
        self._stirred = asyncio.Event()
        self.course = Course()
        self._takes_turns = source.source.takes_turns
        self._pool = open_pool(self, campaign, tools)
        self._pool.ask_window(self._plan.window)
        self.resting = False  # whether the campaign's last state is being written
        self.progress = Progress()
        self._due_next: float | None = None
        """When the next row comes due, while others are under way."""

    def _policy(self) -> RetryPolicy:
        return RetryPolicy(self._plan.max_attempts, self._plan.give_up_after * self.scale, self.scale)

    # orders

    def pause(self, actor: str) -> None:
        if self.course.pause(actor):
            self._turned()

    def cancel(self, actor: str) -> None:
        self.course.cancel(actor)
        self._turned()

    def leave(self) -> None:
        if self.course.leave():
            self._turned()

    def abort(self, reason: str) -> None:
        """Drop every connection; what is unanswered becomes unknown."""
        self._pool.abort(reason)
        self.stir()

    def change(self, plan: SendPlan) -> None:
        """Take over a changed pace, number of workers or patience with retries at once."""
        self._plan = plan
        self._retry = self._policy()
        self.supply.give_up_after = plan.give_up_after
        self._tools.meters.put_own(self.campaign.id, plan.all_limits, begun=True)
        self._size_crew()
        self._pool.ask_window(plan.window)
        self.look_again()

    def change_schedule(self, campaign: Campaign) -> None:
        """Go at once by the hours that its schedule names by now, and by what that says of missed times."""
        self.window.take_over(campaign)
        self.campaign = self.own_times.campaign = campaign
        self.course.put_off(self.window.note, self.window.opens_at())
        self.stir()

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds, and the due times on record with it."""
        self.supply.clock_moved(by)
        self.look_again()

    @property
    def waiting(self) -> bool:
        """Whether nothing can be done before the next delivery is due."""
        return self.course.sends and self.progress.next_due is not None and not self._pool.working

    def hold(self, reason: str, *, resume_at: float | None = None, at_wall: bool = False) -> None:
        """Pause because of the account, the message or the server; nobody's row is burnt for it.

        `resume_at`, in epoch seconds: it goes on by itself then; `at_wall`: a time of the wall, and no pause's end.
        """
        if self.course.hold(reason, resume_at, at_wall=at_wall):
            self._pool.halt()
            self._turned()

    # accounts

    def account_changed(self, account: str) -> None:
        """An account begins to rest, or is well again."""
        for outlet in self._pool:
            if outlet.name == account:
                if self._tools.standing.of(account) is not None:
                    outlet.stop()
                    self.outlet_lost(outlet)
                else:
                    self.stir()

    def outlet_lost(self, _outlet: Outlet) -> None:
        """One account cannot be used any more: the others go on, or the campaign rests."""
        if not self.course.sends:
            return
        if self._pool.look():
            self.supply.look_aside()
        else:
            self._wait_for_accounts()
        self.stir()

    def others_took(self, outlet: Outlet) -> bool:
        """Whether another account, which can be used, has had messages accepted."""
        return any(other.accepted and other.number in self._pool.usable for other in self._pool if other is not outlet)

    def _is_closed(self) -> bool:
        """Whether the window is closed; then the campaign rests until it opens."""
        if self.window.is_open():
            return False
        self.hold(self.window.note, resume_at=self.window.opens_at(), at_wall=True)
        return True

    async def _has_missed(self) -> bool:
        """Whether it rests because times passed while nobody was there."""
        self.supply.release()  # whoever is at hand may be late as well
        await self.recorder.settle()
        self.look_again()
        if reason := await self.own_times.see_to():
            self.course.missed = self.course.sends
            self.hold(reason)
        return not self.course.sends

    def _wait_for_accounts(self) -> None:
        """Nobody can carry what is left: wait for an account that is back soon, or pause."""
        back_at = self._pool.back_at()
        soon = back_at is not None and back_at - self._tools.wall() < SHORT_REST * self.scale
        if soon or self._pool.is_paced:
            self.progress.next_due = back_at
            self.supply.exhausted = True
            self._pool.idle()
        else:
            self.hold(self._pool.why() or _NO_CARRIER, resume_at=back_at)

    async def _bounds(self) -> list[str] | None:
        """Whose mails can be carried now, by their From; None where every account can be used, or carries anything."""
        if not self._takes_turns or (len(self._pool.usable) == len(self._pool) and not self.supply.is_picky):
            return None
        bounds = await self._tools.storage.patiently(lambda: self._tools.ledger.bounds(self.campaign.number))
        return [bound for bound in bounds if not self._pool.usable.isdisjoint(self._pool.carriers(bound))]

    def _overran(self, row: int, place: Place) -> None:
        self.hold(self._tools.watchdog.reason(row, safe_text(str(place), limit=200) if place.file else ""))

    def look(self) -> None:
        """Every now and then: whether further processes should render."""
        supply = self.supply
        if self.course.sends and self._staffing.look(
            self._plan.render_processes,
            open_rows=self.progress.counts.open,
            busy=self._tools.load.look(),
            resting=self.waiting,
            rendered=(supply.rendered_here, supply.rendered),
            cost=supply.cost,
            now=self._loop.time(),
        ):
            self.stir()

    def _turned(self) -> None:
        self._pool.idle()
        self.stir()

    # what outlets ask

    def stir(self) -> None:
        """Something changed: look again."""
        self._stirred.set()

    def next_job(self, outlet: Outlet, worker: Paced, capabilities: Capabilities) -> Job | None:
        if not self.course.sends or self.recorder.in_trouble:
            return None
        if self._is_closed():
            return None
        if self.own_times.have_passed:
            self.stir()
            return None
        if not self._bodies.has_room(worker):
            return None
        job = self.supply.next_job(capabilities, outlet.number, outlet.room)
        if job is not None:
            self._bodies.take(job, len(job.data))
        return job

    def let_go(self, job: Job) -> None:
        """A message is under way no more."""
        self._bodies.let_go(job)

    def next_attempt(self, claim: Claim, attempts: int, at_least: float | None) -> float | None:
        return self._retry.of(claim, attempts, now=self._tools.wall(), at_least=at_least)

    def count_one(self) -> None:
        """A message got its final word, or lost it."""
        self.progress.settled += 1
        if not self.course.sends:
            self.stir()  # it may have been the last one under way

    async def fix_encoding(self, capabilities: Capabilities) -> str:
        """Store what the first server allows; later ones send the same bytes. Why this one takes none, '' if it may."""
        if self.supply.encoding is None:
            fixed = await fixed_encoding(self._tools.ledger, self._tools.storage, self.campaign.number, capabilities)
            self.supply.encoding = fixed.of_mails(signed=self._signed)
        return self.supply.all_too_large(capabilities)

    # life

    async def run(self) -> None:
        """Send until the campaign rests. Raises `OutboxError` when the outbox stays unwritable."""
        self._size_crew()
        try:
            while True:
                self._stirred.clear()  # before looking, so that nothing that happens meanwhile is missed
                if await self._step():
                    return
                if self.course.sends and self.supply.low and not self.supply.exhausted:
                    continue
                try:
                    async with asyncio.timeout(self._nap()):
                        await self._stirred.wait()
                except TimeoutError:
                    self.supply.exhausted = False
        finally:
            await self._staffing.close()
            await self._pool.part()

    def _nap(self) -> float:
        if not self.course.sends:
            return _LONGEST_NAP  # only what is under way is waited for
        now = self._tools.wall()
        moments = (self.progress.next_due, self._due_next, self._pool.back_at())
        times = [self.window.closes_in(), *(at - now for at in moments if at is not None)]
        if self.supply.parks:
            times.append(_LOOK_FOR_DUE * self.scale)
        return min(_LONGEST_NAP, max(0.01, min(times)))

    async def _step(self) -> bool:
        """Do what can be done now; True when the campaign rests."""
        self._pool.reap()
        intent = self.course.intent
        if intent is Intent.SEND:
            return await self._go_on()
        if intent is Intent.CANCEL:
            await self._take_back()
        self.supply.renderers.stop()
        if self._pool.busy:
            return False
        intent = self.course.intent
        if intent is not Intent.CANCEL:
            self.supply.release()
        await self.recorder.settle()
        if self.course.intent is not intent or (intent is not Intent.CANCEL and self.supply):
            self.stir()  # another order came, or a mark was refused and its claim put back, while this waited
            return False
        if intent is Intent.PAUSE:
            await self._pause()
        elif intent is Intent.CANCEL:
            await self._take_back()  # the last answers may have put something back into the queue
            await self._rest(CampaignState.CANCELLED)
        else:
            self._pool.dismiss()
        return True

    async def _pause(self) -> None:
        """Rest, or be finished: what was to go on later may have been through when its hours ended."""
        counts = await self._tools.storage.patiently(lambda: self._tools.ledger.counts(self.campaign.number))
        if self.course.resume_at is not None and counts.open == 0:
            await self._rest(CampaignState.FINISHED)
        else:
            await self._rest(CampaignState.PAUSED, reason=self.course.because)

    async def _go_on(self) -> bool:
        if self._is_closed() or (self.own_times.have_passed and await self._has_missed()):
            return False
        can = self._pool.look()
        self.supply.look_aside()
        bounds = await self._bounds()
        if can:
            await self.supply.refill(bounds)
        else:
            self.supply.exhausted = True
        await self._staffing.adjust(self._plan.render_processes, self._loop.time())
        ledger, number = self._tools.ledger, self.campaign.number
        if can and (self.supply or self._pool.busy):
            # What comes due meanwhile does not wait for the last replies of a slow server.
            looks = self.supply.exhausted
            due = await self._tools.storage.patiently(lambda: ledger.next_due(number, bounds=bounds)) if looks else None
            self._due_next = due if due is not None and due > self._tools.wall() else None
        if self.supply and can:
            self.progress.next_due = None
            self._pool.begin()
            return False
        if self._pool.busy:
            return False
        await self.recorder.settle()
        counts = await self._tools.storage.patiently(lambda: ledger.counts(number))
        if counts.open == 0:
            await self._rest(CampaignState.FINISHED)
            return True
        due = await self._tools.storage.patiently(lambda: ledger.next_due(number, bounds=bounds)) if can else None
        self.supply.exhausted = False
        self.progress.next_due, self._due_next = due, None
        if due is None and (not can or bounds is not None):
            self._wait_for_accounts()
        elif due is None or due > self._tools.wall():
            # Nothing to do for a while: no connection is kept open for it.
            self.supply.exhausted = True
            self._pool.idle()
        return False

    def look_again(self) -> None:
        """There may be more to claim than the last look found."""
        self.supply.exhausted = False
        self.stir()

    async def _take_back(self) -> None:
        """Cancel in the outbox first: a mark asked for after that does not hold, so its dot is never written."""
        self.supply.drop()
        await cancel_waiting(self._tools, self.campaign.number)

    async def _rest(self, state: CampaignState, *, reason: str = "") -> None:
        self.resting = True
        self._pool.dismiss()
        await put_at_rest(self._tools, self.campaign, state, self.course, reason)

    def _size_crew(self) -> None:
        wanted = max(1, min(self._plan.workers, self.campaign.audience, self._plan.limits.connections or MAX_WORKERS))
        self.supply.size_for(max(wanted, len(self._pool)), self._plan.rate)
        self._pool.size(wanted)

    # display

    def snapshot(self, wall: float) -> ProgressSnapshot:
        """What a face shows."""
        return self.progress.snapshot(wall, self._pool, self._note(), limit=self._plan.rate)

    def _note(self) -> str:
        if (error := self._tools.storage.error) is not None:
            return f"{error.title}: {error.detail}"
        return self.course.because or self._pool.trouble or self._pool.note
