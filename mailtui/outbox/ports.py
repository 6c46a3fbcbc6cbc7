"""Owns what an outbox must be able to do, whatever engine keeps it.

Three ports, because three parties use it and none may do another's work: a face reads (`Reader`) and
launches or gives orders (`Desk`); a runner alone moves deliveries (`Ledger`). The contract tests run
the same body over every implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from mailtui.outbox.amendments import Correction, Resolution
from mailtui.outbox.records import (
    AccountRest,
    Campaign,
    Claim,
    Counts,
    DeliveryRow,
    IntakeRow,
    Mark,
    NewCampaign,
    NewDelivery,
    NewSuppression,
    Order,
    ProgressSnapshot,
    Recovery,
    Redo,
    Result,
    RunnerRow,
    Step,
    Suppression,
)
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind
from mailtui.outbox.timed_ports import TimedDesk, TimedLedger, TimedReader
from mailtui.outbox.timed_records import NewNotice


class Reader(TimedReader, Protocol):
    """Reads, and never changes anything."""

    async def campaigns(self) -> list[Campaign]: ...
    async def campaign(self, prefix: str) -> Campaign:
        """The one campaign whose id starts with `prefix`. Raises `UnknownCampaign`."""
        ...

    async def latest_of_series(self, series: str) -> Campaign | None: ...
    def comparison(self, campaign: int) -> Comparison:
        """Hold a list against the campaign, a part at a time."""
        ...

    async def message(self, digest: str) -> bytes: ...
    async def editions(self, campaign: int) -> dict[int, str]:
        """The digests of the messages a campaign has had, by their numbers from 1."""
        ...

    async def counts(self, campaign: int) -> Counts: ...
    async def snapshot(self, campaign: int) -> ProgressSnapshot | None: ...
    async def runners(self) -> list[RunnerRow]: ...
    async def deliveries(
        self, campaign: int, *, states: Sequence[DeliveryState] = (), after: int = 0, limit: int = 1000
    ) -> list[DeliveryRow]:
        """A page of deliveries in the order of their ids, those with an id above `after`."""
        ...

    async def page_starts(self, campaign: int, size: int, *, states: Sequence[DeliveryState] = ()) -> list[int]:
        """For every page of `size` deliveries the id of its first one, so that any page can be turned to."""
        ...

    async def find(self, campaign: int, *, row: int | None = None, key: str | None = None) -> list[DeliveryRow]:
        """The deliveries of a row of the list, or the one with this key, be it the list's or a correction."""
        ...

    async def recipients_of_row(self, campaign: int, row: int) -> list[tuple[str, str]]:
        """(key, address) of everybody who was sent to as this row of the list; several, where the list was changed
        between two launches, or a mail has copies.
        """
        ...

    async def copies_to(self, campaign: int, address: str) -> list[DeliveryRow]:
        """The first copies that go to an address. Reads all of the campaign: for a single question of a person's."""
        ...

    async def resolutions(self, deliveries: Sequence[int]) -> list[Resolution]:
        """What people said about these deliveries, the oldest first."""
        ...

    async def corrections(self, campaign: int) -> list[Correction]:
        """The addresses that people put in place of the list's, the oldest first."""
        ...

    async def intake(self, campaign: int, *, after: int = 0, limit: int = 1000) -> list[IntakeRow]: ...
    async def intake_counts(self, campaign: int) -> dict[str, int]: ...
    async def next_try(self, campaign: int) -> float | None:
        """When the first of those who are deferred is tried again, in epoch seconds; None when nobody is."""
        ...

    async def next_due(self, campaign: int) -> float | None:
        """When the first of those who wait is due, tried before or not, in epoch seconds; 0 or past means now."""
        ...

    async def failures(self, campaign: int, limit: int) -> list[tuple[str, int | None, str, int]]:
        """(state, code, text, how many) of what did not arrive, most frequent first."""
        ...

    async def answer(self, order: int) -> str | None:
        """What the runner answered to an order, or None while it has not. Steps of it may remain."""
        ...

    async def suppressions(
        self, scope: str | None = None, *, search: str = "", after: int = 0, limit: int = 1000
    ) -> list[Suppression]:
        """A page of the suppression list in the order of ids, those above `after`; of one scope, or (None) of all.

        `search`: only entries whose key has this in it, in any spelling.
        """
        ...

    async def suppression_counts(self) -> dict[str, int]:
        """How many entries each scope has; scopes without any are left out."""
        ...

    async def suppressed(self, keys: Sequence[str], scopes: Sequence[str]) -> dict[str, str]:
        """Which of these addresses are on record in these scopes, or their domain is, and why, in words."""
        ...

    async def suppression_grew(self, campaign: int) -> bool:
        """Whether there are entries that who waits in a campaign is held against only when their turn comes."""
        ...

    async def account_rests(self) -> list[AccountRest]:
        """The accounts that rest, also those whose time has come and that no runner has used since."""
        ...

    async def carried(self, campaign: int) -> dict[str, int]:
        """How many mails of a campaign were taken, by account; empty where it was not written down who carries them."""
        ...

    async def bounds(self, campaign: int) -> list[str]:
        """The From of those who wait in a campaign whose accounts take turns, each once."""
        ...

    def changed(self) -> bool:
        """Whether another connection has written since the last call. Cheap enough for ten times a second."""
        ...

    def close(self) -> None: ...


