"""Owns what a template may touch: an allow-list by type, over Jinja's own sandbox.

A template is text from somebody else as often as not. Jinja's sandbox stops the ways to Python's insides;
what it leaves open is listed in its documentation and in published escapes, nearly all of which start at a
method of a plain value (`str.format`, `int.to_bytes`, `list.__class__`). So nothing but the methods named
here can be reached from a value, the filters and globals are a chosen few, and the operators that can blow
up memory from a short expression are bounded. What remains possible is slow work in nested loops: whoever
renders a template for the first time does so under a time and memory limit.

Everything here is deterministic: no random filter, no clock, so a recipient's bytes are the same every time.
"""

from __future__ import annotations

from typing import Any

from jinja2 import DictLoader, StrictUndefined, Undefined, nodes, runtime
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup

from mailtui.message import bounds
from mailtui.message.column_filters import name_columns
from mailtui.message.locales import FILTERS, PLAIN_CONVENTIONS, Conventions

TEXT_LIMIT = 1_000_000  # characters that one `*` or `+` in a template may make
_NUMBER_BITS = 8_192  # size of an integer that `*` or `**` may make


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT_METHODS = _words(
    """capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit islower isnumeric
    isspace istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex
    rpartition rsplit rstrip split splitlines startswith strip swapcase title upper"""
)
_METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, TEXT_METHODS),
    (dict, _words("get items keys values")),
    (list, _words("count index")),
    (tuple, _words("count index")),
)
# Jinja's own run-time objects; their public attributes are part of the template language.
_LANGUAGE = (
    runtime.LoopContext,
    runtime.Macro,
    runtime.TemplateReference,
    runtime.BlockReference,
    Namespace,
    TemplateModule,
    Undefined,
)

KEPT_FILTERS = _words(
    """abs capitalize count d default dictsort e escape filesizeformat first float forceescape groupby int items
    join last length list lower map max min reject rejectattr replace reverse round safe select selectattr
    sort string striptags sum title tojson trim truncate unique upper urlencode urlize wordcount wordwrap"""
)
KEPT_GLOBALS = _words("range dict namespace")


class HardenedEnvironment(ImmutableSandboxedEnvironment):
    """A strict, sandboxed Jinja environment over frozen texts; it never reads a file."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    template_class = bounds.BoundedTemplate
    concat = staticmethod(bounds.concat)

    def __init__(
        self, texts: dict[str, str], *, autoescape: bool, conventions: Conventions = PLAIN_CONVENTIONS
    ) -> None:
        super().__init__(
            loader=DictLoader(texts),
            undefined=StrictUndefined,
            autoescape=autoescape,
            auto_reload=False,
            cache_size=-1,
            keep_trailing_newline=True,
        )
        self.texts = texts
        self.filters = {name: call for name, call in self.filters.items() if name in KEPT_FILTERS}
        self.filters["default"] = self.filters["d"] = default_for_blank
        self.filters |= bounds.FILTERS | FILTERS
        self.conventions = conventions
        self.globals = {name: value for name, value in self.globals.items() if name in KEPT_GLOBALS}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        name_columns(tree, self.conventions.assigned)
        return tree

    def wrap_str_format(self, value: Any) -> None:
        """No `format` at all, since `'{:>100000000}'.format(1)` is a hundred megabytes."""

    def call(self, context: runtime.Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A method that would make a text too large is not called at all."""
        return super().call(context, obj, *bounds.checked(obj, args), **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A row's own cell before what every dict has: a column may be called items."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if not super().is_safe_attribute(obj, attr, value):
            return False
        for kind, methods in _METHODS:
            if isinstance(obj, kind):
                return attr in methods
        return isinstance(obj, _LANGUAGE)

    def call_binop(self, context: runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise SecurityError("formatting with % is not available in templates; use ~ to join texts")
        if _too_large(operator, left, right):
            raise SecurityError(f"the result of {operator} would be too large")
        return super().call_binop(context, operator, left, right)


def default_for_blank(value: Any, instead: Any = "", boolean: bool = True) -> Any:
    """The filter `default`: also stands in for a blank cell, since every column of a list is always there.

    `boolean=false` gives Jinja's own meaning back: only a missing name is replaced.
    """
    if isinstance(value, Undefined):
        return instead
    if not boolean:
        return value
    blank = not value.strip() if isinstance(value, str | Markup) else not value
    return instead if blank else value


def _too_large(operator: str, left: Any, right: Any) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        if operator == "*":
            return left.bit_length() + right.bit_length() > _NUMBER_BITS
        return operator == "**" and left.bit_length() * abs(right) > _NUMBER_BITS
    if operator == "*":
        return _size(left) * _times(right) > TEXT_LIMIT or _size(right) * _times(left) > TEXT_LIMIT
    return operator == "+" and _size(left) + _size(right) > TEXT_LIMIT


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _times(value: Any) -> int:
    return value if isinstance(value, int) else 0
