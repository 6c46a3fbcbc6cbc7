"""Owns the words for pace, numbers and launches that faces share."""

from __future__ import annotations

import time

from mailtui.dispatch.plan import MAX_WORKERS, parse_rate, show_rate
from mailtui.outbox.records import Campaign

__all__ = ["MAX_WORKERS", "parse_rate", "show_launch", "show_rate"]


def show_launch(campaign: Campaign) -> str:
    """Which launch it was, by id and moment: 2xfj2vpz, 22 Nov 01:39."""
    launched = time.localtime(campaign.launched_at or campaign.created_at)
    return f"{campaign.id}, {launched.tm_mday} {time.strftime('%b %H:%M', launched)}"
