"""Owns logging in by the system's browser: the authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

Passwords are typed at the provider, in the person's own browser, and never come near mailtui.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from mailtui.accounts.oauth.asking import Answer, NoAnswer, ask
from mailtui.accounts.oauth.granted import Granted, read_granted
from mailtui.accounts.oauth.listener import Arrived, Listener, OpenedTwice
from mailtui.accounts.oauth.progress import LoginProgress, LoginStage, Tell
from mailtui.accounts.oauth.providers import Provider
from mailtui.accounts.oauth.refusals import in_words, refused, words
from mailtui.errors import AccountError, MailtuiError
from mailtui.kit.durations import show_wait
from mailtui.kit.hidden import hide
from mailtui.kit.left_behind import left_behind
from mailtui.kit.words import counted

WITHIN = 300.0
"""Seconds that a person has to answer in the browser."""
_BROWSER_OPENS_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Who logs in, where, and what for. `user` is offered to the provider, so that nobody picks another mailbox."""

    account: str
    user: str
    provider: Provider
    client_id: str
    scope: str
    client_secret: str = field(default="", repr=False)

    def form(self, grant_type: str, **more: str) -> dict[str, str]:
        """A request for tokens."""
        form = {"grant_type": grant_type, "client_id": self.client_id, **more}
        return form | ({"client_secret": self.client_secret} if self.client_secret else {})


class BrowserLogin:
    """One login by a browser of this machine."""

    def __init__(
        self,
        asked: Asked,
        open_browser: Callable[[str], None],
        tell: Tell,
        *,
        scale: float = 1.0,
        within: float = WITHIN,
    ) -> None:
        """`open_browser` may take some seconds, and raises a `MailtuiError` where there is none."""
        self._asked = asked
        self._open = open_browser
        self._tell = tell
        self._scale = scale
        self._within = within * scale
        self._verifier = hide(secrets.token_urlsafe(64))
        self._state = secrets.token_urlsafe(32)

    async def run(self) -> Granted:
        """Open the browser, wait for its answer, fetch the tokens. Raises `AccountError`. Cancel it to give up."""
        async with Listener(self._state, self._turned_away, scale=self._scale) as listener:
            address = self._address(listener.address)
            await self._show(address, listener.way_to(address))
            try:
                async with asyncio.timeout(self._within):
                    arrived = await listener.answer()
            except TimeoutError:
                raise _nobody_answered(self._asked, self._within) from None
            except OpenedTwice:
                raise _opened_twice(self._asked) from None
            redirect = listener.address
        code = self._code(arrived)
        self._tell(LoginProgress(LoginStage.ANSWERED, f"{self._asked.provider.title} said yes; fetching the login."))
        form = self._asked.form("authorization_code", code=code, redirect_uri=redirect, code_verifier=self._verifier)
        return require_enough(self._asked, await fetch(self._asked, form, hidden=(code,), scale=self._scale))

    def _address(self, redirect: str) -> str:
        """Where the person logs in."""
        provider = self._asked.provider
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode("ascii")).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._asked.client_id,
            "redirect_uri": redirect,
            "scope": self._asked.scope,
            "state": self._state,
            "code_challenge": challenge.decode("ascii"),
            "code_challenge_method": "S256",
            **({"login_hint": self._asked.user} if self._asked.user else {}),
        }
        base = urlsplit(provider.authorization_url)
        written = dict(parse_qsl(base.query))  # what stands in the address itself counts, and is not said twice
        return base._replace(query=urlencode({**dict(provider.parameters), **written, **query})).geturl()

    async def _show(self, address: str, way: str) -> None:
        """Open the browser by the way that others on this machine may see; what is shown is for the person alone."""
        left, title = self._within, self._asked.provider.title
        try:
            await left_behind(lambda: self._open(way), seconds=_BROWSER_OPENS_WITHIN, name="browser")
        except (MailtuiError, OSError, TimeoutError) as error:
            why = error.title if isinstance(error, MailtuiError) else str(error) or "no browser opened in time"
            text = f"{why}. Open this address in a browser on this machine, within {span(left)}:"
            self._tell(LoginProgress(LoginStage.NO_BROWSER, text, address, seconds=left))
        else:
            text = f"Your browser opens {title}. Log in there and agree, within {span(left)}. If it did not open:"
            self._tell(LoginProgress(LoginStage.BROWSER, text, address, seconds=left))

    def _turned_away(self, why: str) -> None:
        text = f"A request that was not {self._asked.provider.title}'s answer was turned away: {why}."
        self._tell(LoginProgress(LoginStage.REFUSED, text))

    def _code(self, arrived: Arrived) -> str:
        asked = self._asked
        expected = asked.provider.issuer
        if expected and arrived.issuer is not None and arrived.issuer != expected:
            raise AccountError(
                f"The answer comes from somebody else than {asked.provider.title}, and was not used",
                detail=f"It names {words(arrived.issuer, '')}, not {expected}.",
                hint="Nothing was changed. Try again; if it goes on, do not log in from this network.",
            )
        if arrived.error:
            said = words(arrived.error, arrived.description)
            raise refused(asked.account, asked.provider.title, arrived.error, said)
        return hide(arrived.code)


