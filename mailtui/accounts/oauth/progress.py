"""Owns what is told while somebody logs in: in sentences for a terminal, in fields for a dialog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class LoginStage(StrEnum):
    """Where a login is."""

    BROWSER = "browser"  # a browser was opened at `address`; the person goes on there
    NO_BROWSER = "no browser"  # none could be opened; the person opens `address`
    CODE = "code"  # the person opens `address` on any device, and types `code` there
    REFUSED = "refused"  # a request that was not the provider's answer was turned away; the login goes on
    ANSWERED = "answered"  # the person agreed; the tokens are being fetched
    KEPT = "kept"  # the refresh token is in the keyring


@dataclass(frozen=True, slots=True)
class LoginProgress:
    """One step. `text` is a sentence; `address` and `code` may be shown and copied; `seconds` are left to answer."""

    stage: LoginStage
    text: str
    address: str = ""
    code: str = ""
    seconds: float | None = None


Tell = Callable[[LoginProgress], None]
