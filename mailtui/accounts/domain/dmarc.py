"""Owns DMARC: finding the policy that holds for a domain, and reading it (RFC 7489).

Which domain is the organisation's is found as the revision of DMARC does it, by walking up the tree until a record is
there, and needs no list of public suffixes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailtui.accounts.domain.names import Names
from mailtui.accounts.domain.tags import tags, texts

_POLICIES = ("none", "quarantine", "reject")
_MOST_LABELS = 8


class DmarcError(ValueError):
    """A record cannot be read; the message is a sentence about it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for a domain. `at` has the record, `organisation` is the highest domain that has one.

    `policy` is the one for the domain that was asked about: `sp` where the record is that of a domain above it.
    """

    at: str
    organisation: str
    policy: str
    share: int
    strict_dkim: bool
    strict_spf: bool
    reports: tuple[str, ...]

    def aligned(self, sender: str, other: str, *, strict: bool) -> bool:
        """Whether another domain counts as the sender's (RFC 7489 section 3.1)."""
        if sender == other or strict:
            return sender == other
        return all(f".{name}".endswith(f".{self.organisation}") for name in (sender, other))


@dataclass(frozen=True, slots=True)
class Discovery:
    """What looking for a policy came to: the policy, or why there is none: a mistake, or no answer of the DNS."""

    policy: Policy | None = None
    at: str = ""
    mistake: str = ""
    unknown: str = ""


async def discover(names: Names, domain: str) -> Discovery:
    """The policy for a domain in A-labels."""
    first: tuple[str, str] | None = None
    highest = below = ""
    for name in _upwards(domain):
        found = await names.ask(f"_dmarc.{name}", "TXT")
        if found.state == "unknown":
            if first is None:
                return Discovery(at=name, unknown=found.why)
            break
        records = [text for text in texts(found) if re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text)]
        if len(records) > 1 and first is None:
            return Discovery(at=name, mistake=f"there are {len(records)} records, and then none of them counts")
        if len(records) == 1:
            first = first or (name, records[0])
            highest, ends = _organisation(name, below, records[0])
            if ends:
                break
        below = name
    if first is None:
        return Discovery()
    try:
        return Discovery(_policy(domain, first[0], highest, first[1]), first[0])
    except ValueError as error:
        return Discovery(at=first[0], mistake=str(error))


def _organisation(name: str, below: str, record: str) -> tuple[str, bool]:
    """The organisation's domain as a record on the way up has it, and whether the way ends there: `psd=n` says that
    this is it, `psd=y` that people register domains under this one, such as the one `below` that the way came by.
    """
    found = re.search(r";\s*psd\s*=\s*([yn])\s*(?:;|\Z)", record, re.IGNORECASE)
    registry = found is not None and found[1].lower() == "y"
    return (below if registry and below else name), found is not None


def _upwards(domain: str) -> list[str]:
    """The domain, and those above it that somebody may own: two labels at least, eight steps at most."""
    labels = domain.split(".")
    above = [".".join(labels[at:]) for at in range(1, len(labels) - 1)]
    return [domain, *above[-(_MOST_LABELS - 1) :]]


def _policy(domain: str, at: str, highest: str, record: str) -> Policy:
    found = tags(record)
    policy = found.get("p", "").lower()
    if policy not in _POLICIES:
        raise DmarcError("it has no p= of none, quarantine or reject" if not policy else f"p={policy} is no policy")
    below = found.get("sp", policy).lower()
    if below not in _POLICIES:
        raise DmarcError(f"sp={below} is no policy")
    share = found.get("pct", "100")
    if not share.isdecimal() or int(share) > 100:
        raise DmarcError(f"pct={share} is no share of a hundred")
    modes = [found.get(key, "r").lower() for key in ("adkim", "aspf")]
    if any(mode not in ("r", "s") for mode in modes):
        raise DmarcError("adkim= and aspf= are r or s")
    reports = tuple(uri.strip() for uri in found.get("rua", "").split(",") if uri.strip())
    wrong = next((uri for uri in reports if not uri.lower().startswith("mailto:")), None)
    if wrong is not None:
        raise DmarcError(f"rua={wrong} is no mailto: link")
    used = policy if at == domain else below
    return Policy(at, highest, used, int(share), modes[0] == "s", modes[1] == "s", reports)
