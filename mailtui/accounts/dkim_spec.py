"""Owns how DKIM signing is written down in an account: `dkim: {selector: s1, domain: acme.test, key: keyring}`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pydantic

from mailtui.kit.validation import Spec
from mailtui.message.dkim import DkimSpec

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
SELECTOR = rf"^{_LABEL}(?:\.{_LABEL})*$"
"""A DKIM selector (RFC 6376 section 3.1); `._domainkey` and the domain, which follow it in the DNS, are none of it."""
_LONGEST = 253
IN_KEYRING = "keyring"


class SigningSpec(Spec):
    """`dkim:` How mails are signed before they go out."""

    selector: str = pydantic.Field(
        description="The name of the key (s= in DKIM-Signature); its public half is at SELECTOR._domainkey.DOMAIN."
    )
    domain: str | None = pydantic.Field(
        default=None, description="The domain that is signed for (d=). Left out: that of From."
    )
    key: str = pydantic.Field(
        default=IN_KEYRING,
        min_length=1,
        description="Where the private key is: keyring (entry ACCOUNT dkim), or a PEM file that its owner alone reads.",
    )

    @pydantic.field_validator("selector")
    @classmethod
    def _is_selector(cls, text: str) -> str:
        if len(text) > _LONGEST or not re.fullmatch(SELECTOR, text):
            raise ValueError("a selector is one or several labels, such as s1 or mail2026, without the domain")
        return text

    @pydantic.field_validator("key")
    @classmethod
    def _is_path(cls, text: str) -> str:
        if "\0" in text:
            raise ValueError("this is no path; say keyring, or name a PEM file")
        return text

    @pydantic.field_validator("domain")
    @classmethod
    def _is_domain(cls, text: str | None) -> str | None:
        if text is None:
            return None
        name = text.strip().rstrip(".").lower()
        if not name.isascii():
            import idna  # here, since few domains need it

            try:
                name = idna.encode(name, uts46=True).decode("ascii")
            except idna.IDNAError:
                name = ""
        if len(name) > _LONGEST or not _DOMAIN.fullmatch(name):
            raise ValueError("this is no domain, such as acme.test; left out, it is that of From")
        return name

    def dkim(self) -> DkimSpec:
        """What the signer works with."""
        return DkimSpec(self.selector, self.domain or "")

    def key_file(self, folder: Path) -> Path | None:
        """The file with the private key, a relative one looked for in `folder`; None where the keyring has it."""
        return None if self.key == IN_KEYRING else folder / os.path.expanduser(self.key)  # noqa: PTH111 - Path's raises for ~nobody
