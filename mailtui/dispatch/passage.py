"""Owns the meters that one account's mails of one campaign pass: all of them let a mail begin, or none counts it.

They are those of the campaign, of the account, and of both for the recipient's domain. Where there are none, nothing
is asked and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailtui.dispatch.line import Line
from mailtui.dispatch.meter import Wait, WaitKind
from mailtui.dispatch.meter_words import in_words
from mailtui.dispatch.meters import Meters, campaign_key
from mailtui.dispatch.paced import Paced
from mailtui.outbox.timed_records import MeterSnapshot
from mailtui.smtp.job import Job

_WORTH_SAYING = 2.0  # seconds; shorter waits come and go

_MOST_KNOWN = 10_000  # domains that are remembered to be of no interest


class Passage:
    """Of one outlet. `wall` is epoch seconds."""

    def __init__(self, meters: Meters, *, account: str, campaign: str, always: bool, wall: Callable[[], float]) -> None:
        """`campaign` is its id; `always`: mails of the account are counted without any limits, too."""
        self._meters = meters
        self._account = account
        self._owners = (account, campaign_key(campaign))
        self._campaign = campaign
        self._always = always
        self._wall = wall
        self._seen = -1
        self._lines: tuple[Line, ...] = ()
        self._keys: tuple[str, ...] = ()
        self._per_connection: int | None = None
        self._domains = False
        self._unsaid: set[str] = set()  # domains of which nothing is said
        self._jobs: dict[Job, tuple[Line, ...]] = {}

    def _look(self) -> None:
        """See what meters there are now."""
        meters = self._meters
        lines = [line for owner in self._owners if (line := meters.known(owner)) is not None]
        if self._always and not any(line.meter.key == self._account for line in lines):
            lines.append(meters.line(self._account))
        self._lines = tuple(lines)
        self._keys = tuple(line.meter.key for line in lines)
        self._per_connection = _least(meters.limits(owner).per_connection for owner in self._owners)
        self._domains = any(meters.has_domains(owner) for owner in self._owners)
        self._unsaid.clear()
        self._seen = meters.changes

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked of a mail."""
        if self._seen != self._meters.changes:
            self._look()
        return not self._lines and not self._domains

    @property
    def per_connection(self) -> int | None:
        """How many mails a connection may carry."""
        if self._seen != self._meters.changes:
            self._look()
        return self._per_connection

    def most_workers(self, most: int | None) -> int | None:
        """How many connections are of use beside what the account says: `most` of them at a time."""
        limits = (self._meters.limits(owner) for owner in self._owners)
        return _least([most, *(one.most_connections for one in limits)])

    def lets(self, worker: Paced) -> Wait | None:
        """None when a mail may begin now, as far as that is not its domain's; else the worker waits in turn."""
        if self.is_open:
            return None
        now = self._wall()
        for line in self._lines:
            wait = line.lets(worker, self._campaign, now)
            if wait is not None:
                return wait
        return None

    def wait(self, now: float) -> Wait | None:
        """What keeps every mail from beginning."""
        if self.is_open:
            return None
        waits = [wait for line in self._lines if (wait := line.meter.wait(now)) is not None]
        return max(waits, key=lambda wait: wait.until or 0.0, default=None)

    def pause(self, now: float) -> Wait | None:
        """The same, where it takes longer than a moment and than the pace between two mails."""
        wait = self.wait(now)
        if wait is None or wait.until is None or wait.kind is WaitKind.PACE or wait.until - now < _WORTH_SAYING:
            return None
        return wait

    def of_domain(self, domain: str) -> tuple[Line, ...]:
        """The meters of a recipient's domain; none for most."""
        if not self._domains or domain in self._unsaid:
            return ()
        found = (self._meters.of_domain(owner, domain) for owner in self._owners)
        lines = tuple(line for line in found if line is not None)
        if not lines and len(self._unsaid) < _MOST_KNOWN:
            self._unsaid.add(domain)
        return lines

    def set_aside(self, job: Job, domain: str) -> None:
        """A mail begins, for which everybody has room."""
        lines = (*self._lines, *self.of_domain(domain)) if self._domains else self._lines
        if not lines:
            return
        now = self._wall()
        for line in lines:
            line.meter.set_aside(now)
        self._jobs[job] = lines

    def counted(self, job: Job) -> tuple[str, ...]:
        """The keys that its mark is counted under."""
        if not self._jobs:
            return ()
        lines = self._jobs.get(job, ())
        return self._keys if lines is self._lines else tuple(line.meter.key for line in lines)

    def marked(self, job: Job) -> None:
        """A mail is on record as about to be sent."""
        if not self._jobs:
            return
        now = self._wall()
        for line in self._jobs.pop(job, ()):
            line.meter.spend(now)
            line.changed()

    def let_go(self, job: Job) -> None:
        """A mail is under way no more; one that was not marked leaves its room to others."""
        if not self._jobs:
            return
        for line in self._jobs.pop(job, ()):
            line.meter.release()
            line.changed()

    def snapshots(self, now: float) -> list[MeterSnapshot]:
        """How far the meters are used, for people; none of those of which there is nothing to say."""
        if self.is_open:
            return []
        found = []
        for line in self._lines:
            meter, wait = line.meter, line.meter.wait(now)
            said, until = in_words(meter, now, pace=meter.key == self._account), None if wait is None else wait.until
            if until is not None and until - now < _WORTH_SAYING:
                until = None
            if said or until is not None:
                found.append(MeterSnapshot(meter.said, said or "waits", until))
        return found


def why_it_pauses(pause: Wait | None) -> str:
    """What is said of it, unless the pace that a server asked for says so itself."""
    return "" if pause is None or pause.kind is WaitKind.ASKED else pause.reason


def _least(numbers: Iterable[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)
