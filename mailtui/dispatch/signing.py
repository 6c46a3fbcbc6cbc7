"""Owns getting the key that a campaign's mails are signed with, before the first of them is rendered."""

from __future__ import annotations

from collections.abc import Sequence

from mailtui.dispatch.members import Member
from mailtui.dispatch.tools import Secrets
from mailtui.message.dkim import Signer


async def signer_for(members: Sequence[Member], secrets: Secrets) -> Signer | None:
    """What signs a campaign's mails, None where nobody does. Raises `AccountError` where there is no key to use.

    A mail may be carried by any of the members, and is the same on every attempt; so they sign alike, which a launch
    makes sure of, and the first one's key is used.
    """
    first = members[0]
    return None if first.dkim is None else Signer(first.dkim, await secrets.signing_key(first.name))
