"""Owns asking the DNS: whether a domain takes mail (RFC 5321 section 5.1, RFC 7505), and for any records.

A domain takes mail when it has an MX record, or none and an address of its own. It takes none when it does not
exist, when its only MX is the null one, and when it has neither. Anything else, a time-out above all, says nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailtui.audience.mx.servers import Server
from mailtui.audience.mx.verdict import Found
from mailtui.errors import MailtuiError

SECONDS = 6.0
"""For one question, all its tries together."""
_TRY = 2.0
# What holds is remembered for as long as the records do, within a day and an hour; what does not, for less.
_OK = (3_600.0, 86_400.0)
_NOT = (300.0, 21_600.0)
_NOT_PUBLIC = "the name servers asked do not know the public DNS, .com among it"
_NOT_IN_DNS = ("local", "onion", "localhost", "internal")


@dataclass(frozen=True, slots=True)
class Records:
    """What the DNS said to one question. `unknown`: it said nothing that can be relied on, and `why`."""

    state: Literal["found", "nothing", "no_such_name", "unknown"]
    values: tuple[Any, ...] = ()
    """The records, as dnspython has them; their fields have the names of their RFCs."""
    why: str = ""


class Lookup:
    """Asks the given name servers, else those of the system. Raises `MailtuiError` when there are none."""

    def __init__(self, servers: tuple[Server, ...]) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration as error:
            raise MailtuiError(
                "No name server is known to ask about mail domains",
                detail=str(error),
                hint="Name one in the settings: dns: {servers: [192.0.2.1]}",
            ) from None
        if servers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]
        self._resolver.timeout = _TRY
        self._resolver.lifetime = SECONDS
        self._public: asyncio.Task[bool] | None = None

    async def look(self, domain: str) -> Found:
        """Whether a domain, written in A-labels, takes mail."""
        found = await self._find(domain)
        if found.verdict == "no_such_domain" and not await self._knows_the_public_dns():
            return Found("unknown", _NOT_PUBLIC)
        return found

    async def records(self, name: str, kind: str) -> Records:
        """The records of one kind that a name in A-labels has."""
        try:
            found = await self._resolver.resolve(dns.name.from_text(name), kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return (
                Records("no_such_name") if await self._knows_the_public_dns() else Records("unknown", why=_NOT_PUBLIC)
            )
        except dns.exception.DNSException as error:
            return Records("unknown", why=_why(error))
        except OSError as error:
            return Records("unknown", why=error.strerror or str(error))
        return Records("nothing") if found.rrset is None else Records("found", tuple(found.rrset))

    async def _knows_the_public_dns(self) -> bool:
        """Whether "no such domain" means anything; inside some networks it is said of every name outside."""
        if self._public is None:
            self._public = asyncio.create_task(self._knows_com())
        return await asyncio.shield(self._public)

    async def _knows_com(self) -> bool:
        try:
            found = await self._resolver.resolve(dns.name.from_text("com"), "SOA", raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError):
            return False
        return found.rrset is not None

    async def _find(self, domain: str) -> Found:
        if domain.rpartition(".")[2] in _NOT_IN_DNS:
            return Found("unknown", "such names are not in the public DNS")
        try:
            name = dns.name.from_text(domain)
            found = await self._ask(name, "MX")
            if isinstance(found, Found):
                return found
            if found.rrset is not None:
                return _by_exchanges(found)
            for kind in ("A", "AAAA"):
                own = await self._ask(name, kind)
                if isinstance(own, Found):
                    return own
                if own.rrset is not None:
                    return Found("ok", "it has no MX record, but an address of its own", _within(own.rrset.ttl, _OK))
        except dns.exception.DNSException as error:
            return Found("unknown", _why(error))
        except OSError as error:
            return Found("unknown", error.strerror or str(error))
        return Found("no_mail", "it has neither an MX record nor an address", _within(_negative(found.response), _NOT))

    async def _ask(self, name: dns.name.Name, kind: str) -> dns.resolver.Answer | Found:
        try:
            return await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            answers = error.kwargs.get("responses") or {}
            lasts = min((_negative(answer) for answer in answers.values()), default=0)
            return Found("no_such_domain", "the DNS has no such domain", _within(lasts, _NOT))


def _by_exchanges(found: dns.resolver.Answer) -> Found:
    assert found.rrset is not None
    if all(record.exchange == dns.name.root for record in found.rrset):
        return Found("no_mail", "its owner says that it takes no mail (null MX)", _within(found.rrset.ttl, _NOT))
    return Found("ok", "it has an MX record", _within(found.rrset.ttl, _OK))


def _negative(response: dns.message.Message) -> int:
    """How long it holds that there is nothing (RFC 2308 section 5): what the zone's SOA record says."""
    for records in response.authority:
        if records.rdtype == dns.rdatatype.SOA:
            return min(records.ttl, *(int(record.minimum) for record in records))
    return 0


def _within(seconds: float, bounds: tuple[float, float]) -> float:
    return min(max(seconds, bounds[0]), bounds[1])


def _why(error: dns.exception.DNSException) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "no name server answered in time"
    if isinstance(error, dns.resolver.NoNameservers):
        return "its name servers report an error"
    return str(error) or type(error).__name__
