"""Owns looking at long texts in a process of its own, so that a face that is typed into keeps its pace.

Both sides are here: `Inspector` starts the process and asks it, `serve` answers in there. Questions and answers are
pickles with their length before them; they come from this program on both sides.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from mailtui.audience.reach import FILES_ONLY
from mailtui.campaign.campaign import Campaign
from mailtui.errors import TemplateError
from mailtui.kit.children import start_bare
from mailtui.message.source import Unsaved
from mailtui.service.drafts import Draft, Known, read_draft
from mailtui.service.list_answers import Superseded

_LENGTH = struct.Struct(">Q")


class Inspector:
    """One process, started when it is asked first. A newer question ends the one before, and its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._busy = False

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def inspect(self, campaign: Campaign, unsaved: Unsaved, known: Known) -> Draft:
        """What `read_draft` says. Raises `Superseded` once a newer question came, `TemplateError` for a process that
        broke.
        """
        with self._lock:
            if self._busy:
                self._end()
            child = self._child = self._child or start_bare("mailtui.service.inspector")
            self._busy = True
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            _write(child.stdin, (dataclasses.replace(campaign, reach=FILES_ONLY), dict(unsaved), known))
            answer = _read(child.stdout)
        except (OSError, ValueError):
            answer = None
        with self._lock:
            ours = self._child is child
            if ours:
                self._busy = False
                if answer is None:
                    self._end()
        if not ours:
            raise Superseded
        if not isinstance(answer, Draft):
            raise TemplateError(
                "The texts could not be looked at: the process that does it ended",
                hint="Is there enough memory? Another key tries it again.",
            )
        return dataclasses.replace(answer, campaign=dataclasses.replace(answer.campaign, reach=campaign.reach))

    def _end(self) -> None:
        child, self._child, self._busy = self._child, None, False
        if child is None:
            return
        child.kill()
        child.wait()
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # what it did not read any more is of no use to anybody
                child.stdin.close()


def serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    while (question := _read(asked)) is not None:
        campaign, unsaved, known = question
        _write(answers, read_draft(campaign, Path(), unsaved=unsaved, known=known))


def _write(stream: IO[bytes], value: object) -> None:
    raw = pickle.dumps(value)
    stream.write(_LENGTH.pack(len(raw)) + raw)
    stream.flush()


def _read(stream: IO[bytes]) -> Any:
    """What was written; None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    raw = stream.read(length)
    return None if len(raw) < length else pickle.loads(raw)  # noqa: S301 - it was pickled by this program


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
