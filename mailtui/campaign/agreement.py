"""Owns what must still agree with an earlier campaign where a launch adds to it: columns, files, copies and From."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from mailtui.campaign.campaign import Campaign
from mailtui.campaign.senders import Sender
from mailtui.dispatch.members import Member
from mailtui.errors import UsageError
from mailtui.message.frozen import MessageSource
from mailtui.outbox.ports import Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.states import DeliveryState

MAY_GET_IT = tuple(sorted(set(DeliveryState) - {DeliveryState.SENT, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED}))
"""Who of a campaign may still get its mail."""


def require_columns(
    campaign: Campaign, source: MessageSource, columns: tuple[str, ...], latest: LaunchedCampaign
) -> None:
    """A changed message must be able to speak to those who are in the earlier campaign already."""
    compiled = campaign.compile(source, columns, secret=b"")
    needed = compiled.fields if compiled.fields is not None else frozenset(columns)
    missing = sorted(needed - set(latest.columns))
    if missing:
        raise UsageError(
            f"The changed message uses columns that {latest.id} was launched without: {', '.join(missing)}",
            hint="Launch it as a new campaign: --new",
        )


async def require_extras(source: MessageSource, latest: LaunchedCampaign, reader: Reader) -> None:
    """Whoever may still get the earlier campaign has files of their own, and copies, from its launch; a changed message
    cannot give them others, and its Cc would name people who get none.
    """
    counts = asdict(await reader.counts(latest.number))
    if not any(counts[state] for state in MAY_GET_IT):
        return
    earlier = MessageSource.from_json((await reader.message(latest.message_digest)).decode())
    for said, of in (
        ("brings other attachments of its recipients' own", _own_files),
        ("gives copies to other people", _copied),
        ("gets its From in another way (from accounts by turns, or one of its own)", _takes_turns),
    ):
        if of(earlier) != of(source):
            raise UsageError(
                f"The changed message {said} than {latest.id} did",
                detail="Those who wait in it, or may be tried again, keep what was found when it was launched.",
                hint=f"Put that back as it was, or finish that campaign first: mailtui resume {latest.id}. "
                "To keep somebody from getting copies: mailtui suppress add ADDRESS. "
                "With --new the changed message goes to everybody, also to those who got the earlier one",
            )


async def require_carriers(members: Sequence[Member], latest: LaunchedCampaign, reader: Reader) -> None:
    """Whoever waits for a mail from one of several From gets it from no other: an account has to be there for it."""
    for bound in await reader.bounds(latest.number):
        address = Sender(bound).address
        if not any(member.may_send_as(address) for member in members):
            raise UsageError(
                f"Some wait in {latest.id} for a mail from {address}, and no account of the campaign may send as that",
                detail="Accounts take turns in it, and nobody who waits hears from another one than was chosen first.",
                hint=f"Put the account of {address} back, or add the address to from: of another one in the settings",
            )


def _own_files(source: MessageSource) -> tuple[object, ...]:
    return source.own_files, dict(source.columns).get("attachment", "")


def _copied(source: MessageSource) -> tuple[object, ...]:
    columns = dict(source.columns)
    return source.cc, source.bcc, columns.get("cc", ""), columns.get("bcc", "")


def _takes_turns(source: MessageSource) -> bool:
    return source.takes_turns
