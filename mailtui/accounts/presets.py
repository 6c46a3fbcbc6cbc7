"""Owns what is known of providers: their servers, logins and quotas, as data (presets.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

from mailtui.smtp.endpoint import Security

REGION = "{region}"
"""What stands in the host of a provider that has one a region."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider. `host` is empty where everybody has their own, and holds `{region}` where it has one a region.

    `user` is the login name where all customers have the same; `user_hint` and `secret_hint` say what else to give.
    Quotas are mails in a rolling hour and day, None where there is none to name. `page` is the provider's own.
    """

    name: str
    title: str
    host: str
    port: int
    security: Security
    page: str
    login: bool = True
    user: str = ""
    user_hint: str = ""
    secret_hint: str = ""
    oauth: str = ""
    connections: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def regional(self) -> bool:
        """Whether it has a server in each region."""
        return REGION in self.host

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**asdict(self), "security": str(self.security), "notes": list(self.notes)}

    def settings(self) -> dict[str, Any]:
        """What it says of an account, as the settings file would: the values that an account need not give."""
        limits = {key: value for key, value in (("per_hour", self.per_hour), ("per_day", self.per_day)) if value}
        host = "" if self.regional else self.host
        said = {"host": host, "user": self.user, "connections": self.connections, "limits": limits}
        return {"port": self.port, "security": self.security.value} | {key: said[key] for key in said if said[key]}


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by its name, in the order to show them."""
    text = resources.files(__package__).joinpath("presets.toml").read_text("utf-8")
    return {name: _preset(name, said) for name, said in tomllib.loads(text).items()}


def _preset(name: str, said: Mapping[str, Any]) -> Preset:
    values = {**said, "security": Security(said["security"]), "notes": tuple(said.get("notes", ()))}
    return Preset(name=name, **values)
