"""Owns rendering a template so that what comes from a row can be told from what its author wrote.

Whatever a template puts out of a row is escaped and stands between two marks. A page is then made from the author's
part alone (`pages`), and what the row says is put in afterwards: so no cell can be Markdown, MJML or CSS, and what is
made is the same for everybody whose template took the same turns.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jinja2 import Template, nodes
from jinja2.environment import Environment
from jinja2.runtime import Context, str_join
from markupsafe import Markup, escape

from mailtui.message.bounds import BoundedTemplate, concat, require
from mailtui.message.filling import Variables, separate
from mailtui.message.folding import fold
from mailtui.message.hardening import HardenedEnvironment
from mailtui.message.locales import Conventions
from mailtui.message.mime import BodyError
from mailtui.message.templates import RENDER_ERRORS

# Two of the code points that Unicode keeps for a program's own use and that no text interchanges (noncharacters).
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_VALUE = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}")
_MARKS = {ord(_OPEN): None, ord(_CLOSE): None}
# What these filters give is still their author's Markdown where that is what they were given.
_KEEP_MARKUP = frozenset({"safe", "trim", "string", "default", "d", "first", "last", "min", "max", "list"})


def _mark(value: object) -> str:
    """A value as a template puts it out: escaped and marked, unless its author says that it is markup."""
    if isinstance(value, Markup):
        return value
    text = str(escape(value))
    if _OPEN in text or _CLOSE in text:  # of the text of a macro that a filter made plain, or of a cell
        text = text.translate(_MARKS)
    return f"{_OPEN}{text}{_CLOSE}"


def _join(values: Iterable[object]) -> str:
    """What `~` gives: with markup among the values, markup in which the others are still marked."""
    parts = list(values)
    require(sum(len(part) for part in parts if isinstance(part, str)), "~")
    if any(isinstance(part, Markup) for part in parts):
        return Markup("".join(_mark(part) for part in parts))  # noqa: S704 - each part is escaped
    return str_join(parts)


class _MarkedTemplate(BoundedTemplate):
    """A template that marks what it puts out, also where another one includes or extends it."""

    @classmethod
    def _from_namespace(cls, environment: Environment, namespace: Any, globals: Any) -> Template:
        template = super()._from_namespace(environment, namespace, globals)
        # The code of a template calls `escape` on what it puts out and on nothing else.
        namespace["escape"] = _mark
        namespace["markup_join"] = _join
        return template


class _MarkingEnvironment(HardenedEnvironment):
    """Marks what templates put out. `literal`: markup is what its author wrote in a template and nothing else, since
    text that is escaped for HTML can still be Markdown.
    """

    template_class = _MarkedTemplate

    def __init__(self, texts: dict[str, str], *, literal: bool, conventions: Conventions) -> None:
        super().__init__(texts, autoescape=True, conventions=conventions)
        if literal:
            self.filters = {
                name: call if name in _KEEP_MARKUP else _giving_text(call) for name, call in self.filters.items()
            }
        self._literal = literal

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # The methods of markup escape for HTML what they are given.
        closed = self._literal and isinstance(obj, Markup)
        return not closed and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            super().call_binop(context, operator, str(left), str(right))  # refuses what gets too long
            return _join((left, right))
        return super().call_binop(context, operator, left, right)


def _giving_text(call: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that gives text where it would give markup."""

    @functools.wraps(call)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        value = call(*args, **kwargs)
        return value.unescape() if isinstance(value, Markup) else value

    return filtered


class MarkedTemplate:
    """A template whose author's part and values come apart."""

    def __init__(
        self, texts: dict[str, str], name: str, source: str, *, literal: bool, conventions: Conventions
    ) -> None:
        self._environment = _MarkingEnvironment(texts, literal=literal, conventions=conventions)
        self._name = name
        self._template = self._compiled(self._environment.parse(source, name, name))
        folded = fold(self._environment, self._environment.parse(source, name, name), {})
        self._assumed = tuple(folded.assumed.items())
        self._outputs = None if folded.outputs is None else self._split(folded.outputs)

    def _compiled(self, tree: nodes.Template) -> Template:
        code = self._environment.compile(tree, name=self._name, filename=self._name)
        return self._environment.template_class.from_code(self._environment, code, {})

    def _split(self, outputs: Sequence[nodes.Expr]) -> _Outputs:
        """A template of text and expressions alone: its texts, and the expressions between them, each worked out
        once.
        """
        pieces, slots, order = separate(self._environment, outputs)
        texts = [""]
        positions = []
        for at in order:
            if at < len(pieces):
                texts[-1] += pieces[at]
            else:
                positions.append(at - len(pieces))
                texts.append("")
        tree = nodes.Template([nodes.Output([slot], lineno=slot.lineno) for slot in slots], lineno=1)
        tree.set_environment(self._environment)
        return _Outputs(tuple(texts), tuple(positions), self._compiled(tree))

    def parts(self, variables: Variables) -> Parts:
        """What the author wrote and what comes from the row, apart.

        Raises what the template raises, and `BodyError` where a filter cut a value off in the middle.
        """
        return self._quickly(variables) or self._plainly(variables)

    def _quickly(self, variables: Variables) -> Parts | None:
        outputs = self._outputs
        if outputs is None or any(variables[name] is not value for name, value in self._assumed):
            return None
        context = Context(self._environment, variables, self._name, {})
        try:
            marked = list(outputs.template.root_render_func(context))
        except RENDER_ERRORS:
            return None  # the plain way says what is wrong, and where
        values = [value[1:-1] for value in marked if type(value) is str]
        if len(values) < len(marked):  # some of it is markup
            return None
        return Parts(outputs.texts, outputs.positions, values)

    def _plainly(self, variables: Variables) -> Parts:
        template = self._template
        context = Context(self._environment, variables, self._name, template.blocks)
        parts = _VALUE.split(concat(template.root_render_func(context)))
        texts = parts[::2]
        if any(_OPEN in text or _CLOSE in text for text in texts):
            raise BodyError("has a text with fields in it that a filter cuts: apply the filter to the field alone")
        values = parts[1::2]
        return Parts(tuple(texts), tuple(_once(values)), values)


def _once(values: Sequence[str]) -> Iterator[int]:
    """Where each value stands first, of addresses and links; so a link can be seen to say where it leads."""
    first: dict[str, int] = {}
    for at, value in enumerate(values):
        yield first.setdefault(value, at) if "@" in value or "://" in value else at


class Parts(NamedTuple):
    """A filled-in template: the author's texts, one more than there are places between them, and which of the escaped
    values stands in each place. What the template says twice may be one value.
    """

    texts: tuple[str, ...]
    places: tuple[int, ...]
    values: list[str]


@dataclass(frozen=True, slots=True)
class _Outputs:
    """A template of text and expressions alone. `positions` says which of the values stands behind which text;
    `template` puts the values out.
    """

    texts: tuple[str, ...]
    positions: tuple[int, ...]
    template: Template
