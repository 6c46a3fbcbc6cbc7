"""Owns the sections `webhooks:` and `notify:` of the settings: who is told what became of a campaign, and how."""

from __future__ import annotations

from typing import Annotated

import pydantic

from mailtui.kit.validation import Spec
from mailtui.outbox.notices import USUAL_EVENTS, Event, Hook
from mailtui.report.addresses import safe_url, server_of


class WebhookSpec(Spec):
    """One entry of `webhooks:`. Its secret is never here."""

    url: str = pydantic.Field(description="Where it is posted to: https://… (http:// goes for this machine only).")
    events: Annotated[tuple[Event, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        default=USUAL_EVENTS, description="What it is told of."
    )

    @pydantic.field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        return safe_url(url)

    def hook(self, name: str) -> Hook:
        """What is kept of it with a campaign: not the whole address, since its path may be a secret."""
        return Hook(name, server_of(self.url), tuple(dict.fromkeys(self.events)))


class NotifySpec(Spec):
    """`notify:`"""

    desktop: bool | None = pydantic.Field(
        default=None,
        description="Show on the desktop that a campaign has ended or is held; left out: after longer ones, on a "
        "desktop of this machine.",
    )
    terminal: bool | None = pydantic.Field(
        default=None,
        description="Ring at the terminal where a campaign is watched that has come to rest; left out: after longer "
        "ones.",
    )
