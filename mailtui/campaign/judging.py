"""Owns a check from the parent's side: rows go to child processes by the batch, and what was found comes back.

While they render, the next rows are read from the list; batches are answered in the order of the list, whoever renders
them. A batch in which nothing is heard for too long, or with which its child ends, is rendered anew row by row, so that
the row and the template that are to blame get their names.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, NamedTuple

from mailtui.audience.recipient import Recipient, cells_of
from mailtui.campaign.trial import MEMORY, ROW_SECONDS, START_SECONDS, TrialRenderer, collect
from mailtui.errors import TemplateError
from mailtui.kit.children import end_bare, start_bare
from mailtui.kit.frames import frame
from mailtui.message.frozen import MessageSource
from mailtui.message.judging import Row, unpacked_tally
from mailtui.message.preflight import Preflight
from mailtui.message.rendered import RenderedMessage

_BATCH_ROWS = 200
_BATCH_CHARACTERS = 256 * 1024
_AHEAD = 3  # batches of each child that are not answered yet
_CHILDREN = 4  # at most; reading the list for more takes longer than rendering it
_STEP = 0.1  # seconds between two questions whether to go on


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch that is done: how many rows it had, and the first of which a mail was made, if any was."""

    rows: int
    good: Recipient | None


class Judge:
    """Has rows rendered and judged in child processes, for a `Preflight`. Use it in a `with`.

    `with_rows`: the rows are judged as well, not their mails alone. `alive` is called
    every moment; what it raises ends the check.
    """

    def __init__(
        self,
        source: MessageSource,
        columns: tuple[str, ...],
        *,
        secret: bytes,
        date: float,
        with_rows: bool,
        alive: Callable[[], None],
        row_seconds: float = ROW_SECONDS,
        size: int = 0,
    ) -> None:
        self._source = source
        self._columns = columns
        self._secret = secret
        self._date = date
        self._with_rows = with_rows
        self._alive = alive
        self._row_seconds = row_seconds
        self._begin = frame((source.to_json(), list(columns), secret, date, MEMORY, with_rows, size))
        self._children: list[_Child] = []
        self._most = min(_CHILDREN, _cores())

    def __enter__(self) -> Judge:
        self._child(0)  # it starts while the first rows are read
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def judge(self, recipients: Iterable[Recipient], preflight: Preflight) -> Iterator[Judged]:
        """Judge all of them, in their order. Raises `TemplateError` when one overruns or breaks a child."""
        batches = enumerate(_batches(recipients))
        waiting: deque[_Batch] = deque()
        while True:
            while len(waiting) < _AHEAD * self._most and (item := next(batches, None)) is not None:
                number, rows = item
                waiting.append(_Batch(number % self._most, rows))
                self._send(waiting[-1])
            if not waiting:
                return
            batch = waiting.popleft()
            line = self._child(batch.child).hear(self._row_seconds, self._alive)
            if line:
                yield _absorbed(line, batch.rows, preflight)
            else:
                self._end()
                yield self._row_by_row(batch.rows, preflight)
                for other in waiting:
                    self._send(other)

    def _row_by_row(self, batch: list[Recipient], preflight: Preflight) -> Judged:
        good: Recipient | None = None
        trial = TrialRenderer(
            self._source, self._columns, secret=self._secret, date=self._date, row_seconds=self._row_seconds
        )
        with trial:
            for recipient, message in trial.render(batch):
                self._alive()
                if self._with_rows:
                    preflight.feed_row(recipient)
                preflight.feed_message(recipient, message)
                if good is None and isinstance(message, RenderedMessage):
                    good = recipient
        return Judged(len(batch), good)

    def _send(self, batch: _Batch) -> None:
        self._child(batch.child).send(frame([_row(item) for item in batch.rows]))

    def _child(self, number: int) -> _Child:
        """One of them, started when it is needed first."""
        while len(self._children) <= number:
            child = _Child()
            self._children.append(child)
            child.send(self._begin)
        return self._children[number]

    def _end(self) -> None:
        while self._children:
            self._children.pop().end()


class _Batch(NamedTuple):
    child: int
    rows: list[Recipient]


def _absorbed(line: bytes, batch: list[Recipient], preflight: Preflight) -> Judged:
    values = json.loads(line)
    if "error" in values:
        raise TemplateError("The message cannot be rendered", detail=values["error"])
    for tally in values["found"]:
        preflight.absorb(unpacked_tally(tally))
    return Judged(len(batch), batch[values["good"]] if values["good"] >= 0 else None)


def _cores() -> int:
    """How many processes can work at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Child:
    """The process, with a thread for each of its two pipes, so that neither side waits for the other."""

    def __init__(self) -> None:
        self._process = start_bare("mailtui.message.judging")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._out: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._patience = START_SECONDS
        self._writer = threading.Thread(target=_pass_on, args=(self._out, self._process.stdin), daemon=True)
        self._reader = threading.Thread(target=collect, args=(self._process.stdout, self._answers), daemon=True)
        self._writer.start()
        self._reader.start()

    def send(self, data: bytes) -> None:
        self._out.put(data)

    def hear(self, seconds: float, alive: Callable[[], None]) -> bytes:
        """The next answer; b"" when the child has ended, or says nothing for `seconds`."""
        deadline = time.monotonic() + max(self._patience, seconds)
        while True:
            alive()
            try:
                line = self._answers.get(timeout=_STEP)
            except queue.Empty:
                if time.monotonic() > deadline:
                    return b""
                continue
            self._patience = 0.0
            if not line.startswith(b'{"alive"'):
                return line
            deadline = time.monotonic() + seconds

    def end(self) -> None:
        self._process.kill()
        self._out.put(b"")
        self._writer.join()
        self._reader.join()
        end_bare(self._process)


def _pass_on(pieces: queue.SimpleQueue[bytes], stream: IO[bytes]) -> None:
    """Write what is put into the queue until that is b""."""
    while piece := pieces.get():
        try:
            stream.write(piece)
            stream.flush()
        except BrokenPipeError:
            return  # the child has ended; the answer that does not come says so


def _row(recipient: Recipient) -> Row:
    if not recipient.rows:
        return recipient.key, recipient.row, recipient.address, tuple(recipient.fields.values()), ()
    first, *more = cells_of(recipient)
    return recipient.key, recipient.row, recipient.address, first, more


def _batches(recipients: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    """Not too many rows, and not too much text: memory stays flat, and progress is seen."""
    batch: list[Recipient] = []
    size = 0
    for recipient in recipients:
        batch.append(recipient)
        rows = recipient.rows or (recipient.fields,)
        size += sum(len(cell) for fields in rows for cell in fields.values())
        if len(batch) == _BATCH_ROWS or size > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
