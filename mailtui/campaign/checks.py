"""Owns what is looked at before anything is sent: the list, the message, a sample of renders or all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailtui.audience.audience import Audience
from mailtui.audience.recipient import Recipient
from mailtui.audience.views import AudienceCounts
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.message.preflight import Finding, Preflight
from mailtui.message.source import MessageSource

SAMPLE = 20
_TRIAL_SECRET = b"trial"
_STEP = 1_000


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found. `rendered` rows were rendered of `counts.recipients`."""

    campaign: str
    counts: AudienceCounts
    rendered: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)


def run_checks(
    campaign: Campaign,
    audience: Audience,
    source: MessageSource,
    *,
    sample: int | None,
    progress: Callable[[int, int], None],
) -> CheckReport:
    """Check the campaign; `sample` is how many rows are rendered, None for all of them.

    Every address and every field the message uses is looked at for all rows in any case. Raises what stands in
    the way of looking at all: `AudienceError`, `TemplateError`. `progress` hears rows done, and of how many.
    """
    audience.require_sendable()
    compiled = campaign.compile(source, audience.columns, secret=_TRIAL_SECRET)
    counts = audience.counts()
    preflight = Preflight(compiled)
    total = counts.recipients
    rendered = 0
    with TrialRenderer(source, audience.columns, secret=_TRIAL_SECRET, date=time.time()) as trial:
        if sample is None or sample >= total:
            for recipient, message in trial.render(audience.recipients()):
                preflight.feed_row(recipient)
                preflight.feed_message(recipient, message)
                rendered += 1
                if rendered % _STEP == 0:
                    progress(rendered, total)
        else:
            for done, recipient in enumerate(audience.recipients(), 1):
                preflight.feed_row(recipient)
                if done % _STEP == 0:
                    progress(done, total)
            for recipient, message in trial.render(spread(audience, counts, sample)):
                preflight.feed_message(recipient, message)
                rendered += 1
    progress(total, total)
    findings = (*_audience_findings(audience, counts), *preflight.findings())
    order = {"error": 0, "warning": 1, "note": 2}
    return CheckReport(campaign.name, counts, rendered, tuple(sorted(findings, key=lambda item: order[item.severity])))


def spread(audience: Audience, counts: AudienceCounts, sample: int) -> Iterator[Recipient]:
    """Recipients from all over the list: its first, its last part, and some between."""
    last = 0
    for step in range(sample):
        start = 1 + step * counts.rows // sample
        recipient = next(audience.recipients(max(start, last + 1)), None)
        if recipient is None:
            return
        last = recipient.row
        yield recipient


def _audience_findings(audience: Audience, counts: AudienceCounts) -> Iterator[Finding]:
    if counts.recipients == 0:
        why = "the filter matches nobody" if counts.matched == 0 else "no row that matches has a usable address"
        yield Finding("error", "nobody", f"There is nobody to send to: {why}.")
    if counts.problems:
        rows = tuple(
            problem.row
            for problem in audience.problems(limit=20)
            if problem.row is not None and problem.kind != "duplicate"
        )
        message = (
            f"{counts.problems:,} rows of the list cannot be used and get no mail "
            f"(see them: mailtui audience {audience.name} --problems)"
        )
        yield Finding("warning", "bad-rows", message, rows, counts.problems)
    if counts.duplicates:
        yield Finding("note", "duplicates", "addresses stand more than once; each gets one mail", (), counts.duplicates)
