"""Owns what may be found out about a domain: whether it takes mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "no_such_domain", "no_mail", "unknown"]
REFUSING: tuple[Verdict, ...] = ("no_such_domain", "no_mail")
"""Verdicts of domains that can take no mail; `unknown` is held against nobody."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about one domain. `reason` is for a person; `lasts` is in seconds, 0 for not at all."""

    verdict: Verdict
    reason: str
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class DomainVerdict:
    """One domain of a list, with how many recipients it has."""

    domain: str
    recipients: int
    verdict: Verdict
    reason: str
