"""Owns what a provider grants: reading it out of an answer, and refusing what cannot be a token."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailtui.accounts.oauth.asking import NoAnswer
from mailtui.accounts.oauth.providers import OFFLINE
from mailtui.kit.hidden import hide

_TOKEN = re.compile(r"[!-~]{1,8192}")
"""Printable and without blanks: what goes on into headers and logins as it is (RFC 6749 appendix A, RFC 6750)."""
_USUAL_LIFE = 3_600.0
_LONGEST_LIFE = 7 * 86_400.0
_NO_LEAVE = frozenset({OFFLINE, "openid"})
"""Scopes that providers do not always name among those they granted."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token for `life` seconds, and what came with it; empty where nothing did."""

    access: str = field(repr=False)
    life: float
    refresh: str = field(default="", repr=False)
    scope: str = ""

    def lacks(self, wanted: str) -> tuple[str, ...]:
        """Which of the scopes that were asked for were not granted. No word about scopes means all of them."""
        if not self.scope:
            return ()
        may = {_name(scope) for scope in self.scope.split()} | _NO_LEAVE
        return tuple(scope for scope in wanted.split() if _name(scope) not in may)


def _name(scope: str) -> str:
    """What a scope gives leave to. Microsoft has several hosts for one thing, and need not name the one asked for."""
    return scope.rpartition("/")[2].lower() or scope


def read_granted(fields: Mapping[str, Any]) -> Granted:
    """The tokens of an answer (RFC 6749 section 5.1). Raises `NoAnswer` for what is none."""
    access, kind = fields.get("access_token"), fields.get("token_type")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access):
        raise NoAnswer("its answer holds no access token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NoAnswer("its answer holds a token of a kind that mailtui does not know")
    refresh, scope = fields.get("refresh_token"), fields.get("scope")
    if refresh is not None and not (isinstance(refresh, str) and _TOKEN.fullmatch(refresh)):
        raise NoAnswer("its answer holds a refresh token that is none")
    life = _life(fields.get("expires_in"))
    return Granted(hide(access), life, hide(refresh or ""), scope if isinstance(scope, str) else "")


def _life(said: Any) -> float:
    """Seconds; some providers write the number as text, some none at all."""
    try:
        seconds = float(said) if isinstance(said, int | float | str) else _USUAL_LIFE
    except (ValueError, OverflowError):
        seconds = _USUAL_LIFE
    return min(max(seconds, 0.0), _LONGEST_LIFE) if math.isfinite(seconds) else _USUAL_LIFE
