"""Faults need an outbox each, as the engine's tests do."""

from __future__ import annotations

from tests.dispatch.conftest import house

__all__ = ["house"]
