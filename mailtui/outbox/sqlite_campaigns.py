"""Owns reading campaigns from an SQLite outbox, by whichever port asks."""

from __future__ import annotations

import json
from typing import Any

from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState

READ = statements("sqlite", "reader")


def campaign_from(row: tuple[Any, ...]) -> Campaign:
    """One row of the campaign statements as a value."""
    values = list(row)
    values[5] = CampaignState(values[5])
    values[7] = bool(values[7])
    values[11] = tuple(json.loads(values[11]))
    return Campaign(*values)
