"""Owns what a signal does to a command: from before a launch to its end, none goes astray between two steps."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mailtui.cli.output import keys_unshown

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_T = TypeVar("_T")


class Interrupted(Exception):
    """A signal came before the work was done, which was called off."""


class Signals:
    """Where signals go at the moment. While nobody acts on them, one that comes calls off what is being done."""

    def __init__(self) -> None:
        self._came = asyncio.Event()
        self._act: Callable[[str], None] | None = None

    @property
    def came(self) -> bool:
        """Whether one came that nobody has acted on; also one that was too late to call its work off."""
        return self._came.is_set()

    def take(self, name: str) -> None:
        if self._act is None:
            self._came.set()
        else:
            self._act(name)

    @contextmanager
    def go_to(self, act: Callable[[str], None]) -> Iterator[None]:
        """Have a signal call `act` with its name for as long as this lasts."""
        self._act = act
        try:
            yield
        finally:
            self._act = None

    async def call_off(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do `work` unless a signal comes, or has come. Raises `Interrupted` when it was not done to its end."""
        doing = asyncio.create_task(work, name="work")
        coming = asyncio.create_task(self._came.wait(), name="signal")
        try:
            await asyncio.wait({doing, coming}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            coming.cancel()
            doing.cancel()  # which does nothing to what is done
            await asyncio.gather(doing, coming, return_exceptions=True)
        if doing.cancelled():
            raise Interrupted
        return doing.result()


@contextmanager
def signals_heard() -> Iterator[Signals]:
    """Take this process's signals for as long as this lasts."""
    signals, loop = Signals(), asyncio.get_running_loop()
    numbers = {getattr(signal, name): name for name in _SIGNALS if hasattr(signal, name)}
    try:
        for number, name in numbers.items():
            loop.add_signal_handler(number, signals.take, name)
    except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt, which ends the command with 130
        yield signals
        return
    try:
        with keys_unshown():
            yield signals
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def ctrl_c_kept() -> Iterator[Callable[[], None]]:
    """Long work in the main thread, which calls what this gives every moment: it raises `KeyboardInterrupt` once Ctrl-C
    came, also where Python dropped the one that it raised by itself (in a finalizer, or while it imports).
    """
    came = False

    def take(_number: int, _frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    def heed() -> None:
        if came:
            raise KeyboardInterrupt

    former = signal.signal(signal.SIGINT, take)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, former)
