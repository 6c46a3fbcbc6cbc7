"""Owns first renders from the parent's side: rows go to a child process that is ended when it overruns."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from mailtui.audience.recipient import Recipient, cells_of
from mailtui.errors import Place, TemplateError
from mailtui.kit.children import end_bare, start_bare
from mailtui.kit.safe_text import safe_text
from mailtui.message.extras import Extras
from mailtui.message.files import FILE_LIMIT
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.trial import ANEW, OUT_OF_MEMORY, Want, unpacked

Rendered = tuple[Recipient, RenderedMessage | RenderProblem]

MEMORY = 1024 * 1024 * 1024  # of address space; a fresh Python maps a good part of it before it does anything
START_SECONDS = 30.0
ROW_SECONDS = 10.0
_SAID = 64 * 1024  # bytes of what a child that broke has said
_BATCH_BYTES = 32 * 1024  # less than a pipe holds, so that neither side can wait for the other


class TrialRenderer:
    """Renders rows in a child process. Use it in a `with`."""

    def __init__(
        self,
        source: MessageSource,
        columns: tuple[str, ...],
        *,
        secret: bytes,
        date: float,
        transfer: TransferEncoding = TransferEncoding.EIGHT_BIT,
        row_seconds: float = ROW_SECONDS,
        want: Want = "mail",
        folder: Path | None = None,
        file_limit: int = FILE_LIMIT,
    ) -> None:
        """`want` says what is asked for: the mails, or what rows bring beside their bodies (`extras`). Mails have the
        files that rows name in the campaign's `folder`, of so many bytes at the most; left out, they have none.
        """
        self._columns = columns
        self._row_seconds = row_seconds
        self._order = {
            "source": source.to_json(),
            "columns": list(columns),
            "secret": secret.hex(),
            "date": date,
            "transfer": transfer.value,
            "memory": MEMORY,
            "want": want,
            "folder": "" if folder is None else str(folder.resolve()),
            "file_limit": file_limit,
        }
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None  # what the child says when it breaks

    def __enter__(self) -> TrialRenderer:
        self._errors = tempfile.TemporaryFile()
        self._child = start_bare("mailtui.message.trial", errors=self._errors)
        assert self._child.stdout is not None
        threading.Thread(target=collect, args=(self._child.stdout, self._answers), daemon=True).start()
        self._tell([self._order])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._child is not None
        end_bare(self._child)
        if self._errors is not None:
            self._errors.close()

    def render(self, recipients: Iterable[Recipient]) -> Iterator[Rendered]:
        """Render the rows in their order, with their files as they are now. Raises `TemplateError` when one overruns or
        breaks the child.
        """
        if self._order["folder"]:
            self._tell([ANEW])
        for recipient, values in self._each(recipients):
            yield recipient, values if isinstance(values, RenderProblem) else unpacked(values)

    def extras(self, recipients: Iterable[Recipient]) -> Iterator[tuple[Recipient, Extras | RenderProblem]]:
        """What the rows bring beside their bodies, in their order. Raises as `render` does."""
        for recipient, values in self._each(recipients):
            if not isinstance(values, RenderProblem):
                files = tuple((path, name) for path, name in values["files"])
                yield recipient, Extras(files, tuple(values["cc"]), tuple(values["bcc"]))
            else:
                yield recipient, values

    def _each(self, recipients: Iterable[Recipient]) -> Iterator[tuple[Recipient, dict[str, Any] | RenderProblem]]:
        patience = START_SECONDS
        for batch in _batches(recipients):
            self._tell([_line(item) for item in batch])
            for recipient in batch:
                yield recipient, self._answer(recipient, patience)
                patience = self._row_seconds

    def _tell(self, lines: list[Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            self._child.stdin.flush()
        except BrokenPipeError:
            return  # the child has ended; the answer that does not come says so

    def _answer(self, recipient: Recipient, patience: float) -> dict[str, Any] | RenderProblem:
        where = f"row {recipient.row} ({recipient.address})"
        try:
            line = self._answers.get(timeout=patience)
        except queue.Empty:
            raise TemplateError(
                f"The message for {where} was not rendered within {patience:g} seconds",
                hint="Is there a loop in the templates that never ends, or one inside another over large numbers?",
            ) from None
        if not line:
            raise self._ended(where)
        values: dict[str, Any] = json.loads(line)
        if "error" in values:
            raise TemplateError("The message cannot be rendered", detail=values["error"])
        if "problem" in values:
            return RenderProblem(recipient.row, values["problem"], Place(*values["place"]))
        return values

    def _ended(self, where: str) -> TemplateError:
        """What to say of a child that has ended before its answer."""
        assert self._child is not None
        status = self._child.wait()
        if status == OUT_OF_MEMORY:
            return TemplateError(
                f"Rendering the message for {where} needed more memory than a mail can need",
                hint="Does a template repeat a text very often, or multiply large numbers?",
            )
        if status < 0:
            return TemplateError(
                f"The process that rendered the message for {where} was ended by signal {-status}",
                hint="Memory may have run out: does a template repeat a text very often? If not, try again.",
            )
        assert self._errors is not None
        self._errors.seek(0)
        said = self._errors.read(_SAID).decode("utf-8", "replace").strip().rpartition("\n")[2]
        return TemplateError(
            f"The process that rendered the message for {where} broke (exit status {status})",
            detail=safe_text(said, limit=300),
            hint="This is a defect of mailtui: please report it, with the templates.",
        )


def _line(recipient: Recipient) -> list[Any]:
    first, *more = cells_of(recipient)
    return [recipient.key, recipient.row, recipient.address, first, more]


def _batches(recipients: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    batch: list[Recipient] = []
    size = 0
    for recipient in recipients:
        rows = recipient.rows or (recipient.fields,)
        weight = sum(6 * len(cell) + 4 for fields in rows for cell in fields.values()) + 200
        if batch and size + weight > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(recipient)
        size += weight
    if batch:
        yield batch


def collect(stream: IO[bytes], answers: queue.Queue[bytes]) -> None:
    """Pass the child's lines on; an empty one at the end says that there are no more."""
    try:
        for line in stream:
            answers.put(line)
    except ValueError:
        pass  # closed by one thread of the parent, while another may still wait
    answers.put(b"")
