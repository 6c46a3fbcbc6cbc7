"""Owns the domains of a list's recipients: how many each has, and which rows one of them costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mailtui.audience.audience import Audience
from mailtui.audience.mx.verdict import REFUSING, DomainVerdict
from mailtui.audience.problem import RowProblem


def recipients_by_domain(audience: Audience) -> dict[str, int]:
    """The domains of everybody who gets a mail, with how many each has."""
    return dict(Counter(key.rpartition("@")[2] for _, _, key in audience.keys()))  # noqa: SIM118 - no mapping


def refused_rows(audience: Audience, verdicts: Iterable[DomainVerdict]) -> Iterator[RowProblem]:
    """The rows whose domain can take no mail, in the order of the list."""
    refusing = {row.domain: row.reason for row in verdicts if row.verdict in REFUSING}
    if not refusing:
        return
    for row, line, key in audience.keys():  # noqa: SIM118
        domain = key.rpartition("@")[2]
        if domain in refusing:
            yield RowProblem(line, row, "no_mail", f"{domain}: {refusing[domain]}", key)
