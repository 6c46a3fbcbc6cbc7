"""Owns the words for pace, numbers and launches that faces share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mailtui.dispatch.plan import MAX_WORKERS
from mailtui.kit.rates import parse_rate, show_rate
from mailtui.kit.words import counted
from mailtui.outbox.records import Campaign
from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.gear import MAX_WINDOW

if TYPE_CHECKING:
    from mailtui.campaign.campaign import Campaign as CampaignFile
    from mailtui.campaign.forecast import Difference, Planned

__all__ = [
    "MAX_WINDOW",
    "MAX_WORKERS",
    "parse_rate",
    "show_difference",
    "show_from",
    "show_launch",
    "show_mails",
    "show_people",
    "show_rate",
    "show_server",
    "show_shares",
    "what_a_window_means",
    "why_no_mails",
]


def show_people(mails: int, copies: int) -> str:
    """To whom so many mails go, such as `34 recipients and 5 copies`."""
    people = counted(mails - copies, "recipient")
    return f"{people} and {counted(copies, 'copy', 'copies')}" if copies else people


def show_mails(planned: Planned) -> str:
    """What a launch would send, as far as it is not simply the list: `34 recipients and 5 copies: 39 mails`."""
    if planned.earlier is None:
        sent = show_people(planned.mails, planned.copies)
        return f"{sent}: {counted(planned.mails, 'mail')}" if planned.copies else f"{planned.mails:,}"
    copies = f" and {counted(planned.copies, 'copy', 'copies')}" if planned.copies else ""
    waiting = f", {planned.waiting:,} who still wait" if planned.waiting else ""
    return f"{planned.new:,} new{copies}{waiting}"


def show_shares(weights: Mapping[str, int]) -> dict[str, str]:
    """What part of the whole each of these has, such as `75 %`."""
    total = sum(weights.values())
    return {name: f"{100 * weight / total:.0f} %" for name, weight in weights.items()}


def show_server(endpoint: Endpoint) -> str:
    """Where it is, how the way there is protected, and the login."""
    if endpoint.security != "plain":
        protection = endpoint.security.upper()
    else:
        protection = "not encrypted, on this machine" if endpoint.is_loopback else "not encrypted"
    return f"{endpoint} ({protection}){f' as {endpoint.user}' if endpoint.user else ''}"


def show_from(campaign: CampaignFile) -> str:
    """Whom a campaign's mails are from: one, its accounts by turns, or as each row says."""
    if not campaign.senders:
        return campaign.spec.sender or "as each row says"
    shares = show_shares({sender.mailbox: sender.weight for sender in campaign.senders.taking_turns})
    turns = " or ".join(f"{mailbox} ({share})" for mailbox, share in shares.items())
    return f"{turns}, for each recipient always the same"


def what_a_window_means(window: int) -> str:
    """A sentence for whoever has chosen a window above 1; empty for 1."""
    if window == 1:
        return ""
    return (
        f"Faster to a server that is far away and offers CHUNKING; when something dies, up to {window} mails a "
        "connection may end unknown, not 1."
    )


def show_launch(campaign: Campaign) -> str:
    """Which launch it was, by id and moment: 2xfj2vpz, 22 Nov 01:39."""
    launched = time.localtime(campaign.launched_at or campaign.created_at)
    return f"{campaign.id}, {launched.tm_mday} {time.strftime('%b %H:%M', launched)}"


def show_difference(difference: Difference, new: int) -> list[str]:
    """What is not as it was at the earlier launch, a line each (C11); none where all is. `new`: how many are new."""
    lines = []
    if difference.first_new:
        more = new - len(difference.first_new)
        lines.append(f"new: {', '.join(difference.first_new)}" + (f" and {more:,} more" if more > 0 else ""))
    if difference.new_suppressed:
        lines.append(f"{counted(difference.new_suppressed, 'new one gets', 'new ones get')} nothing: suppressed")
    if difference.gone:
        parts = (
            (difference.gone_waiting, "still wait, and get it"),
            (difference.gone_sent, "have it already"),
            (difference.gone_other, "neither have it nor wait"),
        )
        lines.append(
            f"{difference.gone:,} not on the list any more: " + ", ".join(f"{n:,} {what}" for n, what in parts if n)
        )
    if difference.changed:
        lines.append(f"{difference.changed:,} who wait have another row now, and get it with the cells of then")
    if difference.former_senders:
        lines.append(f"some who wait hear from {', '.join(difference.former_senders)}, as chosen at its launch")
    if difference.suppressed:
        lines.append(f"{difference.suppressed:,} who waited are suppressed by now, and get nothing")
    return lines


def why_no_mails(planned: Planned) -> str:
    """Why a launch would send nothing, as the first half of a sentence."""
    counts = planned.counts
    if counts is None:
        return "Everybody on the list is on a list of those who get nothing"
    suppressed = counts.suppressed + planned.difference.new_suppressed
    if counts.sent + counts.suppressed != counts.total:
        return "Nobody is new on the list"
    return "Everybody on the list has it already" + (f", but for {suppressed:,} suppressed" if suppressed else "")