class Comparison(Protocol):
    """A list being held against a campaign; `add` all of it first, and `close` it. Copies go with their recipients,
    and are not asked for here.
    """

    def add(self, rows: Sequence[NewDelivery]) -> list[str]:
        """These are on the list; the keys of those whom the campaign does not have."""
        ...

    def gone(self) -> dict[DeliveryState, int]:
        """How many of the campaign are not on the list, by what became of their mail."""
        ...

    def changed(self) -> int:
        """How many still wait whose row has other cells than when they were added."""
        ...

    def waiting(self) -> Iterator[list[tuple[str, ...]]]:
        """Mails that still wait, in parts: for each, everybody of whom none may be on the suppression list."""
        ...

    def close(self) -> None: ...


class Desk(TimedDesk, Protocol):
    """What faces write: campaigns, recipients, intake and orders."""

    async def create_draft(self, campaign: NewCampaign, *, now: float) -> Campaign | None:
        """Insert it as a draft; None when its series already has that occurrence."""
        ...

    async def put_message(self, campaign: int, digest: str, message: bytes) -> None:
        """Store another message that a campaign is to have; who is added from now on belongs to it."""
        ...

    async def add(self, campaign: int, deliveries: Iterable[NewDelivery], *, now: float) -> int:
        """Add mails that the campaign does not have yet, in one transaction; how many were new.

        Those whose people are on the suppression list by then become `suppressed`. A copy stands behind the mail that
        it copies, and is added with it or not at all.
        """
        ...

    async def add_intake(self, campaign: int, rows: Iterable[IntakeRow]) -> None: ...
    async def go_live(
        self,
        campaign: int,
        *,
        actor: str,
        now: float,
        start_at: float | None = None,
        notices: Sequence[NewNotice] = (),
    ) -> None:
        """A draft becomes a running campaign, or one that is to begin at `start_at`, in one small transaction.

        Raises `OccurrenceTaken` where its recurrence has launched another one for its time, `RecurrenceChanged` where
        its time is not the next one of its recurrence any more, or that one rests; it stays a draft.
        """
        ...

    async def discard_draft(self, campaign: int, *, rows: int) -> bool:
        """Remove so many of a draft's rows, in one transaction, the draft with the last of them; whether it is gone.

        What is no draft stays, and counts as gone.
        """
        ...

    async def order(
        self, campaign: int, kind: OrderKind, arguments: dict[str, object], *, actor: str, now: float
    ) -> int: ...
    async def suppress(self, entries: Iterable[NewSuppression], *, actor: str, now: float) -> int:
        """Put these on the suppression list, in one transaction; how many were not on it. An older entry stays.

        Once this has returned, no message to them is written to its end any more, unless that had begun.
        """
        ...

    async def unsuppress(self, keys: Sequence[str], scope: str, *, actor: str, now: float) -> int:
        """Take these off the list of one scope; how many were on it. Who is settled as suppressed stays so."""
        ...

    def close(self) -> None: ...


