"""Owns a runner's time on an outbox: the file is looked at before anything is sent, and its session is witnessed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mailtui.errors import OutboxError
from mailtui.kit.mounts import risk
from mailtui.outbox.health import require_sound
from mailtui.outbox.opening import Outbox
from mailtui.outbox.witness import Witness

_LONGEST_CHECK = 5.0  # seconds: whoever starts a runner waits for its first word; about 1.5 million deliveries
_LOOK_EVERY = 1.0
_SELDOM = 5.0


class Tenure:
    """The session of one runner; `end` it once, when everything is on record and before the runner signs off."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._seldom = False
        self._hurry = asyncio.Event()
        self._looking = asyncio.create_task(self._look(), name="witness")
        self._ended = False

    def look_seldom(self, seldom: bool) -> None:
        """Whether nothing happens that the witness need see within a second."""
        if self._seldom and not seldom:
            self._hurry.set()
        self._seldom = seldom

    async def _look(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SELDOM if self._seldom else _LOOK_EVERY):
                    await self._hurry.wait()
            self._hurry.clear()
            # A look that fails is only one look less, and the recorder tells what is wrong with the disk.
            with suppress(OutboxError, OSError):
                await asyncio.to_thread(self._witness.look)

    async def end(self) -> None:
        """Raises `OutboxError` when it cannot be put on record; then it may be called again."""
        self._looking.cancel()
        await asyncio.gather(self._looking, return_exceptions=True)
        if not self._ended:
            await asyncio.to_thread(self._witness.end)
            self._ended = True


@asynccontextmanager
async def tenure(outbox: Outbox, sightings: Path, say: Callable[[str], None]) -> AsyncIterator[Tenure]:
    """Enter with the outbox's lock held. `sightings`: where witnesses write; `say` gets what a person should know.

    Raises `OutboxDamaged`, and `OutboxOutdated` for an older copy than the one that was last worked on from here.
    """
    if outbox.path.exists() and not await asyncio.to_thread(require_sound, outbox.path, seconds=_LONGEST_CHECK):
        say(
            f"{outbox.path} is so large, or this machine so busy, that only a part of it was looked at for damage. "
            "To read all of it: mailtui outbox check"
        )
    witness = Witness(outbox.path, sightings)
    if not await asyncio.to_thread(witness.begin):
        say(
            f"{outbox.path} was worked on from another place, or is a copy: if that other one goes on sending the same "
            "campaigns, people get their mail twice."
        )
    danger = await asyncio.to_thread(risk, outbox.path.parent)
    if danger is not None:
        say(
            f"{outbox.path} is not in a good place: {danger}. Better is a folder on this machine: --outbox sqlite:///PATH"
        )
    session = Tenure(witness)
    try:
        yield session
    finally:
        # Where this cannot be written, the session stays open on record, as if the runner had been killed.
        with suppress(OutboxError, OSError):
            await session.end()
