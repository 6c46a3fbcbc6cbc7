"""Owns what a launch may come to where the campaign was launched before: what people may want, and what is refused."""

from __future__ import annotations

from enum import Enum

from mailtui.errors import UsageError
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.records import Counts


class Again(Enum):
    """What to do when the series has a campaign already and the message has changed since."""

    ASK = "ask"  # refuse, and say what the choices are
    NEW = "new"  # a new campaign to everybody on the list
    TOP_UP = "top_up"  # only those who are not in the earlier one, and those still waiting in it


class MessageChanged(UsageError):
    """The series was launched with another message, and nobody said what that means."""

    def __init__(self, earlier: LaunchedCampaign) -> None:
        super().__init__(
            f"The message has changed since {earlier.name} was launched as {earlier.id}",
            hint="Say --new to send this one to everybody on the list, "
            "or --top-up to send it only to those who did not get the earlier one",
        )
        self.earlier = earlier


class WasCancelled(UsageError):
    """The series was cancelled, and nobody said that this is to be a new send to everybody."""

    def __init__(self, earlier: LaunchedCampaign, counts: Counts) -> None:
        got = f"{counts.sent:,} had got it" if counts.sent else "nobody had got it"
        doubtful = f" and {counts.unknown:,} may have" if counts.unknown else ""
        super().__init__(
            f"{earlier.name} was cancelled ({earlier.id}): {got}{doubtful}, {counts.cancelled:,} had not",
            detail=f"Who got it: mailtui report {earlier.id} --only sent",
            hint="To send it to the others, write them to a list of their own, name that one as the source in the "
            f"campaign, and run it with --new:\n"
            f"mailtui report {earlier.id} --only cancelled --original --format csv --out rest.csv\n"
            "With the list as it is, --new sends it to everybody, also those who got it",
        )
        self.earlier = earlier


class NotFinished(UsageError):
    """A new campaign was asked for while one with this very message is under way: many would get it twice."""

    def __init__(self, earlier: LaunchedCampaign) -> None:
        super().__init__(
            f"{earlier.name} was launched with this very message ({earlier.id}), and is not finished",
            detail="A new campaign would send it a second time to everybody who has got it, or will.",
            hint=f"Go on with that one: mailtui resume {earlier.id}. Or stop it first: mailtui cancel {earlier.id}",
        )


class OtherTimes(UsageError):
    """A campaign whose recipients have times of their own cannot be put to another time: those are on record by row."""

    def __init__(self, earlier: LaunchedCampaign) -> None:
        super().__init__(
            f"{earlier.name} was launched for another time ({earlier.id}), and its recipients have times of their own",
            detail="Nothing was changed, and nobody was added.",
            hint=f"End it: mailtui cancel {earlier.id}\nThen launch it anew: mailtui run CAMPAIGN --new --at WHEN",
        )


class BeingSent(UsageError):
    """What a running campaign is sent through, or says, cannot be changed under its runner."""

    def __init__(self, running: LaunchedCampaign, what: str) -> None:
        super().__init__(
            f"{running.name} is being sent at the moment ({running.id}), and {what} since it was launched",
            detail="Nothing was changed, and nobody was added.",
            hint=f"Run it again when it has finished, or pause it first: mailtui pause {running.id}",
        )
