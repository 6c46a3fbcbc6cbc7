"""Owns how a campaign's messages are encoded for good: chosen at its first session and stored.

Every attempt at a delivery then sends the same bytes, whatever server it meets later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from mailtui.dispatch.rendering import Mail, Outcome, Overran
from mailtui.dispatch.storage import Storage
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderProblem
from mailtui.outbox.ports import Ledger
from mailtui.smtp.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class SentEncoding:
    """What the first server allowed."""

    transfer: TransferEncoding
    smtputf8: bool

    @classmethod
    def for_server(cls, capabilities: Capabilities) -> SentEncoding:
        """8bit where 8BITMIME is offered (RFC 6152), quoted-printable elsewhere."""
        transfer = TransferEncoding.EIGHT_BIT if capabilities.eight_bit else TransferEncoding.QUOTED_PRINTABLE
        return cls(transfer, capabilities.smtputf8)

    def of_mails(self, *, signed: bool) -> SentEncoding:
        """The same for mails that are `signed`, or not: those that are have nothing but ASCII in their bodies.

        A relay that meets a server without 8BITMIME encodes others anew, and no signature outlives that (RFC 6376
        section 5.3).
        """
        return replace(self, transfer=TransferEncoding.QUOTED_PRINTABLE) if signed else self

    def differs_for(self, capabilities: Capabilities, outcome: Outcome) -> bool:
        """Whether what a render process made by this does not hold for a server with these capabilities."""
        if self.transfer is TransferEncoding.EIGHT_BIT and not capabilities.eight_bit:
            return not isinstance(outcome, Overran)
        if self.smtputf8 is capabilities.smtputf8:
            return False
        return isinstance(outcome, Mail if self.smtputf8 else RenderProblem)

    def to_json(self) -> str:
        return json.dumps({"transfer": self.transfer.value, "smtputf8": self.smtputf8})

    @classmethod
    def from_json(cls, text: str) -> SentEncoding:
        raw = json.loads(text)
        return cls(TransferEncoding(raw["transfer"]), bool(raw["smtputf8"]))


async def fixed_encoding(ledger: Ledger, storage: Storage, campaign: int, capabilities: Capabilities) -> SentEncoding:
    """The one that is stored, or from now on what a server with these capabilities allows."""
    offered = SentEncoding.for_server(capabilities).to_json()
    return SentEncoding.from_json(await storage.patiently(lambda: ledger.fix_encoding(campaign, offered)))
