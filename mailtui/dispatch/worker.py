"""Owns one worker: it keeps one connection, feeds its session, and turns verdicts into recorded results."""

from __future__ import annotations

import asyncio
from functools import partial

from mailtui.dispatch import results
from mailtui.dispatch.domain_room import domain_of
from mailtui.dispatch.employer import Employer
from mailtui.dispatch.gearbox import REFUSALS_A_CONNECTION
from mailtui.dispatch.parking import gave_up
from mailtui.dispatch.results import REPLY_LIMIT
from mailtui.dispatch.tally import RateWindow
from mailtui.outbox.records import Claim, Mark, Result, WorkerSnapshot
from mailtui.outbox.states import DeliveryState
from mailtui.smtp.connect import Connection, NotConnected
from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.gear import Gear
from mailtui.smtp.job import Job
from mailtui.smtp.opening import open_session
from mailtui.smtp.rules_about_us import ACCEPTED
from mailtui.smtp.verdict import Category, Kind, Outcome, Stage, Verdict, judge

_BRIEF = 10.0  # seconds; a connection that ends unused before is a failure, later it was idle for too long

_ENVELOPE = (Stage.MAIL, Stage.RCPT, Stage.DATA)
_TO_A_RECIPIENT = (Stage.RCPT, Stage.DATA)
_CLOSING = 421
# An enum's member is looked up by a function in Python 3.11, and these are needed for every message.
_IN_FLIGHT, _SENT, _CHUNKED = DeliveryState.IN_FLIGHT, DeliveryState.SENT, Gear.CHUNKED
_FIRST_COPY = "an earlier copy, whose outcome was unknown, may have arrived"

_AFTER = {
    Kind.SENT: DeliveryState.SENT,
    Kind.FAILED: DeliveryState.FAILED,
    Kind.DEFERRED: DeliveryState.DEFERRED,
    Kind.REQUEUED: DeliveryState.QUEUED,
    Kind.HELD: DeliveryState.QUEUED,
    Kind.UNKNOWN: DeliveryState.UNKNOWN,
}


