"""Owns the child's side of a check: rows come in by the batch, are rendered and judged, and what was found goes out.

Templates that nobody has tried yet run here, as in `trial`. What comes in are `kit.frames`, which only the parent
writes. Back goes a line of JSON: what a batch has had in it once it is done, and now and then before that a sign of
life.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any, BinaryIO, TextIO, TypeAlias

from mailtui.audience.recipient import recipient_of
from mailtui.errors import Place, TemplateError
from mailtui.kit.frames import frames
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Preflight, Tally
from mailtui.message.remarks import Remark
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.trial import limit_memory

Row: TypeAlias = tuple[str, int, str, Sequence[str], Sequence[Sequence[str]]]
"""key, number, address, cells, the cells of a group's further rows."""

_SIGN_OF_LIFE = 0.5  # seconds


def serve(incoming: BinaryIO, out: TextIO) -> None:
    """Judge every batch that comes in."""
    batches = frames(incoming.read)
    text, columns, secret, date, memory, with_rows, size = next(batches)
    limit_memory(memory)
    try:
        message = compile_message(MessageSource.from_json(text), columns, secret=secret)
    except TemplateError as error:
        _say(out, {"error": str(error)})
        return
    judge = _Judge(message, date, memory, with_rows, size, out)
    for rows in batches:
        _say(out, judge.batch(rows))


class _Judge:
    def __init__(
        self, message: CompiledMessage, date: float, memory: int, with_rows: bool, size: int, out: TextIO
    ) -> None:
        self._message = message
        self._date = date
        self._memory = memory
        self._with_rows = with_rows  # whether they are judged here, too, or their mails alone
        self._out = out
        self._preflight = Preflight(message, size=size)

    def batch(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Which row of the batch was the first to make a mail, and what there is to say about all of them."""
        preflight, columns, good = self._preflight, self._message.columns, -1
        said = time.monotonic()
        for at, (key, number, address, cells, more) in enumerate(rows):
            recipient = recipient_of(columns, key, number, address, cells, more)
            try:
                mail = self._message.render(
                    recipient, date=self._date, encoding=TransferEncoding.EIGHT_BIT, smtputf8=True
                )
                if self._with_rows:
                    preflight.feed_row(recipient)
                preflight.feed_message(recipient, mail)
                if good < 0 and isinstance(mail, RenderedMessage):
                    good = at
            except MemoryError:
                reason = f"needs more than {self._memory // 1024 // 1024} MB to render"
                preflight.feed_message(recipient, RenderProblem(number, reason, Place()))
            if (now := time.monotonic()) > said + _SIGN_OF_LIFE:
                _say(self._out, {"alive": at})
                said = now
        return {"good": good, "found": [_packed(tally) for tally in preflight.take()]}


def _packed(tally: Tally) -> list[Any]:
    place = tally.remark.place
    said = list(tally.remark[:-1])
    return [said, [place.file, place.line, place.column, place.key], tally.rows, tally.count]


def unpacked_tally(values: list[Any]) -> Tally:
    """What `_packed` packed."""
    said, place, rows, count = values
    tally = Tally(Remark(*said)._replace(place=Place(*place)))
    tally.rows, tally.count = rows, count
    return tally


def _say(out: TextIO, answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, sys.stdout)
    except BrokenPipeError:
        sys.exit(1)
