"""Owns what is looked at before anything is sent: the list, the message, a sample of renders or all of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mailtui.audience.audience import Audience
from mailtui.audience.hygiene import HygieneKind
from mailtui.audience.recipient import Recipient
from mailtui.audience.sheets.ages import freshness
from mailtui.audience.views import AudienceCounts, about_alike
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.copy_checks import copy_findings
from mailtui.campaign.due_times import row_time_findings, settled
from mailtui.campaign.extras import brings_copies
from mailtui.campaign.file_checks import brings_files, page_findings, row_findings
from mailtui.campaign.judging import Judge
from mailtui.campaign.suppression import Suppressed
from mailtui.campaign.time_checks import schedule_findings
from mailtui.kit.suggest import nearest
from mailtui.kit.words import counted
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Finding, Preflight
from mailtui.message.reference import self_check
from mailtui.message.remarks import Severity

_TRIAL_SECRET = b"trial"
_STEP = 1_000
_NAMED = 5  # rows of a finding
_GRAVITY = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found. `rendered` rows were rendered of `counts.recipients`."""

    campaign: str
    counts: AudienceCounts
    rendered: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        return self.many("error")

    def many(self, severity: Severity) -> int:
        """How many findings there are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def with_findings(self, more: Iterable[Finding]) -> CheckReport:
        """The same check with these, too; the gravest first."""
        findings = sorted((*self.findings, *more), key=lambda item: _GRAVITY[item.severity])
        return dataclasses.replace(self, findings=tuple(findings))

    def whose(self, finding: Finding) -> str:
        """The rows that a finding of this check is about, in a few words; '' for one about the message."""
        count, rows = finding.count, finding.rows
        if not rows:
            return ""
        if count == 1:
            return f"row {rows[0]:,}"
        if finding.alike:
            others = "all others" if count == self.counts.recipients else counted(count - 1, "other")
            return f"row {rows[0]:,}, and {others} alike"
        if count == self.counts.recipients and finding.code != "bad-rows":  # whose rows are nobody's
            return "every mail"
        shown = ", ".join(f"{row:,}" for row in rows[:_NAMED])
        return f"rows {shown}{f' and {count - _NAMED:,} more' if count > _NAMED else ''}"


def run_checks(
    campaign: Campaign,
    audience: Audience,
    source: MessageSource,
    suppressed: Suppressed,
    *,
    sample: int | None,
    progress: Callable[[int, int], None],
    size: int = 0,
) -> CheckReport:
    """Check the campaign; `sample` is how many rows are rendered, None for all of them; `size` the most bytes that the
    server takes of a mail, 0 where nothing is known of it.

    Every address and every field the message uses is looked at for all rows in any case. Raises what stands in
    the way of looking at all: `AudienceError`, `TemplateError`. `progress` hears rows done, and of how many, several
    times a second; what it raises ends the check.
    """
    audience.require_sendable()
    compiled = campaign.compile(source, audience.columns, secret=_TRIAL_SECRET)
    counts = audience.counts()
    preflight = Preflight(compiled, size=size)
    total = counts.recipients
    every_row = sample is None or sample >= total
    done = rendered = 0
    differences: list[str] | None = None

    def looked_at() -> Iterator[Recipient]:
        """Everybody; whoever is not rendered has the row alone judged, here."""
        nonlocal done
        for done, recipient in enumerate(audience.recipients(), 1):
            suppressed.feed(recipient.key)
            if not every_row:
                preflight.feed_row(recipient)
                if done % _STEP == 0:
                    progress(done, total)
            yield recipient

    wanted = frozenset() if every_row else spread(total, sample or 0)

    def chosen() -> Iterator[Recipient]:
        return iter([recipient for number, recipient in enumerate(looked_at(), 1) if number in wanted])

    judge = Judge(
        source,
        audience.columns,
        secret=_TRIAL_SECRET,
        date=time.time(),
        with_rows=every_row,
        alive=lambda: progress(rendered if every_row else done, total),
        size=size,
    )
    with judge:
        for batch in judge.judge(looked_at() if every_row else chosen(), preflight):
            rendered += batch.rows
            progress(rendered if every_row else done, total)
            if differences is None and batch.good is not None:
                encoding = TransferEncoding.EIGHT_BIT
                differences = self_check(compiled, batch.good, date=time.time(), encoding=encoding, smtputf8=True)
    about_files = list(page_findings(source))
    if brings_files(source):
        about_files += row_findings(
            campaign, source, audience.columns, audience.recipients(), lambda rows: progress(rows, total), size=size
        )
    if brings_copies(source):
        about_files += copy_findings(
            campaign,
            source,
            audience.columns,
            audience.recipients(),
            lambda rows: progress(rows, total),
            rendered=lambda number: every_row or number in wanted,
        )
    about_times = (*_time_findings(campaign, audience, lambda rows: progress(rows, total)),)
    progress(total, total)
    about_list = (
        *_audience_findings(campaign, counts, audience),
        *_flag_findings(campaign, audience),
        *_suppression_findings(suppressed, counts),
        *_list_findings(campaign, suppressed),
    )
    findings = (*about_list, *_misbuilt(differences or []), *about_times, *about_files, *preflight.findings())
    return CheckReport(campaign.name, counts, rendered, ()).with_findings(findings)


def _time_findings(campaign: Campaign, audience: Audience, progress: Callable[[int], None]) -> Iterator[Finding]:
    now = time.time()
    yield from schedule_findings(campaign, now)
    schedule = settled(campaign.schedule, now)
    yield from row_time_findings(campaign, schedule, audience.columns, audience.recipients, now, progress)


def _misbuilt(differences: list[str]) -> Iterator[Finding]:
    """The skeleton and the standard parser must agree; where they do not, nothing may go out."""
    if differences:
        text = f"the message as built is read differently by the standard parser: {'; '.join(differences[:3])}"
        hint = (
            "This is a defect of mailtui: please report it, with the templates. Nothing can be sent until it is mended."
        )
        yield Finding("error", "misbuilt", text, hint=hint)


def spread(total: int, sample: int) -> frozenset[int]:
    """Which of `total` recipients to try, counted from 1: the first, the last, and some evenly between."""
    if sample >= total:
        return frozenset(range(1, total + 1))
    return frozenset(1 + step * (total - 1) // max(sample - 1, 1) for step in range(sample))


def _suppression_findings(suppressed: Suppressed, counts: AudienceCounts) -> Iterator[Finding]:
    left_out = suppressed.total()
    if left_out and left_out == counts.recipients:
        hint = "See who is on the list: mailtui suppress list."
        yield Finding("warning", "all-suppressed", "everybody is suppressed, and gets nothing", hint=hint)
    elif left_out:
        yield Finding("note", "suppressed", f"{counted(left_out, 'recipient')} suppressed: nothing is sent there")
    for name, count in suppressed.unusable:
        suppress = "suppresses" if count == 1 else "suppress"
        message = f"{name}: {counted(count, 'row')} without a usable address, which {suppress} nobody"
        yield Finding("warning", "suppress-list", message, hint="Mend the list: whoever is meant there gets the mail.")


def _list_findings(campaign: Campaign, suppressed: Suppressed) -> Iterator[Finding]:
    """A list that nobody is on may be meant so, or be a slip that mails everybody who left another one."""
    name = campaign.spec.audience.list
    if not name or name in suppressed.lists:
        return
    place = campaign.document.place(("audience", "list"))
    hit = nearest(name, suppressed.lists)
    if hit is None:
        yield Finding("note", "empty-list", f"nobody is on the suppression list of {name}", place=place)
        return
    message = f"nobody is on the suppression list of {name}, but some are on that of {hit}. Did you mean {hit}?"
    yield Finding("warning", "list-name", message, place=place)


_FLAGS: tuple[tuple[HygieneKind, Severity, str, str], ...] = (
    ("bad_domain", "warning", "has a mistyped domain", "have mistyped domains"),
    ("disposable", "warning", "has a throw-away address", "have throw-away addresses"),
    ("role", "note", "has the address of a task, not of a person", "have addresses of a task, not of a person"),
)


def _flag_findings(campaign: Campaign, audience: Audience) -> Iterator[Finding]:
    for kind, severity, one, many in _FLAGS:
        count, rows = audience.flagged(kind, 20)
        if count:
            message = f"{counted(count, 'recipient')} {one if count == 1 else many}"
            hint = f"To leave them out: audience: {{exclude: [{kind}]}}"
            command = f"mailtui audience {campaign.path} --exclude {kind} --problems"
            yield Finding(severity, kind.replace("_", "-"), message, rows, count, command=command, hint=hint)


def _audience_findings(campaign: Campaign, counts: AudienceCounts, audience: Audience) -> Iterator[Finding]:
    if counts.recipients == 0:
        why = "the filter matches nobody" if counts.matched == 0 else "no row that matches has a usable address"
        hint = "Look at the list: mailtui audience CAMPAIGN."
        yield Finding("error", "nobody", f"There is nobody to send to: {why}.", hint=hint)
    if audience.sheet is not None:
        message = f"the list is {audience.name}, {freshness(audience.sheet, datetime.now().astimezone())}"
        yield Finding("warning" if audience.sheet.offline else "note", "sheet", message)
    for note in audience.understanding.notes:
        yield Finding("note", "list-note", note.rstrip("."))
    if counts.problems:
        rows = tuple(
            problem.row
            for problem in audience.problems(limit=20)
            if problem.row is not None and problem.kind not in ("duplicate", "excluded")
        )
        get = "gets" if counts.problems == 1 else "get"
        message = f"{counted(counts.problems, 'row')} of the list cannot be used, and {get} no mail"
        command = f"mailtui audience {campaign.path} --problems"
        hint = "Mend them in the list, if they are to get it."
        yield Finding("warning", "bad-rows", message, rows, counts.problems, command=command, hint=hint)
    if counts.excluded:
        whose = "its" if counts.excluded == 1 else "their"
        message = f"{counted(counts.excluded, 'row')} left out for {whose} kind of address, by audience: exclude"
        yield Finding("note", "excluded", message)
    if counts.duplicates:
        message = f"{counted(counts.duplicates, 'row')} with an address that stands in an earlier row; it gets one mail"
        yield Finding("note", "duplicates", message)
    if counts.grouped:
        goes = "it goes" if counts.grouped == 1 else "they go"
        message = f"{counted(counts.grouped, 'row')} with the address of an earlier row; {goes} into its mail"
        yield Finding("note", "grouped", message)
    alike, rows = audience.alike(20)
    if alike:
        hint = "If they are the same person, take one of the rows out of the list."
        yield Finding("warning", "capital-letters", about_alike(alike), rows, alike, hint=hint)
