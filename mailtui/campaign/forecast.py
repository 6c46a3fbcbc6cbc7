"""Owns saying before a launch how many mails it would really send: to people who are new, and to those who wait."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from mailtui.campaign.again import Again
from mailtui.campaign.extras import brings_copies
from mailtui.campaign.freeze import Freezing, to_add_to
from mailtui.campaign.mails import Mails, open_mails
from mailtui.campaign.suppression import NOBODY, LeftOut, open_left_out
from mailtui.outbox.copies import concerned
from mailtui.outbox.ports import Comparison, Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.records import Counts, NewDelivery
from mailtui.outbox.states import OPEN_STATES, CampaignState, DeliveryState
from mailtui.outbox.suppression import scopes_for

_STEP = 1_000
_FIRST = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """How the list, and who gets nothing, differ from when the campaign was launched (C11).

    `first_new` are the first of the new people who get it, `new_suppressed` how many are new and get nothing. Of those
    who are not on the list any more, `gone_waiting` still wait and get it, `gone_sent` have it, `gone_other` are
    settled otherwise. `changed` still wait, and get it with the cells that their row had then. `suppressed` waited,
    and get nothing now. `former_senders` are whom some who wait hear from, and which none of the accounts is from now.
    """

    first_new: tuple[str, ...] = ()
    new_suppressed: int = 0
    gone_waiting: int = 0
    gone_sent: int = 0
    gone_other: int = 0
    changed: int = 0
    suppressed: int = 0
    former_senders: tuple[str, ...] = ()

    @property
    def gone(self) -> int:
        """How many are not on the list any more."""
        return self.gone_waiting + self.gone_sent + self.gone_other


@dataclass(frozen=True, slots=True)
class Planned:
    """What a launch would send, as things stand now.

    `new`: people on the list who are in no campaign it would add to, and on no list of those who get nothing; `copies`:
    copies of the mails to them. `earlier`: the campaign it would add to, None for a new one; `counts` and `difference`
    are that one's.
    """

    new: int
    earlier: LaunchedCampaign | None = None
    counts: Counts | None = None
    difference: Difference = Difference()
    copies: int = 0

    @property
    def waiting(self) -> int:
        """How many mails wait in the earlier campaign, copies among them, and would be sent, too."""
        return self.counts.open - self.difference.suppressed if self.counts is not None else 0

    @property
    def sent(self) -> int:
        """How many of the earlier campaign have it already."""
        return self.counts.sent if self.counts is not None else 0

    @property
    def mails(self) -> int:
        """How many would go out."""
        return self.new + self.copies + self.waiting

    @property
    def nothing_to_do(self) -> bool:
        """The earlier campaign is through, and nobody is new on the list."""
        return self.mails == 0 and self.earlier is not None and self.earlier.state is CampaignState.FINISHED

    def to_json(self) -> dict[str, Any]:
        """As `run --json` has it."""
        earlier = None if self.earlier is None else self.earlier.id
        numbers = {"new": self.new, "copies": self.copies, "waiting": self.waiting, "sent": self.sent}
        return {**numbers, "earlier": earlier, **asdict(self.difference)}


async def forecast(freezing: Freezing, reader: Reader | None, again: Again) -> Planned:
    """Count what `freeze` would send; `reader` None where there is no outbox yet. Memory stays flat.

    Raises `MessageChanged`, `WasCancelled`, `NotFinished`, `OtherTimes`.
    """
    earlier = await to_add_to(freezing, await _latest(freezing, reader), reader, again)
    list_name = freezing.campaign.spec.audience.list or ""
    scopes = scopes_for(list_name, earlier.id if earlier is not None else "")
    with (
        open_left_out(freezing.campaign, freezing.cache) as left_out,
        open_mails(freezing.campaign, freezing.audience, freezing.source, NOBODY, files=False) as mails,
    ):
        forecasting = _Forecasting(freezing, reader, left_out, mails, scopes)
        if earlier is None or reader is None:
            new, copies = await forecasting.everybody()
            return Planned(new, copies=copies)
        with closing(reader.comparison(earlier.number)) as comparison:
            new, copies, difference = await forecasting.difference(earlier, comparison)
        return Planned(new, earlier, await reader.counts(earlier.number), difference, copies)


@dataclass(frozen=True, slots=True)
class _Forecasting:
    """What counting goes by."""

    freezing: Freezing
    reader: Reader | None
    left_out: LeftOut
    mails: Mails
    scopes: tuple[str, ...]

    async def everybody(self) -> tuple[int, int]:
        """How many of the list would get it, and how many copies of theirs would go out."""
        number = copies = 0
        if brings_copies(self.freezing.source):
            rows = self.mails.of(self.freezing.audience.columns)
            while step := list(islice(rows, _STEP)):
                going = await self._going(step)
                copies += sum(row.copy_of is not None for row in going)
                number += sum(row.copy_of is None for row in going)
            return number, copies
        keys = (item.key for item in self.freezing.audience.recipients())
        while part := list(islice(keys, _STEP)):
            number += len(part) - len(await self._suppressed(part))
        return number, 0

    async def difference(self, earlier: LaunchedCampaign, comparison: Comparison) -> tuple[int, int, Difference]:
        """How many are new and would get it, how many copies of theirs go out, and what else is not as it was."""
        first: list[str] = []
        new = new_suppressed = suppressed = copies = 0
        rows = self.mails.of(earlier.columns)
        missing: set[str] = set()  # of the recipient whose copies stand in the next part, too
        while part := list(islice(rows, _STEP)):
            own = [row for row in part if row.copy_of is None]
            last = part[-1].key if part[-1].copy_of is None else part[-1].copy_of[0]
            missing |= set(comparison.add(own))
            going = await self._going([row for row in part if _of(row) in missing])
            mails = [row.key for row in going if row.copy_of is None]
            first += mails[: _FIRST - len(first)]
            new += len(mails)
            copies += len(going) - len(mails)
            new_suppressed += sum(row.key in missing for row in own) - len(mails)
            missing &= {last}
        if self.left_out or await self._any_entries():
            for waiting in comparison.waiting():
                found = await self._suppressed(list({name for names in waiting for name in names}))
                suppressed += sum(not found.isdisjoint(names) for names in waiting) if found else 0
        gone = comparison.gone()
        senders = {sender.mailbox for sender in self.freezing.campaign.senders.taking_turns}
        bounds = await self.reader.bounds(earlier.number) if self.reader is not None else []
        gone_waiting = sum(number for state, number in gone.items() if state in OPEN_STATES)
        gone_sent = gone.get(DeliveryState.SENT, 0)
        difference = Difference(
            first_new=tuple(first),
            new_suppressed=new_suppressed,
            gone_waiting=gone_waiting,
            gone_sent=gone_sent,
            gone_other=sum(gone.values()) - gone_waiting - gone_sent,
            changed=comparison.changed(),
            suppressed=suppressed,
            former_senders=tuple(bound for bound in bounds if bound not in senders),
        )
        return new, copies, difference

    async def _going(self, rows: list[NewDelivery]) -> list[NewDelivery]:
        """Those of these mails that nobody of theirs is suppressed for."""
        asked = [concerned(row.key, row.address, row.copy_of) for row in rows]
        found = await self._suppressed(list({name for names in asked for name in names}))
        return [row for row, names in zip(rows, asked, strict=True) if found.isdisjoint(names)] if found else rows

    async def _any_entries(self) -> bool:
        assert self.reader is not None
        return bool(await self.reader.suppressions(limit=1))

    async def _suppressed(self, keys: list[str]) -> set[str]:
        """Who of these gets nothing."""
        stored = {} if self.reader is None else await self.reader.suppressed(keys, self.scopes)
        return stored.keys() | self.left_out.reasons(keys).keys()


def _of(row: NewDelivery) -> str:
    """The key of the recipient whose mail it is, or is a copy of."""
    return row.key if row.copy_of is None else row.copy_of[0]


async def _latest(freezing: Freezing, reader: Reader | None) -> LaunchedCampaign | None:
    """The latest of the series but for drafts, which are launches that died: freezing throws them away."""
    if reader is None:
        return None
    series = [item for item in await reader.campaigns() if item.series == freezing.campaign.series]
    launched = [item for item in series if item.state is not CampaignState.DRAFT]
    return max(launched, key=lambda item: item.occurrence, default=None)
