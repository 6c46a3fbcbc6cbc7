"""Owns the frozen values that say what people have said about deliveries, or put right."""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.outbox.states import Decision


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person said about a delivery whose outcome was unknown. `at` in epoch seconds."""

    delivery: int
    at: float
    actor: str
    decision: Decision
    note: str


@dataclass(frozen=True, slots=True)
class Correction:
    """An address that a person put in place of `was`. `at` in epoch seconds."""

    delivery: int
    at: float
    actor: str
    was: str
