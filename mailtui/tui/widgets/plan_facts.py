"""Owns the words for what is about to be sent, and whether it may be; for the review and its last question."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from mailtui.kit.words import counted
from mailtui.service.facade import LaunchPlan
from mailtui.service.lists import CheckReport
from mailtui.service.terms import show_rate
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.findings import summary
from mailtui.tui.widgets.wrapped import Line

_SECURITY: Mapping[str, tuple[str, str]] = {
    "tls": ("+ TLS", "$text-success"),
    "starttls": ("+ STARTTLS", "$text-success"),
    "plain": ("! not encrypted", "$text-warning"),
}


_DEMO = "Demo: a sandbox on this machine catches everything; nothing leaves it."


def facts(plan: LaunchPlan, *, paced: bool = False, demo: bool = False) -> list[Line]:
    """A line for each thing a person should know; `paced` with the pace, and without what they have just read.

    `demo` says that it goes to the demo's sandbox.
    """
    spec, endpoint, counts = plan.campaign.spec, plan.endpoint, plan.counts
    symbol, style = _SECURITY[str(endpoint.security)]
    if endpoint.is_loopback and str(endpoint.security) == "plain":
        symbol, style = "not encrypted, on this machine", "$text-muted"
    inline = endpoint.account.startswith("inline:")
    server = [
        plain("" if inline else f"{endpoint.account}, ", "bold"),
        plain(str(endpoint), "bold"),
        plain(f"  {symbol}", style),
        plain(f"  as {endpoint.user}" if endpoint.user else "", "$text-muted"),
    ]
    unusable = max(0, counts.matched - counts.duplicates - counts.recipients)
    out = [
        (counts.rows - counts.matched, "left out by the filter"),
        (counts.duplicates, "duplicate" if counts.duplicates == 1 else "duplicates"),
        (unusable, "unusable"),
    ]
    left = ", ".join(f"{number:,} {what}" for number, what in out if number) or "none"
    lines = [
        _fact("server", joined(*server)),
        _fact("from", plain(spec.sender or "as each row says", limit=200)),
        _fact("subject", plain(spec.subject or "as each row says", limit=200)),
        _fact("recipients", joined(plain(f"{counts.recipients:,}", "bold $text-accent"), f" of {_rows(plan)}")),
    ]
    if demo:
        lines.insert(0, Line(plain(_DEMO, "$text-accent")))
    if not paced:
        lines.append(_fact("not among", plain(left)))
        lines.append(_fact("filter", plain(plan.campaign.filter_text or "none: everybody is meant", limit=400)))
    if counts.recipients:
        lines.append(_fact("first, last", plain(f"{plan.first}, {plan.last}", limit=200)))
    if paced:
        pace = f"{show_rate(plan.plan.rate)}, {counted(plan.plan.workers, 'worker')}{_takes(plan)}"
        lines.append(_fact("pace", plain(pace)))
    return lines


def verdict(plan: LaunchPlan | None, report: CheckReport | None, *, failed: bool) -> Content:
    """Whether it may be started, as far as it is known."""
    if failed:
        return plain("× It cannot be started as it is.", "bold $text-error")
    if plan is None:
        return plain("Counting …", "$text-muted")
    if report is None:
        return plain("Checking some rows …", "$text-muted")
    if report.errors:
        stop = plain("These errors keep it from being started:", "bold $text-error")
        return joined(stop, summary(report), separator="  ")
    tried = plain(f"{report.rendered:,} of {counted(report.counts.recipients, 'row')} tried:")
    return joined(tried, summary(report), separator="  ")


def _fact(name: str, value: Content) -> Line:
    return Line(value, plain(f"{name:<13}", "$text-muted"))


def _rows(plan: LaunchPlan) -> str:
    return f"{counted(plan.counts.rows, 'row')} in {plan.campaign.spec.audience.source}"


def _takes(plan: LaunchPlan) -> str:
    """How long it takes at least, where there is a rate."""
    rate, mails = plan.plan.rate, plan.counts.recipients
    if rate is None or mails <= plan.plan.burst:
        return ""
    seconds = (mails - plan.plan.burst) / rate
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= 2 * size or size == 1:
            return f", about {counted(max(1, round(seconds / size)), unit)}"
    return ""
