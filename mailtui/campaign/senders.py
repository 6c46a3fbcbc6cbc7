"""Owns whom mails are from where the campaign's file says nothing: the accounts' own addresses.

Where several accounts have different ones they take turns, by their weights; the same person hears from the same one at
every launch of the campaign, as long as the account is among them, and whoever else joins or leaves. So it is chosen by
rendezvous hashing: every address draws a number for the person, and the best number wins (Thaler and Ravishankar 1998;
with weights as in Schindelhauer and Schomaker 2005, the logarithmic method).

To the rooms that render, the choice is a cell: the list has one column more, which stands for the From.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mailtui.audience.address import parse_mailbox
from mailtui.dispatch.members import Member
from mailtui.errors import Place, Problem


@dataclass(frozen=True, slots=True)
class Sender:
    """A From, `Acme News <news@acme.test>`, with its share beside the others."""

    mailbox: str
    weight: int = 1

    @property
    def address(self) -> str:
        """The address alone. Raises `AddressError`."""
        return parse_mailbox(self.mailbox).address.text


@dataclass(frozen=True, slots=True)
class Senders:
    """The From of a campaign that gives none: `taking_turns` are several, `series` what keeps one campaign's choices
    apart from another's.
    """

    taking_turns: tuple[Sender, ...] = ()
    series: str = ""

    def __bool__(self) -> bool:
        return bool(self.taking_turns)

    def of(self, key: str) -> str:
        """Whom the mail to this recipient is from, always the same."""
        return max(self.taking_turns, key=lambda sender: (self._drawn(sender, key), sender.mailbox)).mailbox

    def _drawn(self, sender: Sender, key: str) -> float:
        text = f"{self.series}\0{sender.mailbox}\0{key}".encode("utf-8", "surrogatepass")
        drawn = int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")
        return -sender.weight / math.log((drawn + 1) / (2**56 + 2))  # strictly between 0 and 1


def senders_of(own: Sequence[tuple[Sequence[str], int]]) -> tuple[Sender, ...]:
    """The different From that accounts bring, (addresses, weight) of each; an account's own is its first whole address.

    None where one of them has no address of its own: then nobody can say whom its mails are from.
    """
    weights: dict[str, int] = {}
    for addresses, weight in own:
        mailbox = next((text for text in addresses if not text.startswith("@")), None)
        if mailbox is None:
            return ()
        weights[mailbox] = weights.get(mailbox, 0) + weight
    return tuple(Sender(mailbox, weight) for mailbox, weight in weights.items())


def misfits(members: Sequence[Member], addresses: Sequence[str], place: Place) -> list[Problem]:
    """Accounts that may not send what a campaign is from, and accounts that sign differently.

    `addresses` are the campaign's From; several where accounts take turns: then each needs one account that may, and
    that is theirs. None: every row says its own.
    """
    found = list(_not_allowed(members, addresses, place))
    signed = {member.dkim for member in members}
    if len(signed) > 1:
        names = " and ".join(member.name for member in members)
        hint = "A mail may be carried by any of them, so give them the same dkim: in the settings, or none."
        found.append(Problem(place, f"{names} sign their mails differently (DKIM).", hint))
    return found


def _not_allowed(members: Sequence[Member], addresses: Sequence[str], place: Place) -> list[Problem]:
    if not addresses:
        return [
            Problem(
                place,
                f"{member.name} may send as {_listed(member)} only, and every row of the campaign says its own From.",
                f"Leave from: out of {member.name} in the settings, or {member.name} out of the campaign.",
            )
            for member in members
            if member.senders and len(members) > 1
        ]
    if len(addresses) > 1:
        return []
    return [
        Problem(
            place,
            f"{member.name} may send as {_listed(member)}, and the campaign is from {addresses[0]}.",
            f"Add it to from: of {member.name} in the settings, or send through another account.",
        )
        for member in members
        if not member.may_send_as(addresses[0])
    ]


def _listed(member: Member) -> str:
    shown = ", ".join(member.senders[:3])
    return f"{shown} and {len(member.senders) - 3} more" if len(member.senders) > 3 else shown
