"""Owns logging in without a browser on this machine: a code is shown, and typed in on any other device (RFC 8628)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mailtui.accounts.oauth.asking import NoAnswer, ask
from mailtui.accounts.oauth.granted import Granted, read_granted
from mailtui.accounts.oauth.login import Asked, require_enough, span, unreached
from mailtui.accounts.oauth.progress import LoginProgress, LoginStage, Tell
from mailtui.accounts.oauth.refusals import in_words, refused
from mailtui.audience.sheets.google import is_loopback
from mailtui.errors import AccountError
from mailtui.kit.hidden import hide
from mailtui.kit.safe_text import safe_text

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_USUAL_INTERVAL = 5.0  # section 3.2
_SLOWER = 5.0  # section 3.5
_LONGEST_INTERVAL = 120.0
_LONGEST_LIFE = 1_800.0
_LONGEST_CODE = 64
_LONGEST_ADDRESS = 500


@dataclass(frozen=True, slots=True)
class _Code:
    """What the provider gave to be typed in; `life` and `interval` in seconds."""

    device: str = field(repr=False)
    user: str
    address: str
    life: float
    interval: float


class DeviceLogin:
    """One login by a code."""

    def __init__(self, asked: Asked, tell: Tell, *, scale: float = 1.0) -> None:
        self._asked = asked
        self._tell = tell
        self._scale = scale

    async def run(self) -> Granted:
        """Show the code, and ask until the person has agreed. Raises `AccountError`. Cancel it to give up."""
        asked, who = self._asked, self._asked.provider.title
        if not asked.provider.device_url:
            raise AccountError(
                f"{who} lets nobody send mail who logs in by a code",
                hint="Log in with a browser: leave --device out. From another machine: see docs/oauth.md, over SSH.",
            )
        code = await self._begin()
        text = f"Open {code.address} on any device and type in {code.user}, within {span(code.life)}."
        self._tell(LoginProgress(LoginStage.CODE, text, code.address, code.user, code.life))
        granted = await self._until_agreed(code)
        self._tell(LoginProgress(LoginStage.ANSWERED, f"{who} said yes."))
        return require_enough(asked, granted)

    async def _begin(self) -> _Code:
        asked = self._asked
        form = {"client_id": asked.client_id, "scope": asked.scope}
        form |= {"client_secret": asked.client_secret} if asked.client_secret else {}
        try:
            answer = await ask(asked.provider.device_url, form, scale=self._scale)
            if not answer.error:
                return _read_code(answer.fields)
        except NoAnswer as problem:
            raise unreached(asked, problem) from None
        said = in_words(answer, secrets=(asked.client_secret,))
        raise refused(asked.account, asked.provider.title, answer.error, said)

    async def _until_agreed(self, code: _Code) -> Granted:
        asked, interval = self._asked, code.interval
        form = asked.form(_GRANT, device_code=code.device)
        until = time.monotonic() + code.life * self._scale
        while time.monotonic() + interval * self._scale < until:
            await asyncio.sleep(interval * self._scale)
            try:
                answer = await ask(asked.provider.token_url, form, scale=self._scale)
                if not answer.error:
                    return read_granted(answer.fields)
            except NoAnswer:
                interval = min(interval * 2, _LONGEST_INTERVAL)  # section 3.5: whoever gets no answer asks less often
                continue
            if answer.error == "slow_down":
                interval = min(interval + _SLOWER, _LONGEST_INTERVAL)
            elif answer.error != "authorization_pending":
                said = in_words(answer, secrets=(code.device, asked.client_secret))
                raise refused(asked.account, asked.provider.title, answer.error, said)
        raise refused(asked.account, asked.provider.title, "expired_token", "")


def _read_code(fields: Mapping[str, Any]) -> _Code:
    """The answer of section 3.2. Raises `NoAnswer` for what is none."""
    device, user = fields.get("device_code"), fields.get("user_code")
    address = fields.get("verification_uri", fields.get("verification_url"))  # Google's name for it is older
    if not (isinstance(device, str) and isinstance(user, str) and isinstance(address, str) and device and user):
        raise NoAnswer("its answer holds no code")
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise NoAnswer("its answer holds no address to type the code in")
    return _Code(
        hide(device),
        safe_text(user, limit=_LONGEST_CODE),
        safe_text(address, limit=_LONGEST_ADDRESS),
        _seconds(fields.get("expires_in"), _LONGEST_LIFE, most=_LONGEST_LIFE),
        _seconds(fields.get("interval"), _USUAL_INTERVAL, most=_LONGEST_INTERVAL),
    )


def _seconds(said: Any, usual: float, *, most: float) -> float:
    known = isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < float("inf")
    return min(float(said), most) if known else usual
