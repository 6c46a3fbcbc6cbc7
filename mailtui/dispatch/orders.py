"""Owns what the runner does about orders: which can be carried out yet, what each changes, and what a person reads.

An order that moves many deliveries is carried out a step at a time, and stays open until its last one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from mailtui.dispatch import second_chance
from mailtui.dispatch.campaign_state import put_on_record
from mailtui.dispatch.clearing import Clearing
from mailtui.dispatch.kept import kept_back, reconsider, rest_on
from mailtui.dispatch.members import members_from_json
from mailtui.dispatch.own_times import leave_out_late
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.sending import Sending
from mailtui.dispatch.tools import Tools
from mailtui.dispatch.windows import SendingWindow
from mailtui.errors import OutboxError
from mailtui.kit.durations import show_moment
from mailtui.kit.journal import note
from mailtui.kit.words import counted
from mailtui.outbox.records import Campaign, Order, Redo
from mailtui.outbox.states import CampaignState, OrderKind

BUSY_ANSWER = "it is being sent"

_OVERTAKEN = f"a later order stops it, and it {second_chance.NOT_NOW}"
_STOPS = frozenset({OrderKind.PAUSE, OrderKind.CANCEL})
_MAY_GO_ON = frozenset({CampaignState.PAUSED, CampaignState.RUNNING, CampaignState.SCHEDULED})
_NOT_BEGUN = frozenset({CampaignState.SCHEDULED, CampaignState.PAUSED})


class Orders:
    """Carries out what faces have ordered, on the outbox and on the campaigns that are being sent."""

    def __init__(
        self, tools: Tools, sending: Callable[[int], Sending | None], clearing: Clearing, *, only: int | None
    ) -> None:
        """`sending` gives a campaign by number where it is being sent; `only`: obey orders of this one alone."""
        self._tools = tools
        self._clearing = clearing
        self._left_out: dict[int, int] = {}
        """By order, how many were left out since their time had passed."""
        self._ledger = tools.ledger
        self._sending = sending
        self._only = only

    async def obey(self) -> bool:
        """Carry out what was ordered, long orders a step at a time; whether steps remain."""
        more = False
        orders = [order for order in await self._ledger.open_orders() if self._only in (None, order.campaign)]
        for nth, order in enumerate(orders, 1):
            if await self._too_soon(order):
                if _is_overtaken(order, orders[nth:]):
                    await self._acknowledge(order, _OVERTAKEN)
                continue
            redo = second_chance.asked(order)
            if redo is not None:
                more |= await self._redo(order, redo)
            elif order.arguments.get("skip_missed") and await self._is_to_leave_out(order):
                self._clearing.begin(order.campaign, self._leave_out(order))
            else:
                await self._acknowledge(order, await self._carry_out(order))
        return more

    async def _acknowledge(self, order: Order, answer: str) -> None:
        note("order", campaign=order.campaign, kind=order.kind, by=order.actor, answer=answer)
        await self._tools.storage.patiently(lambda: self._ledger.acknowledge(order, answer, now=self._tools.wall()))

    async def _too_soon(self, order: Order) -> bool:
        """Nothing is ordered of a campaign that is coming to rest, or of which many deliveries are being settled; a
        resume waits until a pause is complete.
        """
        sending = self._sending(order.campaign)
        if order.campaign in self._clearing or (sending is not None and sending.resting):
            return True
        if order.kind is not OrderKind.RESUME:
            return False
        return (await self._ledger.campaign(order.campaign)).state is CampaignState.PAUSING

    async def _carry_out(self, order: Order) -> str:
        """Do what an order asks; the answer a person reads."""
        campaign = await self._ledger.campaign(order.campaign)
        sending = self._sending(order.campaign)
        if order.kind is OrderKind.SET:
            return await self._set(order, campaign, sending)
        if order.kind is OrderKind.PAUSE:
            waits = campaign.state is CampaignState.PAUSED and campaign.resume_at is not None
            if waits or campaign.state is CampaignState.SCHEDULED:
                await self._turn(order, CampaignState.PAUSED)
                return "paused until somebody says go on"
            if campaign.state is not CampaignState.RUNNING:
                return f"it is {campaign.state} already"
            await self._turn(order, CampaignState.PAUSING if sending is not None else CampaignState.PAUSED)
            if sending is not None:
                sending.pause(order.actor)
            return "pausing"
        if order.kind is OrderKind.CANCEL:
            if campaign.state in (CampaignState.CANCELLED, CampaignState.FINISHED):
                return f"it is {campaign.state} already"
            await self._turn(order, CampaignState.CANCELLING)
            if sending is not None:
                sending.cancel(order.actor)
            return "cancelling"
        if order.kind is OrderKind.SCHEDULE:
            return await self._schedule(order, campaign, sending)
        return await self._go_on(order, campaign, sending)

    async def _turn(self, order: Order, state: CampaignState) -> None:
        await put_on_record(self._tools, order.campaign, state, order.actor)

    async def _set(self, order: Order, campaign: Campaign, sending: Sending | None) -> str:
        """Change pace and number of workers at once; server and message only while nothing is being sent."""
        given = dict(order.arguments)
        schedule = given.pop("schedule", None)
        endpoint, message = given.get("endpoint"), given.get("message")
        if sending is not None and (endpoint or message):
            return f"{BUSY_ANSWER}; pause it first"
        try:
            plan = SendPlan.from_json(campaign.plan).changed(given)
            if schedule is not None:
                campaign = dataclasses.replace(campaign, schedule=schedule)
                SendingWindow(campaign, self._tools.wall)  # for its errors
        except (ValueError, OutboxError) as error:
            return f"not changed: {error}"
        await self._tools.storage.patiently(
            lambda: self._ledger.set_terms(
                campaign.number,
                actor=order.actor,
                now=self._tools.wall(),
                plan=plan.to_json(),
                endpoint=endpoint,
                message_digest=message,
                list=given.get("list"),
                schedule=schedule,
            )
        )
        if sending is not None:
            sending.change(plan)
            if schedule is not None:
                sending.change_schedule(campaign)
        elif campaign.state is CampaignState.PAUSED and campaign.resume_at is not None:
            await reconsider(self._tools, await self._ledger.campaign(campaign.number))
        return "changed"

    async def _schedule(self, order: Order, campaign: Campaign, sending: Sending | None) -> str:
        """Have one that has not begun begin at another time. Where it began while recipients were `added`, they go with
        the others.
        """
        at, schedule = float(order.arguments["at"]), order.arguments.get("schedule")
        moved = campaign.state in _NOT_BEGUN and await self._tools.storage.patiently(
            lambda: self._ledger.reschedule(
                campaign.number, at, schedule=schedule, actor=order.actor, now=self._tools.wall()
            )
        )
        if not moved and order.arguments.get("added"):
            return await self._go_on(dataclasses.replace(order, kind=OrderKind.TOP_UP), campaign, sending)
        return "scheduled" if moved else f"{second_chance.REFUSED}it is {campaign.state}, and its mails have begun"

    async def _is_to_leave_out(self, order: Order) -> bool:
        """Whether those whose time has passed are still to be left out before it goes on."""
        rests = self._sending(order.campaign) is None and order.id not in self._left_out
        may_be_left = _MAY_GO_ON | {CampaignState.FINISHED}  # a launch that died may have added some to it
        return rests and (await self._ledger.campaign(order.campaign)).state in may_be_left

    async def _leave_out(self, order: Order) -> None:
        self._left_out[order.id] = await leave_out_late(self._tools, order.campaign, order.actor)

    async def _go_on(self, order: Order, campaign: Campaign, sending: Sending | None) -> str:
        """Resume, or take up recipients that were added. Whoever says so wants the accounts to be tried."""
        skips = order.arguments.get("skip_missed", False)
        if skips and sending is not None:
            return f"{second_chance.REFUSED}it is being sent; pause it first"
        names = [member.name for member in members_from_json(campaign.endpoint)]
        self._tools.standing.forgive(names)
        self._tools.paces.forgive(names)
        if sending is not None and campaign.state is CampaignState.RUNNING:
            sending.look_again()
            return "sending"
        if order.kind is OrderKind.TOP_UP and campaign.state is CampaignState.SCHEDULED:
            return "scheduled"  # they wait for its time with the others
        startable = set(_MAY_GO_ON)
        if order.kind is OrderKind.TOP_UP or (await self._ledger.counts(campaign.number)).open:
            startable.add(CampaignState.FINISHED)  # a launch that died may have added some without a word
        if campaign.state not in startable:
            return f"it is {campaign.state} and {second_chance.NOT_NOW}"
        left_out = self._left_out.pop(order.id, 0)
        kept = kept_back(self._tools, campaign) if campaign.state is CampaignState.PAUSED else None
        said = "sending"
        if kept is not None:
            await rest_on(self._tools, campaign, kept, order.actor)
            said = f"it waits, and goes on by itself at {show_moment(kept.until)}: {kept.because}"
        elif campaign.state is not CampaignState.RUNNING or skips:
            await self._turn(order, CampaignState.RUNNING)
        return f"{said}; {counted(left_out, 'recipient')} left out, whose time had passed" if skips else said

    async def _redo(self, order: Order, redo: Redo) -> bool:
        """Do a step of what is to be tried again or resolved; whether another one remains."""
        ledger, storage = self._ledger, self._tools.storage
        campaign = await ledger.campaign(order.campaign)
        refusal = second_chance.refusal(redo, campaign)
        if refusal:
            await self._acknowledge(order, refusal)
            return False
        before = await ledger.counts(campaign.number)
        step = await storage.patiently(lambda: ledger.redo(order, redo, second_chance.STEP, now=self._tools.wall()))
        if await self._too_soon(order):
            return True  # it came to rest while the step waited for the outbox: what was queued is seen to after that
        campaign = await ledger.campaign(order.campaign)
        if campaign.state is CampaignState.FINISHED and (await ledger.counts(campaign.number)).open:
            await self._turn(order, CampaignState.RUNNING)
        sending = self._sending(campaign.number)
        if sending is not None:
            sending.look_again()
        if step.done:
            await self._acknowledge(order, second_chance.done(redo, step, campaign))
        elif not order.answered:
            answer = second_chance.begun(redo, before, campaign)
            await storage.patiently(lambda: ledger.answer(order, answer))
        return not step.done


def _is_overtaken(order: Order, later: Iterable[Order]) -> bool:
    """Whether a resume that still waits for a pause to be complete was followed by the word to stop after all.

    A pause can take minutes, when a server lets a reply wait; the last word a person said is the one that counts.
    """
    if order.kind is not OrderKind.RESUME:
        return False
    return any(one.campaign == order.campaign and one.kind in _STOPS for one in later)
