"""Owns what a provider's refusal means, in a sentence and with what to do: RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628
section 3.5, OpenID Connect Core section 3.1.2.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from mailtui.accounts.oauth.asking import Answer
from mailtui.accounts.oauth.providers import PROVIDERS, ProviderName
from mailtui.errors import AccountError, LoginEnded
from mailtui.kit.safe_text import safe_text

_WORDS_SHOWN = 300
ENDED = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""A refresh token is no good any more: the person has to log in anew."""
_OWN_APP = "Look at oauth: of the account in the settings, and at your app there. Step by step: docs/oauth.md"
_MEANING = {
    "access_denied": ("it was not agreed to", "Nothing was changed. To try again: mailtui accounts login {account}"),
    "expired_token": (
        "nobody typed in the code in time",
        "Nothing was changed. To try again: mailtui accounts login {account} --device",
    ),
    "invalid_client": (
        "it does not know your app, or wants another client secret",
        "Look at client_id in the settings. To give the client secret anew: mailtui accounts login {account} "
        "--client-secret",
    ),
    "unauthorized_client": ("your app may not log people in this way", _OWN_APP),
    "invalid_scope": (
        "it does not give the leave that is asked for",
        "Log in again, so that it is asked for: mailtui accounts login {account}. If that does not help, your app "
        "may not ask for it; step by step: docs/oauth.md",
    ),
    "unsupported_response_type": ("it does not log people in this way", _OWN_APP),
    "unsupported_grant_type": ("it does not give out tokens this way", _OWN_APP),
    "invalid_request": (
        "it does not take the request",
        "If it wants a client secret: mailtui accounts login {account} --client-secret. " + _OWN_APP,
    ),
    "invalid_grant": (
        "it does not take the answer that it gave itself a moment ago",
        "Try again, and see that the clock of this machine is right: mailtui accounts login {account}",
    ),
    "server_error": ("it has trouble of its own", "Try again in a while."),
    "temporarily_unavailable": ("it is busy", "Try again in a while."),
}
_TESTING = (
    "Google ends every login of an app after 7 days while the app's publishing status is Testing; see docs/oauth.md."
)


def title_of(token_url: str) -> str:
    """What people call the place that gives out tokens."""
    host = urlsplit(token_url).hostname or token_url
    known = {urlsplit(provider.token_url).hostname: provider.title for provider in PROVIDERS.values()}
    return known.get(host, host)


def in_words(answer: Answer, *, secrets: Iterable[str] = ()) -> str:
    """What the provider said itself, safe to show; what was sent to it in confidence is not repeated."""
    return words(answer.error, answer.description, secrets=secrets)


def words(error: str, description: str, *, secrets: Iterable[str] = ()) -> str:
    """A code of refusal and what the provider says about it, on one line."""
    text = ": ".join(part for part in (error, " ".join(description.split())) if part)
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[hidden]")
    return safe_text(text, limit=_WORDS_SHOWN)


def refused(account: str, who: str, error: str, said: str) -> AccountError:
    """The error for a login, or a use of it, that the provider refuses; `said` are its own words."""
    why, hint = _MEANING.get(error, ("it refuses", _OWN_APP))
    return AccountError(f"{who} does not log {account} in: {why}", detail=said, hint=hint.format(account=account))


def ended(account: str, who: str, said: str) -> LoginEnded:
    """The error for a refresh token that is not taken any more."""
    why = f"{said}\n{_TESTING}" if who == PROVIDERS[ProviderName.GOOGLE].title else said
    return LoginEnded(account, f"has ended: {who} takes it no more", said=why)
