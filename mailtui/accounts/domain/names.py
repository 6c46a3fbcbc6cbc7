"""Owns asking the DNS about a sending domain: each question once, however many checks need its answer."""

from __future__ import annotations

import asyncio

from mailtui.audience.mx.lookup import Lookup, Records
from mailtui.audience.mx.servers import Server
from mailtui.audience.mx.verdict import Found


class Names:
    """What the DNS says, kept for as long as one check lasts. Raises `MailtuiError` when no name server is known."""

    def __init__(self, servers: tuple[Server, ...]) -> None:
        self._lookup = Lookup(servers)
        self._asked: dict[tuple[str, str], asyncio.Task[Records]] = {}

    async def ask(self, name: str, kind: str) -> Records:
        """The records of one kind of a name in A-labels."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._lookup.records(*key))
        return await asyncio.shield(self._asked[key])

    async def takes_mail(self, domain: str) -> Found:
        """Whether a domain takes mail."""
        return await self._lookup.look(domain)

    def close(self) -> None:
        """Ask nothing more."""
        for task in self._asked.values():
            task.cancel()
