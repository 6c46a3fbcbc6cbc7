"""Owns the words for pace, numbers and launches that faces share."""

from __future__ import annotations

import time

from mailtui.dispatch.plan import MAX_WORKERS, parse_rate, show_rate
from mailtui.outbox.records import Campaign
from mailtui.smtp.gear import MAX_WINDOW

__all__ = ["MAX_WINDOW", "MAX_WORKERS", "parse_rate", "show_launch", "show_rate", "what_a_window_means"]


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
