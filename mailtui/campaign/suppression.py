"""Owns who is to get nothing: the lists under `audience: suppress:`, read into the keys of their people.

A list that cannot be read stops everything: mailing somebody because of a typing error in a path is not an option.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.audience import open_audience
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.campaign import Campaign, error_at
from mailtui.errors import AudienceError


@dataclass(frozen=True, slots=True)
class Suppressed:
    """`keys` of everybody left out; `unusable` are the lists with rows that hold no address, and how many."""

    keys: frozenset[str]
    unusable: tuple[tuple[str, int], ...]


def read_suppressed(campaign: Campaign, cache: Path) -> Suppressed:
    """Read the lists. Raises `AudienceError` that names the line of the campaign file. An empty file is nobody."""
    keys: set[str] = set()
    unusable = []
    for index, name in enumerate(campaign.spec.audience.suppress):
        path = campaign.folder / Path(name).expanduser()
        if path.is_file() and path.stat().st_size == 0:
            continue
        try:
            with open_audience(AudienceSpec(source=name), folder=campaign.folder, cache=cache) as left_out:
                keys.update(item.key for item in left_out.recipients())
                problems = left_out.counts().problems
        except AudienceError as error:
            place = campaign.document.place(("audience", "suppress", index))
            raise error_at(place, error) from None
        if problems:
            unusable.append((name, problems))
    return Suppressed(frozenset(keys), tuple(unusable))
