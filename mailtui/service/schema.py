"""Owns the JSON Schema of the campaign file (JSON Schema 2020-12)."""

from __future__ import annotations

from typing import Any

from mailtui.campaign.spec import CampaignSpec


def campaign_schema() -> dict[str, Any]:
    """The schema as plain values."""
    schema = CampaignSpec.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "mailtui campaign"}
