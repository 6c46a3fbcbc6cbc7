"""Owns waiting for what may never answer: done in a thread that is left behind when its time is over.

`asyncio.to_thread` is no use there: its threads are waited for when the program ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


async def left_behind(work: Callable[[], Answer], *, seconds: float, name: str) -> Answer:
    """What `work` returns or raises. Raises TimeoutError after so many seconds; whoever is cancelled leaves at once."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Answer] = loop.create_future()

    def deliver(hand_over: Callable[[], None]) -> None:
        if not answer.done():
            hand_over()

    def run() -> None:
        try:
            result = work()
        except Exception as problem:  # noqa: BLE001 - handed on to whoever waits, as it is
            error = problem

            def hand_over() -> None:
                answer.set_exception(error)
        else:

            def hand_over() -> None:
                answer.set_result(result)

        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(deliver, hand_over)

    threading.Thread(target=run, name=name, daemon=True).start()
    async with asyncio.timeout(seconds):
        return await answer
