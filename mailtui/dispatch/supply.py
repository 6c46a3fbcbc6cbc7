"""Owns the claims of one campaign that wait in memory, and turning the next of them into a job."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from mailtui.audience.recipient import Recipient
from mailtui.dispatch.domains import Domains, domain_of
from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.storage import Storage
from mailtui.message.compose import CompiledMessage
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Claim, Result
from mailtui.outbox.states import DeliveryState
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.job import Job

LEASE = 30 * 60.0
_LARGEST_CLAIM = 500


class Supply:
    """Keeps enough claims at hand that no worker waits for the outbox."""

    def __init__(
        self,
        campaign: int,
        columns: tuple[str, ...],
        message: CompiledMessage,
        *,
        domains: Domains,
        former: Callable[[bytes], CompiledMessage],
        ledger: Ledger,
        recorder: Recorder,
        storage: Storage,
        wall: Callable[[], float],
        need: Callable[[], None],
    ) -> None:
        """`former` compiles a message that the campaign had before; `need` is called when more should be claimed."""
        self._campaign = campaign
        self._columns = columns
        self._message = message
        self._domains = domains
        self._former = former
        self._editions: dict[int, CompiledMessage] = {}
        """The messages that claims were added with or repeat, by number."""
        self._ledger = ledger
        self._recorder = recorder
        self._storage = storage
        self._wall = wall
        self._need = need
        self._waiting: deque[Claim] = deque()
        self._batch = 64
        self.encoding: SentEncoding | None = None
        self.exhausted = False  # the last claim found fewer than were asked for

    def __len__(self) -> int:
        return len(self._waiting)

    def size_for(self, workers: int, rate: float | None) -> None:
        """How many claims to keep: enough for the pace, few enough that little is held when something breaks."""
        wanted = workers * 64 if rate is None else max(workers, int(rate * 2))
        self._batch = max(workers, min(_LARGEST_CLAIM, wanted))

    @property
    def low(self) -> bool:
        return 2 * len(self._waiting) < self._batch

    async def refill(self) -> None:
        """Claim more, until there are enough or none is due."""
        if not self.low or self.exhausted:
            return
        claims = await self._storage.patiently(
            lambda: self._ledger.claim(self._campaign, self._batch, now=self._wall(), lease=LEASE)
        )
        self.exhausted = len(claims) < self._batch
        await self._find_editions(claims)
        self._waiting.extend(claims)

    async def _find_editions(self, claims: Sequence[Claim]) -> None:
        """Have every message at hand that these claims were added with, or repeat."""
        wanted = {claim.edition for claim in claims} | {claim.repeats for claim in claims if claim.repeats is not None}
        missing = wanted - self._editions.keys()
        if not missing:
            return
        digests = await self._storage.patiently(lambda: self._ledger.editions(self._campaign))
        for number in missing:
            digest = digests[number]
            if digest == self._message.source.digest:
                self._editions[number] = self._message
            else:
                body = await self._storage.patiently(lambda digest=digest: self._ledger.message(digest))  # type: ignore[misc]
                self._editions[number] = self._former(body)

    def next_job(self, capabilities: Capabilities) -> Job | None:
        """The next message for a server with these capabilities, or None when no claim is at hand.

        A row that cannot be rendered fails alone, one whose domain rests is put off, and the next one is taken.
        """
        encoding = self.encoding
        while self._waiting and encoding is not None:
            claim = self._waiting.popleft()
            if not self.exhausted and self.low:
                self._need()
            if self._domains and self._is_put_off(claim):
                continue
            rendered = self._render(claim, encoding, capabilities)
            if isinstance(rendered, RenderProblem):
                place = f" ({rendered.place})" if str(rendered.place) else ""
                self._fail(claim, f"not rendered: {rendered.reason}{place}")
            elif 0 < capabilities.size < len(rendered.data):
                # Not even announced (RFC 1870 section 6.3)
                self._fail(claim, f"larger than the server takes: {len(rendered.data)} of {capabilities.size} bytes")
            else:
                return Job(rendered.sender, rendered.recipient, rendered.data, capabilities, claim)
        self._need()
        return None

    def _render(
        self, claim: Claim, encoding: SentEncoding, capabilities: Capabilities
    ) -> RenderedMessage | RenderProblem:
        recipient = Recipient(claim.key, claim.row, claim.address, dict(zip(self._columns, claim.fields, strict=True)))
        transfer = encoding.transfer
        if transfer is TransferEncoding.EIGHT_BIT and not capabilities.eight_bit:
            transfer = TransferEncoding.QUOTED_PRINTABLE
        added_with = self._editions[claim.edition]
        message = self._message if claim.repeats is None else self._editions[claim.repeats]
        return message.render(
            recipient,
            date=claim.date_at,
            encoding=transfer,
            smtputf8=encoding.smtputf8 and capabilities.smtputf8,
            message_id=None if added_with is message else added_with.message_id(recipient),
        )

    def _fail(self, claim: Claim, reason: str) -> None:
        self._recorder.record(
            Result(
                claim.campaign,
                claim.id,
                claim.fence,
                DeliveryState.CLAIMED,
                DeliveryState.FAILED,
                attempts=claim.attempts,
                reason=reason,
                stage="render",
            )
        )

    def _is_put_off(self, claim: Claim) -> bool:
        domain, now = domain_of(claim.key), self._wall()
        due = self._domains.due(domain, claim.id, now)
        if due is None:
            return False
        given_up = self._domains.given_up(domain)
        self._recorder.record(
            Result(
                claim.campaign,
                claim.id,
                claim.fence,
                DeliveryState.CLAIMED,
                DeliveryState.FAILED if given_up else DeliveryState.DEFERRED,
                attempts=claim.attempts,
                attempt=False,
                due_at=0.0 if given_up else due,
                reason=f"gave up: {domain} took no mail" if given_up else f"{domain} asked for a pause",
            )
        )
        return True

    def put_back(self, claim: Claim) -> None:
        """A claim whose message was not sent, to be taken again after those that wait: it may be why."""
        self._waiting.append(claim)

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds; nobody's patience is shorter for it."""
        self._waiting = deque(
            claim._replace(forgiven_at=by + (claim.date_at if claim.forgiven_at is None else claim.forgiven_at))
            for claim in self._waiting
        )

    def drop(self) -> None:
        """Forget the claims: they were cancelled in the outbox."""
        self._waiting.clear()

    def release(self) -> None:
        """Give all claims back to the outbox."""
        while self._waiting:
            claim = self._waiting.popleft()
            self._recorder.record(requeued(claim, DeliveryState.CLAIMED, reason=""))


def requeued(claim: Claim, before: DeliveryState, *, reason: str) -> Result:
    """The move of a claim back into the queue, which is no attempt."""
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        before,
        DeliveryState.QUEUED,
        attempts=claim.attempts,
        attempt=False,
        reason=reason,
    )
