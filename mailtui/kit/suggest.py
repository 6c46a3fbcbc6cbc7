"""Owns the did-you-mean: the known name nearest to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name a person most likely meant, or None when nothing is near."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    hits = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[hits[0]] if hits else None


def nearest_in_folder(path: Path) -> str:
    """A sentence that offers the nearest file beside one that is not there; empty when nothing is near.

    Folders are offered too for a name without an ending.
    """
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file() or not path.suffix]
    except OSError:
        return f"There is no folder {path.parent} either."
    hit = nearest(path.name, names)
    return f"Did you mean {hit}?" if hit is not None else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known name, else lists what is known, else nothing."""
    names = list(known)
    hit = nearest(name, names)
    if hit is not None:
        return f"Did you mean {hit}?"
    if names and len(names) <= 12:
        return f"Known: {', '.join(names)}."
    return ""
