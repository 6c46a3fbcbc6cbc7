"""Owns the words for what is about to be sent, and whether it may be; for the review and its last question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.content import Content

from mailtui.kit.words import counted, sentence
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import CheckReport, MessageChanged, Planned, WasCancelled
from mailtui.service.pace import pace_in_words
from mailtui.service.terms import (
    show_difference,
    show_launch,
    show_mails,
    show_shares,
    what_a_window_means,
    why_no_mails,
)
from mailtui.tui.states import CAMPAIGNS
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.account_lines import planned_accounts
from mailtui.tui.widgets.findings import summary
from mailtui.tui.widgets.plan_times import when_lines
from mailtui.tui.widgets.wrapped import Line

_SECURITY: Mapping[str, tuple[str, str]] = {
    "tls": ("+ TLS", "$text-success"),
    "starttls": ("+ STARTTLS", "$text-success"),
    "plain": ("! not encrypted", "$text-warning"),
}

Question = MessageChanged | WasCancelled
"""What has to be asked before a launch, since the campaign was launched before."""

_DEMO = "Demo: a sandbox on this machine catches everything; nothing leaves it."


def mails(plan: LaunchPlan) -> int:
    """How many mails would go out, as far as it has been counted: the number to type.

    Of what is sent again and again, how many would get it now.
    """
    return plan.counts.recipients if plan.planned is None else plan.planned.mails


def where_to(plan: LaunchPlan, *, to_sandbox: bool) -> str:
    """How seriously it is meant, for the last question. Only the demo knows that its server passes nothing on; of
    another one on this machine nothing more is known than where it is.
    """
    if to_sandbox:
        return "to the sandbox"
    if not all(member.endpoint.is_loopback for member in plan.members):
        return "for real"
    return f"to {plan.endpoint} on this machine" if len(plan.members) == 1 else "to this machine"


def some_mails(plan: LaunchPlan) -> bool:
    """Whether a start would do anything: send a mail, or go on with what was launched before."""
    planned = plan.planned
    if plan.recurs:
        return plan.counts.recipients > 0
    return planned is not None and (planned.mails > 0 or (planned.earlier is not None and not planned.nothing_to_do))


def nothing_to_start(plan: LaunchPlan | None) -> str:
    """Why a start would send nothing, and how to send it all the same; empty where it would send, or nobody knows."""
    planned = None if plan is None else plan.planned
    if plan is None or planned is None or some_mails(plan):
        return ""
    return f"{why_no_mails(planned)}. To everybody once more: mailtui run CAMPAIGN --new"


def facts(
    plan: LaunchPlan,
    question: Question | None = None,
    *,
    paced: bool = False,
    demo: bool = False,
    until_now: str = "",
) -> list[Line]:
    """A line for each thing a person should know; `paced` with the pace, and without what they have just read.

    `demo` says that it goes to the demo's sandbox, `until_now` when the same campaign has gone out again and again.
    """
    spec, counts = plan.campaign.spec, plan.counts
    unusable = max(0, counts.matched - counts.duplicates - counts.excluded - counts.grouped - counts.recipients)
    out = [
        (counts.rows - counts.matched, "left out by the filter"),
        (counts.duplicates, "duplicate" if counts.duplicates == 1 else "duplicates"),
        (counts.excluded, "excluded by their kind"),
        (unusable, "unusable"),
    ]
    left = ", ".join(f"{number:,} {what}" for number, what in out if number) or "none"
    lines = [
        *_servers(plan),
        *_from(plan),
        _fact("subject", plain(spec.subject or "as each row says", limit=200)),
        _fact(
            "recipients",
            joined(plain(f"{counts.recipients:,}", "bold $text-accent"), f" of {_rows(plan)}{_grouped(plan)}"),
        ),
    ]
    lines.extend(_before(plan, question))
    if until_now:
        lines.append(_fact("until now", joined(plain(until_now, limit=200), "; this takes its place")))
    lines.extend(_fact(name, value) for name, value in when_lines(plan))
    if demo:
        lines.insert(0, Line(plain(_DEMO, "$text-accent")))
    if not paced:
        lines.append(_fact("not among", plain(left)))
        lines.append(_fact("filter", plain(plan.campaign.filter_text or "none: everybody is meant", limit=400)))
    if paced and plan.plan.window > 1:
        meaning = plain(what_a_window_means(plan.plan.window), "$text-warning")
        lines.append(_fact("window", joined(f"{plan.plan.window}. ", meaning)))
    if counts.recipients:
        lines.append(_fact("first, last", plain(f"{plan.first}, {plan.last}", limit=200)))
    if paced:
        lines.append(_fact("pace", plain(f"{pace_in_words(plan.plan)}, {counted(plan.plan.workers, 'worker')}")))
    return lines


def _servers(plan: LaunchPlan) -> Iterator[Line]:
    """The server, or the accounts with their shares, a line each."""
    for nth, (member, (name, share)) in enumerate(zip(plan.members, planned_accounts(plan), strict=True)):
        endpoint = member.endpoint
        symbol, style = _SECURITY[str(endpoint.security)]
        if endpoint.is_loopback and str(endpoint.security) == "plain":
            symbol, style = "not encrypted, on this machine", "$text-muted"
        if len(plan.members) > 1:
            named = joined(plain(name, "bold"), plain(f" {share}  ", "$text-accent"), plain(str(endpoint)))
        else:
            inline = endpoint.account.startswith("inline:")
            named = plain(str(endpoint) if inline else f"{endpoint.account}, {endpoint}", "bold")
        login = plain(f"  as {endpoint.user}" if endpoint.user else "", "$text-muted")
        title = "" if nth else "server" if len(plan.members) == 1 else "accounts"
        yield _fact(title, joined(named, plain(f"  {symbol}", style), login))


def _from(plan: LaunchPlan) -> Iterator[Line]:
    """Whom the mails are from; of accounts that take turns a line each."""
    turns = plan.campaign.senders.taking_turns
    if not turns:
        yield _fact("from", plain(plan.campaign.spec.sender or "as each row says", limit=200))
        return
    shares = show_shares({sender.mailbox: sender.weight for sender in turns})
    for nth, (mailbox, share) in enumerate(shares.items()):
        yield _fact("" if nth else "from", joined(plain(f"{share:>5}  ", "$text-accent"), plain(mailbox, limit=60)))
    yield _fact("", plain("by turns; each recipient always hears from the same one", "$text-muted"))


def _before(plan: LaunchPlan, question: Question | None) -> Iterator[Line]:
    """What an earlier launch leaves to be sent; nothing where this one goes to everybody for the first time."""
    planned = plan.planned
    if question is not None:
        yield _fact("before", plain(sentence(question.title), "$text-warning"))
    elif planned is None:
        return
    elif planned.earlier is not None:
        yield _fact("already sent", plain(f"{planned.sent:,} ({show_launch(planned.earlier)}{_standing(planned)})"))
        yield _fact("to send", joined(plain(show_mails(planned), "bold $text-accent")))
        for place, said in enumerate(show_difference(planned.difference, planned.new)):
            yield _fact("" if place else "since then", plain(said, limit=300))
    elif planned.copies or planned.mails != plan.counts.recipients:
        number = plain(show_mails(planned), "bold $text-accent")
        fewer = planned.new < plan.counts.recipients
        yield _fact("to send", joined(number, "; the others are on a list of those who get nothing" if fewer else ""))


def _standing(planned: Planned) -> str:
    state = "" if planned.earlier is None else str(planned.earlier.state)
    if state == "finished":
        return "; 8 shows to whom"
    return f"; {CAMPAIGNS[state].word}, {'S' if state == 'scheduled' else '7'} shows it"


def verdict(
    plan: LaunchPlan | None,
    report: CheckReport | None,
    question: Question | None,
    *,
    failed: bool,
    asked: CheckReport | None = None,
) -> Content:
    """Whether it may be started, as far as it is known; a `question` is asked before it is.

    `asked` is the report with what the DNS said of the sender's domain, whose errors stop nothing.
    """
    if failed:
        return plain("× It cannot be started as it is.", "bold $text-error")
    if plan is None or (plan.planned is None and question is None and not plan.recurs):
        return plain("Counting …", "$text-muted")
    if report is None:
        return plain("Checking some rows …", "$text-muted")
    if report.errors:
        stop = plain("These errors keep it from being started:", "bold $text-error")
        return joined(stop, summary(asked or report), separator="  ")
    if plan.passed:
        return plain("× Its time has passed; w says another one.", "bold $text-error")
    planned = plan.planned
    if question is None and not some_mails(plan) and planned is not None:
        return plain(f"+ {why_no_mails(planned)}; nothing to do.", "$text-success")
    if asked is not None and asked.errors:
        return joined(plain("! s starts it; its domain may be refused:", "$text-warning"), "  ", summary(asked))
    does = "schedules it" if plan.waits or plan.recurs else "starts it"
    tried = plain(f"{report.rendered:,} of {counted(report.counts.recipients, 'row')} tried:")
    return joined(plain(f"Ready; s {does}. ", "$text-success"), tried, "  ", summary(asked or report))


def _fact(name: str, value: Content) -> Line:
    return Line(value, plain(f"{name:<13}", "$text-muted"))


def _rows(plan: LaunchPlan) -> str:
    return f"{counted(plan.counts.rows, 'row')} in {plan.campaign.spec.audience.source}"


def _grouped(plan: LaunchPlan) -> str:
    """That rows are put together, which makes them fewer."""
    return "; all rows of an address make one mail" if plan.campaign.spec.audience.group else ""
