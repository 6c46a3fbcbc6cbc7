"""Owns what is found about the domain that mail is sent from: SPF, DKIM, DMARC, whether answers arrive, and what large
mailbox providers ask of their senders.

The DNS is asked when a person wants it and about these domains alone. What it does not answer is held against nobody:
that is a note, `could not be looked up`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mailtui.accounts.domain import dkim_findings, dmarc_findings, spf_findings
from mailtui.accounts.domain.names import Names
from mailtui.audience.mx.servers import Server
from mailtui.errors import MailtuiError
from mailtui.message.preflight import Finding

SECONDS = 20.0
"""For all of it together."""
BULK = 5_000
"""Recipients at personal accounts of one provider a day, from which on more is asked of a sender, for good."""

_FREE = {
    ("gmail.com", "googlemail.com"): ("google.com", "gmail.com", "googlemail.com"),
    ("yahoo.com", "ymail.com", "rocketmail.com", "aol.com"): ("yahoo.com", "aol.com"),
    ("outlook.com", "hotmail.com", "live.com", "msn.com"): ("outlook.com", "office365.com", "hotmail.com", "live.com"),
    ("icloud.com", "me.com", "mac.com"): ("icloud.com", "me.com"),
    ("gmx.net", "gmx.com", "gmx.de", "gmx.at", "gmx.ch"): ("gmx.net", "gmx.com"),
    ("web.de",): ("web.de",),
    ("mail.ru",): ("mail.ru",),
    ("yandex.ru", "yandex.com"): ("yandex.ru", "yandex.com", "yandex.net"),
}
"""Domains of free mailboxes, and whose servers may send for them."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: domains in A-labels. `envelope` is that of MAIL FROM, `reply_to` '' for none, `host` the server that
    takes the mail, `selectors` those under which it may be signed, `mails` how many there are; `own_key` is the name
    and the text of the record of the key that mailtui signs with, where it does.
    """

    domain: str
    envelope: str
    reply_to: str = ""
    host: str = ""
    selectors: tuple[str, ...] = ()
    mails: int = 0
    own_key: tuple[str, str] | None = None


def check_sender(sender: Sender, *, servers: tuple[Server, ...], seconds: float = SECONDS) -> tuple[Finding, ...]:
    """What a person should know about the domain. `servers` are asked, the system's when there are none.

    It takes `seconds` at most, and raises nothing: what cannot be found out is a note.
    """
    found = [*_free(sender), *_bulk(sender)]
    try:
        found += asyncio.run(_ask(sender, servers, seconds))
    except MailtuiError as error:
        found.append(unknown(sender.domain, error.title))
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda finding: order[finding.severity]))


async def _ask(sender: Sender, servers: tuple[Server, ...], seconds: float) -> list[Finding]:
    names = Names(servers)
    kinds: tuple[tuple[str, Callable[[], Awaitable[Sequence[Finding]]]], ...] = (
        ("whether it takes mail", lambda: _takes_mail(names, sender)),
        ("SPF", lambda: spf_findings.look(names, sender.envelope, sender.host)),
        ("DKIM", lambda: dkim_findings.look(names, sender.domain, sender.selectors, sender.own_key)),
        ("DMARC", lambda: dmarc_findings.look(names, sender.domain, sender.envelope)),
    )
    tasks = [(what, asyncio.ensure_future(look())) for what, look in kinds]
    await asyncio.wait([task for _, task in tasks], timeout=seconds)
    found: list[Finding] = []
    for what, task in tasks:
        if task.done():
            found += task.result()
        else:
            task.cancel()
            found.append(unknown(sender.domain, f"{what}: there was no time to ask"))
    names.close()
    return found


async def _takes_mail(names: Names, sender: Sender) -> list[Finding]:
    found: list[Finding] = []
    answers = sender.reply_to if sender.reply_to != sender.domain else ""
    for domain, what in ((sender.domain, "From"), (answers, "Reply-To")):
        if not domain:
            continue
        said = await names.takes_mail(domain)
        if said.verdict == "unknown":
            found.append(unknown(domain, said.reason))
        elif said.verdict == "no_such_domain":
            message = f"{domain}, of {what}: the DNS has no such domain; servers refuse mail from it"
            found.append(Finding("error", "sender-domain", message, hint="Is it spelt right?"))
        elif said.verdict == "no_mail":
            message = f"{domain}, of {what}, takes no mail: {said.reason}; answers and bounces do not arrive"
            hint = f"Add an MX record: {domain}. MX 10 mail.{domain}."
            found.append(Finding("error" if what == "From" else "warning", "sender-no-mail", message, hint=hint))
        else:
            found.append(Finding("note", "sender-mx", f"{domain}, of {what}, takes mail: {said.reason}"))
    return found


def _free(sender: Sender) -> list[Finding]:
    host = sender.host.lower().rstrip(".")
    for domains, own in _FREE.items():
        if sender.domain in domains and not any(host == name or host.endswith(f".{name}") for name in own):
            message = (
                f"From is at {sender.domain}, whose mail only its own servers may send; "
                f"through {host or 'another server'} it is taken for forged"
            )
            hint = "Send from a domain of your own, with Reply-To at this address; or through an account there."
            return [Finding("warning", "free-mailbox", message, hint=hint)]
    return []


def _bulk(sender: Sender) -> list[Finding]:
    if sender.mails < BULK:
        return []
    message = (
        f"{sender.mails:,} mails: whoever sends {BULK:,} a day to Gmail, Yahoo or Outlook once is held to their rules "
        "for bulk senders for good: SPF and DKIM and DMARC, unsubscribing with one click, few complaints"
    )
    return [Finding("note", "bulk-sender", message, hint="See docs/sending-domain.md.")]


def unknown(what: str, why: str) -> Finding:
    """The note about what the DNS did not say."""
    return Finding("note", "dns-unknown", f"{what} could not be looked up: {why}")
