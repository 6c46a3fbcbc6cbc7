"""Owns the names of what lists look like, for faces that annotate what they show."""

from __future__ import annotations

from mailtui.audience.audience import Audience
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.match import Explanation
from mailtui.audience.problem import RowProblem
from mailtui.audience.views import AudienceCounts, ListRow, RowView, about_alike
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.forecast import Planned
from mailtui.campaign.freeze import (
    Again,
    BeingSent,
    Launch,
    MessageChanged,
    NotFinished,
    NowSuppressed,
    WasCancelled,
)
from mailtui.message.rendered import RenderProblem
from mailtui.outbox.records import Campaign as LaunchedCampaign

__all__ = [
    "Again",
    "Audience",
    "AudienceCounts",
    "BeingSent",
    "CheckReport",
    "Explanation",
    "Finding",
    "Launch",
    "LaunchedCampaign",
    "ListRow",
    "MessageChanged",
    "NotFinished",
    "NowSuppressed",
    "Planned",
    "RenderProblem",
    "RowProblem",
    "RowView",
    "Understanding",
    "WasCancelled",
    "about_alike",
]
