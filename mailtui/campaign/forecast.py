"""Owns saying before a launch how many mails it would really send: to people who are new, and to those who wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mailtui.campaign.freeze import Again, Freezing, to_add_to
from mailtui.campaign.suppression import LeftOut, open_left_out
from mailtui.outbox.ports import Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.records import Counts
from mailtui.outbox.states import CampaignState

_STEP = 1_000


@dataclass(frozen=True, slots=True)
class Planned:
    """What a launch would send, as things stand now.

    `new`: people on the list who are in no campaign it would add to, and on no list of those who get nothing.
    `earlier`: the campaign it would add to, None for a new one; `counts` are that one's.
    """

    new: int
    earlier: LaunchedCampaign | None = None
    counts: Counts | None = None

    @property
    def waiting(self) -> int:
        """How many wait in the earlier campaign, and would be sent to, too."""
        return self.counts.open if self.counts is not None else 0

    @property
    def sent(self) -> int:
        """How many of the earlier campaign have it already."""
        return self.counts.sent if self.counts is not None else 0

    @property
    def mails(self) -> int:
        """How many would go out."""
        return self.new + self.waiting

    @property
    def nothing_to_do(self) -> bool:
        """The earlier campaign is through, and nobody is new on the list."""
        return self.mails == 0 and self.earlier is not None and self.earlier.state is CampaignState.FINISHED


async def forecast(freezing: Freezing, reader: Reader | None, again: Again) -> Planned:
    """Count what `freeze` would send; `reader` None where there is no outbox yet. Memory stays flat.

    Raises `MessageChanged`, `WasCancelled`, `NotFinished`.
    """
    earlier = await to_add_to(freezing, await _latest(freezing, reader), reader, again)
    with open_left_out(freezing.campaign, freezing.cache) as left_out:
        new = 0
        keys = _keys(freezing, left_out)
        while part := list(islice(keys, _STEP)):
            new += len(part) - (0 if earlier is None or reader is None else await reader.known(earlier.number, part))
    if earlier is None or reader is None:
        return Planned(new)
    return Planned(new, earlier, await reader.counts(earlier.number))


async def _latest(freezing: Freezing, reader: Reader | None) -> LaunchedCampaign | None:
    """The latest of the series but for drafts, which are launches that died: freezing throws them away."""
    if reader is None:
        return None
    series = [item for item in await reader.campaigns() if item.series == freezing.campaign.series]
    launched = [item for item in series if item.state is not CampaignState.DRAFT]
    return max(launched, key=lambda item: item.occurrence, default=None)


def _keys(freezing: Freezing, left_out: LeftOut) -> Iterator[str]:
    return (item.key for item in freezing.audience.recipients() if not left_out.holds(item.key))
