"""Owns what an entry of the suppression list means: how its key is written, for which campaigns it counts, and how a
person reads it.

Whoever asked to be left alone is left alone in any spelling of their address, so keys are compared in small letters.
They are made small here alone and never by a database, since SQLite's `lower` knows ASCII only.
"""

from __future__ import annotations

from datetime import UTC, datetime

EVERYBODY = ""
"""The scope that counts for every campaign."""
_LIST = "list:"
_CAMPAIGN = "campaign:"


def folded(key: str) -> str:
    """A key as the list has it."""
    return key.lower()


def domain_key(key: str) -> str:
    """The key under which all of an address's domain would be on the list."""
    return key[key.rfind("@") :]


def scope_of_list(name: str) -> str:
    """The scope of one list; of everybody where there is no name."""
    return f"{_LIST}{name}" if name else EVERYBODY


def scope_of_campaign(campaign: str) -> str:
    """The scope of one campaign, by its id."""
    return f"{_CAMPAIGN}{campaign}"


def list_of(scope: str) -> str | None:
    """The name of the list that a scope is of; None for another kind of scope."""
    return scope.removeprefix(_LIST) if scope.startswith(_LIST) else None


def campaign_of(scope: str) -> str | None:
    """The id of the campaign that a scope is of; None for another kind of scope."""
    return scope.removeprefix(_CAMPAIGN) if scope.startswith(_CAMPAIGN) else None


def scopes_for(list_name: str, campaign: str) -> tuple[str, ...]:
    """Every scope that counts for a campaign."""
    named = (scope_of_list(list_name),) if list_name else ()
    return (EVERYBODY, *named, scope_of_campaign(campaign))


def in_words(key: str, scope: str, reason: str, added_at: float) -> str:
    """Why somebody gets nothing, such as `on the suppression list since 2026-03-01: asked by mail`."""
    since = datetime.fromtimestamp(added_at, UTC).date().isoformat()
    whose = f"all of {key[1:]} is " if key.startswith("@") else ""
    if campaign_of(scope) is not None:
        return f"{whose}{reason}, since {since}"
    name = list_of(scope)
    where = f"on the suppression list of {name}" if name else "on the suppression list"
    return f"{whose}{where} since {since}" + (f": {reason}" if reason else "")
