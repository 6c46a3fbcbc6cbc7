"""Owns what every kind of list has to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailtui.audience.csv_reader import Record
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec, ListFormat

Layout = TypeVar("Layout")


@dataclass(frozen=True, slots=True)
class Format(Generic[Layout]):
    """One kind of list.

    `layout` is the frozen dataclass that says how a file of this kind is cut into records; its fields are texts,
    numbers, booleans, None and tuples of those, so that an index can keep it. `understand` gets what was found out
    about the format too. Both it and `read` raise `AudienceError`.
    """

    name: ListFormat
    layout: type[Layout]
    understand: Callable[[Source, AudienceSpec, Finding], tuple[Layout, Understanding]]
    read: Callable[[Source, Layout], Iterator[Record]]
