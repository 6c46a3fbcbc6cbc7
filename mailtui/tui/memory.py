"""Owns keeping the garbage collector from holding up the screen."""

from __future__ import annotations

import gc


def settle() -> None:
    """What is there by now stays: it is never looked through again.

    Else the collector walks through every widget and module now and then, which takes a tenth of a second. Each
    call costs as much as what has come since the one before.
    """
    gc.collect()
    gc.freeze()
