"""Owns reading sheets as a service account: its key file, and the tokens Google gives for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailtui.audience.sheets.google import ADD_GOOGLE, READ_ONLY, TOKEN_URL, Account, Google
from mailtui.audience.sheets.web import Answer, Web
from mailtui.errors import AudienceError

_NEW_KEY = "Make a new one in the Google Cloud console: IAM & Admin, Service Accounts, Keys, Add key, JSON."


def service_account(google: Google, path: Path) -> Account:
    """The account of a key file. Raises `AudienceError` for what is no key, and without the extra `google`."""
    info = _read_key(path)
    try:
        from google.auth import exceptions
        from google.oauth2.service_account import Credentials
    except ImportError:
        raise AudienceError(
            "Sheets that are not public need google-auth, which is not installed", hint=ADD_GOOGLE
        ) from None
    # The key names where to ask for tokens; the settings may name another place.
    token_url = info["token_uri"] if google.token_url == TOKEN_URL else google.token_url
    try:
        make: Callable[..., Any] = Credentials.from_service_account_info
        credentials = make({**info, "token_uri": token_url}, scopes=[READ_ONLY])
    except (ValueError, exceptions.GoogleAuthError) as error:
        raise _no_key(path, str(error)) from None
    name = str(info["client_email"])
    transport = _Transport(Web(google, token_url))

    def token(_: str | None) -> str:
        try:
            credentials.refresh(transport)
        except exceptions.RefreshError as error:
            raise _refused(name, path, error.args) from None
        return str(credentials.token)

    return Account(name, token)


def _read_key(path: Path) -> Mapping[str, Any]:
    try:
        info = json.loads(path.read_bytes())
    except OSError as error:
        raise AudienceError(
            "The key of the service account cannot be read", detail=f"{path}: {error.strerror}"
        ) from None
    except ValueError:
        raise _no_key(path, "it is no JSON") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        kind = info.get("type") if isinstance(info, dict) else None
        raise _no_key(path, f"its type is {kind or 'missing'}, not service_account")
    missing = [name for name in ("client_email", "private_key", "token_uri") if not isinstance(info.get(name), str)]
    if missing:
        raise _no_key(path, f"{' and '.join(missing)} missing")
    return info


def _no_key(path: Path, why: str) -> AudienceError:
    return AudienceError("This is no key of a service account", detail=f"{path}: {why}", hint=_NEW_KEY)


def _refused(name: str, path: Path, said: tuple[Any, ...]) -> AudienceError:
    """What Google's token endpoint says no to (RFC 6749 section 5.2), in words."""
    answer = next((item for item in said if isinstance(item, dict)), {})
    why = str(answer.get("error_description") or answer.get("error") or (said[0] if said else ""))
    if "timeframe" in why or "short-lived" in why:
        hint = "The clock of this machine is probably wrong: set it."
    elif answer.get("error") == "invalid_grant":
        hint = f"The key was revoked, or the account is gone. {_NEW_KEY}"
    else:
        hint = "See in the Google Cloud console whether the account is enabled."
    return AudienceError(f"Google lets {name} in no more", detail=f"{path}: {why}", hint=hint)


@dataclass(frozen=True, slots=True)
class _Response:
    """What google-auth reads of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Transport:
    """google.auth.transport.Request on our own `Web`. It sends on what a token request needs, and no more."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def __call__(
        self,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _Response:
        needed = {name: value for name, value in (headers or {}).items() if name.lower() == "content-type"}
        return self._web.ask(url, _take, headers=needed, body=body)


def _take(answer: Answer) -> _Response:
    return _Response(answer.status, answer.headers, answer.read())
