"""Owns the claims of one campaign that wait in memory, and turning the next of them into a job.

Where there are render processes, claims go to them as long as they have room, and come back as mails; while none is
ready, the runner renders by itself. So nobody waits for the other, and the order of the rows is not kept.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from mailtui.audience.recipient import recipient_of
from mailtui.dispatch import results
from mailtui.dispatch.aside import Aside
from mailtui.dispatch.domain_room import DomainRoom, domain_of
from mailtui.dispatch.editions import ITSELF, Editions
from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.files_ahead import FilesAhead
from mailtui.dispatch.parking import Parking, gave_up
from mailtui.dispatch.renderers import Batch, Renderers
from mailtui.dispatch.rendering import Mail, Outcome, Overran, Row, files_of, own_bytes
from mailtui.dispatch.tools import Tools
from mailtui.dispatch.watchdog import Overrun
from mailtui.errors import Place
from mailtui.kit.words import size_in_words
from mailtui.message.compose import CompiledMessage
from mailtui.message.dkim import Signer
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import overrun_place
from mailtui.outbox.records import Campaign, Claim
from mailtui.outbox.states import DeliveryState
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.job import Job

LEASE = 30 * 60.0
AGAIN = 60.0
"""Seconds until the same recipient is asked again, at the earliest."""
_LARGEST_CLAIM = 500
_MEASURED = 16  # one render in so many
_NO_SMTPUTF8 = "the address has characters before the @ that this server does not take (no SMTPUTF8)"
_LARGE = 1024 * 1024  # bytes; a mail of so many is better rendered elsewhere
_AHEAD = 128  # rows with render processes, or rendered, beside one for each worker


class Supply:
    """Keeps enough claims at hand that no worker waits for the outbox."""

    def __init__(
        self,
        campaign: Campaign,
        message: CompiledMessage,
        tools: Tools,
        *,
        give_up_after: float,
        signer: Signer | None = None,
        former: Callable[[bytes], CompiledMessage],
        need: Callable[[], None],
        arrived: Callable[[], None],
        overran: Callable[[int, Place], None],
        aside: Aside,
    ) -> None:
        """`give_up_after`: seconds, not scaled, after which nothing is tried any more; `signer` signs every mail, None
        where nobody does; `former` compiles a message that the campaign had before; `need` is called when more should
        be claimed, `arrived` when there is a job again after there was none, `overran` with a row that takes too long
        to render, and where in the templates; after that, nothing more is rendered.
        """
        self._campaign = campaign.number
        self._columns = campaign.columns
        self._message = message
        self.give_up_after = give_up_after
        self._scale = tools.scale
        self._parking = Parking(wall=tools.wall, scale=tools.scale, arrived=arrived)
        self._signer = signer
        self._editions = Editions(campaign.number, message, tools, former)
        self._ledger = tools.ledger
        self._taken_out = tools.ledger.taken_out
        self._recorder = tools.recorder
        self._storage = tools.storage
        self._wall = tools.wall
        self._watchdog = tools.watchdog
        self._need = need
        self._arrived = arrived
        self._overran = overran
        self._aside = aside
        self.renderers = Renderers(
            campaign.columns,
            campaign.secret,
            campaign.id,
            seconds=tools.watchdog.seconds,
            signer=signer,
            arrived=self._have_more,
            returned=self._take_again,
        )
        self._ahead = FilesAhead(self._have_more)
        self.rendered_here = 0
        """How many mails the runner rendered by itself."""
        self.rendered = 0
        """How many there were in all."""
        self.cost = 0.0
        """Seconds of computing that the runner's own renders take, about."""
        self._stopped = False  # whether a row took too long
        self._missed = False  # whether somebody asked for a job while all claims were with render processes
        self._waiting: deque[Claim] = deque()
        self._batch = 64
        self.encoding: SentEncoding | None = None
        self.exhausted = False  # the last claim found fewer than were asked for

    def __len__(self) -> int:
        return self._at_hand + self._aside.size + self._parking.size

    @property
    def is_picky(self) -> bool:
        """Whether there are mails that not every account may carry, as far as has been seen."""
        return self._aside.size > 0 or self._aside.orphans

    @property
    def _at_hand(self) -> int:
        """Claims that are anybody's; those aside, and those whose domain has no room, keep nobody from having more."""
        return len(self._waiting) + len(self._ahead) + len(self.renderers)

    def size_for(self, workers: int, rate: float | None) -> None:
        """How many claims to keep: enough for the pace, few enough that little is held when something breaks."""
        wanted = workers * 64 if rate is None else max(workers, int(rate * 2))
        self._batch = max(workers, min(_LARGEST_CLAIM, wanted))
        self.renderers.most = min(_AHEAD + workers, max(1, self._batch // 2))

    @property
    def low(self) -> bool:
        return 2 * self._at_hand < self._batch

    async def refill(self, bounds: Sequence[str] | None) -> None:
        """Claim more, until there are enough or none is due; `bounds`: only of those with one of these From."""
        if not self.low or self.exhausted:
            return
        if bounds is not None:
            bounds = self._aside.not_crowded(bounds, self._batch)
        claims = await self._storage.patiently(
            lambda: self._ledger.claim(self._campaign, self._batch, now=self._wall(), lease=LEASE, bounds=bounds)
        )
        self.exhausted = len(claims) < self._batch
        await self._editions.find(claims)
        self._waiting.extend(claims)

    def all_too_large(self, capabilities: Capabilities) -> str:
        """Why a server takes no mail of the campaign, '' where it may: the files of everybody alone are too much."""
        size = self._message.files_size
        if not 0 < capabilities.size < size:
            return ""
        return (
            f"the files of every mail come to {size_in_words(size)} on their way, and the server takes no mail of more "
            f"than {size_in_words(capabilities.size)}. Leave some out, or link to them, and launch it as a new campaign"
        )

    def next_job(self, capabilities: Capabilities, outlet: int, room: DomainRoom) -> Job | None:
        """The next message for a server with these capabilities, or None when no claim is at hand for this outlet.

        A row that cannot be rendered fails alone, one whose domain has no room waits, and the next one is taken.
        """
        encoding = self.encoding
        while encoding is not None and (taken := self._take(outlet, room)) is not None:
            claim, outcome = taken
            if not self.exhausted and self.low:
                self._need()
            if self._taken_out and claim.id in self._taken_out:
                self._taken_out.remove(claim.id)
                continue
            if room and self._has_no_room(claim, outcome, room):
                continue
            if claim.bound and self._aside.is_for_another(claim, outcome, outlet):
                continue
            if outcome is None or encoding.differs_for(capabilities, outcome):
                outcome = self._render(claim, encoding, capabilities)
            if isinstance(outcome, Overran):
                self._waiting.appendleft(claim)
                self._stopped = True
                self._overran(claim.row, outcome.place)
                return None
            if isinstance(outcome, RenderProblem):
                place = f" ({outcome.place})" if str(outcome.place) else ""
                reason = f"not rendered: {outcome.reason}{place}"
                self._not_here(claim, reason, outlet, elsewhere=not capabilities.smtputf8)
            elif claim.copy_of is not None and not capabilities.smtputf8 and not claim.address.isascii():
                self._not_here(claim, _NO_SMTPUTF8, outlet)
            elif 0 < capabilities.size < len(outcome.data):
                # Not even announced (RFC 1870 section 6.3)
                reason = f"larger than the server takes: {len(outcome.data)} of {capabilities.size} bytes"
                self._not_here(claim, reason, outlet)
            else:
                return Job(outcome.sender, claim.address, outcome.data, capabilities, claim, dotless=outcome.dotless)
        self._missed = True
        if not self or (self.low and not self.exhausted):
            self._need()
        return None

    def _not_here(self, claim: Claim, reason: str, outlet: int, *, elsewhere: bool = True) -> None:
        """A server cannot take this mail; `elsewhere`: another account's may, perhaps later. If none does, it fails."""
        later = self._aside.passes_on(claim, outlet) if elsewhere else None
        if later is None or (later and self._is_too_old(claim)):
            self._recorder.record(results.not_rendered(claim, reason))
        elif later:
            self._recorder.record(results.put_off(claim, later, f"waits for another account: {reason}"))

    def _is_too_old(self, claim: Claim) -> bool:
        began = claim.date_at if claim.forgiven_at is None else claim.forgiven_at
        return self._wall() - began > self.give_up_after

    def _take(self, outlet: int, room: DomainRoom) -> tuple[Claim, Outcome | None] | None:
        """The next claim, with what became of it where a render process had it."""
        if self._parking.size and (parked := self._parking.take(room)) is not None:
            return parked
        if self._aside.size and (kept := self._aside.take(outlet)) is not None:
            if self._aside.has_thinned(self._batch // 2):
                self.exhausted = False
                self._need()
            return kept
        if self.renderers.processes:
            self._give_away()
        taken: tuple[Claim, Outcome | None] | None = self.renderers.take()
        if taken is None and (claim := self._next_here()) is not None:
            taken = claim, None
            self.rendered_here += 1
        self.rendered += taken is not None
        return taken

    def _next_here(self) -> Claim | None:
        """The next claim to be rendered here, one whose files need not be waited for."""
        claim = self._ahead.take()
        while self._waiting and not self._is_left_to_processes(self._waiting[0]):
            message = self._editions.sent_as(self._waiting[0])
            if not self._ahead.concerns(self._waiting[0], message):
                return claim or self._waiting.popleft()
            if self._ahead:
                break
            self._ahead.begin(self._waiting.popleft(), message)
        return claim

    def _is_left_to_processes(self, claim: Claim) -> bool:
        """Whether a mail is so large that rendering it here would keep everybody waiting, while processes are at it."""
        large = bool(claim.files) and own_bytes(claim.files) > _LARGE
        return large and self.renderers.processes > 0 and len(self.renderers) > 0

    def _render(self, claim: Claim, encoding: SentEncoding, capabilities: Capabilities) -> Outcome:
        transfer = encoding.transfer
        if transfer is TransferEncoding.EIGHT_BIT and not capabilities.eight_bit:
            transfer = TransferEncoding.QUOTED_PRINTABLE
        smtputf8 = capabilities.smtputf8  # it says what is taken, and changes no byte of what is
        began = time.thread_time() if self.rendered_here % _MEASURED == 0 else None
        try:
            rendered = self._watchdog.run(lambda: self._rendered(claim, transfer, smtputf8=smtputf8))
        except Overrun as overrun:
            return Overran(overrun_place(overrun))
        outcome = rendered if isinstance(rendered, RenderProblem) else self._signed(rendered)
        if began is not None:
            self.cost += (time.thread_time() - began - self.cost) / 8
        return outcome

    def _signed(self, rendered: RenderedMessage) -> Mail:
        data = rendered.data if self._signer is None else self._signer.signed(rendered.data, rendered.sender)
        return Mail(rendered.sender, data, rendered.dotless)

    def _rendered(self, claim: Claim, transfer: TransferEncoding, *, smtputf8: bool) -> RenderedMessage | RenderProblem:
        key, address = claim.copy_of or (claim.key, claim.address)
        recipient = recipient_of(self._columns, key, claim.row, address, claim.fields, claim.more)
        added_with = self._editions.added_with(claim)
        message = self._editions.sent_as(claim)
        return message.render(
            recipient,
            date=claim.date_at,
            encoding=transfer,
            smtputf8=smtputf8,
            message_id=None if added_with is message else added_with.message_id(recipient),
            files=claim.files,
        )

    # render processes

    def _give_away(self) -> None:
        """Let render processes have as many claims as they have room for."""
        while not self._stopped and self.encoding is not None and self._waiting and (room := self.renderers.room):
            claims = self._next_claims(room)
            if not claims:
                return
            rows: list[Row] = []
            messages: dict[int, CompiledMessage] = {}
            for claim in claims:
                number, named_by = self._editions.numbers(claim)
                cells = (claim.fields, claim.more)
                key, address = claim.copy_of or (claim.key, claim.address)
                rows.append((key, claim.row, address, *cells, claim.date_at, number, named_by, files_of(claim.files)))
                messages[number] = self._editions.of(number)
                if named_by != ITSELF:
                    messages[named_by] = self._editions.of(named_by)
            self.renderers.give(Batch(claims, rows, messages, self.encoding))

    def _next_claims(self, most: int) -> list[Claim]:
        """As many as a process should be given at once, and fewer where they have large files of their own."""
        claims: list[Claim] = []
        size = 0
        while self._waiting and len(claims) < most:
            size += own_bytes(self._waiting[0].files)
            if size and not self.renderers.has_room_for(size, beside=len(claims)):
                break
            claims.append(self._waiting.popleft())
        return claims

    def _have_more(self) -> None:
        """Mails came from a render process, or it began to take rows."""
        self._give_away()
        if self._missed:
            self._missed = False
            self._arrived()

    def _take_again(self, claims: Sequence[Claim]) -> None:
        """No render process has these any more."""
        self._waiting.extendleft(reversed(claims))
        self._have_more()

    def _has_no_room(self, claim: Claim, outcome: Outcome | None, room: DomainRoom) -> bool:
        """Whether the recipient's domain can have no mail of this account now; then it waits, at hand or on record."""
        domain = domain_of(claim.key)
        wait = room.wait(domain, self._wall())
        if wait is None:
            return False
        if self._is_given_up(domain, room):
            self._recorder.record(results.put_off(claim, None, gave_up(domain)))
        elif self._parking.keeps(claim, outcome, domain, wait, room):
            if self._parking.size == 1:
                self._need()  # from now on, rows of the domain come due one by one
        else:
            self._recorder.record(results.put_off(claim, self._parking.due(domain, wait, room), wait.reason))
        return True

    def _is_given_up(self, domain: str, room: DomainRoom) -> bool:
        return room.refuses_for(domain) > self.give_up_after

    def due_again(self, domain: str, room: DomainRoom) -> float | None:
        """When a mail is due again that its domain would not have yet, in epoch seconds; None to give it up."""
        if self._is_given_up(domain, room):
            return None
        now = self._wall()
        wait = room.wait(domain, now)
        soonest = now + AGAIN * self._scale
        return soonest if wait is None else max(soonest, self._parking.due(domain, wait, room))

    def look_parked(self) -> None:
        """A domain may have room again."""
        self._parking.look()

    @property
    def parks(self) -> bool:
        """Whether mails wait here for their domain's room."""
        return self._parking.size > 0

    def put_back(self, claim: Claim) -> None:
        """A claim whose message was not sent, to be taken again after those that wait: it may be why."""
        self._waiting.append(claim)

    def look_aside(self) -> None:
        """Other accounts can be used than before: nobody waits for one that cannot."""
        for claim in self._aside.take_stranded():
            if claim.bound:
                self._recorder.record(results.requeued(claim, DeliveryState.CLAIMED))
            else:
                self._waiting.append(claim)

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds; nobody's patience is shorter for it."""

        def moved(claim: Claim) -> Claim:
            return claim._replace(forgiven_at=by + (claim.date_at if claim.forgiven_at is None else claim.forgiven_at))

        self._waiting = deque(moved(claim) for claim in self._waiting)
        self._ahead.change(moved)
        self._aside.change(moved)
        self._parking.change(moved)
        self.renderers.change(moved)

    def drop(self) -> None:
        """Forget the claims: they were cancelled in the outbox."""
        self._waiting.clear()
        self._aside.drop()
        self._parking.drop()
        self._ahead.drop()
        self.renderers.drop()

    def release(self) -> None:
        """Give all claims back to the outbox."""
        here = (*self._waiting, *self._aside.drop(), *self._parking.drop())
        for claim in (*self.renderers.drop(), *self._ahead.drop(), *here):
            self._recorder.record(results.requeued(claim, DeliveryState.CLAIMED))
        self._waiting.clear()