class Worker:
    """One of an account's workers in a campaign; the owner of its sessions, one after another."""

    def __init__(self, number: int, sending: Employer) -> None:
        self.number = number
        self.sent = 0
        self.failed = 0
        self._sending = sending
        self._session: Dialogue | None = None
        self._connection: Connection | None = None
        self._over = asyncio.Event()
        self._dismissed = False
        self._answered = 0  # messages this connection got an answer for
        self._given = 0  # messages that this connection was given
        self._refused = 0  # envelopes refused on this connection
        self._finished = False  # whether this connection was told to end
        self._recalled = False  # whether it was told so for no fault of its own
        self._doubted = False  # whether a message of this connection is in doubt
        self._misunderstood = False  # whether this connection was given up for a protocol error
        self._returned: list[Job] = []  # unsent when the connection ended, until its last words are heard
        self._connected_at = 0.0
        self._stage = "idle"
        self._reply = ""
        self._last_words = Verdict.silence(Stage.IDLE, "")
        self._rate = RateWindow()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Connect while there is something to send, until dismissed."""
        while not self._dismissed:
            self._stage = "idle"
            await self._sending.work.wait()
            async with self._sending.slots.one():
                try:
                    connection = await self._connect()
                    if connection is not None:
                        await self._converse(connection)
                finally:
                    self._sending.share.give_back(self)

    async def _connect(self) -> Connection | None:
        sending = self._sending
        async with sending.reach.turn():
            asked_at = self._loop.time()
            if not self.wants_connection or not await sending.share.take(self) or not self.wants_connection:
                return None
            sending.reach.waited(self._loop.time() - asked_at)
            self._stage = "connecting"
            try:
                connection = await sending.connect()
            except NotConnected as error:
                self._reply = str(error.verdict)
                return None
            if connection is None:
                return None
            sending.reach.connected()
            try:
                await sending.fix_encoding(connection.capabilities)
            except BaseException:
                connection.transport.abort()
                raise
            return connection

    async def _converse(self, connection: Connection) -> None:
        self._over.clear()
        self._answered = 0
        self._given = 0
        self._finished = self._recalled = self._doubted = False
        self._misunderstood = False
        self._connected_at = self._loop.time()
        self._connection = connection
        gears = self._sending.gears
        choice = gears.choose(connection.capabilities)
        session = open_session(self, connection.capabilities, choice, self._sending.timeouts)
        session.data_apart = gears.data_apart
        self._refused = 0
        self._session = session
        with self._sending.slots.connected():
            try:
                if not self.wants_connection:
                    self.finish()  # it came too late to be of use
                session.start(connection.transport)
                await self._over.wait()
            finally:
                session.abort("the worker was stopped")
                self._session = None
        if not self._sending.slots.standing:
            self._sending.reach.alone()
        if self._misunderstood:
            gears.misunderstood(choice.gear)
        elif session.misbehaved:
            gears.misbehaved(choice.gear)
        touched = self._given and not self._recalled
        if not self._answered and (touched or self._is_brief()):
            if touched:
                gears.useless(choice.gear)
            self._sending.useless(self._last_words)

    def _is_brief(self) -> bool:
        age = self._loop.time() - self._connected_at
        return not self._finished and age < _BRIEF * self._sending.scale

    # what the crew asks of it, and those who share the account's connections

    @property
    def wants_connection(self) -> bool:
        """Whether there is still use for one."""
        return self._sending.work.is_set() and not self._dismissed

    @property
    def busy(self) -> bool:
        return self._session is not None and self._session.busy

    def pump(self) -> None:
        if self._session is not None:
            self._session.pump()

    def regear(self) -> None:
        """A person wants another window: at once where the gear is the same, else on a new connection."""
        if self._session is None or self._connection is None:
            return
        choice = self._sending.gears.choose(self._connection.capabilities)
        if choice.gear is self._session.gear:
            self._session.window = choice.window
            self._session.pump()
        else:
            self.finish()

    def finish(self) -> None:
        """Send nothing more on this connection, and take leave of the server, who did nothing wrong."""
        self._recalled = True
        self._end()

    def _end(self) -> None:
        self._finished = True
        if self._session is not None:
            self._session.finish()

    def dismiss(self) -> None:
        """Finish, and connect no more."""
        self._dismissed = True
        self.finish()

    @property
    def leaving(self) -> bool:
        """Whether it was dismissed and still has a connection to end."""
        return self._dismissed and self._session is not None

    def abort(self, reason: str) -> None:
        if self._session is not None:
            self._session.abort(reason)

    def snapshot(self, now: float) -> WorkerSnapshot:
        session = self._session
        return WorkerSnapshot(
            number=self.number,
            stage=session.stage if session is not None else self._stage,
            recipient=session.recipient if session is not None else "",
            sent=self.sent,
            failed=self.failed,
            rate=self._rate.sample(now, self.sent),
            reply=(session.last_reply if session is not None else self._reply)[:REPLY_LIMIT],
            age=now - self._connected_at if session is not None else 0.0,
            gear=self._gear(),
            window=session.window if session is not None else 1,
            account=self._sending.shown_as,
        )

    def _gear(self) -> str:
        session = self._session
        if session is None:
            return ""
        return f"{session.gear}, DATA apart" if session.data_apart else str(session.gear)

    # what the session asks of it

    def next_job(self) -> Job | None:
        assert self._connection is not None
        most = self._sending.per_connection
        if most is not None and self._given >= most:
            self._loop.call_soon(self._end)  # when it has been told that there is nothing
            return None
        job = self._sending.next_job(self, self._connection.capabilities)
        if job is not None:
            self._given += 1
        return job

    def ask_mark(self, job: Job) -> None:
        assert self._session is not None
        claim: Claim = job.tag
        if self._sending.halted:
            # What stopped the campaign would befall this one too, and its last bytes can still be kept back.
            self._keep_back(job, again=True)
            self._loop.call_soon(self._session.marked, job, False)  # noqa: FBT003 - marked's own form
            return
        sending = self._sending
        mark = Mark(claim.campaign, claim.id, claim.fence, sending.marked_as, sending.counted(job))
        sending.recorder.mark(mark, partial(self._marked, self._session, job))

    def _marked(self, session: Dialogue, job: Job, held: bool) -> None:
        late = held and self._sending.too_late
        if late:
            # The disk kept its mark waiting, and this is the last moment to keep it back.
            self._sending.recorder.record(results.requeued(job.tag, DeliveryState.IN_FLIGHT))
            self._keep_back(job, again=False)
        elif not held:
            # Not on record, so not in flight. Either it was cancelled meanwhile, or the outbox cannot be written.
            self._keep_back(job, again=self._sending.recorder.in_trouble)
        else:
            self._sending.marked(job)
        session.marked(job, held and not late)

    def _keep_back(self, job: Job, *, again: bool) -> None:
        """Its last bytes are not written; `again`: its claim is still ours, and waits for another try."""
        self._sending.let_go(job)
        if again:
            self._sending.supply.put_back(job.tag)
        self._answered += 1  # the connection was of use, as far as that went

    def settled(self, job: Job, verdict: Verdict) -> None:
        outcome = judge(verdict)
        sending = self._sending
        if sending.paces or outcome.slow is not None:
            sending.heard(job.tag, verdict, outcome)
        sending.let_go(job)
        if outcome is ACCEPTED:
            self._accepted(job, verdict)
        else:
            self._not_accepted(job, verdict, outcome)

    def _accepted(self, job: Job, verdict: Verdict) -> None:
        """The usual case; everything that can be left out of it is."""
        claim: Claim = job.tag
        sending = self._sending
        self._answered += 1
        self.sent += 1
        self._adapt(refused=False, taken=True)
        sending.accepted_one()
        sending.recorder.record(
            Result(
                claim.campaign,
                claim.id,
                claim.fence,
                _IN_FLIGHT,
                _SENT,
                claim.attempts + 1,
                True,  # noqa: FBT003 - one field after the other, the quickest way
                0.0,
                "",
                verdict.stage,
                verdict.code,
                verdict.enhanced,
                verdict.text[:REPLY_LIMIT],
            )
        )

    def _not_accepted(self, job: Job, verdict: Verdict, outcome: Outcome) -> None:
        claim: Claim = job.tag
        before = DeliveryState.IN_FLIGHT if job.marked else DeliveryState.CLAIMED
        after = _AFTER[outcome.kind]
        attempt = outcome.is_an_attempt
        due_at, reason = 0.0, ""
        if after is DeliveryState.DEFERRED:
            due, gave_up = self._next_attempt(claim, outcome)
            if due is None:
                after, reason = DeliveryState.FAILED, gave_up
            else:
                due_at = due
        if after is DeliveryState.FAILED and claim.repeats is not None:
            reason = "; ".join(filter(None, (reason, _FIRST_COPY)))
        self._judge_envelope(verdict)
        if attempt or outcome.slow is not None:
            self._answered += 1
        if attempt:
            self._sending.settled_one()
        if after is DeliveryState.FAILED:
            self.failed += 1
        self._sending.recorder.record(
            results.refused(claim, before, after, verdict, attempt=attempt, due_at=due_at, reason=reason)
        )
        self._note_refusal(claim, verdict, outcome)

    def _next_attempt(self, claim: Claim, outcome: Outcome) -> tuple[float | None, str]:
        """When a refused message is tried again, in epoch seconds; or None, and why it is given up."""
        if outcome.slow is not None:
            domain = domain_of(claim.key)
            return self._sending.supply.due_again(domain, self._sending.room), gave_up(domain)
        attempts = claim.attempts + 1
        due = self._sending.next_attempt(claim, attempts, outcome.retry_after)
        return due, f"gave up after {attempts} attempt{'s' if attempts > 1 else ''}"

    def _note_refusal(self, claim: Claim, verdict: Verdict, outcome: Outcome) -> None:
        if outcome.category is Category.PROTOCOL and self._session is not None:
            self._misunderstood = True
            self._session.abort(f"the server did not understand: {verdict}")
            if self._session.gear is Gear.CHUNKED:
                return  # a slower gear needs none of what was not understood; nothing is said about the campaign yet
        self._sending.breakers.refused(verdict, outcome, delivery=claim.id, domain=domain_of(claim.key))

    def _judge_envelope(self, verdict: Verdict) -> None:
        """Keep count of refused envelopes: for the gear, and for how long this connection stays welcome."""
        refused = verdict.stage in _ENVELOPE and verdict.code != _CLOSING
        self._adapt(refused=refused, taken=False)
        if refused:
            self._refused += 1
            if self._refused >= REFUSALS_A_CONNECTION:
                self._end()

    def _adapt(self, *, refused: bool, taken: bool) -> None:
        """Say how it went, and go on as that suggests; `refused` is about the envelope."""
        gears, session = self._sending.gears, self._session
        gears.envelope(refused=refused)
        if session is None:
            return
        session.data_apart = gears.data_apart
        if session.gear is _CHUNKED:
            gears.chunk(taken=taken)
            session.window = gears.window

    def untouched(self, job: Job) -> None:
        claim: Claim = job.tag
        if not job.marked and self._session is not None and self._session.closed:
            self._returned.append(job)
            return
        self._sending.let_go(job)
        if job.marked:
            self._sending.recorder.record(results.requeued(claim, DeliveryState.IN_FLIGHT))
        else:
            self._sending.supply.put_back(claim)

    def in_doubt(self, job: Job, verdict: Verdict) -> None:
        self._sending.let_go(job)
        self._sending.recorder.record(results.in_doubt(job.tag, verdict))
        self._sending.gears.lost()
        self._sending.doubtful_one(first=not self._doubted)
        self._doubted = True

    def ended(self, verdict: Verdict) -> None:
        self._last_words = verdict
        self._reply = str(verdict)[:REPLY_LIMIT]
        returned, self._returned = self._returned, []
        outcome = judge(verdict)
        for nth, job in enumerate(returned):
            # A 421 to a recipient ends the connection and may all the same be about that recipient's domain.
            if nth == 0 and verdict.stage in _TO_A_RECIPIENT and outcome.kind is not Kind.REQUEUED:
                self.settled(job, verdict)
                continue
            if nth == 0 and outcome.slow is not None:
                self._sending.heard(job.tag, verdict, outcome)
            self._sending.let_go(job)
            self._sending.supply.put_back(job.tag)
        self._over.set()
        self._sending.stir()
