"""Owns lines of cron: five fields, read as Debian's cron reads them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

_EXAMPLE = '"0 9 * * MON" is every Monday at 09:00'
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - what a clock on the wall shows


@functools.lru_cache(maxsize=256)
def check_cron(line: str) -> str:
    """The line, with single spaces. Raises ValueError with a sentence for one that cannot be read, or never comes."""
    fields = line.split()
    if len(fields) != 5:
        names = "minute, hour, day of the month, month, day of the week"
        raise ValueError(f"{line!r} is no line of cron: it has five fields ({names}); {_EXAMPLE}")
    try:
        found = next(CronSim(line, _ANY_DAY), None)
    except CronSimError as error:
        raise ValueError(f"{line!r} is no line of cron: {_fault(error)}; {_EXAMPLE}") from None
    if found is None:
        raise ValueError(f"{line!r} never comes: there is no such day")
    return " ".join(fields)


def cron_walls(line: str, start: datetime) -> Iterator[datetime]:
    """The times of the wall from `start` on that a line names, whatever clocks are put."""
    return iter(CronSim(line, start - timedelta(seconds=1)))


@functools.lru_cache(maxsize=256)
def is_hourly(line: str) -> bool:
    """Whether it comes in each hour of a day: then an hour that a clock change adds or leaves out is no matter."""
    return len(CronSim(line, _ANY_DAY).hours) == 24


def cron_words(line: str) -> str:
    """What a line means: `at 09:00 on Monday`."""
    words = CronSim(line, _ANY_DAY).explain()
    return words[:1].lower() + words[1:]


def _fault(error: CronSimError) -> str:
    said = str(error)
    return f"its {said.removeprefix('Bad ').replace('-', ' ')} is wrong" if said.startswith("Bad ") else said
