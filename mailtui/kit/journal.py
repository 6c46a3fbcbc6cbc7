"""Owns a process's log: one JSON object a line, with no control character, no secret and nobody's mail address in it.

A log outlives what it tells of, is copied into tickets and read in terminals. So what a stranger wrote cannot begin a
line or act on a terminal (CWE-117), and of an address only the domain is kept.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from mailtui.kit.addresses import without_addresses
from mailtui.kit.hidden import without_secrets

_LOGGER = logging.getLogger("mailtui")


def note(event: str, **facts: object) -> None:
    """Something that happened in the course of things. It goes nowhere in a process that keeps no journal."""
    _LOGGER.info(event, extra={"facts": facts})


def warn(event: str, **facts: object) -> None:
    """Something that a person may have to see to."""
    _LOGGER.warning(event, extra={"facts": facts})


def broke(event: str, error: BaseException) -> None:
    """A defect, with the places it came through. Values are left out: they may be a person's data."""
    _LOGGER.error(event, extra={"facts": {"error": _in_short(error), "through": _frames(error)}})


def _in_short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _frames(error: BaseException) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


def keep_journal(stream: TextIO | None = None) -> None:
    """Write what is noted from now on to a stream, standard error when left out."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLine())
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    logging.getLogger().handlers[:] = [handler]  # what Python and libraries complain of is told in the same way
    threading.excepthook = _broke_in_thread
    sys.unraisablehook = _broke_unseen


def _broke_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None:
        broke("a thread broke", what.exc_value)


def _broke_unseen(what: sys.UnraisableHookArgs) -> None:
    if what.exc_value is not None:
        broke("something broke that nobody waited for", what.exc_value)


class _JsonLine(logging.Formatter):
    """`at` (UTC, ISO 8601), `level`, `process`, `event`, then the facts."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"error": _in_short(record.exc_info[1]), "through": _frames(record.exc_info[1])}
        return _HIDDEN.sub(_escaped, json.dumps(_shown(line), ensure_ascii=False))


def _shown(fact: object) -> object:
    """A fact without secrets and addresses, as JSON knows it; before it is written, since JSON has another spelling."""
    if isinstance(fact, Mapping):
        return {_told(str(key)): _shown(value) for key, value in fact.items()}
    if isinstance(fact, list | tuple):
        return [_shown(value) for value in fact]
    return fact if fact is None or isinstance(fact, bool | int | float) else _told(str(fact))


def _told(text: str) -> str:
    return without_addresses(without_secrets(text))


# What json.dumps leaves as it is, and a terminal or a reader of lines does not: DEL, C1, separators, bidi, surrogates.
_HIDDEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
