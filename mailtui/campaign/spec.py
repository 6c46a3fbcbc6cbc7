"""Owns the campaign file's model: every room's own section, composed."""

from __future__ import annotations

from typing import Any

import pydantic

from mailtui.accounts.spec import InlineServerSpec
from mailtui.audience.spec import AudienceSpec
from mailtui.dispatch.spec import DispatchSpec
from mailtui.errors import Problem
from mailtui.kit.validation import Document
from mailtui.message.spec import MessageSpec

_LATER: tuple[tuple[str, ...], ...] = (
    ("schedule",),
    ("dispatch", "limits"),
)
"""Keys that the campaign file is to have, and this version does not carry out. They are refused, never ignored."""


class CampaignSpec(MessageSpec):
    """A campaign as its file says it."""

    name: str = pydantic.Field(min_length=1, max_length=200, description="What people call it.")
    account: str | None = pydantic.Field(default=None, description="An account of the settings to send as.")
    smtp: InlineServerSpec | None = pydantic.Field(default=None, description="A relay without a login, inline.")
    audience: AudienceSpec
    dispatch: DispatchSpec = DispatchSpec()

    @pydantic.model_validator(mode="after")
    def _one_server(self) -> CampaignSpec:
        if self.account is not None and self.smtp is not None:
            raise ValueError("account and smtp are both given; a campaign is sent through one of them")
        return self


def later_problems(document: Document) -> list[Problem]:
    """What the file asks for that this version cannot do."""
    return [
        Problem(document.place(loc), "this version does not support it yet.", "Leave it out.")
        for loc in _LATER
        if _at(document.data, loc[:-1]) is not None and loc[-1] in _at(document.data, loc[:-1])
    ]


def without_later(data: Any) -> Any:
    """The data without those keys, so that each is told once."""
    if not isinstance(data, dict):
        return data
    kept = {key: value for key, value in data.items() if (key,) not in _LATER}
    if isinstance(kept.get("dispatch"), dict):
        kept["dispatch"] = {key: value for key, value in kept["dispatch"].items() if ("dispatch", key) not in _LATER}
    return kept


def _at(data: Any, loc: tuple[str, ...]) -> Any:
    for key in loc:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else None
