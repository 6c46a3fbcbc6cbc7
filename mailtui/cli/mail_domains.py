"""`mailtui audience --mx`: which domains of a list take mail, and the rows of those that take none."""

from __future__ import annotations

from dataclasses import asdict

from mailtui.cli import output
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import Audience
from mailtui.service.mail_domains import MailDomains, check_mail_domains

_WORDS = {"ok": "takes mail", "no_such_domain": "does not exist", "no_mail": "takes no mail", "unknown": "unknown"}


def look_up(service: Service, opened: Audience) -> MailDomains:
    """Ask, with a bar where somebody looks."""
    with output.progress("Domains") as advance:
        return check_mail_domains(service.settings, opened, advance)


def show_domains(found: MailDomains, *, as_json: bool) -> None:
    """Every domain that does not simply take mail, and a summary; as JSON all of them."""
    if as_json:
        for row in found.domains:
            output.json_line(asdict(row))
        return
    shown = [
        row for verdict in ("no_such_domain", "no_mail", "unknown") for row in found.domains if row.verdict == verdict
    ]
    if shown:
        cells = [[f"{row.recipients:,}", row.domain, _WORDS[row.verdict], safe_text(row.reason)] for row in shown]
        output.table(["recipients", "domain", "", "why"], cells, right=[0])
        output.data("")
    takes = len(found.domains) - len(shown)
    output.data(
        f"{counted(len(found.domains), 'domain')}: {takes:,} take mail, {len(found.refusing):,} take none "
        f"({counted(found.lost(), 'recipient')}), {len(found.unknown):,} unknown, which is held against nobody"
    )
    if found.refusing:
        output.note("See the rows of those that take none: add --problems")
