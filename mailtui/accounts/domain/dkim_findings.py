"""Owns what is said about the keys that mail from a domain may be signed with."""

from __future__ import annotations

from collections.abc import Sequence

from mailtui.accounts.domain.dkim import read_key
from mailtui.accounts.domain.names import Names
from mailtui.accounts.domain.tags import texts
from mailtui.message.preflight import Finding


async def look(
    names: Names, domain: str, selectors: Sequence[str], own_key: tuple[str, str] | None = None
) -> list[Finding]:
    """What a person should know about these selectors of a domain, and of mailtui's own key, a record's name and text;
    without any of them, that nothing can be known.
    """
    found = [] if own_key is None else [await compare(names, *own_key)]
    if not selectors and not found:
        message = f"whether mail from {domain} is signed (DKIM) cannot be known without the selector"
        hint = (
            "Your provider names it, and a signed mail has it as s= in DKIM-Signature. "
            "Then: --selector NAME, or dkim_selector: NAME in the account."
        )
        return [Finding("note", "dkim-unknown", message, hint=hint)]
    return found + [finding for selector in selectors for finding in await _look_at(names, domain, selector)]


async def compare(names: Names, name: str, record: str) -> Finding:
    """Whether the DNS has the key that mailtui signs with, whose `record` belongs at `name`."""
    said = await names.ask(name, "TXT")
    if said.state == "unknown":
        return Finding("note", "dns-unknown", f"DKIM of {name} could not be looked up: {said.why}")
    found = [text for text in texts(said) if "p=" in text.replace(" ", "")]
    hint = f'Let this be the one record there: {name}. TXT "{record}"'
    if len(found) == 1 and read_key(found[0]).is_same_as(read_key(record)):
        return _about(name, found[0])
    if not found:
        message = f"mails are signed, and there is no DKIM key at {name}: nobody can prove the signature"
        return Finding("error", "dkim-missing", message, hint=hint)
    if len(found) > 1:
        message = f"there are {len(found)} DKIM keys at {name}; which one counts is nobody's guess (RFC 6376 3.6.2.2)"
        return Finding("error", "dkim-broken", message, hint=hint)
    message = f"the DKIM key at {name} is another one than mailtui signs with, so no signature is good"
    return Finding("error", "dkim-mismatch", message, hint=hint)


async def _look_at(names: Names, domain: str, selector: str) -> list[Finding]:
    name = f"{selector}._domainkey.{domain}"
    said = await names.ask(name, "TXT")
    if said.state == "unknown":
        return [Finding("note", "dns-unknown", f"DKIM of {name} could not be looked up: {said.why}")]
    found = [text for text in texts(said) if "p=" in text.replace(" ", "")]
    if not found:
        message = f"there is no DKIM key at {name}, so nobody can prove a signature"
        hint = f'Add: {name}. TXT "v=DKIM1; k=rsa; p=KEY", with the key of whoever signs your mail'
        return [Finding("warning", "dkim-missing", message, hint=hint)]
    if len(found) > 1:
        message = f"there are {len(found)} DKIM keys at {name}; which one counts is nobody's guess (RFC 6376 3.6.2.2)"
        return [Finding("error", "dkim-broken", message, hint="Leave one of them.")]
    return [_about(name, found[0])]


def _about(name: str, record: str) -> Finding:
    """What is to be said of the one record there."""
    key = read_key(record)
    if key.mistake:
        hint = "Put in the key of whoever signs your mail, whole."
        return Finding("error", "dkim-broken", f"the DKIM key at {name} cannot be used: {key.mistake}", hint=hint)
    if key.testing:
        message = f"the DKIM key at {name} is marked as a test (t=y), so a bad signature means nothing"
        return Finding("warning", "dkim-test", message, hint="Take t=y out of the record.")
    if key.short:
        message = f"the DKIM key at {name} has fewer than 2,048 bits"
        return Finding("note", "dkim-short", message, hint="Make a longer one, under a new selector.")
    return Finding("note", "dkim-key", f"there is a DKIM key at {name}")
