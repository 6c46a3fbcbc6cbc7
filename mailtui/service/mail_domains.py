"""Owns checking whether the domains of a list take mail, for faces: only ever when a person asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mailtui.audience.audience import Audience
from mailtui.audience.mx.of_list import recipients_by_domain, refused_rows
from mailtui.audience.mx.servers import parse_server
from mailtui.audience.mx.verdict import REFUSING, DomainVerdict
from mailtui.audience.problem import RowProblem
from mailtui.service.settings import Settings

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MailDomains:
    """The verdict on each domain of a list, those with most recipients first."""

    domains: tuple[DomainVerdict, ...]

    @property
    def refusing(self) -> tuple[DomainVerdict, ...]:
        """Those that can take no mail."""
        return tuple(row for row in self.domains if row.verdict in REFUSING)

    @property
    def unknown(self) -> tuple[DomainVerdict, ...]:
        """Those of which nothing could be found out; that is held against nobody."""
        return tuple(row for row in self.domains if row.verdict == "unknown")

    def lost(self) -> int:
        """How many recipients have a domain that can take no mail."""
        return sum(row.recipients for row in self.refusing)

    def rows(self, audience: Audience) -> Iterator[RowProblem]:
        """The rows of these recipients, in the order of the list."""
        return refused_rows(audience, self.domains)


def check_mail_domains(settings: Settings, audience: Audience, progress: Progress | None = None) -> MailDomains:
    """Ask the DNS about the domains of all recipients. It may take minutes, up to five.

    `progress` hears how many domains are done and how many there are; what it raises ends this. Raises `MailtuiError`.
    """
    return check_domains_with(settings, recipients_by_domain(audience), progress)


def check_domains_with(settings: Settings, domains: Mapping[str, int], progress: Progress | None = None) -> MailDomains:
    """The same for domains with how many recipients each has."""
    from mailtui.audience.mx.check import check_domains  # here, since few ever ask the DNS

    servers = tuple(map(parse_server, settings.spec.dns.servers))
    found = check_domains(domains, servers=servers, known=settings.home.mail_domains, progress=progress)
    return MailDomains(found)
