"""Owns checking the domain that a campaign is sent from, for faces: only ever when a person asks for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailtui.accounts.dkim_spec import SELECTOR
from mailtui.audience.mx.servers import parse_server
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.checks import CheckReport
from mailtui.errors import ConfigError, UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.message.preflight import Finding
from mailtui.message.reference import parse_message

if TYPE_CHECKING:
    from mailtui.accounts.domain.check import Sender
    from mailtui.service.facade import Service

_LONGEST_SELECTOR = 63


def with_domain(
    service: Service, campaign: Campaign, report: CheckReport, *, selectors: Sequence[str] = ()
) -> CheckReport:
    """What a check found, and with it what the DNS says of the domain that the first recipient's mail is from.

    `selectors` are those that the mail may be signed under, beside the account's own. It takes 20 seconds at most, and
    what the DNS does not say is a note; so is that there is no mail to see the sender in.
    """
    from mailtui.accounts.domain.check import check_sender  # here, since few ever ask the DNS

    try:
        sender = sender_of(service, campaign, report.counts.recipients, selectors)
    except ConfigError as error:
        message = f"the sender's domain was not asked about, since there is no mail to see it in: {error.title}"
        about: tuple[Finding, ...] = (Finding("note", "dns-unknown", message),)
    else:
        about = check_sender(sender, servers=tuple(map(parse_server, service.settings.spec.dns.servers)))
    return report.with_findings(about)


def require_selector(name: str) -> str:
    """A DKIM selector as a person gave it. Raises `UsageError` for what is none."""
    if len(name) > _LONGEST_SELECTOR or not re.fullmatch(SELECTOR, name):
        raise UsageError(
            f"This is no DKIM selector: {safe_text(name, limit=60)}" if name.strip() else "The DKIM selector is blank",
            hint="It is s= in the DKIM-Signature of a mail, such as s1 or mail2024, without the domain.",
        )
    return name


def sender_of(service: Service, campaign: Campaign, mails: int, selectors: Sequence[str]) -> Sender:
    """Who sends a campaign, by the mail of its first recipient."""
    from mailtui.accounts.domain.check import Sender
    from mailtui.service.signing import signature_for

    mail = service.previews.of(campaign).message
    parsed = parse_message(mail.data)
    answers = parsed["Reply-To"].addresses if parsed["Reply-To"] is not None else ()
    domain = parsed["From"].addresses[0].domain
    signer = signature_for(service, campaign).signer
    return Sender(
        domain=domain,
        envelope=mail.sender.rpartition("@")[2],
        reply_to=answers[0].domain if answers else "",
        host=service.campaigns.endpoint(campaign).host,
        selectors=tuple(dict.fromkeys((*selectors, *_selector_of(service, campaign)))),
        mails=mails,
        own_key=None if signer is None else (signer.spec.record_name(domain), signer.record),
    )


def _selector_of(service: Service, campaign: Campaign) -> tuple[str, ...]:
    spec = campaign.spec
    server = spec.smtp if spec.smtp is not None else service.settings.spec.accounts.get(spec.account or "")
    return () if server is None or server.dkim_selector is None else (server.dkim_selector,)
