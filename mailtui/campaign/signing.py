"""Owns what a check says of the signature that mails get (DKIM): by which key, and whether it counts for From."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mailtui.accounts.dkim_file import read_key_file
from mailtui.audience.address import AddressError, parse_mailbox
from mailtui.errors import Place
from mailtui.message.dkim import DkimKeyProblem, DkimSpec, Signer
from mailtui.message.preflight import Finding


def signing_findings(spec: DkimSpec, sender: str | None, place: Place) -> Iterator[Finding]:
    """`sender` is the campaign's From, a template perhaps; None where each row says its own."""
    domain = _domain_of(sender)
    if not domain:
        where = spec.record_name("") if spec.domain else f"{spec.selector}._domainkey of the domain in From"
        yield Finding("note", "dkim-signed", f"mails are signed by the key of {where} (DKIM)")
        return
    yield Finding("note", "dkim-signed", f"mails are signed by the key of {spec.record_name(domain)} (DKIM)")
    if not spec.domain or spec.domain == domain:
        return
    message = f"mails are from {domain}, and signed for {spec.domain}: for DMARC the signature proves "
    hint = f"Sign for {domain}: leave dkim: domain: out of the account, and publish the key there."
    if domain.split(".")[-2:] == spec.domain.split(".")[-2:]:
        # Whether they are one organisation's, and whether that is enough (adkim=), the DNS alone can tell.
        message += "From only where both are one organisation's and its record has no adkim=s (RFC 7489 section 3.1.1)"
        yield Finding("note", "dkim-misaligned", message, place=place, hint=hint)
    else:
        message += "nothing of From (RFC 7489 section 3.1.1)"
        yield Finding("warning", "dkim-misaligned", message, place=place, hint=hint)


def key_findings(spec: DkimSpec, file: Path | None) -> Iterator[Finding]:
    """What is wrong with a key that lies in a file; that of the keyring is asked for when the campaign is launched."""
    if file is None:
        return
    try:
        Signer(spec, read_key_file(file))
    except DkimKeyProblem as problem:
        where = f": {problem.detail}" if problem.detail else ""
        message = f"{problem.title[:1].lower()}{problem.title[1:]}{where}"
        yield Finding("error", "dkim-no-key", message, hint=problem.hint)


def rewriting_findings(hosts: Iterable[str]) -> Iterator[Finding]:
    """Servers of which it is known that they write headers anew that are signed."""
    for host in hosts:
        if host.lower().rstrip(".").endswith(".amazonaws.com"):
            message = f"{host} writes Date and Message-ID of every mail anew, and then no signature of ours is good"
            hint = "Let Amazon SES sign (Easy DKIM), and take dkim: out of the account."
            yield Finding("warning", "dkim-rewritten", message, hint=hint)


def _domain_of(sender: str | None) -> str:
    """The domain of a From that is no template."""
    if sender is None or "{" in sender:
        return ""
    try:
        return parse_mailbox(sender).address.domain
    except AddressError:
        return ""  # which is told as what it is
