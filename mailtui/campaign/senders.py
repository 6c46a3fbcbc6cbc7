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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mailtui.audience.address import parse_mailbox
from mailtui.dispatch.members import Member
from mailtui.errors import Place
from mailtui.message.preflight import Finding

OwnSenders = Mapping[str, tuple[Sequence[str], int]]
"""By the names of accounts what they may send as, and their weights."""


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


def sender_findings(members: Sequence[Member], sender: str | None, place: Place) -> Iterator[Finding]:
    """Accounts that may not send what a campaign is from. `sender` is the campaign's From, a template perhaps; None
    where each row says its own. Not for accounts that take turns: each of those has its own From.
    """
    own = None if sender is None or "{" in sender else parse_mailbox(sender).address.text
    for member in members:
        may = f"{member.name} may send as {_listed(member)} only"
        if own is not None and not member.may_send_as(own):
            hint = f"Add it to from: of {member.name} in the settings, or send through another account."
            yield Finding("error", "account-from", f"{may}, and the campaign is from {own}", place=place, hint=hint)
        elif own is None and member.senders:
            hint = f"Leave from: out of {member.name} in the settings, or take it out of the campaign."
            what = f"{may}, and every row says whom its mail is from"
            # Where there are several, any of them may carry any mail.
            yield Finding("error" if len(members) > 1 else "warning", "account-from", what, place=place, hint=hint)
        elif own is not None and not member.senders and _is_foreign(own, member.endpoint.user):
            what = f"{member.name} logs in as {member.endpoint.user}, and the campaign is from {own}"
            hint = (
                "Many servers refuse that, or put the login's address in its place. If this one may send as it, say so "
                f"in the settings: from: of {member.name}."
            )
            yield Finding("warning", "login-from", what, place=place, hint=hint)


def _is_foreign(address: str, login: str) -> bool:
    """Whether a login is an address at another domain, which is not above or below that of the address."""
    mine, its = (f".{text.rpartition('@')[2].lower()}" for text in (address, login))
    return "@" in login and not mine.endswith(its) and not its.endswith(mine)


def _listed(member: Member) -> str:
    shown = ", ".join(member.senders[:3])
    return f"{shown} and {len(member.senders) - 3} more" if len(member.senders) > 3 else shown
