"""Owns the campaign file's model: every room's own section, composed."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import pydantic

from mailtui.accounts.spec import InlineServerSpec
from mailtui.audience.spec import AudienceSpec
from mailtui.dispatch.spec import DispatchSpec
from mailtui.message.own_cells import SENT_AS
from mailtui.message.spec import MessageSpec
from mailtui.schedule.checking import check_schedule
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.spec import ScheduleSpec


def _weighted(value: Any) -> Any:
    """A list of names as the map that it stands for."""
    if isinstance(value, str):
        return {value: None}
    if not isinstance(value, list):
        return value
    twice = next((name for nth, name in enumerate(value) if name in value[:nth]), None)
    if twice is not None:
        raise ValueError(f"{twice} is named twice; its share is said by a weight: {{{twice}: 2, …}}")
    if not all(isinstance(name, str) for name in value):
        raise ValueError("names of accounts are expected here: [acme, backup], or with weights: {acme: 3, backup: 1}")
    return dict.fromkeys(value)


Weight = Annotated[int, pydantic.Field(ge=1, le=100)]
Accounts = Annotated[
    dict[str, Weight | None],
    pydantic.BeforeValidator(_weighted, json_schema_input_type=str | tuple[str, ...] | dict[str, Weight | None]),
]
"""Accounts by name, with their weights; None for that of the settings."""


class CampaignSpec(MessageSpec):
    """A campaign as its file says it."""

    name: str = pydantic.Field(min_length=1, max_length=200, description="What people call it.")
    account: str | None = pydantic.Field(default=None, description="An account of the settings to send as.")
    accounts: Accounts | None = pydantic.Field(
        default=None,
        min_length=1,
        description="Several of them to send through together: a list of names, or names with weights.",
    )
    smtp: InlineServerSpec | None = pydantic.Field(default=None, description="A relay without a login, inline.")
    audience: AudienceSpec
    dispatch: DispatchSpec = DispatchSpec()
    schedule: ScheduleSpec | None = pydantic.Field(
        default=None, description="When it is sent, once or again and again; left out, as soon as it is launched."
    )

    @pydantic.model_validator(mode="after")
    def _one_server(self) -> CampaignSpec:
        given = [key for key in ("account", "accounts", "smtp") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given together; a campaign is sent through one of them")
        if SENT_AS in self.audience.columns.values():
            raise ValueError(f"audience.columns names {SENT_AS}, which is no column of a list; it needs another name")
        whole = self.whole_schedule()
        if self.schedule is not None or whole != Schedule():
            check_schedule(whole)
        return self

    def whole_schedule(self) -> Schedule:
        """When it is sent, with the columns that say so for each row; not settled yet."""
        said = Schedule() if self.schedule is None else self.schedule.schedule()
        columns = self.audience.columns
        return dataclasses.replace(
            said, zone_column=columns.get("timezone", ""), send_at_column=columns.get("send_at", "")
        )

    @property
    def account_names(self) -> tuple[str, ...]:
        """The accounts of the settings that it is sent through; none where it names a server itself."""
        return (self.account,) if self.account is not None else tuple(self.accounts or ())
