"""Owns the sending of one campaign from its first claim to its last result: pace, pause, cancel, finish."""

from __future__ import annotations

import asyncio

from mailtui.dispatch.breakers import Breakers
from mailtui.dispatch.campaign_state import cancel_waiting, put_on_record
from mailtui.dispatch.crew import Crew
from mailtui.dispatch.domains import Domains
from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.gate import Gate
from mailtui.dispatch.gearbox import GearBox
from mailtui.dispatch.intent import Intent
from mailtui.dispatch.members import members_from_json
from mailtui.dispatch.paced import Paced
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.reach import Reach
from mailtui.dispatch.retry import RetryPolicy
from mailtui.dispatch.slots import Slots
from mailtui.dispatch.staffing import Staffing
from mailtui.dispatch.supply import Supply
from mailtui.dispatch.tally import RateWindow
from mailtui.dispatch.tools import Tools
from mailtui.dispatch.watchdog import STOPPED
from mailtui.errors import AccountError, OutboxError, Place
from mailtui.kit.journal import note
from mailtui.kit.safe_text import safe_text
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.dkim import Signer
from mailtui.message.frozen import MessageSource
from mailtui.outbox.records import Campaign, Claim, Counts, ProgressSnapshot
from mailtui.outbox.states import CampaignState
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.credential import Credential
from mailtui.smtp.job import Job
from mailtui.smtp.verdict import Category, Verdict, judge

_LONGEST_NAP = 60.0


