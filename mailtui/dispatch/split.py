"""Owns how a campaign's workers are split among its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """What one account asks for: its weight, and the most workers that it may have."""

    weight: int
    most: int | None = None


def split(workers: int, parts: Sequence[Part]) -> list[int]:
    """How many workers each gets: by weight, the largest remainders first, at least one and at most `most`.

    Everybody has one even where there are fewer workers than accounts; where all have their most, some are left over.
    """
    shares = [0] * len(parts)
    open_to = list(range(len(parts)))
    left = workers
    while open_to:
        weights = sum(parts[n].weight for n in open_to)
        full = [n for n in open_to if (most := parts[n].most) is not None and left * parts[n].weight >= most * weights]
        if not full:
            break
        for n in full:  # their share is more than they may have: the others get what is over
            shares[n] = parts[n].most or 0
        left = max(0, left - sum(shares[n] for n in full))
        open_to = [n for n in open_to if n not in full]
    weights = sum(parts[n].weight for n in open_to)
    for n in open_to:
        shares[n] = left * parts[n].weight // weights
    over = left - sum(shares[n] for n in open_to) if open_to else 0
    for n in sorted(open_to, key=lambda n: -(left * parts[n].weight % weights))[:over]:
        shares[n] += 1
    return _at_least_one(shares)


def _at_least_one(shares: list[int]) -> list[int]:
    """Who has none gets one of whoever has the most."""
    for n, share in enumerate(shares):
        if share == 0:
            richest = max(range(len(shares)), key=shares.__getitem__)
            shares[richest] -= shares[richest] > 1
            shares[n] = 1
    return shares