class Ledger(TimedLedger, Protocol):
    """What the runner writes. Every move is conditional on state and fence."""

    async def sign_on(self, runner: RunnerRow) -> None: ...
    async def sign_off(self) -> None: ...
    async def recover(self, *, now: float) -> Recovery:
        """Requeue what a dead runner had claimed; what it had in flight becomes `unknown`.

        A pause that is longer than any was written by a clock that was ahead, and is over by then; what meters counted
        and accounts rest for counts from now where it is on record for later. Times of the wall stay what they are.
        """
        ...

    async def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds: so are the ends of pauses, and when patience began; times of
        the wall stay what they are.
        """
        ...

    async def active_campaigns(self) -> list[Campaign]: ...
    async def campaign(self, number: int) -> Campaign: ...
    async def message(self, digest: str) -> bytes: ...
    async def editions(self, campaign: int) -> dict[int, str]: ...
    async def counts(self, campaign: int) -> Counts: ...
    async def claim(
        self, campaign: int, limit: int, *, now: float, lease: float, bounds: Sequence[str] | None = None
    ) -> list[Claim]:
        """Take up to `limit` due deliveries for this runner: those first whose own time has come; while there are
        others that have not been tried, at most a quarter are retries.

        `bounds`: only those that are bound to one of these From; None: whoever is next.

        Those whose people were put on the suppression list meanwhile are settled as `suppressed` instead.
        """
        ...

    async def commit(
        self,
        marks: Sequence[Mark],
        results: Sequence[Result],
        snapshots: Sequence[tuple[int, ProgressSnapshot]],
        *,
        now: float,
    ) -> list[bool]:
        """Durably record all of it in one transaction; for each mark, whether it holds.

        A mark does not hold for somebody who is on the suppression list when the transaction begins. One that holds
        counts in its meters, and no other does.
        """
        ...

    @property
    def taken_out(self) -> set[int]:
        """Deliveries that were settled as suppressed after this runner had claimed them; their claims mean nothing.

        A hint that saves work: whoever has dropped such a claim removes it from the set.
        """
        ...

    async def next_due(self, campaign: int, *, bounds: Sequence[str] | None = None) -> float | None:
        """When the earliest waiting delivery is due, in epoch seconds; 0 or past means now. `bounds` as in `claim`."""
        ...

    async def cancel_waiting(self, campaign: int, limit: int, *, now: float) -> int:
        """Cancel up to `limit` deliveries whose last bytes cannot have been written; how many.

        One that waited to be sent for the second time is unknown again: its first copy may have arrived.
        """
        ...

    async def set_state(
        self,
        campaign: int,
        state: CampaignState,
        *,
        actor: str,
        now: float,
        reason: str = "",
        held: bool = False,
        resume_at: float | None = None,
        at_wall: bool = False,
        notices: Sequence[NewNotice] = (),
    ) -> None:
        """`resume_at` (epoch seconds): when it goes on by itself; every other change of state forgets it. `at_wall`:
        that is a time of the wall, and no pause. `notices` are to be delivered from then on.

        The first time that one runs which was to begin at some time is on record as when it did.
        """
        ...

    async def reschedule(
        self, campaign: int, start_at: float, *, actor: str, now: float, schedule: str | None = None
    ) -> bool:
        """One that has claimed nothing yet, and was not cancelled, is to begin at another time; False for any other.

        `schedule`: None for what it was.
        """
        ...

    async def set_terms(
        self,
        campaign: int,
        *,
        actor: str,
        now: float,
        plan: str | None = None,
        endpoint: str | None = None,
        message_digest: str | None = None,
        list: str | None = None,
        schedule: str | None = None,
    ) -> None:
        """Change what is given of how, through whom, what and when is sent, and of which list it is."""
        ...

    async def fix_encoding(self, campaign: int, encoding: str) -> str:
        """Store the encoding unless one is stored; the stored one."""
        ...

    async def bounds(self, campaign: int) -> list[str]:
        """Whom the mails are from that wait, where accounts take turns."""
        ...

    async def rest_account(self, rest: AccountRest) -> None:
        """Put on record that an account rests, in place of what was known of it."""
        ...

    async def account_rested(self, account: str) -> None:
        """An account is well, or was told to try at once."""
        ...

    async def account_rests(self) -> list[AccountRest]: ...
    async def open_orders(self) -> list[Order]: ...
    async def answer(self, order: Order, answer: str) -> None:
        """Tell who ordered it what it will come to; it stays open, since steps of it remain."""
        ...

    async def acknowledge(self, order: Order, answer: str, *, now: float) -> None:
        """It is carried out. An answer that was given already stays."""
        ...

    async def redo(self, order: Order, redo: Redo, limit: int, *, now: float) -> Step:
        """The next part of moves that a person ordered, over up to `limit` deliveries; done with it, the last.

        Only what was so when it was ordered is moved, each delivery once, however often runners die meanwhile.
        """
        ...

    def changed(self) -> bool:
        """Whether a face has written since the last call."""
        ...

    def tidy(self, *, at_once: bool = False) -> None:
        """Move what is durable out of the log, without waiting for anybody; `at_once` however little it is."""
        ...

    def close(self) -> None: ...
