"""Owns one account's side of one campaign: its connections, and whether it can be used.

What is the campaign's (its claims, pace, domains and orders) is `Sending`'s, which an outlet asks. What a server says
of the account stops this outlet alone, or the account in all campaigns; the campaign goes on as long as another can.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from mailtui.dispatch.breakers import Breakers, reason
from mailtui.dispatch.crew import Crew
from mailtui.dispatch.domain_room import DomainRoom, domain_of
from mailtui.dispatch.entrance import Entrance
from mailtui.dispatch.gearbox import GearBox
from mailtui.dispatch.line import is_long
from mailtui.dispatch.members import Member
from mailtui.dispatch.meter import Wait
from mailtui.dispatch.paced import Paced
from mailtui.dispatch.passage import Passage, why_it_pauses
from mailtui.dispatch.reach import Reach
from mailtui.dispatch.slots import Slots
from mailtui.dispatch.standing import LOGIN_REST
from mailtui.dispatch.supply import Supply
from mailtui.dispatch.tally import RateWindow
from mailtui.dispatch.tools import Tools
from mailtui.dispatch.windows import SendingWindow
from mailtui.errors import AccountError, LoginEnded, SecretMissing, TokenUnavailable
from mailtui.kit.safe_text import safe_text
from mailtui.outbox.records import Claim
from mailtui.outbox.states import RestKind
from mailtui.outbox.timed_records import MeterSnapshot
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.connect import Connection
from mailtui.smtp.job import Job
from mailtui.smtp.rule import OPENING
from mailtui.smtp.verdict import Category, Kind, Outcome, Scope, Stage, Verdict, judge

_KNOWN_AFTER = 2.0  # seconds; what was accepted in less says little about a rate
_LATE = 5.0  # seconds without a connection of use; from then on other accounts do this one's work
_PUT_OFF_ADVICE = "The server puts the login off again and again; wait a while, then resume"


class Head(Protocol):
    """The campaign as its outlets see it."""

    supply: Supply
    window: SendingWindow
    """The hours in which it may be sent."""

    def next_job(self, outlet: Outlet, worker: Paced, capabilities: Capabilities) -> Job | None:
        """The next message that an outlet may carry, for a server with these capabilities."""
        ...

    def let_go(self, job: Job) -> None:
        """A message is under way no more, whatever became of it."""
        ...

    def next_attempt(self, claim: Claim, attempts: int, at_least: float | None) -> float | None:
        """When a refused message is tried again, in epoch seconds; None to give it up."""
        ...

    def count_one(self) -> None:
        """A message got its final word, or lost it."""
        ...

    async def fix_encoding(self, capabilities: Capabilities) -> str:
        """Choose, at the first session, how every message is encoded; why this server can take none, '' if it can."""
        ...

    def hold(self, reason: str) -> None:
        """Pause the campaign."""
        ...

    def outlet_lost(self, outlet: Outlet) -> None:
        """An outlet cannot be used any more, for now or for good."""
        ...

    def others_took(self, outlet: Outlet) -> bool:
        """Whether another account, which can be used, has had messages accepted."""
        ...

    def stir(self) -> None:
        """Something changed: look again."""
        ...


class Outlet:
    """An account as the employer of a campaign's workers."""

    def __init__(self, number: int, member: Member, head: Head, tools: Tools, *, campaign: str, alone: bool) -> None:
        """`campaign` is its id, `alone`: it has no other account."""
        self.number = number
        self.member = member
        self.name = member.name
        self.endpoint = member.endpoint
        self.recorder = tools.recorder
        self.supply = head.supply
        self.scale = tools.scale
        self.timeouts = self.endpoint.timeouts.scaled(tools.scale)
        self.reach = Reach(scale=tools.scale)
        self.slots = Slots(scale=tools.scale)
        self.gears = GearBox()
        self.breakers = Breakers(self._hold)
        self._stopped = False
        self.work = asyncio.Event()
        self.next_attempt = head.next_attempt
        self.stir = head.stir
        self.shown_as = "" if alone else self.name
        self.marked_as = self.name if member.limits or not alone else ""
        self.crew = Crew(self, name=f"{campaign} {self.name}")
        self.held_because = ""
        """Why it is used no more in this campaign, until a person resumes it."""
        self.given_up = ""
        """Why nothing can be had of its server; it is tried all the same."""
        self.accepted = 0
        self._head = head
        self._window = head.window
        self.share = tools.sharing.share(self.name, campaign, member.connections)
        self._standing = tools.standing
        tools.meters.propose(self.name, member.limits)
        self._passage = Passage(tools.meters, account=self.name, campaign=campaign, always=not alone, wall=tools.wall)
        self.paces = tools.paces.of(self.name)
        self.room = DomainRoom(tools.meters, self.paces, account=self.name, campaign=campaign)
        self._lately = RateWindow()
        self._entrance = Entrance(
            self.endpoint,
            self.timeouts,
            tools.standing,
            tools.secrets,
            wanted=self.work.is_set,
            refused=self.not_connected,
        )
        self._wall = tools.wall
        self.counted = self._passage.counted
        self.marked = self._passage.marked

    def meters(self, now: float) -> list[MeterSnapshot]:
        """How far its limits and the campaign's are used, and what its server has been found to take."""
        return [*self._passage.snapshots(now), *self.paces.snapshots()]

    # whether it can be used

    def usable(self, now: float) -> bool:
        """Whether messages may be given to it, for all that is known. `now` in epoch seconds."""
        out = self.held_because or self.given_up or self._standing.of(self.name) is not None
        return not out and self.kept_waiting(now) is None

    def kept_waiting(self, now: float) -> Wait | None:
        """What limits keep it from being used so long that no connection is kept open for it."""
        wait = self._passage.wait(now)
        return wait if wait is not None and is_long(wait, now) else None

    @property
    def is_tried(self) -> bool:
        """Whether nothing but its server keeps it from being used."""
        return bool(self.given_up) and not self.held_because and self._standing.of(self.name) is None

    def limited(self, now: float) -> Wait | None:
        """What it waits for where limits alone keep it from being used."""
        if self.held_because or self._standing.of(self.name) is not None:
            return None
        return self.kept_waiting(now)

    @property
    def most_workers(self) -> int | None:
        """How many workers are of use to it; None for any number."""
        return self._passage.most_workers(self.share.part)

    @property
    def per_connection(self) -> int | None:
        """How many messages a connection may carry; None for any number."""
        return self._passage.per_connection

    @property
    def trouble(self) -> str:
        """What keeps it from being used now."""
        if self.held_because:
            return self.held_because
        if self.reach.trouble:
            return f"no connection: {self.reach.trouble}; trying again"
        return self.why(self._wall()) or why_it_pauses(self.pause())

    def pause(self) -> Wait | None:
        """What it waits for with its connections open, where a person should know."""
        return self._passage.pause(self._wall()) if self.supply else None

    @property
    def note(self) -> str:
        """What keeps it from being used as well as it could be."""
        return self.share.note or self.paces.note or self.slots.note or self.gears.note

    @property
    def is_late(self) -> bool:
        """Whether its server has not been of use for a while."""
        return self.reach.failing_for > _LATE

    def back_at(self, now: float) -> float | None:
        """When it can be used again without anybody's doing, in epoch seconds; None when that is not known."""
        if self.held_because:
            return None
        rest = self._standing.of(self.name)
        if rest is not None and rest.until is None:
            return None
        until = 0.0 if rest is None or rest.until is None else rest.until
        wait = self.kept_waiting(now)
        return max(until, (wait.until or 0.0) if wait is not None else 0.0) or None

    def why(self, now: float) -> str:
        """Why it cannot be used; empty while it can."""
        if self.held_because:
            return self.held_because
        rest = self._standing.of(self.name)
        if rest is not None:
            return rest.reason
        wait = self.kept_waiting(now)
        return wait.reason if wait is not None else self.given_up

    @property
    def halted(self) -> bool:
        """Whether what can still be kept back is not to be sent."""
        return self._stopped or not self._window.is_open()

    @property
    def too_late(self) -> bool:
        """Whether the hours in which the campaign may be sent are over, also for a mail whose mark is on record."""
        return self._window.is_past()

    def halt(self) -> None:
        """What can still be kept back is not to be sent."""
        self._stopped = True

    def stop(self) -> None:
        """Give it no more messages; what can still be kept back is."""
        self.halt()
        self.idle()

    def idle(self) -> None:
        """Nothing is to be sent for now, and no connection is kept."""
        self.work.clear()
        self.crew.finish()
        self.share.leave()

    def begin(self) -> None:
        """There is something to send."""
        self._stopped = False
        self.work.set()
        self.share.join()
        self.crew.pump()

    def _hold(self, why: str, scope: Scope, seconds: float | None) -> None:
        """Stop what a refusal is about."""
        if scope is Scope.MESSAGE and not self._head.others_took(self):
            self._head.hold(why)
        elif scope in (Scope.ACCOUNT, Scope.SERVER):
            kind = RestKind.REFUSED if seconds is None else RestKind.QUOTA
            self._standing.rest(self.name, seconds, kind, why)
        else:
            self._lose(why)

    def _lose(self, why: str) -> None:
        self.held_because = why
        self.stop()
        self._head.outlet_lost(self)

    # what workers ask

    def next_job(self, worker: Paced, capabilities: Capabilities) -> Job | None:
        """The next message for a server with these capabilities, or None for now."""
        passage = self._passage
        if passage.is_open:
            return self._head.next_job(self, worker, capabilities)
        wait = passage.lets(worker)
        if wait is not None:
            if is_long(wait, self._wall()):
                self.stir()  # the campaign sees to it, and this connection ends
            return None
        job = self._head.next_job(self, worker, capabilities)
        if job is not None:
            domain = domain_of(job.tag.key)
            passage.set_aside(job, domain)
            self.paces.begin(job.tag.id, domain)
        return job

    def let_go(self, job: Job) -> None:
        """A message is under way no more."""
        self._head.let_go(job)
        self._passage.let_go(job)
        if self.paces.over(job.tag.id):
            self.supply.look_parked()

    def heard(self, claim: Claim, verdict: Verdict, outcome: Outcome) -> None:
        """A reply that may say something about the pace, of the account or the recipient's domain."""
        if outcome.slow is not None:
            self._slow(verdict, outcome, claim)
            self._is_well()
        elif outcome.kind in (Kind.SENT, Kind.FAILED):
            self.paces.answered(claim.id, domain_of(claim.key), taken=outcome.kind is Kind.SENT)

    def _slow(self, verdict: Verdict, outcome: Outcome, claim: Claim | None) -> None:
        who, domain = (None, "") if claim is None else (claim.id, domain_of(claim.key))
        lately = self.sample()
        self.paces.refused(verdict, outcome, who=who, domain=domain, before=lately)
        slow = outcome.slow
        if slow is not None and slow.connections is not None and outcome.scope is Scope.ACCOUNT:
            self.slots.only(slow.connections, slow.seconds)
            self.crew.finish()

    def sample(self) -> float:
        """Messages a second that were accepted in the last seconds, 0 where that is not known. Asked now and then."""
        rate = self._lately.sample(asyncio.get_running_loop().time(), self.accepted)
        return rate if self._lately.span > _KNOWN_AFTER else 0.0

    def settled_one(self) -> None:
        """A message got its answer."""
        self._is_well()
        self._head.count_one()

    def _is_well(self) -> None:
        if self.reach.failing_since is not None:
            self.given_up = ""
            self.stir()  # it is worth more than one worker again
        self.reach.useful()

    def accepted_one(self) -> None:
        """A message was accepted."""
        self.accepted += 1
        self.breakers.accepted()
        self.settled_one()

    def doubtful_one(self, *, first: bool) -> None:
        """A message was written to its end and got no answer."""
        self.breakers.unanswered(len(self.crew), first=first)
        self._head.count_one()

    def not_connected(self, verdict: Verdict) -> None:
        """A connection could not be had."""
        outcome = judge(verdict)
        if outcome.category is Category.ACCOUNT:
            self.reach.alone()
        if outcome.kind is Kind.HELD:
            self.breakers.held(verdict, outcome)
        elif verdict.stage is Stage.AUTH and outcome.category is Category.ACCOUNT:
            if self._standing.login_put_off(self.name):
                self._standing.rest(self.name, LOGIN_REST, RestKind.LOGIN, reason(verdict, _PUT_OFF_ADVICE))
            else:
                self.useless(verdict)
        else:
            self.useless(verdict)

    def useless(self, verdict: Verdict) -> None:
        """A connection could not be had, or ended before it was of use."""
        outcome = judge(verdict)
        if outcome.category is Category.CONNECTIONS and self.slots.too_many():
            return  # the server is well, and has connections of ours; this one waits for its turn
        if outcome.slow is not None and verdict.stage in OPENING:
            self._slow(verdict, outcome, None)
        elif outcome.slow is not None:
            return  # the server is well, and has said so of a message
        ours = outcome.category is Category.CONNECTIONS and self.share.is_shared
        self._fail(safe_text(str(verdict), limit=300), waits=ours)

    def _fail(self, why: str, *, waits: bool = False) -> None:
        """There is no connection of use; `waits`: other campaigns may have them all, and will not for ever."""
        if self.reach.failed(why) and not waits:
            self.given_up = why
            self._head.outlet_lost(self)
        elif self.is_late:
            self.stir()

    async def connect(self) -> Connection | None:
        """A connection that is logged in; None when there is none to be had and the outlet knows.

        Raises `NotConnected` where that was just found out.
        """
        try:
            return await self._entrance.connect()
        except TokenUnavailable as error:
            self._fail(f"{error.title}: {error.detail}")
        except (LoginEnded, SecretMissing) as error:
            self._standing.rest(self.name, None, RestKind.REFUSED, f"{error.title}. {error.hint}")
        except AccountError as error:
            self._lose(f"{error.title}. {error.hint}")
        return None

    async def fix_encoding(self, capabilities: Capabilities) -> None:
        """Choose, at the first session, how every message of the campaign is encoded."""
        too_large = await self._head.fix_encoding(capabilities)
        if too_large:
            self._lose(too_large)
