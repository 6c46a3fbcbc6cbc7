"""Owns what the app leaves behind for whoever started it."""

from __future__ import annotations

from enum import Enum


class AppResult(Enum):
    """What is to happen after the app has closed."""

    DEMO = "demo"
