"""Owns the names of what lists look like, for faces that annotate what they show."""

from __future__ import annotations

from mailtui.audience.audience import Audience
from mailtui.audience.match import Explanation
from mailtui.audience.views import AudienceCounts, RowView
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.freeze import Again, Launch, MessageChanged
from mailtui.message.rendered import RenderProblem

__all__ = [
    "Again",
    "Audience",
    "AudienceCounts",
    "CheckReport",
    "Explanation",
    "Launch",
    "MessageChanged",
    "RenderProblem",
    "RowView",
]
