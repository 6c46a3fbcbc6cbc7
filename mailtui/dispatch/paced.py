"""Owns what is asked of whoever may have to wait until a message may begin."""

from __future__ import annotations

from typing import Protocol


class Paced(Protocol):
    """Who waits for the pace, or for room."""

    def pump(self) -> None:
        """Begin the next message now."""
        ...