async def fetch(asked: Asked, form: dict[str, str], *, hidden: tuple[str, ...], scale: float) -> Granted:
    """Tokens for a form; `hidden` is never repeated in an error. Raises `AccountError`."""
    who = asked.provider.title
    try:
        answer: Answer = await ask(asked.provider.token_url, form, scale=scale)
        if not answer.error:
            return read_granted(answer.fields)
    except NoAnswer as problem:
        raise unreached(asked, problem) from None  # a code is good once: nothing is tried again
    raise refused(asked.account, who, answer.error, in_words(answer, secrets=(*hidden, asked.client_secret)))


def require_enough(asked: Asked, granted: Granted) -> Granted:
    """The same, if it can be used from now on without asking. Raises `AccountError`."""
    who = asked.provider.title
    lacking = granted.lacks(asked.scope)
    if lacking:
        raise AccountError(
            f"{who} logged {asked.account} in, but without the leave that it needs",
            detail=f"Not agreed to: {words(' '.join(lacking), '')}",
            hint=f"Log in again, and leave every box on {who}'s page ticked: mailtui accounts login {asked.account}",
        )
    if not granted.refresh:
        raise AccountError(
            f"{who} logged {asked.account} in for {span(granted.life)} only",
            detail="It gave no refresh token, so the login would end in the middle of a campaign.",
            hint="Allow your app to keep people logged in (often the scope offline_access, in scopes: of oauth:).",
        )
    return granted


def unreached(asked: Asked, problem: NoAnswer) -> AccountError:
    """The error for a provider that gives no answer while somebody logs in."""
    return AccountError(
        f"{asked.provider.title} gave no answer that {asked.account} could be logged in with",
        detail=str(problem),
        hint=f"Nothing was changed. To try again: mailtui accounts login {asked.account}",
    )


def span(seconds: float) -> str:
    """A time that a person has, in words."""
    return counted(round(seconds / 60), "minute") if seconds >= 60 else show_wait(seconds)


def _opened_twice(asked: Asked) -> AccountError:
    return AccountError(
        f"Somebody else may have opened the login of {asked.account}, so it was ended",
        detail="The address that your browser was started with is good once, and was opened twice.",
        hint=f"Nothing was changed. Try again: mailtui accounts login {asked.account}. If it goes on, another user of "
        "this machine looks on: log in on another one.",
    )


def _nobody_answered(asked: Asked, within: float) -> AccountError:
    return AccountError(
        f"Nobody logged {asked.account} in within {span(within)}",
        detail="Nothing was changed.",
        hint=f"To try again: mailtui accounts login {asked.account}",
    )
