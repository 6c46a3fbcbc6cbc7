"""Owns the orders a face may give about a launched campaign, and waiting until a runner has obeyed them."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from mailtui.audience.address import Address, AddressError, parse_address
from mailtui.dispatch.members import members_from_json
from mailtui.dispatch.second_chance import NOT_NOW, REFUSED
from mailtui.errors import RunnerError, UsageError
from mailtui.outbox.copies import copy_key
from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.records import Campaign, DeliveryRow
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind
from mailtui.outbox.suppression import scopes_for
from mailtui.service.actor import actor
from mailtui.service.limits_on_record import put_limits
from mailtui.service.settings import Settings
from mailtui.service.views import CampaignView, now

if TYPE_CHECKING:
    from mailtui.service.campaigns import CampaignDesk

_LOOK_EVERY = 0.1
_ACKNOWLEDGED_WITHIN = 15.0
_TAKEN_UP_WITHIN = 5.0
_FOREGROUND_ONLY = "{process} may be a mailtui run in the foreground, which looks after its own campaign only."
_RETRIED = (DeliveryState.FAILED, DeliveryState.DEFERRED)

Decision = Literal["sent", "resend"]
Retried = Literal["failed", "deferred"]


class House(Protocol):
    """What giving an order needs of whoever has the outbox, its runners and the passwords: the facade."""

    settings: Settings

    @property
    def campaigns(self) -> CampaignDesk: ...
    @property
    def reader(self) -> Reader: ...
    def desk(self) -> Desk: ...
    def runner_pid(self) -> int | None: ...
    async def start_runner(self, secrets: Mapping[str, str], *, leave: str = "") -> int: ...
    async def hand_over(self, secrets: Mapping[str, str], *, leave: str = "") -> bool: ...
    async def secret_for(self, campaign: Campaign, *, anew: bool = False) -> dict[str, str]: ...
    async def view(self, campaign_id: str) -> CampaignView: ...
    async def views(self) -> list[CampaignView]: ...


class Orders:
    """What the facade does to give orders. An order's answer is told in the runner's words."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def retry(
        self,
        view: CampaignView,
        *,
        only: Retried | None = None,
        delivery: DeliveryRow | None = None,
        address: str | None = None,
    ) -> str:
        """Send again what failed and what waits for its next attempt: all, or one, that one perhaps to another
        address.

        Raises `UsageError` for an address that cannot be used, `ConfigError` when the lists of those who get nothing
        cannot be read.
        """
        arguments: dict[str, object] = {"only": only} if only else {}
        if delivery is not None:
            if delivery.state not in _RETRIED:
                raise UsageError(
                    f"{delivery.address} (row {delivery.row}) is {delivery.state}, and not to be tried again",
                    hint=f"See who can be: mailtui report {view.id} --only failed --only deferred",
                )
            arguments["delivery"] = delivery.id
        if address is not None and delivery is not None:
            arguments["address"] = await self._new_address(view, delivery, address)
        return await self.give(view, OrderKind.RETRY, arguments, sends=view.state != CampaignState.PAUSED)

    async def resolve(self, view: CampaignView, decision: Decision, delivery: DeliveryRow | None = None) -> str:
        """Settle what is unknown, all of it or one: it arrived (`sent`), or is to go out once more (`resend`)."""
        arguments: dict[str, object] = {"as": decision}
        if delivery is not None:
            if delivery.state is not DeliveryState.UNKNOWN:
                raise UsageError(
                    f"{delivery.address} (row {delivery.row}) is {delivery.state}; there is nothing to resolve",
                    hint=f"See what is unknown: mailtui report {view.id} --only unknown",
                )
            arguments["delivery"] = delivery.id
        sends = decision == "resend" and view.state != CampaignState.PAUSED
        return await self.give(view, OrderKind.RESOLVE, arguments, sends=sends)

    async def find(
        self, view: CampaignView, *, row: int | None = None, to: str | None = None, copy_of: str | None = None
    ) -> DeliveryRow:
        """One mail of a campaign, by row of the list or by address; with `copy_of`, the copy of that recipient's mail.

        Raises `UsageError` with the reason.
        """
        if to is not None:
            found = await self._by_address(view, to, copy_of)
        else:
            found = [one for one in await self._house.reader.find(view.campaign.number, row=row) if not one.copy_of]
        if len(found) == 1:
            return found[0]
        who = to if to is not None else f"row {row}"
        if not found and row is not None:
            raise await self._no_mail(view, row)
        if not found and copy_of:
            raise UsageError(f"{view.id} has no copy to {who} of a mail to {copy_of}")
        if not found:
            raise UsageError(f"{view.id} has no mail to {who}", hint=f"See whom it has: mailtui report {view.id}")
        if found[0].copy_of:
            raise UsageError(
                f"{view.id} has more than one copy to {who}",
                detail="\n".join(f"of the mail to {one.copy_of[1]}" for one in found if one.copy_of),
                hint="Say of whose mail: --copy-of ADDRESS",
            )
        raise UsageError(
            f"{view.id} has {len(found)} mails of a {who}: its list was launched more than once",
            detail="\n".join(one.address for one in found),
            hint="Name the recipient by the address: --to ADDRESS",
        )

    async def _by_address(self, view: CampaignView, to: str, copy_of: str | None) -> list[DeliveryRow]:
        """The recipient with an address, or else the copies that go there; with `copy_of`, that one's alone."""
        reader, number = self._house.reader, view.campaign.number
        address = _address(to)
        if copy_of is None:
            return await reader.find(number, key=address.key) or await reader.copies_to(number, address.text)
        keys = [copy_key(one.key, address.key) for one in await reader.find(number, key=_address(copy_of).key)]
        return [found for key in keys for found in await reader.find(number, key=key)]

    async def _no_mail(self, view: CampaignView, row: int) -> UsageError:
        """Why a row of the list became no mail of the campaign, and what to do about it."""
        file = shlex.quote(view.campaign.series.partition("\n")[0])
        title, line = f"{view.id} has no mail to row {row}", 0
        while page := await self._house.reader.intake(view.campaign.number, after=line):
            line = page[-1].line
            for item in page:
                if item.row == row and item.kind == "duplicate":
                    return UsageError(title, detail=f"Line {item.line} of the list: {item.reason}.")
                if item.row == row:
                    hint = f"Mend that row, then run the campaign again: mailtui run {file}"
                    return UsageError(title, detail=f"Line {item.line} of the list: {item.reason}.", hint=hint)
        rule = f"the filter left it out ({view.campaign.filter}), or " if view.campaign.filter else ""
        return UsageError(
            title,
            detail=f"When it was launched, {rule}the list had no such row.",
            hint=f"See why: mailtui audience {file} --explain {row}",
        )

    async def _new_address(self, view: CampaignView, delivery: DeliveryRow, text: str) -> str:
        """The address as it would be sent to, once it is known that it may be."""
        try:
            address = parse_address(text)
        except AddressError as error:
            raise UsageError(f"{text} cannot be used as an address: {error}") from None
        key = copy_key(delivery.copy_of[0], address.key) if delivery.copy_of else address.key
        taken = await self._house.reader.find(view.campaign.number, key=key)
        if taken and taken[0].id != delivery.id:
            state = f"row {taken[0].row}, {taken[0].state}"
            raise UsageError(
                f"{address.text} is in this campaign already ({state})",
                detail="Nothing was changed: nobody gets two mails of one campaign.",
            )
        scopes = scopes_for(view.campaign.list, view.id)
        why = (await self._house.reader.suppressed((address.key,), scopes)).get(address.key)
        why = why or self._house.campaigns.left_out(view, address.key)
        if why:
            raise UsageError(f"{address.text} gets nothing: {why}", detail="Nothing was changed.")
        return address.text

    async def give(
        self, view: CampaignView, kind: OrderKind, arguments: Mapping[str, object] | None = None, *, sends: bool = False
    ) -> str:
        """Write an order and see it obeyed; a runner is started when none lives. The runner's answer.

        `sends`: it makes mail go out, so that the account's password must be there first.
        """
        if view.campaign.state is CampaignState.DRAFT:
            raise UsageError(
                f"{view.id} has not been launched",
                detail="Its launch is under way at the moment, or was interrupted.",
                hint=f"An interrupted one is begun anew by mailtui run, and thrown away by: mailtui cancel {view.id}",
            )
        # Before the order is on record: without the password it must not be carried out later, when nobody waits.
        secrets = await self._house.secret_for(view.campaign, anew=True) if sends else {}
        await self._house.hand_over(secrets, leave=view.id)
        if sends:
            names = [member.name for member in members_from_json(view.campaign.endpoint)]
            await put_limits(names, self._house.settings, self._house.desk)
        others = await self._others_lost(view)
        desk = self._house.desk()
        try:
            order = await desk.order(view.campaign.number, kind, dict(arguments or {}), actor=actor(), now=now())
        finally:
            desk.close()
        return await self.obeyed(order, secrets) + others

    async def _others_lost(self, view: CampaignView) -> str:
        """What a runner that has to be started for this campaign will do besides."""
        if self._house.runner_pid() is not None:
            return ""
        lost = [f"{other.name} ({other.id})" for other in await self._house.views() if other.lost]
        others = [name for name in lost if name != f"{view.name} ({view.id})"]
        return f"; the runner started for it also goes on with {', '.join(others)}" if others else ""

    async def in_hand(self, campaign_id: str, orders: Sequence[int]) -> bool:
        """Whether a runner has taken a campaign up, and answered these orders. Raises what `obeyed` raises for a no."""
        for order in orders:
            answer = await self._house.reader.answer(order)
            if answer is None:
                return False
            _require_yes(answer)
        view = await self._house.view(campaign_id)
        return not view.active or view.snapshot is not None

    async def taken_up(self, campaign_id: str, secrets: Mapping[str, str]) -> None:
        """Wait until a runner sends a campaign. Raises `RunnerError` when the one that lives does not begin to."""
        deadline = time.monotonic() + _TAKEN_UP_WITHIN
        while time.monotonic() < deadline:
            if await self.in_hand(campaign_id, ()):
                return
            if self._house.runner_pid() is None:
                await self._house.start_runner(secrets)  # the one that lived was just leaving
            await asyncio.sleep(_LOOK_EVERY / 2)
        pid = self._house.runner_pid()
        raise RunnerError(
            f"{campaign_id} is launched, and nobody sends it yet",
            detail=_FOREGROUND_ONLY.format(process=f"Process {pid}" if pid else "The runner that lives"),
            hint=f"When that one has ended: mailtui resume {campaign_id}",
        )

    async def obeyed(self, order: int, secrets: Mapping[str, str]) -> str:
        """Wait until a runner has answered an order. Raises `RunnerError` when none does."""
        deadline = time.monotonic() + _ACKNOWLEDGED_WITHIN
        while time.monotonic() < deadline:
            answer = await self._house.reader.answer(order)
            if answer is not None:
                _require_yes(answer)
                return answer
            if self._house.runner_pid() is None:
                # Also when one has left between our look and its end: the next one reads the order first.
                await self._house.start_runner(secrets)
            await asyncio.sleep(_LOOK_EVERY / 2)
        pid = self._house.runner_pid()
        raise RunnerError(
            "The runner has not answered" + (f" (process {pid})" if pid else ""),
            detail=_FOREGROUND_ONLY.format(process="It"),
            hint="The order is on record, and is carried out by the next runner. See: mailtui list",
        )


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise UsageError(f"{text} is no address: {error}") from None


def _require_yes(answer: str) -> None:
    from mailtui.dispatch.orders import BUSY_ANSWER  # loads the engine, which whoever only looks does not need

    if answer.startswith(BUSY_ANSWER):
        raise UsageError(
            "The server and the message of a campaign cannot be changed while it is being sent",
            hint="Pause it, then run it again: mailtui pause ID",
        )
    if answer.startswith(REFUSED):
        raise UsageError(f"That cannot be done: {answer.removeprefix(REFUSED)}", detail="Nothing was changed.")
    if answer.endswith(NOT_NOW):
        raise UsageError(f"The campaign was not taken up: {answer}", hint="See how your campaigns stand: mailtui list")
