"""Owns SPF (RFC 7208): reading a domain's record, counting what it costs to follow, and what it says of an address.

What has macros in it is not followed: then the answer is `unknown`, never a guess.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal

from mailtui.accounts.domain.names import Names
from mailtui.accounts.domain.tags import texts
from mailtui.audience.mx.lookup import Records

LOOKUPS = 10
"""The most terms that ask the DNS, over all that is included (section 4.6.4)."""
VOIDS = 2
"""The most questions that may have no answer."""
_EXCHANGES = 10

Result = Literal["pass", "fail", "softfail", "neutral", "none", "permerror", "temperror", "unknown"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_QUALIFIERS: dict[str, Result] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_TERM = re.compile(r"(?P<qualifier>[-+?~]?)(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?:(?P<mark>[:=/])(?P<value>.*))?")
_CIDR = re.compile(r"(?P<name>[^/]*)(?:/(?P<four>\d{1,2}))?(?://(?P<six>\d{1,3}))?")
_ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?")


class SpfError(ValueError):
    """A record cannot be followed (permerror); the message is a sentence about it."""


class _NotSupported(Exception):
    """A macro, which only a receiving server can fill in."""


class _NotAnswered(Exception):
    """The DNS did not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a record. `domain` is '' for the record's own; the lengths are of the networks compared."""

    qualifier: Result
    name: str
    domain: str = ""
    four: int = 32
    six: int = 128
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None

    @property
    def asks(self) -> bool:
        return self.name in _ASKING


@dataclass(slots=True)
class Walk:
    """What following a record to its ends comes to."""

    lookups: int = 0
    voids: int = 0
    unknown: str = ""
    problem: str = ""
    seen: list[str] = field(default_factory=list)


async def records_of(names: Names, domain: str) -> tuple[list[str], Records]:
    """The SPF records of a domain as text, and what the DNS said."""
    found = await names.ask(domain, "TXT")
    return [text for text in texts(found) if re.match(r"v=spf1(?: |\Z)", text, re.IGNORECASE)], found


def parse(record: str) -> list[Term]:
    """The terms of a record, `redirect` last. Raises `SpfError`."""
    terms: list[Term] = []
    redirects: list[Term] = []
    for word in record.split()[1:]:
        found = _TERM.fullmatch(word)
        if found is None:
            raise SpfError(f"{word} is no term of SPF")
        name = found["name"].lower()
        if found["mark"] == "=":
            if name == "redirect":
                redirects.append(Term("pass", "redirect", _domain(word, found["value"])))
            continue  # exp= and what nobody knows, which is passed over (section 6)
        terms.append(_mechanism(word, found, name))
    if len(redirects) > 1:
        raise SpfError("it has redirect= twice")
    ends = next((at for at, term in enumerate(terms, 1) if term.name == "all"), None)
    return terms[:ends] if ends else terms + redirects  # what stands behind `all` is never come to (section 5.1)


def _mechanism(word: str, found: re.Match[str], name: str) -> Term:
    qualifier = _QUALIFIERS[found["qualifier"] or "+"]
    value = found["value"] or ""
    if name == "all" and not found["mark"]:
        return Term(qualifier, name)
    if name in ("ip4", "ip6") and found["mark"] == ":":
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise SpfError(f"{word} has no address behind the colon") from None
        if network.version != int(name[2]):
            raise SpfError(f"{word} has an address of the other kind")
        return Term(qualifier, name, network=network)
    if name in ("include", "exists") and found["mark"] == ":":
        return Term(qualifier, name, _domain(word, value))
    if name in ("a", "mx", "ptr"):
        parts = _CIDR.fullmatch(f"/{value}" if found["mark"] == "/" else value)
        if parts is None or (found["mark"] == ":" and not parts["name"]):
            raise SpfError(f"{word} is not written as SPF asks")
        four, six = int(parts["four"] or 32), int(parts["six"] or 128)
        if four > 32 or six > 128:
            raise SpfError(f"{word} has a longer network than there is")
        return Term(qualifier, name, _domain(word, parts["name"]) if parts["name"] else "", four, six)
    raise SpfError(f"{word} is no term of SPF")


def _domain(word: str, text: str) -> str:
    if "%" in text:
        return text
    if not _NAME.fullmatch(text):
        raise SpfError(f"{word} has no domain behind it")
    return text.rstrip(".").lower()


