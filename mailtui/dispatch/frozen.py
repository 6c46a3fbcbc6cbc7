"""Owns reading back what a launch froze of a campaign's message."""

from __future__ import annotations

from mailtui.errors import OutboxError
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.outbox.records import Campaign


def compiled(campaign: Campaign, message: bytes) -> CompiledMessage:
    """The message of a campaign, or one that it had before, ready to be rendered. Raises `OutboxError`."""
    try:
        source = MessageSource.from_json(message.decode())
    except ValueError as error:
        raise OutboxError(f"The frozen message of {campaign.id} cannot be read", detail=str(error)) from error
    return compile_message(source, campaign.columns, secret=campaign.secret, campaign_id=campaign.id)
