"""Owns what is known of the places that log people in: addresses, and which leave to ask for. Data, no behaviour.

Google: https://developers.google.com/identity/protocols/oauth2/native-app and
https://developers.google.com/workspace/gmail/imap/xoauth2-protocol. Microsoft:
https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

READ_SHEETS = "https://www.googleapis.com/auth/spreadsheets.readonly"
OFFLINE = "offline_access"
"""Asks for a refresh token, at Microsoft and in OpenID Connect (Core section 11); it gives leave to nothing."""


class ProviderName(StrEnum):
    """Whom the settings can name."""

    GOOGLE = "google"
    MICROSOFT = "microsoft"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Provider:
    """Where people log in, and what is asked of them there.

    `mail` and `sheets` are the scopes for sending and for reading sheets, `always` those that any login needs;
    `parameters` go into the authorization request as they are. An address that is empty: there is no such thing there.
    `issuer` is compared with `iss` of the answer (RFC 9207) where it is known. `register` says where a client id is
    made.
    """

    name: ProviderName
    title: str
    authorization_url: str
    token_url: str
    device_url: str = ""
    revocation_url: str = ""
    issuer: str = ""
    mail: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    register: str = ""

    def scope(self, *, sheets: bool = False) -> str:
        """What a login asks for, as one text; sheets only where they are wanted."""
        return " ".join((*self.mail, *(self.sheets if sheets else ()), *self.always))


PROVIDERS: Mapping[ProviderName, Provider] = {
    ProviderName.GOOGLE: Provider(
        ProviderName.GOOGLE,
        "Google",
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        # Google's device login gives no leave to send mail: its list of scopes is short, and this is not among them.
        device_url="",
        revocation_url="https://oauth2.googleapis.com/revoke",
        issuer="https://accounts.google.com",
        mail=("https://mail.google.com/",),
        sheets=(READ_SHEETS,),
        # Without both, Google gives a refresh token only the first time that somebody agrees.
        parameters=(("access_type", "offline"), ("prompt", "consent")),
        register="console.cloud.google.com: APIs & Services, Credentials, Create OAuth client ID, Desktop app",
    ),
    ProviderName.MICROSOFT: Provider(
        ProviderName.MICROSOFT,
        "Microsoft",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        device_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode",
        mail=("https://outlook.office.com/SMTP.Send",),
        always=(OFFLINE,),
        register="entra.microsoft.com: App registrations, New registration, Mobile and desktop applications",
    ),
    ProviderName.CUSTOM: Provider(ProviderName.CUSTOM, "the provider", "", ""),
}
