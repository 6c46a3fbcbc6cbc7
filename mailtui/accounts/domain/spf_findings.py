"""Owns what is said about a domain's SPF, with the record that would mend it."""

from __future__ import annotations

import ipaddress
import re

from mailtui.accounts.domain import spf
from mailtui.accounts.domain.names import Names
from mailtui.accounts.domain.spf import Address, Term
from mailtui.message.preflight import Finding

# Where mail leaves a private network, nobody inside it can say.
_NETWORKS = """10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16
    ::1/128 fc00::/7 fe80::/10"""
_INSIDE = tuple(map(ipaddress.ip_network, _NETWORKS.split()))
_WHY: dict[spf.Result, str] = {
    "unknown": "it has macros, exists or ptr, which a receiving server alone can work out",
    "temperror": "not all that it includes was answered",
    "permerror": "servers cannot follow it to its end (RFC 7208 section 4.6.4)",
}
_ALL = re.compile(r"[-+~?]?all", re.IGNORECASE)


async def look(names: Names, domain: str, host: str) -> list[Finding]:
    """What a person should know about the SPF record of a domain whose mail this server takes."""
    texts, said = await spf.records_of(names, domain)
    if said.state == "unknown":
        return [Finding("note", "dns-unknown", f"SPF of {domain} could not be looked up: {said.why}")]
    addresses, why = await _addresses(names, host)
    if not texts:
        record = " ".join(["v=spf1", *(_term(one) for one in addresses), "~all"])
        provider = "" if addresses else ", with what your provider names put in before ~all"
        message = f"{domain} has no SPF record, so anybody might send for it, and large providers distrust its mail"
        return [Finding("warning", "spf-missing", message, hint=f'Add: {domain}. TXT "{record}"{provider}')]
    if len(texts) > 1:
        message = f"{domain} has {len(texts)} SPF records; then none counts (RFC 7208 section 4.5)"
        return [Finding("error", "spf-several", message, hint=f'Make one of them: {domain}. TXT "{_merged(texts)}"')]
    try:
        terms = spf.parse(texts[0])
    except spf.SpfError as error:
        message = f"the SPF record of {domain} cannot be read: {error}"
        return [Finding("error", "spf-syntax", message, hint=f"It reads: {texts[0]}")]
    walk = await spf.walk(names, domain)
    found = _ends(domain, texts[0], terms) + _costs(domain, walk)
    if not any(finding.severity == "error" for finding in found):
        found += await _covers(names, domain, texts[0], host, addresses, why)
    return found


def _costs(domain: str, walk: spf.Walk) -> list[Finding]:
    found = []
    if walk.problem:
        message = f"the SPF record of {domain} cannot be followed, so it does not count: {walk.problem}"
        found.append(Finding("error", "spf-broken", message, hint="Mend or leave out what it includes."))
    if walk.unknown:
        found.append(Finding("note", "dns-unknown", f"SPF of {domain} could not be followed: {walk.unknown}"))
    if walk.lookups > spf.LOOKUPS:
        message = f"the SPF record of {domain} takes {walk.lookups} lookups; with more than 10 it does not count"
        hint = "Leave out what does not send for you any more, or write its networks as ip4:."
        found.append(Finding("error", "spf-lookups", message, hint=hint))
    if walk.voids > spf.VOIDS:
        message = f"{walk.voids} lookups of the SPF record of {domain} find nothing; with more than 2 it does not count"
        found.append(Finding("error", "spf-voids", message, hint="Leave out the names that are gone."))
    return found


def _ends(domain: str, record: str, terms: list[Term]) -> list[Finding]:
    last = next((term for term in terms if term.name in ("all", "redirect")), None)
    if last is not None and (last.name == "redirect" or last.qualifier in ("fail", "softfail")):
        return []
    ended = " ".join([*(word for word in record.split() if not _ALL.fullmatch(word)), "~all"])
    hint = f'Write: {domain}. TXT "{ended}"'
    if last is not None and last.qualifier == "pass":
        message = f"the SPF record of {domain} lets everybody send for it (+all)"
        return [Finding("error", "spf-open", message, hint=hint)]
    message = f"the SPF record of {domain} says nothing of everybody else, so it keeps nobody from forging its mail"
    return [Finding("warning", "spf-open", message, hint=hint)]


async def _covers(
    names: Names, domain: str, record: str, host: str, addresses: list[Address], why: str
) -> list[Finding]:
    if not addresses:
        message = f"SPF of {domain}: whether it covers your server cannot be known: {why}"
        return [Finding("note", "spf-server-unknown", message)]
    results = {address: await spf.check_host(names, address, domain) for address in addresses}
    wrong = [address for address, result in results.items() if result in ("fail", "softfail", "neutral")]
    if wrong:
        which = ", ".join(map(str, wrong))
        message = f"SPF of {domain} does not cover {host} ({which}): {results[wrong[0]]}"
        words = record.split()
        mended = " ".join([words[0], *map(_term, wrong), *words[1:]])
        hint = (
            f'If mail leaves from there, write: {domain}. TXT "{mended}". '
            "A provider that sends from elsewhere names an include: of its own."
        )
        return [Finding("warning", "spf-not-covered", message, hint=hint)]
    if any(result != "pass" for result in results.values()):
        why = _WHY.get(next(result for result in results.values() if result != "pass"), "the record changed meanwhile")
        message = f"SPF of {domain}: whether it covers {host} cannot be worked out here: {why}"
        return [Finding("note", "spf-server-unknown", message)]
    return [Finding("note", "spf-covers", f"SPF of {domain} covers {host} ({', '.join(map(str, addresses))})")]


async def _addresses(names: Names, host: str) -> tuple[list[Address], str]:
    """The public addresses of a server, or why there are none."""
    if not host:
        return [], "no server is named"
    try:
        found: list[Address] = [ipaddress.ip_address(host.strip("[]"))]
    except ValueError:
        found = []
        for kind in ("A", "AAAA"):
            said = await names.ask(host, kind)
            if said.state == "unknown":
                return [], f"{host} could not be looked up: {said.why}"
            found += [ipaddress.ip_address(record.address) for record in said.values]
    public = [one for one in found if not any(one.version == net.version and one in net for net in _INSIDE)]
    return public, f"{host} is on this machine, in a private network or nowhere" if not public else ""


def _term(address: Address) -> str:
    return f"ip{address.version}:{address}"


def _merged(records: list[str]) -> str:
    words = [word for record in records for word in record.split()[1:]]
    kept = [word for word in dict.fromkeys(words) if not _ALL.fullmatch(word)]
    return " ".join(["v=spf1", *kept, "~all"])
