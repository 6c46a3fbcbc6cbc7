"""Owns the terms of an attack: how many, how fast, how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Terms:
    """`blows` is how many of those that the attack counts, such as kills.

    `rate` in messages a second, None for as fast as the server takes them; `delay` is how long the server takes on
    average, in seconds, to answer the last bytes, which keeps messages in flight; `scale` is what mailtui's waits are
    multiplied with: five minutes become six seconds; `window` is the most transactions in flight on a connection.
    """

    messages: int
    blows: int
    connections: int
    seed: int
    rate: float | None = None
    delay: float = 0.006
    scale: float = 0.02
    port: int = 0
    window: int = 1

    @property
    def most_in_doubt(self) -> int:
        """How many outcomes one death may leave unknown."""
        return self.connections * self.window

    @classmethod
    def for_blows(cls, blows: int, connections: int, *, seed: int, least: int = 0, window: int = 1) -> Self:
        """A list long enough that something is in flight at every blow, and of at least so many messages."""
        return cls(max(least, blows * (40 + connections * window // 2)), blows, connections, seed, window=window)

    def at(self, port: int) -> Self:
        """With the server's port."""
        return replace(self, port=port)
