"""Owns the child's side of a first render: templates that nobody has tried yet run here, under limits.

A template is a program: a loop may never end, a string may grow without bound, and no sandbox stops that. So first
renders happen in a process of their own that can be ended. Lines of JSON come in on standard input, first the
message, then one row a line; one line a row goes out on standard output.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any, Literal, TextIO

from mailtui.audience.address import AddressError
from mailtui.audience.recipient import recipient_of
from mailtui.errors import Place, TemplateError
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.copies import copied
from mailtui.message.extras import Extras
from mailtui.message.folder import Folder
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem

Want = Literal["mail", "extras", "judge"]
"""What is asked of each row: its mail, what it brings beside its bodies, or to be judged for a check."""

OUT_OF_MEMORY = 77
"""The exit status of a child that had no more memory, beside a row's render, which says so itself."""

ANEW = "anew"
"""In the place of a row: files are to be looked at again, since they may have changed meanwhile."""

_BYTES = ("text_lines", "html_lines", "data")


def serve(lines: TextIO, out: TextIO) -> None:
    """Render every row that comes in."""
    order = json.loads(next(lines))
    limit_memory(order["memory"])
    try:
        message = compile_message(
            MessageSource.from_json(order["source"]), order["columns"], secret=bytes.fromhex(order["secret"])
        )
    except TemplateError as error:
        _say(out, {"error": str(error)})
        return
    if order["want"] == "extras":
        for line in lines:
            _say(out, _extras(message, json.loads(line), order))
        return
    folder = None
    for line in lines:
        row = json.loads(line)
        if row == ANEW:
            named = Path(order["folder"])
            folder = Folder(named, limit=order["file_limit"]) if message.has_extras else None
        else:
            _say(out, _render(message, row, order, folder))


def _extras(message: CompiledMessage, row: list[Any], order: dict[str, Any]) -> dict[str, Any]:
    """What a row brings beside its bodies."""
    key, number, address, cells, more = row
    try:
        found = message.extras(recipient_of(order["columns"], key, number, address, cells, more))
    except MemoryError:
        return _too_large(order)
    if isinstance(found, RenderProblem):
        return _problem(found)
    return {"files": found.files, "cc": found.cc, "bcc": found.bcc}


def _render(message: CompiledMessage, row: list[Any], order: dict[str, Any], folder: Folder | None) -> dict[str, Any]:
    key, number, address, cells, more = row
    recipient = recipient_of(order["columns"], key, number, address, cells, more)
    try:
        brought = message.extras(recipient) if folder is not None else Extras()
        if isinstance(brought, RenderProblem):
            return _problem(brought)
        rendered = message.render(
            recipient,
            date=order["date"],
            encoding=TransferEncoding(order["transfer"]),
            smtputf8=True,
            files=() if folder is None else folder.files(brought),
        )
    except MemoryError:
        return _too_large(order)
    if isinstance(rendered, RenderProblem):
        return _problem(rendered)
    try:
        people = copied(brought.cc, brought.bcc, key)
    except AddressError as error:
        return _problem(RenderProblem(number, str(error), Place(key="bcc")))
    return packed(rendered._replace(copies=tuple(address.text for address in people.addresses)))


def _problem(found: RenderProblem) -> dict[str, Any]:
    place = found.place
    return {"problem": found.reason, "place": [place.file, place.line, place.column, place.key]}


def _too_large(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "problem": f"needs more than {order['memory'] // 1024 // 1024} MB to render",
        "place": ["", None, None, ""],
    }


def packed(rendered: RenderedMessage) -> dict[str, Any]:
    """A message as values that JSON can carry."""
    return {
        name: base64.b64encode(value).decode() if name in _BYTES and value is not None else value
        for name, value in rendered._asdict().items()
    }


def unpacked(values: dict[str, Any]) -> RenderedMessage:
    """The message that `packed` packed."""
    raw = {name: base64.b64decode(values[name]) for name in _BYTES if values[name] is not None}
    return RenderedMessage(**{**values, **raw, "copies": tuple(values["copies"])})


def limit_memory(memory: int) -> None:
    """An upper bound for this process, where the system has one to set."""
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(out: TextIO, answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin, sys.stdout)
    except BrokenPipeError:
        sys.exit(1)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
