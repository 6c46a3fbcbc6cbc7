"""Owns the terms of an attack: how many, how fast, how often, and what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Terms:
    """`blows` is how many of those that the attack counts, such as kills.

    `rate` in messages a second; `scale` is what mailtui's waits are multiplied with: five minutes become six seconds.
    """

    messages: int
    blows: int
    connections: int
    seed: int
    rate: float = 100.0
    scale: float = 0.02
    port: int = 0

    @property
    def burst(self) -> int:
        """Enough that each start has all its connections at work, few enough that there is something left to send."""
        return min(self.connections, 48)

    @property
    def delay(self) -> float:
        """How long the server must take, in seconds, for a quarter of the connections to be in flight at any time."""
        return self.connections / 4 / self.rate

    @classmethod
    def for_blows(cls, blows: int, connections: int, *, seed: int, least: int = 0) -> Self:
        """As many messages as so many blows can be expected to need, and no fewer than `least`."""
        burst = min(connections, 48)
        return cls(max(least, int(blows * (1.5 * burst + 50))), blows, connections, seed)

    def at(self, port: int) -> Self:
        """With the server's port."""
        return replace(self, port=port)
