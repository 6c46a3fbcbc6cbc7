"""Owns the messages that a campaign's mails are sent as: the one it has now, and those that it had before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailtui.dispatch.tools import Tools
from mailtui.message.compose import CompiledMessage
from mailtui.outbox.records import Claim

ITSELF = -1
"""In the place of a number: the message that a mail is sent as gives its Message-ID, too."""
_CURRENT = 0  # the campaign's message now, as render processes know it; editions count from 1


class Editions:
    """Of one campaign, by number."""

    def __init__(
        self, campaign: int, message: CompiledMessage, tools: Tools, former: Callable[[bytes], CompiledMessage]
    ) -> None:
        """`message` is the one it has now; `former` compiles one that it had before."""
        self._campaign = campaign
        self._message = message
        self._ledger = tools.ledger
        self._storage = tools.storage
        self._former = former
        self._known: dict[int, CompiledMessage] = {}

    async def find(self, claims: Sequence[Claim]) -> None:
        """Have every message at hand that these claims were added with, or say."""
        wanted = {claim.edition for claim in claims} | {claim.says for claim in claims if claim.says is not None}
        missing = wanted - self._known.keys()
        if not missing:
            return
        digests = await self._storage.patiently(lambda: self._ledger.editions(self._campaign))
        for number in missing:
            digest = digests[number]
            if digest == self._message.source.digest:
                self._known[number] = self._message
            else:
                body = await self._storage.patiently(lambda digest=digest: self._ledger.message(digest))  # type: ignore[misc]
                self._known[number] = self._former(body)

    def of(self, number: int) -> CompiledMessage:
        """The message of a number, as `numbers` says it."""
        return self._message if number == _CURRENT else self._known[number]

    def sent_as(self, claim: Claim) -> CompiledMessage:
        """What a claim is sent as."""
        return self.of(_number_of(claim))

    def added_with(self, claim: Claim) -> CompiledMessage:
        """What the campaign's message was when a claim's row was added."""
        return self._known[claim.edition]

    def numbers(self, claim: Claim) -> tuple[int, int]:
        """The message that a claim is sent as, and the one that gives its Message-ID where that is another one."""
        number = _number_of(claim)
        return number, ITSELF if self._known[claim.edition] is self.of(number) else claim.edition


def _number_of(claim: Claim) -> int:
    return _CURRENT if claim.says is None else claim.says
