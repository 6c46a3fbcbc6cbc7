"""Owns the end of a connection: how it came, and what a server said before it hung up on a body, a refusal that a
failed write would leave unread.
"""

from __future__ import annotations

import asyncio
import os
import socket

_MOST = 8 * 1024  # bytes; more is no reply


def last_words(transport: asyncio.Transport) -> bytes:
    """What is still to be read from a connection that broke while it was written to; not to be had inside TLS.

    For use in `connection_lost`, where asyncio reads no more and has not closed the socket yet.
    """
    raw = transport.get_extra_info("socket")
    if raw is None or raw.fileno() < 0 or transport.get_extra_info("sslcontext") is not None:
        return b""
    with socket.socket(fileno=os.dup(raw.fileno())) as left:
        try:
            return left.recv(_MOST)
        except OSError:  # nothing was said, which is the usual case
            return b""


def how_it_ended(error: Exception | None) -> str:
    """The words for a connection that was lost without a reply; `error` as `connection_lost` gets it."""
    if isinstance(error, ConnectionResetError):
        return "the server reset the connection"
    said = error.strerror or error if isinstance(error, OSError) else error
    return f"the connection was lost ({said})" if error is not None else "the connection was lost"
