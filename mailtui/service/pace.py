"""Owns how a launched campaign is to be sent, for faces that show and change it."""

from __future__ import annotations

from mailtui.dispatch.plan import SendPlan
from mailtui.service.views import CampaignView


def plan_of(view: CampaignView) -> SendPlan:
    """Workers, rate and the rest, as they are set now."""
    return SendPlan.from_json(view.campaign.plan)
