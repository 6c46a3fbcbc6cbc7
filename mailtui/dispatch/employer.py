"""Owns what a worker asks of the account it works for, in one campaign, and tells it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from mailtui.dispatch.breakers import Breakers
from mailtui.dispatch.domain_room import DomainRoom
from mailtui.dispatch.gearbox import GearBox
from mailtui.dispatch.paced import Paced
from mailtui.dispatch.paces import AccountPaces
from mailtui.dispatch.reach import Reach
from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.sharing import Share
from mailtui.dispatch.slots import Slots
from mailtui.dispatch.supply import Supply
from mailtui.outbox.records import Claim
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.connect import Connection
from mailtui.smtp.job import Job
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Outcome, Verdict


class Employer(Protocol):
    """An account in a campaign, as its workers see it.

    `work` is set while there is something to send.
    `marked_as` is the account's name where marks bear it, `shown_as` its name where people are to see it.
    """

    breakers: Breakers
    gears: GearBox
    marked_as: str
    paces: AccountPaces
    reach: Reach
    recorder: Recorder
    scale: float
    share: Share
    shown_as: str
    slots: Slots
    supply: Supply
    timeouts: Timeouts
    room: DomainRoom
    work: asyncio.Event

    @property
    def halted(self) -> bool:
        """Whether what can still be kept back is not to be sent."""
        ...

    @property
    def too_late(self) -> bool:
        """Whether not even what is marked is to be sent, where it can still be kept back."""
        ...

    def next_job(self, worker: Paced, capabilities: Capabilities) -> Job | None:
        """The next message for a server with these capabilities, or None for now."""
        ...

    def let_go(self, job: Job) -> None:
        """A message is under way no more, whatever became of it."""
        ...

    def next_attempt(self, claim: Claim, attempts: int, at_least: float | None) -> float | None:
        """When a refused message is tried again, in epoch seconds; None to give it up."""
        ...

    async def connect(self) -> Connection | None:
        """A connection that is logged in, or None; raises `NotConnected`. The account knows of either."""
        ...

    async def fix_encoding(self, capabilities: Capabilities) -> None:
        """Choose, at the first session, how every message of the campaign is encoded."""
        ...

    @property
    def per_connection(self) -> int | None:
        """How many messages a connection may carry; None for any number."""
        ...

    def counted(self, job: Job) -> tuple[str, ...]:
        """The meters that count a message when it is marked."""
        ...

    def marked(self, job: Job) -> None:
        """A message is on record as about to be sent."""
        ...

    def accepted_one(self) -> None:
        """A message was accepted."""
        ...

    def settled_one(self) -> None:
        """A message got its final word, another one."""
        ...

    def doubtful_one(self, *, first: bool) -> None:
        """The reply to a message was lost; `first`: of its connection."""
        ...

    def heard(self, claim: Claim, verdict: Verdict, outcome: Outcome) -> None:
        """A reply to a message that may say something about the pace; only where a server has ever said so."""
        ...

    def useless(self, verdict: Verdict) -> None:
        """A connection ended without an answer to anything."""
        ...

    def stir(self) -> None:
        """Something changed: look again."""
        ...
