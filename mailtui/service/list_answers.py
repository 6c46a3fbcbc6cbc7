"""Owns what the open list answers: what it is, rows of it, a first look at a filter; and that a question is over."""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.audience.findings import Understanding
from mailtui.audience.source import SheetCopy
from mailtui.audience.views import ListRow


@dataclass(frozen=True, slots=True, eq=False)
class OpenList:
    """A list as it was understood, before any filter. `rows` counts bad ones too. Opened again, it is another one."""

    name: str
    columns: tuple[str, ...]
    rows: int
    understanding: Understanding
    sheet: SheetCopy | None = None
    """What is known of the copy of a Google sheet; None for a file."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows a filter lets in, and some it leaves out."""

    within: tuple[ListRow, ...]
    without: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """A first look at a filter on a long list, before everything is counted.

    `share` is the part of the list it lets in, judged by some rows of it, from 0 to 1.
    """

    share: float
    sample: Sample


@dataclass(frozen=True, slots=True)
class Opening:
    """A list that is being read for the first time: its name, and how many rows have been read so far."""

    name: str
    rows: int


class Superseded(Exception):
    """A newer question about the list ended this one; nobody waits for its answer any more."""
