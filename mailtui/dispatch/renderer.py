"""Owns the inside of a render process: rows come in on standard input, finished mails go out on standard output.

`python -m mailtui.dispatch.renderer`, started by the runner (`renderers.py`) and by nobody else. It renders as the
runner would, byte for byte, and knows no network, no outbox and no event loop. It ends when its input does, so that it
outlives no runner, and the signals that tell a runner to leave mean nothing to it: the runner still wants its rows.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import BinaryIO

from mailtui.audience.recipient import recipient_of
from mailtui.dispatch import rendering
from mailtui.dispatch.rendering import Order, Row
from mailtui.dispatch.watchdog import Overrun, Watchdog
from mailtui.kit.frames import frames
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.dkim import Signer
from mailtui.message.files import FileRef
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import overrun_place

PIPE_BYTES = 1024 * 1024  # the most that Linux gives everybody; with its usual 64 KB both sides wake six times as often
_OUT_BYTES = 128 * 1024
_LONGEST_SILENCE = 0.1  # seconds that finished mails wait for those behind them


class Renderer:
    """One campaign's messages, for one encoding at a time."""

    def __init__(
        self,
        out: BinaryIO,
        columns: tuple[str, ...],
        secret: bytes,
        campaign: str,
        watchdog: Watchdog,
        signer: Signer | None,
    ) -> None:
        self._out = out
        self._signer = signer
        self._columns = columns
        self._secret = secret
        self._campaign = campaign
        self._watchdog = watchdog
        self._messages: dict[int, CompiledMessage] = {}

    def learn(self, number: int, text: str) -> None:
        """Take up a message."""
        source = MessageSource.from_json(text)
        self._messages[number] = compile_message(source, self._columns, secret=self._secret, campaign_id=self._campaign)

    def render(self, transfer: str, smtputf8: bool, rows: list[Row]) -> None:
        """Answer every row, in order."""
        encoding = TransferEncoding(transfer)
        flushed = time.monotonic()
        for row in rows:
            self._out.write(self._answer(row, encoding, smtputf8))
            if time.monotonic() - flushed > _LONGEST_SILENCE:
                self._out.flush()
                flushed = time.monotonic()
        self._out.flush()

    def _answer(self, row: Row, encoding: TransferEncoding, smtputf8: bool) -> bytes:
        try:
            rendered = self._watchdog.run(lambda: self._rendered(row, encoding, smtputf8))
        except Overrun as overrun:
            return rendering.overrun(overrun_place(overrun))
        if isinstance(rendered, RenderProblem):
            return rendering.problem(rendered)
        signer = self._signer
        data = rendered.data if signer is None else signer.signed(rendered.data, rendered.sender)
        return rendering.mail(rendered.sender, data)

    def _rendered(self, row: Row, encoding: TransferEncoding, smtputf8: bool) -> RenderedMessage | RenderProblem:
        key, number, address, cells, more, date, message, named_by, files = row
        recipient = recipient_of(self._columns, key, number, address, cells, more)
        return self._messages[message].render(
            recipient,
            date=date,
            encoding=encoding,
            smtputf8=smtputf8,
            message_id=None if named_by < 0 else self._messages[named_by].message_id(recipient),
            files=[FileRef(*file) for file in files],
        )


def serve(orders: BinaryIO, out: BinaryIO) -> None:
    """Carry out what comes in until it ends."""
    incoming = frames(orders.read)
    _, columns, secret, campaign, memory, seconds, signing = next(incoming)
    _limit(memory)
    watchdog = Watchdog(seconds)
    renderer = Renderer(out, columns, secret, campaign, watchdog, rendering.signer_of(signing))
    out.write(rendering.ready())
    out.flush()
    for kind, *values in incoming:
        if kind == Order.MESSAGE:
            renderer.learn(*values)
        else:
            renderer.render(*values)
    watchdog.close()


def _limit(memory: int) -> None:
    """An upper bound for this process, where the system has one to set."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _widen(pipe: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return  # not Linux, or this user has too many large pipes: the usual size will do


def main() -> int:
    """Returns the exit code: 1 when nobody reads any more."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _widen(1)
    try:
        with open(1, "wb", buffering=_OUT_BYTES, closefd=False) as out:
            serve(sys.stdin.buffer, out)
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
