"""Owns which campaigns wait for what an account logs in with, and that they go on when a person gives it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailtui.dispatch.members import members_from_json
from mailtui.errors import LoginEnded, SecretMissing
from mailtui.kit import journal
from mailtui.outbox.opening import Outbox
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.smtp.verdict import SAID_AT, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtui.outbox.ports import Reader
    from mailtui.outbox.records import Campaign
    from mailtui.service.facade import Service
    from mailtui.service.handover import Handed

_REFUSED = f"{SAID_AT} {Stage.AUTH}:"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Campaigns that waited for an account's password or login, by id and name; `go_on`: a runner lives that has been
    given it, and goes on with them.
    """

    campaigns: tuple[tuple[str, str], ...] = ()
    go_on: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"campaigns": [id for id, _ in self.campaigns], "go_on": self.go_on}


NOBODY = Waiting()


def login_refused(reason: str) -> bool:
    """Whether an account rests since its server would not have what it logs in with."""
    return reason.startswith(_REFUSED)


async def give(service: Service, account: str, secrets: Mapping[str, str]) -> Waiting:
    """A person has just given an account another password or login: what waits for it goes on if a runner lives, to
    which `secrets` are handed over by the names of their entries.
    """
    if not service.outbox.path.exists():
        return NOBODY
    found = await _waiting(service.reader, {account}, renewed=True)
    taken = await service.hand_over(secrets, renewed=True)
    return Waiting(tuple((one.id, one.name) for one in found), taken)


async def wake(outbox: Outbox, handed: Handed) -> None:
    """Order the campaigns to go on that waited for what was handed over: they paused, or lack its account.

    What a server refused is waited for until a person has given another one, and not until somebody else happens to
    hand over the same.
    """
    accounts = {entry.partition(" ")[0] for entry in handed.secrets}
    reader = outbox.reader()
    try:
        found = await _waiting(reader, accounts, renewed=handed.renewed)
    finally:
        reader.close()
    waiting = [one for one in found if one.id != handed.leave]
    if not waiting:
        return
    desk = outbox.desk()
    try:
        for campaign in waiting:
            await desk.order(campaign.number, OrderKind.RESUME, {}, actor="runner", now=time.time())
            journal.note("campaign goes on: its login came", campaign=campaign.number, id=campaign.id)
    finally:
        desk.close()


async def _waiting(reader: Reader, accounts: Set[str], *, renewed: bool) -> list[Campaign]:
    rests = {
        rest.account
        for rest in await reader.account_rests()
        if rest.account in accounts and _is_wanted(rest.account, rest.reason, renewed=renewed, alone=True)
    }
    campaigns = await reader.campaigns()
    return [one for one in campaigns if _waits(one, accounts, rests, renewed=renewed)]


def _waits(campaign: Campaign, accounts: Iterable[str], rests: Set[str], *, renewed: bool) -> bool:
    """Whether it would do more with another login of these: `rests` are those that rest for want of it."""
    if campaign.state not in (CampaignState.PAUSED, CampaignState.RUNNING):
        return False
    names = [member.name for member in members_from_json(campaign.endpoint)]
    if campaign.state is CampaignState.RUNNING:
        return not rests.isdisjoint(names)
    alone = len(names) == 1
    mine = [account for account in accounts if account in names]
    return any(_is_wanted(account, campaign.reason, renewed=renewed, alone=alone) for account in mine)


def _is_wanted(account: str, reason: str, *, renewed: bool, alone: bool) -> bool:
    """Whether something rests or paused since this account's login is missing; `renewed`, or is good for nothing.
    `alone`: no other account has a part in the reason, and none is named before it.
    """
    if any(SecretMissing.title_for(account, login=login) in reason for login in (False, True)):
        return True
    refused = login_refused(reason) if alone else f"; {account}: {_REFUSED}" in f"; {reason}"
    return renewed and (refused or LoginEnded.title_for(account) in reason)
