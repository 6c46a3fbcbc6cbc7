"""Owns limits as a line of text: in words for people, and as one types them into a field or behind an option.

A limit that has parts is typed as `100, 10m` (a batch and its rest), `50, 1.5, 5000` (a warm-up's first day, factor and
cap, and perhaps its first day's date), `gmail.com 5/s, example.org 100/h` (the pace of domains).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pydantic

from mailtui.kit.durations import show_duration
from mailtui.kit.rates import show_rate
from mailtui.kit.validation import expected, shown
from mailtui.smtp.limits import NO_LIMITS, Limits
from mailtui.smtp.limits_spec import CampaignLimitsSpec

NUMBERS = ("burst", "per_minute", "per_hour", "per_day", "per_connection", "connections")
"""Limits that are a whole number."""
OF_A_CAMPAIGN = (
    "per_minute",
    "per_hour",
    "per_day",
    "min_gap",
    "jitter",
    "batch",
    "per_connection",
    "connections",
    "per_domain",
)
"""What a campaign may be given beside its rate and burst, by name."""
_SHAPES = {"batch": "100,10m", "per_domain": "gmail.com 5/s"}
IN_THE_FILE = "as the settings file says"
"""Stands for limits of domains that have more parts than a field can show."""


def in_words(limits: Limits) -> str:
    """For people, such as `10/s, 500/h, 2,000/day, 30 s between two`; empty where nothing is said."""
    windows = ((limits.per_minute, "min"), (limits.per_hour, "h"), (limits.per_day, "day"))
    said = [show_rate(limits.rate)] if limits.rate is not None else []
    said += [f"{limits.burst:,} at once"] if limits.rate is not None and limits.burst > 1 else []
    said += [f"{number:,}/{unit}" for number, unit in windows if number is not None]
    if limits.min_gap:
        longer = f" to {show_duration(limits.min_gap * (1 + limits.jitter))}" if limits.jitter else ""
        said.append(f"{show_duration(limits.min_gap)}{longer} between two")
    if limits.batch is not None:
        said.append(f"{show_duration(limits.batch.rest)} of rest after {limits.batch.size:,}")
    if limits.per_connection is not None:
        said.append(f"{limits.per_connection:,} a connection")
    if limits.connections is not None:
        said.append(f"{limits.connections} at the same time")
    if limits.warm_up is not None:
        warm_up = limits.warm_up
        said.append(f"warm-up from {warm_up.start:,} a day by {warm_up.factor:g} to {warm_up.cap:,}")
    said += [f"{domain} {in_words(of_domain)}" for domain, of_domain in limits.per_domain]
    return ", ".join(said)


def typed(name: str, text: str) -> Any:
    """What a text that somebody typed for a limit is in a file; as it is where it makes no sense, for its error."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if name in NUMBERS:
        return _number(text)
    if name == "jitter":
        return _decimal(text)
    if name == "batch" and len(parts) == 2:
        return {"size": _number(parts[0]), "rest": parts[1]}
    if name == "warm_up" and len(parts) in (3, 4):
        start, factor, cap, *since = parts
        said = {"start": _number(start), "factor": _decimal(factor), "cap": _number(cap)}
        return {**said, "since": since[0]} if since else said
    if name == "per_domain":
        pairs = [part.replace("=", " ").rsplit(None, 1) for part in parts]
        return {pair[0]: pair[1] for pair in pairs} if all(len(pair) == 2 for pair in pairs) else text
    return text


def as_typed(name: str, value: Any) -> str:
    """The text of a value from a file, as somebody would type it."""
    if name == "per_domain" and isinstance(value, Mapping):
        if any(isinstance(pace, Mapping) for pace in value.values()):
            return IN_THE_FILE
        return ", ".join(f"{domain} {pace}" for domain, pace in value.items())
    if name in ("batch", "warm_up") and isinstance(value, Mapping):
        return ", ".join(str(part) for part in value.values() if part is not None)
    return str(value)


def changed_by(before: Limits, given: Mapping[str, str]) -> Limits:
    """A campaign's limits with those that somebody typed, by name; an empty text takes one away.

    Raises ValueError with a sentence.
    """
    for name in given:
        if name not in OF_A_CAMPAIGN:
            raise ValueError(f"there is no limit {name}; there are {', '.join(OF_A_CAMPAIGN)}")
    said = {name: typed(name, text) for name, text in given.items() if text.strip()}
    if "jitter" in said and "min_gap" not in said and before.min_gap:
        said["min_gap"] = f"{before.min_gap:g}s"
    try:
        wanted = CampaignLimitsSpec.model_validate(said).limits()
    except pydantic.ValidationError as error:
        raise ValueError(_mistake(error.errors(include_url=False)[0])) from None
    names = {name for name in given if name != "jitter" or before.min_gap or "min_gap" in said}
    changed = replace(before, **{name: getattr(wanted if name in said else NO_LIMITS, name) for name in names})
    return changed if changed.min_gap else replace(changed, jitter=0.0)


def _mistake(item: Any) -> str:
    """What is wrong with a limit, as a sentence that names it."""
    if item["type"] == "value_error" and not item["loc"]:
        return str(item["ctx"]["error"])
    name = ".".join(str(step) for step in item["loc"])
    if item["type"] == "value_error":
        return f"{name}: {item['ctx']['error']}"
    if name in _SHAPES:
        return f"{name}: write it as {_SHAPES[name]}; got {shown(item['input'])}"
    return f"{name} {expected(item)}; got {shown(item['input'])}"


def _number(text: str) -> Any:
    plain = text.replace(",", "").replace(" ", "")
    return int(plain) if plain.isdecimal() and len(plain) < 12 else text


def _decimal(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