class Sending:
    """One campaign being sent. `run` returns when the campaign has come to rest, or the runner leaves."""

    def __init__(self, campaign: Campaign, tools: Tools, message: bytes, signer: Signer | None = None) -> None:
        self.campaign = campaign
        self.recorder = tools.recorder
        self.endpoint = members_from_json(campaign.endpoint)[0].endpoint
        self.scale = tools.scale
        self.timeouts = self.endpoint.timeouts.scaled(tools.scale)
        self.reach = Reach(scale=tools.scale)
        self.slots = Slots(scale=tools.scale)
        self.breakers = Breakers(self.hold)
        self.halted = False
        self.work = asyncio.Event()
        self._tools = tools
        self._loop = asyncio.get_running_loop()
        self._plan = SendPlan.from_json(campaign.plan)
        self.gears = GearBox(self._plan.window)
        self._retry = self._policy()
        self.domains = Domains(scale=tools.scale, give_up_after=self._plan.give_up_after)
        # One that goes on after a pause or a crash has no burst to its credit: nobody knows how long it rested.
        rested = campaign.first_claim_at is None
        self._gate = Gate(self._plan.rate, self._plan.burst, rested=rested)
        self.supply = Supply(
            campaign,
            self._compile(message),
            tools,
            domains=self.domains,
            signer=signer,
            former=self._compile,
            need=self.stir,
            arrived=self._pump,
            overran=self._overran,
        )
        self._staffing = Staffing(self.supply.renderers, tools.cores)
        self._bodies = tools.bodies.share()
        self._stirred = asyncio.Event()
        self._intent = Intent.SEND
        self._actor = "runner"
        self._held_because = ""
        self._crew = Crew(self, name=campaign.id)
        self._next_due: float | None = None
        self._password: Credential | None = None
        self._settled = 0
        self.resting = False  # whether the campaign's last state is being written
        self._rate = RateWindow()
        self.counts = Counts()

    def _compile(self, message: bytes) -> CompiledMessage:
        try:
            source = MessageSource.from_json(message.decode())
        except ValueError as error:
            raise OutboxError(f"The frozen message of {self.campaign.id} cannot be read", detail=str(error)) from error
        campaign = self.campaign
        return compile_message(source, campaign.columns, secret=campaign.secret, campaign_id=campaign.id)

    def _policy(self) -> RetryPolicy:
        return RetryPolicy(self._plan.max_attempts, self._plan.give_up_after * self.scale, self.scale)

    # orders

    def pause(self, actor: str) -> None:
        if self._intent is not Intent.CANCEL:  # which was promised to somebody
            self._turn_to(Intent.PAUSE, actor)

    def cancel(self, actor: str) -> None:
        self._turn_to(Intent.CANCEL, actor)

    def leave(self) -> None:
        if self._intent is Intent.SEND:
            self._turn_to(Intent.LEAVE, "runner")

    def abort(self, reason: str) -> None:
        """Drop every connection; what is unanswered becomes unknown."""
        self._crew.abort(reason)
        self.stir()

    def change(self, plan: SendPlan) -> None:
        """Take over a changed pace, number of workers or patience with retries at once."""
        self._plan = plan
        self._retry = self._policy()
        self.domains.give_up_after = plan.give_up_after
        self._gate.set(plan.rate, plan.burst)
        self._size_crew()
        self.gears.ask(plan.window)
        self._crew.regear()
        self._gate.wake()

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds, and the due times on record with it."""
        self.domains.clock_moved(by)
        self.supply.clock_moved(by)
        self.look_again()

    @property
    def waiting(self) -> bool:
        """Whether nothing can be done before the next delivery is due."""
        return self._intent is Intent.SEND and self._next_due is not None and not self.work.is_set()

    def hold(self, reason: str) -> None:
        """Pause because of the account, the message or the server; nobody's row is burnt for it."""
        if self._intent is Intent.SEND:
            self._held_because = reason
            self.halted = True
            self._turn_to(Intent.PAUSE, "runner")

    def _overran(self, row: int, place: Place) -> None:
        where = f" at {safe_text(str(place), limit=200)}" if place.file else ""
        self.hold(
            f"row {row} took more than {self._tools.watchdog.seconds:g} {STOPPED}{where}. "
            "Look for loops in the templates that this row makes very long. Nothing was sent to it; the others wait"
        )

    def _pump(self) -> None:
        self._crew.pump()

    def look(self) -> None:
        """Every now and then: whether further processes should render."""
        supply = self.supply
        if self._intent is Intent.SEND and self._staffing.look(
            self._plan.render_processes,
            open_rows=self.counts.open,
            busy=self._tools.load.look(),
            resting=self.waiting,
            rendered=(supply.rendered_here, supply.rendered),
            cost=supply.cost,
            now=self._loop.time(),
        ):
            self.stir()

    def _turn_to(self, intent: Intent, actor: str) -> None:
        self._intent = intent
        self._actor = actor
        self.work.clear()
        self._crew.finish()
        self.stir()

    # what workers ask

    def stir(self) -> None:
        """Something changed: look again."""
        self._stirred.set()

    def next_job(self, worker: Paced, capabilities: Capabilities) -> Job | None:
        if self._intent is not Intent.SEND or self.recorder.in_trouble:
            return None
        if not self._gate.lets(worker) or not self._bodies.has_room(worker):
            return None
        job = self.supply.next_job(capabilities)
        if job is not None:
            self._gate.passed()
            self._bodies.take(job, len(job.data))
        return job

    def let_go(self, job: Job) -> None:
        """A message is under way no more."""
        self._bodies.let_go(job)

    def next_attempt(self, claim: Claim, attempts: int, at_least: float | None) -> float | None:
        now = self._tools.wall()
        # A first claim may have gone back unsent, and be older than the first attempt by any length of pause; where
        # a person asked for another try, patience begins anew with that.
        began = claim.date_at if claim.forgiven_at is None else claim.forgiven_at
        first_at = began if claim.attempts > claim.forgiven else now
        return self._retry.next_attempt(attempts - claim.forgiven, first_at=first_at, now=now, at_least=at_least)

    def settled_one(self) -> None:
        """A message got its answer."""
        self.reach.useful()
        self._count_one()

    def doubtful_one(self, *, first: bool) -> None:
        """A message was written to its end and got no answer."""
        self.breakers.unanswered(len(self._crew), first=first)
        self._count_one()

    def rest(self, domain: str, seconds: float | None) -> None:
        """A recipient's domain asked for a pause."""
        self.domains.rest(domain, seconds or 0.0, self._tools.wall())

    def _count_one(self) -> None:
        self._settled += 1
        if self._intent is not Intent.SEND:
            self.stir()  # it may have been the last one under way

    def not_connected(self, verdict: Verdict) -> None:
        """A connection could not be had."""
        outcome = judge(verdict)
        if outcome.category is Category.ACCOUNT:
            self.reach.alone()
        if not self.breakers.not_connected(verdict, outcome):
            self.useless(verdict)

    def useless(self, verdict: Verdict) -> None:
        """A connection could not be had, or ended before it was of use."""
        if judge(verdict).category is Category.CONNECTIONS and self.slots.too_many():
            return  # the server is well, and has connections of ours; this one waits for its turn
        why = safe_text(str(verdict), limit=300)
        if self.reach.failed(why):
            self.hold(why)

    async def password(self) -> Credential | None:
        """The account's password, asked for once; None (and a pause) when there is none."""
        if not self.endpoint.user:
            return None
        if self._password is None:
            try:
                self._password = await self._tools.secrets.login(self.endpoint)
            except AccountError as error:
                self.hold(f"{error.title}. {error.hint}")
        return self._password

    async def fix_encoding(self, capabilities: Capabilities) -> None:
        """Store what the first server allows; later ones send the same bytes. One that takes none is told at once."""
        if self.supply.encoding is None:
            offered = SentEncoding.for_server(capabilities).to_json()
            stored = await self._tools.storage.patiently(
                lambda: self._tools.ledger.fix_encoding(self.campaign.number, offered)
            )
            self.supply.encoding = SentEncoding.from_json(stored)
        too_large = self.supply.all_too_large(capabilities)
        if too_large:
            self.hold(too_large)

    # life

    async def run(self) -> None:
        """Send until the campaign rests. Raises `OutboxError` when the outbox stays unwritable."""
        self._size_crew()
        try:
            while True:
                self._stirred.clear()  # before looking, so that nothing that happens meanwhile is missed
                if await self._step():
                    return
                if self._idle_and_low():
                    continue
                try:
                    async with asyncio.timeout(self._nap()):
                        await self._stirred.wait()
                except TimeoutError:
                    self.supply.exhausted = False
        finally:
            self._gate.close()
            self.slots.close()
            await self._staffing.close()
            await self._crew.part(self.timeouts.quit)

    def _idle_and_low(self) -> bool:
        return self._intent is Intent.SEND and self.supply.low and not self.supply.exhausted

    def _nap(self) -> float:
        if self._next_due is None:
            return _LONGEST_NAP
        return min(_LONGEST_NAP, max(0.01, self._next_due - self._tools.wall()))

    async def _step(self) -> bool:
        """Do what can be done now; True when the campaign rests."""
        self._crew.reap()
        if self._intent is Intent.SEND:
            return await self._go_on()
        if self._intent is Intent.CANCEL:
            await self._take_back()
        self.supply.renderers.stop()
        if self._crew.busy:
            return False
        intent = self._intent
        if intent is not Intent.CANCEL:
            self.supply.release()
        await self.recorder.settle()
        if self._intent is not intent or (intent is not Intent.CANCEL and self.supply):
            self.stir()  # another order came, or a mark was refused and its claim put back, while this waited
            return False
        if intent is Intent.PAUSE:
            await self._rest(CampaignState.PAUSED, reason=self._held_because)
        elif intent is Intent.CANCEL:
            await self._take_back()  # the last answers may have put something back into the queue
            await self._rest(CampaignState.CANCELLED)
        else:
            self._crew.dismiss()
        return True

    async def _go_on(self) -> bool:
        await self.supply.refill()
        await self._staffing.adjust(self._plan.render_processes, self._loop.time())
        if self.supply:
            self._next_due = None
            self.work.set()
            self._crew.pump()
            return False
        if self._crew.busy:
            return False
        await self.recorder.settle()
        counts = await self._tools.storage.patiently(lambda: self._tools.ledger.counts(self.campaign.number))
        if counts.open == 0:
            await self._rest(CampaignState.FINISHED)
            return True
        due = await self._tools.storage.patiently(lambda: self._tools.ledger.next_due(self.campaign.number))
        self.supply.exhausted = False
        self._next_due = due
        if due is None or due > self._tools.wall():
            # Nothing to do for a while: no connection is kept open for it.
            self.supply.exhausted = True
            self.work.clear()
            self._crew.finish()
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
        self._crew.dismiss()
        await put_on_record(self._tools, self.campaign.number, state, self._actor, held_because=reason)
        self.recorder.nudge()
        await self.recorder.settle()
        note("campaign rests", campaign=self.campaign.number, id=self.campaign.id, state=state, reason=reason)

    def _size_crew(self) -> None:
        wanted = max(1, min(self._plan.workers, self.campaign.audience))
        self.supply.size_for(wanted, self._plan.rate)
        self._crew.size(wanted)

    # display

    def snapshot(self, wall: float) -> ProgressSnapshot:
        """What a face shows. The rate is over the last seconds; time left only once it rests on five of them."""
        now = self._loop.time()
        rate = self._rate.sample(now, self._settled)
        left = self.counts.open
        coming = rate if self._plan.rate is None else min(rate, self._plan.rate)  # a limit just lowered counts at once
        eta = left / coming if coming > 0 and left and self._rate.span >= 4.5 else None
        return ProgressSnapshot(
            at=wall,
            rate=rate,
            eta_seconds=eta,
            next_due=self._next_due,
            note=self._note(),
            workers=self._crew.snapshots(now),
            gear_note=self.gears.why,
        )

    def _note(self) -> str:
        error = self._tools.storage.error
        if error is not None:
            return f"{error.title}: {error.detail}"
        if self.reach.trouble and not self._held_because:
            return f"no connection: {self.reach.trouble}; trying again"
        return self._held_because or self.domains.note or self.slots.note or self.gears.note