async def walk(names: Names, domain: str) -> Walk:
    """Follow a record to all its ends, and count; what is wrong on the way is in `problem`."""
    found = Walk()
    try:
        await _follow(names, domain, found)
    except SpfError as error:
        found.problem = str(error)
    except _NotAnswered as error:
        found.unknown = str(error)
    return found


async def _follow(names: Names, domain: str, found: Walk) -> None:
    if domain in found.seen:
        raise SpfError(f"{domain} includes itself")
    found.seen.append(domain)
    for term in await _terms(names, domain):
        if not term.asks:
            continue
        found.lookups += 1
        if found.lookups > 3 * LOOKUPS:
            return  # enough is known
        if "%" in term.domain:
            found.unknown = "it has macros"
        elif term.name in ("include", "redirect"):
            await _follow(names, term.domain, found)
        elif term.name in ("a", "mx"):
            said = await names.ask(term.domain or domain, "MX" if term.name == "mx" else "A")
            found.voids += said.state == "no_such_name" or (said.state == "nothing" and term.name == "mx")
    found.seen.remove(domain)


async def _terms(names: Names, domain: str) -> list[Term]:
    """The terms of the one record of a domain that was included. Raises `SpfError`, `_NotAnswered`."""
    records, said = await records_of(names, domain)
    if said.state == "unknown":
        raise _NotAnswered(f"{domain}: {said.why}")
    if len(records) != 1:
        what = "no SPF record" if not records else f"{len(records)} SPF records"
        raise SpfError(f"{domain} has {what}")
    return parse(records[0])


async def check_host(names: Names, address: Address, domain: str) -> Result:
    """Whether the record of a domain lets an address send (section 4); `unknown` where a macro decides."""
    try:
        return await _evaluate(names, address, domain, _Budget())
    except SpfError:
        return "permerror"
    except _NotAnswered:
        return "temperror"
    except _NotSupported:
        return "unknown"


@dataclass(slots=True)
class _Budget:
    lookups: int = 0
    voids: int = 0

    def ask(self) -> None:
        self.lookups += 1
        if self.lookups > LOOKUPS:
            raise SpfError("it takes more than ten lookups")

    def void(self) -> None:
        self.voids += 1
        if self.voids > VOIDS:
            raise SpfError("more than two lookups find nothing")


async def _evaluate(names: Names, address: Address, domain: str, budget: _Budget) -> Result:
    records, said = await records_of(names, domain)
    if said.state == "unknown":
        raise _NotAnswered(said.why)
    if not records:
        return "none"
    if len(records) > 1:
        raise SpfError("there are several records")
    for term in parse(records[0]):
        if term.asks:
            budget.ask()
        if "%" in term.domain or term.name in ("exists", "ptr"):
            raise _NotSupported
        if term.name == "redirect":
            result = await _evaluate(names, address, term.domain, budget)
            if result == "none":
                raise SpfError("it redirects to a domain without a record")
            return result
        if await _matches(names, term, address, domain, budget):
            return term.qualifier
    return "neutral"


async def _matches(names: Names, term: Term, address: Address, domain: str, budget: _Budget) -> bool:
    if term.name == "all":
        return True
    if term.network is not None:
        return address.version == term.network.version and address in term.network
    if term.name == "include":
        result = await _evaluate(names, address, term.domain, budget)
        if result == "none":
            raise SpfError(f"{term.domain} has no SPF record")
        return result == "pass"
    hosts = [term.domain or domain]
    if term.name == "mx":
        exchanges = await _ask(names, hosts[0], "MX", budget)
        if len(exchanges.values) > _EXCHANGES:
            raise SpfError(f"{hosts[0]} has more than ten mail servers")
        hosts = [record.exchange.to_text(omit_final_dot=True) for record in exchanges.values]
    length = term.four if address.version == 4 else term.six
    near = ipaddress.ip_network(f"{address}/{length}", strict=False)
    for host in hosts:
        said = await _ask(names, host, "A" if address.version == 4 else "AAAA", budget)
        if any(ipaddress.ip_address(record.address) in near for record in said.values):
            return True
    return False


async def _ask(names: Names, name: str, kind: str, budget: _Budget) -> Records:
    said = await names.ask(name, kind)
    if said.state == "unknown":
        raise _NotAnswered(said.why)
    if said.state != "found":
        budget.void()
    return said
