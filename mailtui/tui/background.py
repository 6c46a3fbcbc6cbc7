"""Owns starting work that a screen does not wait for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import WorkType


def in_background(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = True
) -> None:
    """Run it beside the screen; what it raises comes to the screen as the worker's end (`Room`).

    The function itself is handed over, not its coroutine: one that is replaced before it began would never be awaited.
    """
    handed: WorkType[None] = work
    node.run_worker(handed, name=group, group=group, exclusive=exclusive, exit_on_error=False)
