"""Owns what a token says: whose wish it is to get no more mail, and carrying that wish out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailtui.errors import ExitCode, MailtuiError, UnknownCampaign
from mailtui.message.tokens import PREVIEW, Token, TokenError, read_token
from mailtui.outbox.records import Campaign
from mailtui.outbox.suppression import folded, scopes_for

if TYPE_CHECKING:
    from mailtui.service.facade import Service

_NOTHING_DONE = "Nothing was changed."


class NotGenuine(MailtuiError):
    """A token is none, or nobody's; the title says why."""

    exit_code = ExitCode.FINDINGS


@dataclass(frozen=True, slots=True)
class Leaver:
    """Whose token it is: a recipient of a campaign, by the row of its list.

    `addresses` are the one on the list and, where the mail was sent to another one since, that. `list` is the list
    that the campaign belongs to, empty for none. `left` says why they get nothing already, else ''.
    """

    addresses: tuple[str, ...]
    row: int
    campaign: str
    campaign_name: str
    list: str
    left: str

    @property
    def words(self) -> str:
        """Whose it is, as a sentence."""
        of_list = f", of the list {self.list}" if self.list else ""
        already = f" They get nothing already: {self.left}." if self.left else ""
        return f"{self.address}: row {self.row} of {self.campaign_name} ({self.campaign}){of_list}.{already}"

    @property
    def address(self) -> str:
        """Where the mail went."""
        return self.addresses[-1]

    def to_json(self) -> dict[str, Any]:
        """As `suppress verify --json` prints it."""
        return {
            "valid": True,
            "address": self.address,
            "row": self.row,
            "campaign": self.campaign,
            "campaign_name": self.campaign_name,
            "list": self.list or None,
            "suppressed": self.left or None,
        }


async def whose(service: Service, text: str) -> Leaver:
    """Whose token this is. Raises `NotGenuine` with the reason for one that nobody was sent."""
    try:
        token = read_token(text)
    except TokenError as error:
        raise NotGenuine(str(error).rstrip("."), hint=_NOTHING_DONE) from None
    if token.campaign == PREVIEW:
        raise NotGenuine("This token is of a preview or a test mail, and stands for nobody", hint=_NOTHING_DONE)
    campaign = await _campaign(service, token)
    rows = await service.reader.recipients_of_row(campaign.number, token.row)
    # Each is tried, also behind one that fits: how long this takes tells nothing about any of them.
    found = [(key, address) for key, address in rows if token.is_of(campaign.secret, key)]
    if not found:
        title = f"{campaign.id} ({campaign.name}) made no such token: it was made up, or changed on its way"
        raise NotGenuine(title, hint=_NOTHING_DONE)
    key, address = found[0]
    addresses = (address,) if folded(address) == folded(key) else (key, address)
    left = await _left(service, campaign, address)
    return Leaver(addresses, token.row, campaign.id, campaign.name, campaign.list, left)


async def let_go(service: Service, leaver: Leaver) -> int:
    """Put them on the suppression list of the campaign's list, or on everybody's where it has none.

    How many entries are new: it may be done any number of times. It counts at once.
    """
    source = f"token of {leaver.campaign}, row {leaver.row}"
    reason = "asked to leave by the link in a mail"
    added = await service.suppression.add(leaver.addresses, list_name=leaver.list, reason=reason, source=source)
    return added.new


async def _campaign(service: Service, token: Token) -> Campaign:
    try:
        campaign = await service.reader.campaign(token.campaign)
    except UnknownCampaign:
        campaign = None
    if campaign is None or campaign.id != token.campaign:  # which may begin the id of another one
        title = f"There is no campaign {token.campaign} in this outbox, which the token is of"
        raise NotGenuine(title, hint="Was it sent from another outbox? Name it: --outbox sqlite:///PATH")
    return campaign


async def _left(service: Service, campaign: Campaign, address: str) -> str:
    key = folded(address)
    found = await service.reader.suppressed([key], scopes_for(campaign.list, campaign.id))
    return found.get(key, "")
