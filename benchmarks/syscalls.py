"""Owns counting the system calls a message costs, which no other load on the machine changes: strace counts two runs of
different length, and what they differ by belongs to the messages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import Words, our_words, peer_words, source_words
from benchmarks.measured import ROOT
from benchmarks.sinks import NotHere, Sink
from mailtui.smtp.gear import Gear

CONNECTIONS = 8
_FEW, _MANY = 200, 1_200
_TOTAL = re.compile(r"^\S+\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total$", re.MULTILINE)


def a_message(sink: Sink, words: Callable[[int], Words]) -> float:
    """System calls a message of a program; `words` gives its command for so many messages. Raises `NotHere`."""
    before = sink.counts().messages
    calls = [_count(words(messages)) for messages in (_FEW, _MANY)]
    arrived = sink.counts().messages - before
    if arrived != _FEW + _MANY:
        raise RuntimeError(f"{_FEW + _MANY} were to be sent, and {arrived} arrived")
    return (calls[1] - calls[0]) / (_MANY - _FEW)


def of_ours(sink: Sink, gear: Gear, *, window: int = 1, record: str = "none") -> float:
    """Those of our session, with prebuilt mail over eight connections."""
    return a_message(
        sink, lambda count: our_words(sink.port, CONNECTIONS, count, gear=gear, window=window, record=record)
    )


def of_peer(sink: Sink, kind: str) -> float:
    """Those of aiosmtplib (`asyncio`) or smtplib (`threads`)."""
    return a_message(sink, lambda count: peer_words(kind, sink.port, CONNECTIONS, count))


def of_source(sink: Sink) -> float:
    """Those of smtp-source."""
    return a_message(sink, lambda count: source_words(sink.port, CONNECTIONS, count))


def _count(words: Words) -> int:
    program = shutil.which("strace")
    if program is None:
        raise NotHere("strace is missing; on Debian it is in the package strace")
    with tempfile.NamedTemporaryFile(prefix="mailtui-strace-") as summary:
        command = [program, "-f", "-qq", "-c", "-o", summary.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
        if "ptrace" in done.stderr and done.returncode != 0:
            raise NotHere(f"strace may not trace here: {done.stderr.strip().splitlines()[0]}")
        if done.returncode != 0:
            raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr}")
        found = _TOTAL.search(Path(summary.name).read_text())
    if found is None:
        raise RuntimeError("strace told no total")
    return int(found.group(1))
