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


def _one_place(source: Source, spec: AudienceSpec) -> tuple[str, ...]:  # noqa: ARG001 - as every `places`
    return ()


@dataclass(frozen=True, slots=True)
class Format(Generic[Layout]):
    """One kind of list.

    `layout` is the frozen dataclass that says how a file of this kind is cut into records; its fields are texts,
    numbers, booleans, None and tuples of those, so that an index can keep it. `understand` gets what was found out
    about the format too. `places` are the tabs, tables or lists of which one is read, by the names that a spec takes;
    () where a file of this kind has but one. All of them raise `AudienceError`.
    """

    name: ListFormat
    layout: type[Layout]
    understand: Callable[[Source, AudienceSpec, Finding], tuple[Layout, Understanding]]
    read: Callable[[Source, Layout], Iterator[Record]]
    places: Callable[[Source, AudienceSpec], tuple[str, ...]] = _one_place
