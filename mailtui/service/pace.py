"""Owns how a launched campaign is to be sent, for faces that show and change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mailtui.dispatch.plan import SendPlan
from mailtui.errors import UsageError
from mailtui.kit.rates import show_rate
from mailtui.service.views import CampaignView
from mailtui.smtp.limits import NO_LIMITS
from mailtui.smtp.limits_text import changed_by, in_words


def plan_of(view: CampaignView) -> SendPlan:
    """Workers, rate and the rest, as they are set now."""
    return SendPlan.from_json(view.campaign.plan)


def require_limits(typed: Mapping[str, str]) -> None:
    """Raises ValueError with a sentence for limits of a campaign, by name, that cannot be set."""
    changed_by(replace(NO_LIMITS, min_gap=1.0) if "jitter" in typed else NO_LIMITS, typed)


def with_limits(plan: SendPlan, typed: Mapping[str, str]) -> dict[str, object]:
    """What to order for a plan to have these limits as well, by name; an empty text takes one away.

    Raises `UsageError`.
    """
    try:
        return {"limits": changed_by(plan.limits, typed).as_said()} if typed else {}
    except ValueError as error:
        raise UsageError(f"These limits cannot be set: {error}") from error


def pace_in_words(plan: SendPlan) -> str:
    """The pace and limits of a campaign, for people."""
    return in_words(plan.all_limits) or show_rate(None)
