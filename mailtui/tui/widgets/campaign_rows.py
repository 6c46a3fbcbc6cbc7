"""Owns how a campaign stands in a line of a table, and in the sentences below it."""

from __future__ import annotations

import time

from mailtui.kit.words import counted, sentence
from mailtui.service.advice import how_on, sooner_by_key
from mailtui.service.terms import show_people
from mailtui.service.views import CampaignView
from mailtui.tui.states import campaign_look, last_heard
from mailtui.tui.text import from_home, plain
from mailtui.tui.widgets.table import Column, Row

COLUMNS = (
    Column("state", "State", 12),
    Column("name", "Campaign"),
    Column("sent", "Sent", 8, right=True),
    Column("failed", "Failed", 7, right=True),
    Column("unknown", "Unknown", 7, right=True),
    Column("audience", "Of", 9, right=True, least=70),
    Column("launched", "Launched", 13, right=True, least=96),
)


def campaign_row(view: CampaignView) -> Row:
    counts = view.counts
    look = campaign_look(view)
    return (
        look.content,
        plain(view.name, "bold" if view.active else ""),
        plain(f"{counts.sent:,}"),
        plain(f"{counts.failed:,}", "$text-error" if counts.failed else "$text-muted"),
        plain(f"{counts.unknown:,}", "$text-warning" if counts.unknown else "$text-muted"),
        plain(f"{counts.total:,}"),
        plain(_when(view.campaign.launched_at), "$text-muted"),
    )


def _when(at: float | None) -> str:
    """A moment of this year with its time, another with its year."""
    if at is None:
        return ""
    moment, today = time.localtime(at), time.localtime()
    return time.strftime("%d %b %H:%M" if moment.tm_year == today.tm_year else "%d %b %Y", moment)


def campaign_detail(view: CampaignView) -> str:
    """What is worth knowing about one campaign, and what can be done."""
    if view.lost:
        said = f"Lost: no process sends it any more, last heard of {last_heard(view)}. r goes on."
    elif view.silence:
        said = f"{from_home(view.silence)} enter watches it."
    elif view.begins:
        said = f"Scheduled: it {view.begins}. enter shows it among what is to come."
    elif view.resumes:
        said = f"Paused: {sentence(view.reason)} It {view.resumes}. {sooner_by_key(view.reason)}".rstrip()
    elif view.state == "paused":
        said = (
            f"Paused: {sentence(view.reason)} {how_on(view.campaign)}" if view.reason else "Paused. r goes on with it."
        )
        said = f"{said} {view.some_suppressed}".rstrip()
    elif view.active and view.waits:
        said = f"{sentence(view.note[:1].upper() + view.note[1:])} It {view.waits}. enter watches it."
    elif view.active:
        said = "enter watches it."
    elif view.counts.unknown:
        mails = counted(view.counts.unknown, "mail")
        said = f"{mails} may or may not have arrived. enter shows which."
    else:
        said = "enter shows what became of every recipient."
    at = _when(view.campaign.launched_at)
    of = show_people(view.counts.total, view.campaign.copies)
    return f"{view.id}  {view.name}, {of}{', launched ' if at else ''}{at}\n{said}"
