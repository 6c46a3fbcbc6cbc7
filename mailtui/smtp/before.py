"""Owns standing before a connection's protocol: what is not looked at is passed on to it."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

Whose = TypeVar("Whose", asyncio.Protocol, asyncio.BufferedProtocol)


class Before(asyncio.BaseProtocol, Generic[Whose]):
    """Whoever derives from it says how data are received."""

    def __init__(self, protocol: Whose) -> None:
        self._protocol: Whose = protocol

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()
