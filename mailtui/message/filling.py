"""Owns the quick way from a template and a row to text and to the lines of a mail.

Most of a mail is the same for everybody, and is made ready for the wire when the campaign is compiled: encoded, with
CRLF, known to hold nothing that no mail may hold. Only what comes from the row is looked at for each recipient. What
is unusual in any way (a CR, a NUL, half a character) is not handled here: `Unusual` sends it the plain way, which is
also the one that says what was wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from types import CodeType
from typing import Any, Protocol

from jinja2 import Template, nodes
from jinja2.runtime import Context
from jinja2.utils import missing
from markupsafe import escape

from mailtui.message.bounds import AT_ONCE, BoundedTemplate, concat, gathered
from mailtui.message.folding import Folded, constant_text
from mailtui.message.hardening import HardenedEnvironment
from mailtui.message.mime import LINE_HARD, canonical, wire_lines

_SLOT = b"\0"  # stands for a value where pieces are measured; no mail has it
_MARKUP = re.compile("[&<>'\"]").search
_Root = Callable[[Context], Iterator[str]]


class Unusual(ValueError):
    """This row's text takes the plain way."""


class Variables(dict[str, object]):
    """What templates see for one recipient; a name that is not there gives Jinja's mark for that, and no error."""

    __slots__ = ()

    def __missing__(self, name: str) -> object:
        return missing


# A body ready for `mime.encode_part`, and whether it is tame: whether it is known that no line begins with a dot or has
# more than 998 bytes, and that no boundary occurs. Otherwise one has to look.
Lines = tuple[bytes, bool]


class Filling(Protocol):
    """Fills one template in. Both raise what the template raises; `lines` also `Unusual`.

    `fixed` are the lines when no row changes them.
    """

    fixed: Lines | None

    def text(self, variables: Variables) -> str: ...

    def lines(self, variables: Variables) -> Lines: ...


def filling(environment: HardenedEnvironment, name: str, folded: Folded) -> Filling:
    """The quickest way to fill a template in. Raises `Unusual` when there is none but the plain one."""
    if folded.outputs is not None:
        return Slots(environment, name, folded.outputs)
    return Pieces(environment, name, folded.tree, assigns=folded.assigns)


def constant_lines(text: str) -> Lines:
    """The lines of a text that is the same for everybody. Raises `BodyError`."""
    data = wire_lines(canonical(text))
    return data, _room([data]) >= 0


class Slots:
    """A template of text and expressions: fixed pieces, and the values of the expressions between them.

    An expression that stands there several times is worked out once: without assignments, it always has the same
    value.
    """

    def __init__(self, environment: HardenedEnvironment, name: str, outputs: Sequence[nodes.Expr]) -> None:
        pieces, slots, order = separate(environment, outputs)
        tree = nodes.Template([nodes.Output([slot], lineno=slot.lineno) for slot in slots], lineno=1)
        tree.set_environment(environment)
        template = _compiled(environment, name, tree)
        self._root: _Root = template.root_render_func
        self._context = _row_context(environment, name)
        self._woven = Woven(pieces, order)
        self.fixed: Lines | None = None if slots else constant_lines("".join(pieces))

    def text(self, variables: Variables) -> str:
        return self._woven.text(self._root(self._context(variables)))

    def lines(self, variables: Variables) -> Lines:
        if self.fixed is not None:
            return self.fixed
        return self._woven.lines(list(self._root(self._context(variables))))


class Woven:
    """Fixed pieces of text with places for values. `order` has indices into both, the values' behind the pieces', two
    at least. Raises `Unusual` for pieces that only the plain way can say something about, and `lines` for values.
    """

    __slots__ = ("_count", "_data", "_order", "_room", "_texts")

    def __init__(self, pieces: Sequence[str], order: Sequence[int]) -> None:
        self._texts = list(pieces)
        self._data = [_fixed(piece) for piece in pieces]
        self._count = max(max(order) + 1 - len(pieces), 0)
        self._order: Callable[[Sequence[Any]], tuple[Any, ...]] = itemgetter(*order)
        self._room = _room([self._data[at] if at < len(pieces) else None for at in order])

    def text(self, values: Iterable[str]) -> str:
        return "".join(self._order([*self._texts, *values]))

    def lines(self, values: Sequence[str]) -> Lines:
        # One look at all values together; the breaks between them hide nothing that is looked for, and show where a
        # value begins and ends.
        raw = "\n".join(values).encode()
        if b"\r" in raw or b"\0" in raw:
            raise Unusual
        parts = raw.split(b"\n")
        if len(parts) == self._count:
            tame = len(raw) <= self._room and _harmless(raw)
        else:
            parts = [value.encode().replace(b"\n", b"\r\n") for value in values]
            tame = False
        data = b"".join(self._order(self._data + parts))
        return (data if data.endswith(b"\n") else data + b"\r\n"), tame


