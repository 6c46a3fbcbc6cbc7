"""Owns the names of what lists look like, for faces that annotate what they show."""

from __future__ import annotations

from mailtui.audience.audience import Audience
from mailtui.audience.findings import ColumnType, Finding, Understanding
from mailtui.audience.match import Explanation
from mailtui.audience.problem import RowProblem
from mailtui.audience.recipient import GROUP_LIMIT
from mailtui.audience.sheets.ages import freshness
from mailtui.audience.sheets.link import is_link
from mailtui.audience.source import SheetCopy
from mailtui.audience.spec import COLUMN_TYPES, AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, ListView, RowView, Which, about_alike
from mailtui.campaign.again import Again, BeingSent, MessageChanged, NotFinished, WasCancelled
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.forecast import Planned
from mailtui.campaign.freeze import Launch
from mailtui.message.rendered import RenderProblem
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.service.list_trial import Beginning, EncodingSample, Places, Trial

__all__ = [
    "COLUMN_TYPES",
    "GROUP_LIMIT",
    "Again",
    "Audience",
    "AudienceCounts",
    "AudienceSpec",
    "Beginning",
    "BeingSent",
    "CheckReport",
    "ColumnType",
    "EncodingSample",
    "Explanation",
    "Finding",
    "Launch",
    "LaunchedCampaign",
    "ListRow",
    "ListView",
    "MessageChanged",
    "NotFinished",
    "Places",
    "Planned",
    "RenderProblem",
    "RowProblem",
    "RowView",
    "SheetCopy",
    "Trial",
    "Understanding",
    "WasCancelled",
    "Which",
    "about_alike",
    "freshness",
    "is_link",
]
