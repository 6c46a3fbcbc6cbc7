"""Owns what is said about a domain's DMARC policy, with the record that would mend it."""

from __future__ import annotations

from mailtui.accounts.domain.dmarc import Policy, discover
from mailtui.accounts.domain.names import Names
from mailtui.message.preflight import Finding


async def look(names: Names, domain: str, envelope: str) -> list[Finding]:
    """What a person should know about the policy for mail from a domain, bounced to another."""
    found = await discover(names, domain)
    if found.unknown:
        return [Finding("note", "dns-unknown", f"DMARC of {found.at} could not be looked up: {found.unknown}")]
    if found.mistake:
        message = f"the DMARC record of {found.at} does not count: {found.mistake}"
        return [Finding("error", "dmarc-broken", message, hint=f"Write one: {_record(found.at, 'none')}")]
    if found.policy is None:
        message = f"{domain} has no DMARC record; Gmail, Yahoo and Outlook ask for one of whoever sends much"
        return [Finding("warning", "dmarc-missing", message, hint=f"Add: {_record(domain, 'none')}")]
    return _about(found.policy, domain, envelope)


def _about(policy: Policy, domain: str, envelope: str) -> list[Finding]:
    found = []
    by_spf = policy.aligned(domain, envelope, strict=policy.strict_spf)
    if not by_spf:
        message = (
            f"mail from {domain} bounces to {envelope}, which does not count as the same (DMARC of {policy.at}): "
            "only a DKIM signature of the sender's own domain is left to prove it"
        )
        hint = f"Have bounces go to {domain}, or sign for it."
        found.append(Finding("warning", "dmarc-misaligned", message, hint=hint))
    if policy.policy == "none":
        message = f"DMARC of {policy.at} asks for nothing to be done with forged mail (p=none)"
        hint = f"Once its reports show no mail of yours that fails: {_record(policy.at, 'quarantine')}"
        found.append(Finding("note", "dmarc-none", message, hint=hint))
    elif policy.share < 100:
        message = f"DMARC of {policy.at} holds for {policy.share} of a hundred mails only (pct={policy.share})"
        found.append(Finding("note", "dmarc-share", message, hint="Leave pct= out once its reports look well."))
    if not policy.reports:
        message = f"DMARC of {policy.at} names nobody who gets reports (rua=)"
        hint = f"Add rua=mailto:dmarc@{policy.at} to the record, to see who sends in its name."
        found.append(Finding("note", "dmarc-no-reports", message, hint=hint))
    modes = ", ".join(
        f"{name} {'strict' if strict else 'relaxed'}"
        for name, strict in (("DKIM", policy.strict_dkim), ("SPF", policy.strict_spf))
    )
    message = f"DMARC of {policy.at}: {policy.policy} for {domain}; alignment: {modes}"
    found.append(Finding("note", "dmarc-policy", message))
    return found


def _record(domain: str, policy: str) -> str:
    return f'_dmarc.{domain}. TXT "v=DMARC1; p={policy}; rua=mailto:dmarc@{domain}"'
