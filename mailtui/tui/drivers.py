"""Owns the way to the terminal for what is no picture, such as a notice: Textual writes its own and offers no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual.driver import Driver


def kept(kind: type[Driver], keep: Callable[[Driver], None]) -> type[Driver]:
    """The same kind of driver; `keep` is given the one that the app makes of it."""

    def init(self: Driver, *given: Any, **named: Any) -> None:
        kind.__init__(self, *given, **named)
        keep(self)

    return cast(type[Driver], type(kind.__name__, (kind,), {"__init__": init}))
