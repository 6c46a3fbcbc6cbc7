"""Owns what an address is: checked once, kept canonical, and sent exactly as it is kept.

Plain ASCII addresses take one regular expression, proved by property tests to accept only what
email-validator accepts; everything else, and every refusal, goes through email-validator. The standard
library's `parseaddr` is never used: it turns `alice@x)bob@evil` into `alice@x` (CVE-2023-27043).

Special-use names (`.test`, `.local`, `.invalid`, `localhost`, ...; RFC 6761) are addresses like any other,
since private relays serve them; whether to warn about them is for the preflight to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LAST_LABEL = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(?<=[A-Za-z])"
_WORDS = r"(?>[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LAST_LABEL})")
_MANY_PLAIN = re.compile(rf"(?:(?>{_ATOM})(?>(?:\.{_ATOM})*)@(?>(?:{_WORDS}\.)+){_WORDS}(?<=[A-Za-z])\n)*+")
_BLANKS = " \t\r\n\v\f\xa0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u2060\u3000\ufeff"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NEEDS_QUOTES = re.compile(r'[()<>\[\]:;@\\,"]')
_QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')

# RFC 5321 section 4.5.3.1: a local part has up to 64 octets, a path up to 256 with its two brackets.
_LOCAL_LIMIT = 64
_ADDRESS_LIMIT = 254


class AddressError(ValueError):
    """The text is not one mail address; the message is a sentence for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Address:
    """One valid address. `text` is `local@domain`, with the domain as lower-cased A-labels (RFC 5890)."""

    text: str
    local: str
    domain: str
    key: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name, perhaps empty, and an address: the value of a From or Reply-To header."""

    name: str
    address: Address


def parse_address(text: str) -> Address:
    """The address that stands alone in `text`, blanks around it trimmed. Raises `AddressError`.

    Refused are display names, several addresses, quoted local parts and IP literals: a list that holds
    such a cell more often holds a mistake than a mailbox.
    """
    trimmed = text.strip(_BLANKS)
    plain = plain_address(trimmed)
    if plain is not None:
        local, _, domain = plain.rpartition("@")
        return Address(plain, local, domain, plain)
    return _parse_slowly(trimmed)


def plain_address(text: str) -> str | None:
    """The canonical text of a plain ASCII address, or None when `parse_address` has to look closer."""
    match = _PLAIN.fullmatch(text)
    if match is None or len(text) > _ADDRESS_LIMIT:
        return None
    local, domain = match.groups()
    # "--" may start an A-label or a reserved one (RFC 5890 section 2.3.1); telling which needs IDNA.
    if len(local) > _LOCAL_LIMIT or "--" in domain:
        return None
    return f"{local}@{domain.lower()}"


def are_plain(texts: Sequence[str]) -> bool:
    """Whether `plain_address` takes every one of them as it stands; False also where that would take a closer look."""
    # No part of a text of 64 characters can be too long.
    if not texts or max(map(len, texts)) > _LOCAL_LIMIT:
        return not texts
    joined = "\n".join(texts) + "\n"
    return joined.count("\n") == len(texts) and _MANY_PLAIN.fullmatch(joined) is not None


def is_address(text: str) -> bool:
    """Whether `parse_address` would take the text."""
    if "@" not in text:
        return False
    try:
        parse_address(text)
    except AddressError:
        return False
    return True


def parse_mailbox(text: str) -> Mailbox:
    """Read `Acme News <news@acme.test>`, `"Acme, Inc." <news@acme.test>` or a bare address.

    A strict reading of one `mailbox` (RFC 5322 section 3.4): no comments, no groups, no second address,
    no line breaks. A bare name may hold anything but the specials of that grammar, a dot excepted.
    Raises `AddressError`.
    """
    if _CONTROL.search(text):
        raise AddressError("A sender or reply address cannot hold line breaks or control characters.")
    trimmed = text.strip(_BLANKS)
    if not trimmed.endswith(">"):
        if "<" in trimmed:
            raise AddressError(f"After the address a > is missing, or something follows it: {trimmed}")
        return Mailbox("", parse_address(trimmed))
    name, bracket, inside = trimmed[:-1].rpartition("<")
    if not bracket:
        raise AddressError(f"There is a > but no < before it: {trimmed}")
    return Mailbox(_display_name(name.strip(_BLANKS)), parse_address(inside))


def _display_name(name: str) -> str:
    quoted = _QUOTED_NAME.fullmatch(name)
    if quoted:
        return unicodedata.normalize("NFC", re.sub(r"\\(.)", r"\1", quoted.group(1)))
    special = _NEEDS_QUOTES.search(name)
    if special:
        raise AddressError(f'A name with {special.group()} in it needs double quotes around it: "{name}" <...>')
    return unicodedata.normalize("NFC", name)


def _parse_slowly(text: str) -> Address:
    _refuse_what_is_no_single_address(text)
    import email_validator  # here, since its import costs more than most lists need it

    local, _, domain = text.rpartition("@")
    head, dot, last = domain.rpartition(".")
    special = last.lower() in _special_use() and (bool(dot) or last.lower() == "localhost")
    # email-validator refuses special-use names but `.test`, so it is shown that one in their place. No
    # special-use name is shorter, so no limit on length is passed by the exchange; it is checked again below.
    shown = f"{local}@{head}{dot}test" if special else text
    try:
        found = email_validator.validate_email(
            shown, check_deliverability=False, test_environment=True, strict=True, allow_quoted_local=False
        )
    except email_validator.EmailNotValidError as error:
        raise AddressError(str(error)) from None
    ascii_domain = found.ascii_domain
    if special:
        ascii_domain = ascii_domain.removesuffix("test") + last.lower()
    local = unicodedata.normalize("NFC", local)
    canonical = f"{local}@{ascii_domain}"
    if len(local.encode()) > _LOCAL_LIMIT:
        raise AddressError("The part before the @-sign is too long: 64 bytes are the limit.")
    if len(canonical.encode()) > _ADDRESS_LIMIT:
        raise AddressError("The address is too long: 254 bytes are the limit.")
    return Address(canonical, local, ascii_domain, canonical)


def _special_use() -> frozenset[str]:
    import email_validator

    return frozenset(email_validator.SPECIAL_USE_DOMAIN_NAMES)


def _refuse_what_is_no_single_address(text: str) -> None:
    if not text:
        raise AddressError("The address is empty.")
    if _CONTROL.search(text):
        raise AddressError("The address holds a line break or another control character.")
    if text.lower().startswith("mailto:"):
        raise AddressError("It is a link; write the address alone, without mailto: in front.")
    if text.startswith('="'):
        raise AddressError("It is written as a formula; write the address alone.")
    if text.startswith('"') and '"@' in text:
        raise AddressError("Quotes before the @-sign are not accepted.")
    if text.count("@") > 1 and re.search(r"[,;\s/|]", text):
        raise AddressError("There is more than one address here; each needs a row of its own.")
    if "<" in text or ">" in text:
        raise AddressError("There is a name or an angle bracket here; write the address alone.")
    if text.count("@") > 1:
        raise AddressError("The address has more than one @-sign.")
    if "@" not in text:
        raise AddressError("There is no @-sign.")
    if re.search(r"\s", text):
        raise AddressError("There is a blank inside the address.")
    if "@[" in text:
        raise AddressError("An IP address in place of a domain is not accepted.")
