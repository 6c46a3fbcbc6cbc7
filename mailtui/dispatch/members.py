"""Owns how the accounts of a campaign are written down in the outbox: which, with what share, and within what limits.

A campaign with one account that says nothing but its server is written as that server alone, as it always was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mailtui.message.dkim import DkimSpec
from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.limits import NO_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Member:
    """One account of a campaign; no secret. `weight` is its share of the workers beside the others', `connections` the
    most of them; `limits` are what the settings said of it at the launch, and hold where nothing later is on record;
    `senders` are the addresses that it may send as, whole or `@` and a domain, none for any; `dkim` says how its mails
    are signed, None for mails that go out as they are.
    """

    endpoint: Endpoint
    weight: int = 1
    connections: int | None = None
    limits: Limits = NO_LIMITS
    senders: tuple[str, ...] = ()
    dkim: DkimSpec | None = None

    @property
    def name(self) -> str:
        """The account's; limits and standing are kept under it, in all campaigns."""
        return self.endpoint.account

    def may_send_as(self, address: str) -> bool:
        """Whether a From address is one of its own; any is where it names none."""
        address = address.lower()
        domain = address[address.rfind("@") :]
        return not self.senders or any(mailbox_address(sender).lower() in (address, domain) for sender in self.senders)


def mailbox_address(text: str) -> str:
    """The address of a From such as `Acme News <news@acme.test>`; of an address, or `@` and a domain, all of it."""
    return text[text.rfind("<") + 1 : -1] if text.endswith(">") else text


def members_to_json(members: Sequence[Member]) -> str:
    """The text that a campaign keeps in its `endpoint`."""
    if len(members) == 1 and members[0] == Member(members[0].endpoint):
        return members[0].endpoint.to_json()
    return json.dumps({"members": [_as_dict(member) for member in members]})


def members_from_json(text: str) -> tuple[Member, ...]:
    """What `members_to_json` wrote, or `Endpoint.to_json` alone. Raises ValueError for other texts."""
    raw = json.loads(text)
    if "members" not in raw:
        return (Member(Endpoint.from_json(text)),)
    return tuple(_from_dict(one) for one in raw["members"])


def _as_dict(member: Member) -> dict[str, Any]:
    said: dict[str, Any] = {"endpoint": json.loads(member.endpoint.to_json())}
    plain = Member(member.endpoint)
    if member.limits:
        said["limits"] = member.limits.as_said()
    for name in ("weight", "connections", "senders"):
        value = getattr(member, name)
        if value != getattr(plain, name):
            said[name] = value
    if member.dkim is not None:
        said["dkim"] = asdict(member.dkim)
    return said


def _from_dict(raw: dict[str, Any]) -> Member:
    return Member(
        Endpoint.from_json(json.dumps(raw["endpoint"])),
        weight=raw.get("weight", 1),
        connections=raw.get("connections"),
        limits=Limits.of(raw["limits"]) if "limits" in raw else _limits_of_before(raw),
        senders=tuple(raw.get("senders", ())),
        dkim=DkimSpec(**raw["dkim"]) if "dkim" in raw else None,
    )


def _limits_of_before(raw: dict[str, Any]) -> Limits:
    """The two that there were in campaigns launched before there were more."""
    return Limits(per_hour=raw.get("per_hour"), per_day=raw.get("per_day"))
