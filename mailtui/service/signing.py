"""Owns signing mails that no runner sends: those that are tested, written to files or looked at (DKIM)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtui.accounts.dkim_file import read_key_file
from mailtui.accounts.keyring_store import dkim_entry
from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.members import Member
from mailtui.errors import AccountError
from mailtui.message.dkim import DkimKeyProblem, DkimSpec, Signer
from mailtui.message.rendered import RenderedMessage

if TYPE_CHECKING:
    from mailtui.campaign.campaign import Campaign
    from mailtui.service.facade import Service
    from mailtui.service.settings import Settings

HEADER = "DKIM-Signature"


@dataclass(frozen=True, slots=True)
class Signing:
    """How a campaign's mails are signed: by which account's key, which is in `file`, or in the keyring for None."""

    account: str
    spec: DkimSpec
    file: Path | None


@dataclass(frozen=True, slots=True)
class Signature:
    """What signs mails; where it is to be done and cannot, `missing` says why. Neither: nobody asked for it."""

    signer: Signer | None = None
    missing: str = ""

    def of(self, message: RenderedMessage) -> RenderedMessage:
        """The mail as it goes out."""
        if self.signer is None:
            return message
        return message._replace(data=self.signer.signed(message.data, message.sender))


UNSIGNED = Signature()
LONGEST_SIGNATURE = 2_000
"""Bytes; that of a key of 4,096 bits has 1,300, long names and all."""


def signing_of(settings: Settings, campaign: Campaign) -> Signing | None:
    """How the accounts of a campaign sign; None where they do not, or the settings do not have them."""
    found = ((name, settings.spec.accounts.get(name)) for name in campaign.spec.account_names)
    name, account = next(((name, one) for name, one in found if one is not None), ("", None))
    if account is None or account.dkim is None:
        return None
    return Signing(name, account.dkim.dkim(), account.dkim.key_file(settings.home.config))


async def signer_of(service: Service, campaign: Campaign) -> Signer | None:
    """What signs a campaign's mails, None where nobody does. Raises `AccountError` where there is no key to use."""
    signing = signing_of(service.settings, campaign)
    if signing is None:
        return None
    return Signer(signing.spec, (await service.secrets.signing_key(signing.account)).encode())


async def signer_of_account(service: Service, account: str) -> Signer | None:
    """What signs mails of an account of the settings, None where nobody does. Raises as `signer_of`."""
    found = service.settings.spec.accounts.get(account)
    if found is None or found.dkim is None:
        return None
    return Signer(found.dkim.dkim(), (await service.secrets.signing_key(account)).encode())


async def keys_of(members: Sequence[Member], secrets: SecretSource) -> dict[str, str]:
    """The keys that a runner will need, PEM texts by their entries in the keyring. Raises `AccountError`."""
    found = {}
    for member in members:
        if member.dkim is not None:
            found[dkim_entry(member.name)] = key = await secrets.signing_key(member.name)
            Signer(member.dkim, key.encode())  # for its errors
    return found


async def with_keys(members: Sequence[Member], secrets: SecretSource) -> tuple[Member, ...]:
    """The members of a campaign as it is launched, with the key that its mails are signed by from the first to the
    last. Raises `AccountError` where one has no key to use, `DkimKeyProblem` where they have different ones.
    """
    kept = []
    for member in members:
        dkim = member.dkim
        if dkim is not None:
            key = Signer(dkim, (await secrets.signing_key(member.name)).encode()).key
            dkim = replace(dkim, key=key)
        kept.append(replace(member, dkim=dkim))
    other = next((member for member in kept if member.dkim != kept[0].dkim), None)
    if other is not None:
        raise DkimKeyProblem(
            f"{kept[0].name} and {other.name} sign by different keys (DKIM)",
            detail="Both have the same name in the DNS, and that has one of them.",
            hint="Give both the same key: one file, named in dkim: {key: FILE} of each.",
        )
    return tuple(kept)


def signature_for(service: Service, campaign: Campaign) -> Signature:
    """The same for mails that are written to files, whose purpose is served without one. It may wait for the keyring;
    not for a thread with a loop.
    """
    work: Coroutine[Any, Any, Signer | None] = signer_of(service, campaign)
    try:
        return Signature(asyncio.run(work))
    except AccountError as error:
        return Signature(missing=error.title)


def signed_at_hand(signing: Signing | None, message: RenderedMessage) -> tuple[RenderedMessage, str]:
    """A mail to be looked at, and what is to be said of its signature: '' where the mail has it.

    Nobody is asked for the key: one of the keyring makes the signature when the mail is sent.
    """
    if signing is None:
        return message, ""
    where = signing.spec.record_name(message.sender.rpartition("@")[2])
    if signing.file is None:
        return message, f"(made when it is sent, by the key of {where} in the keyring)"
    try:
        signer = Signer(signing.spec, read_key_file(signing.file))
    except DkimKeyProblem as problem:
        return message, f"(by the key of {where}, and not yet: {problem.title})"
    return Signature(signer).of(message), ""