class Pieces:
    """Any other template: what it puts out, piece by piece, those known beforehand with their bytes at hand."""

    def __init__(self, environment: HardenedEnvironment, name: str, tree: nodes.Template, *, assigns: bool) -> None:
        template = _compiled(environment, name, tree)
        self._root: _Root = template.root_render_func
        self.fixed: Lines | None = None
        self._context = _full_context(environment, name, template) if assigns else _row_context(environment, name)
        codes = [function.__code__ for function in (template.root_render_func, *template.blocks.values())]
        self._known: dict[str, bytes] = {}
        for text in _texts_in(codes):
            if "\r" not in text and "\0" not in text and not _halved(text):
                self._known[text] = wire_lines(text)

    def text(self, variables: Variables) -> str:
        return concat(self._root(self._context(variables)))

    def lines(self, variables: Variables) -> Lines:
        known = self._known.get
        waiting = iter(self._root(self._context(variables)))
        pieces = [known(piece) or _encoded(piece) for piece in islice(waiting, AT_ONCE)]
        if len(pieces) == AT_ONCE:
            pieces += [known(piece) or _encoded(piece) for piece in gathered(waiting)]
        data = b"".join(pieces)
        return (data if data.endswith(b"\n") else data + b"\r\n"), False


def _compiled(environment: HardenedEnvironment, name: str, tree: nodes.Template) -> Template:
    template = BoundedTemplate.from_code(environment, environment.compile(tree, name=name, filename=name), {})
    # The code of a template calls `escape` on what it puts out and on nothing else.
    template.root_render_func.__globals__["escape"] = _escaped
    return template


def _full_context(environment: HardenedEnvironment, name: str, template: Template) -> Callable[[Variables], Context]:
    return lambda variables: Context(environment, variables, name, template.blocks)


def _row_context(environment: HardenedEnvironment, name: str) -> Callable[[Variables], Context]:
    """Makes Jinja's context for a template that assigns nothing and has no blocks, at a third of the usual cost:
    what never changes is the class's own, and a name is found without a call into Python.
    """

    class RowContext(Context):
        def __init__(self, variables: Variables) -> None:
            self.parent = variables
            self.resolve_or_missing = variables.__getitem__  # type: ignore[method-assign,assignment]

    RowContext.vars = {}
    RowContext.exported_vars = set()
    RowContext.globals_keys = set()
    RowContext.blocks = {}
    RowContext.environment = environment
    RowContext.eval_ctx = nodes.EvalContext(environment, name)
    RowContext.name = name
    return RowContext


def _harmless(values: bytes) -> bool:
    """Whether no value, a line each, makes a line begin with a dot or has a part in a boundary, which begins with =_"""
    if b"." in values and (b"\n." in values or values.startswith(b".")):
        return False
    if b"_" in values and (b"=_" in values or b"\n_" in values or values.startswith(b"_")):
        return False
    return b"=" not in values or not (b"=\n" in values or values.endswith(b"="))


def _room(pieces: Sequence[bytes | None]) -> int:
    """How many bytes all values (None among the pieces) may have together so that no line can be too long; -1 when
    the fixed pieces have a long line, one that begins with a dot, or what might be part of a boundary.
    """
    whole = b"".join(_SLOT if piece is None else piece for piece in pieces)
    fixed = whole.replace(_SLOT, b"")  # a piece begins a line only where all values before it are empty
    if fixed.startswith(b".") or b"\n." in fixed or b"=_" in fixed:
        return -1
    room = LINE_HARD
    for line in whole.split(b"\r\n"):
        slots = line.count(_SLOT)
        free = LINE_HARD - len(line) + slots * len(_SLOT)
        room = min(room, free // slots if slots else (room if free >= 0 else -1))
    return room


def separate(
    environment: HardenedEnvironment, outputs: Sequence[nodes.Expr]
) -> tuple[list[str], list[nodes.Expr], list[int]]:
    """The fixed texts, the expressions, each once, and the order in which they stand: indices into both lists,
    one behind the other. There are always two places or more, so that `itemgetter` gives a tuple.
    """
    texts: list[str] = [""]
    slots: dict[str, nodes.Expr] = {}
    places: list[tuple[str, int]] = [("text", 0), ("text", 0)]
    run: list[str] = []
    for output in (*outputs, None):
        constant = constant_text(environment, output) if output is not None else None
        if constant is not None:
            run.append(constant)
            continue
        if run:
            places.append(("text", len(texts)))
            texts.append("".join(run))
            run = []
        if output is not None:
            key = repr(output)
            places.append(("slot", list(slots).index(key) if key in slots else len(slots)))
            slots.setdefault(key, output)
    order = [index if kind == "text" else len(texts) + index for kind, index in places]
    return texts, list(slots.values()), order


def _fixed(text: str) -> bytes:
    """A fixed piece as it goes out. Raises `Unusual` when that cannot be told from the piece alone."""
    if "\r" in text or "\0" in text or _halved(text):
        raise Unusual
    return wire_lines(text)


def _escaped(value: object) -> str:
    """What `markupsafe.escape` gives; text with nothing to escape in it is spared the way through `Markup`."""
    if type(value) is str and (value.isalnum() or _MARKUP(value) is None):
        return value
    return escape(value)


def _encoded(piece: str) -> bytes:
    if len(piece) < 100 and piece.isprintable():
        return piece.encode()
    if "\r" in piece or "\0" in piece:
        raise Unusual
    return piece.encode().replace(b"\n", b"\r\n")


def _halved(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _texts_in(codes: Sequence[CodeType]) -> Iterator[str]:
    for code in codes:
        yield from (constant for constant in code.co_consts if isinstance(constant, str))
        yield from _texts_in([constant for constant in code.co_consts if isinstance(constant, CodeType)])
