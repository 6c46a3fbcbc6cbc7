"""Owns ending a render that does not end: a template is a program, and for some row it may run for hours.

A thread looks on; what it strikes with is an exception that is raised in the rendering thread between two steps of
the interpreter. That must never happen outside of a render, so the two shake hands: the renderer shows a token while
it renders; the watcher first says that it aims, looks once more whether the token is still the same, and only then
strikes. A renderer that finds itself aimed at when its render has ended waits for the outcome where it can still be
caught, and takes back a strike that has not landed.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

ROW_SECONDS = 2.0
"""Of computing, for one row; the usual one takes less than a thousandth. All campaigns stand still for as long where it
is the runner that renders, so it stays below the three seconds after which a runner counts as silent."""

STOPPED = "seconds to render and was stopped"
"""Said of such a row, in the reason why its campaign paused."""

_LEAST_SECONDS = 0.5  # however much waiting is shortened, since computing is not
_LOOKS = 8  # in the time that a row may take
_BREATH = 0.0005

T = TypeVar("T")


def row_seconds(scale: float) -> float:
    """How long a row may take where waiting is scaled so."""
    return max(_LEAST_SECONDS, ROW_SECONDS * scale)


class Overrun(Exception):
    """A render took too long and was stopped."""


class _Strike(BaseException):
    """What stops it: nothing that templates or Jinja catch."""


class Watchdog:
    """Watches the renders of one thread, that of the first `run`. `close` it in the end."""

    def __init__(self, seconds: float) -> None:
        """`seconds` of the thread's computing time that one render may take; of the clock's where that is not known."""
        self.seconds = seconds
        self._token: object | None = None
        self._aiming = False
        self._struck = False
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None
        self._watched = 0

    def run(self, work: Callable[[], T]) -> T:
        """What `work` gives. Raises `Overrun` when it was stopped; its cause has been where that was."""
        if self._watcher is None:
            self._begin()
        try:
            try:
                self._token = object()
                return work()
            finally:
                self._token = None
                if self._aiming or self._struck:
                    self._make_safe()
        except _Strike as strike:
            self._make_safe()  # the second strike may have cut the first attempt short
            raise Overrun from strike

    def reason(self, row: int, where: str) -> str:
        """Why a campaign pauses for whose row a render was stopped; `where` that was, where it is known."""
        at = f" at {where}" if where else ""
        return (
            f"row {row} took more than {self.seconds:g} {STOPPED}{at}. "
            "Look for loops in the templates that this row makes very long. Nothing was sent to it; the others wait"
        )

    def _make_safe(self) -> None:
        """From here on nothing strikes."""
        self._token = None
        while self._aiming:
            time.sleep(_BREATH)
        if self._struck:
            _raise_in(self._watched, None)
            self._struck = False

    def close(self) -> None:
        """Watch no more."""
        self._over.set()
        if self._watcher is not None:
            self._watcher.join()

    def _begin(self) -> None:
        self._watched = threading.get_ident()
        self._watcher = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        clock = _clock_of(self._watched)
        seen: object | None = None
        pause = nap = self.seconds / _LOOKS
        due = 0.0
        while not self._over.wait(nap):
            token, nap = self._token, pause
            if token is None or token is not seen:
                seen = token
                due = clock() + self.seconds if token is not None else 0.0
                continue
            left = due - clock()
            if left > 0:
                nap = min(pause, max(_BREATH, left))
                continue
            # Again and again: an exception that is raised while a finalizer runs goes nowhere.
            due += pause
            self._strike(token)

    def _strike(self, token: object) -> None:
        self._aiming = True
        if self._token is token:
            self._struck = True
            _raise_in(self._watched, _Strike)
        self._aiming = False


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Have an exception raised in a thread, or none after all."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None if kind is None else ctypes.py_object(kind))


def _clock_of(thread: int) -> Callable[[], float]:
    """The time that a thread has computed, in seconds, so that a busy machine makes no row look slow."""
    if not hasattr(time, "pthread_getcpuclockid"):  # macOS, Windows
        return time.monotonic
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)
