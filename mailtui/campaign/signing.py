"""Owns what a check says of the signature that mails get (DKIM): by which key, and whether it counts for From."""

from __future__ import annotations

from collections.abc import Iterator

from mailtui.audience.address import AddressError, parse_mailbox
from mailtui.errors import Place
from mailtui.message.dkim import DkimSpec
from mailtui.message.preflight import Finding


def signing_findings(spec: DkimSpec, sender: str | None, place: Place) -> Iterator[Finding]:
    """`sender` is the campaign's From, a template perhaps; None where each row says its own."""
    domain = _domain_of(sender)
    if not domain:
        where = spec.record_name("") if spec.domain else f"{spec.selector}._domainkey of the domain in From"
        yield Finding("note", "dkim-signed", f"mails are signed by the key of {where} (DKIM)")
        return
    yield Finding("note", "dkim-signed", f"mails are signed by the key of {spec.record_name(domain)} (DKIM)")
    if spec.domain and not _aligned(domain, spec.domain):
        message = (
            f"mails are from {domain}, and signed for {spec.domain}: for DMARC the signature proves nothing of From "
            "(RFC 7489 section 3.1.1)"
        )
        hint = f"Sign for {domain}: leave dkim: domain: out of the account, and publish the key there."
        yield Finding("warning", "dkim-misaligned", message, place=place, hint=hint)


def _domain_of(sender: str | None) -> str:
    """The domain of a From that is no template."""
    if sender is None or "{" in sender:
        return ""
    try:
        return parse_mailbox(sender).address.domain
    except AddressError:
        return ""  # which is told as what it is


def _aligned(one: str, other: str) -> bool:
    """Whether one of them is the other, or below it. What an organisation's domain is the DNS alone can tell: with
    `check --dns` it does.
    """
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")
