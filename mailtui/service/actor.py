"""Owns who gives an order, for the record."""

from __future__ import annotations

import os

SOMEBODY = "somebody"
"""On record where no name of a user is known."""


def actor() -> str:
    """The user of this machine who is at work."""
    try:
        return os.getlogin()
    except OSError:  # no controlling terminal
        return os.environ.get("USER", SOMEBODY)
