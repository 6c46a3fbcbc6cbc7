"""Owns the child's side of a first render: templates that nobody has tried yet run here, under limits.

A template is a program: a loop may never end, a string may grow without bound, and no sandbox stops that. So first
renders happen in a process of their own that can be ended. Lines of JSON come in on standard input, first the
message, then one row a line; one line a row goes out on standard output.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, TextIO

from mailtui.audience.recipient import recipient_of
from mailtui.errors import TemplateError
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem

_BYTES = ("text_lines", "html_lines", "data")


def serve(lines: TextIO, out: TextIO) -> None:
    """Render every row that comes in."""
    order = json.loads(next(lines))
    _limit(order["memory"])
    try:
        message = compile_message(
            MessageSource.from_json(order["source"]), order["columns"], secret=bytes.fromhex(order["secret"])
        )
    except TemplateError as error:
        _say(out, {"error": str(error)})
        return
    for line in lines:
        _say(out, _render(message, json.loads(line), order))


def _render(message: CompiledMessage, row: list[Any], order: dict[str, Any]) -> dict[str, Any]:
    key, number, address, cells, more = row
    recipient = recipient_of(order["columns"], key, number, address, cells, more)
    try:
        rendered = message.render(
            recipient,
            date=order["date"],
            encoding=TransferEncoding(order["transfer"]),
            smtputf8=True,
        )
    except MemoryError:
        return {
            "problem": f"needs more than {order['memory'] // 1024 // 1024} MB to render",
            "place": ["", None, None, ""],
        }
    if isinstance(rendered, RenderProblem):
        place = rendered.place
        return {"problem": rendered.reason, "place": [place.file, place.line, place.column, place.key]}
    return packed(rendered)


def packed(rendered: RenderedMessage) -> dict[str, Any]:
    """A message as values that JSON can carry."""
    return {
        name: base64.b64encode(value).decode() if name in _BYTES and value is not None else value
        for name, value in rendered._asdict().items()
    }


def unpacked(values: dict[str, Any]) -> RenderedMessage:
    """The message that `packed` packed."""
    raw = {name: base64.b64decode(values[name]) for name in _BYTES if values[name] is not None}
    return RenderedMessage(**{**values, **raw})


def _limit(memory: int) -> None:
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
