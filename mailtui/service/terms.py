"""Owns the words for pace and numbers that faces let people type."""

from __future__ import annotations

from mailtui.dispatch.plan import MAX_WORKERS, parse_rate, show_rate

__all__ = ["MAX_WORKERS", "parse_rate", "show_rate"]
