"""Owns how much text a template may make at once, by whatever of its language makes more text than it is given.

A short template can ask for terabytes: doubling a text forty times, joining a long text with itself, replacing each
letter by a page. Where a template is tried out for the first time, memory has a limit; whoever sends has none, and what
only one row in a hundred thousand makes a template do is met there. So whatever multiplies looks at the sizes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from jinja2 import Template, filters, pass_context, pass_environment, pass_eval_context
from jinja2.environment import Environment
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, markup_join, str_join

RESULT_LIMIT = 20_000_000  # characters of one text; a whole mail has half of that
AT_ONCE = 32  # pieces that are made before anybody looks at their sizes
_BLOCK = "a block of the template"
_NUMBER_LIMIT = 1_000  # of blanks, digits and the like that a filter is asked for


def concat(pieces: Iterable[str]) -> str:
    """All pieces as one text. Raises `SecurityError`."""
    waiting = iter(pieces)
    some = list(islice(waiting, AT_ONCE))
    text = "".join(some)
    if len(text) > RESULT_LIMIT:
        require(len(text), _BLOCK)
    if len(some) < AT_ONCE:  # most blocks put out no more
        return text
    texts, size = [text], len(text)
    while some := list(islice(waiting, AT_ONCE)):
        text = "".join(some)
        size += len(text)
        if size > RESULT_LIMIT:
            require(size, _BLOCK)
        texts.append(text)
    return "".join(texts)


def gathered(pieces: Iterable[str]) -> list[str]:
    """All pieces, no more of which are made than there may be. Raises `SecurityError`."""
    waiting = iter(pieces)
    found: list[str] = []
    size = 0
    while some := list(islice(waiting, AT_ONCE)):
        size += sum(map(len, some))
        require(size, _BLOCK)
        found += some
    return found


def require(size: int, what: str) -> None:
    """Refuse a text of so many characters, before it is made."""
    if size > RESULT_LIMIT:
        raise SecurityError(f"the result of {what} would be too large")


def checked(method: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a method that is about to be called. Refuses those that would make a text too large."""
    owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if not isinstance(owner, str):
        return arguments
    if name == "replace" and len(arguments) > 1:
        _require_replaced(owner, str(arguments[0]), str(arguments[1]))
    elif name == "join" and len(arguments) == 1:
        return (_gathered_items(arguments[0], owner),)
    return arguments


class BoundedTemplate(Template):
    """A template whose `~` looks at sizes, too; also where another one includes or extends it."""

    @classmethod
    def _from_namespace(cls, environment: Environment, namespace: Any, globals: Any) -> Template:
        namespace["str_join"] = _bounded(str_join)
        namespace["markup_join"] = _bounded(markup_join)
        return super()._from_namespace(environment, namespace, globals)


def _bounded(join: Callable[[Iterable[Any]], str]) -> Callable[[Iterable[Any]], str]:
    def joined(values: Iterable[Any]) -> str:
        parts = list(values)
        require(sum(len(part) for part in parts if isinstance(part, str)), "~")
        return join(parts)

    return joined


def _require_replaced(text: str, old: str, new: str) -> None:
    if len(new) > len(old):
        require(len(text) + text.count(old) * (len(new) - len(old)), "replace")


def _gathered_items(values: Iterable[Any], separator: str) -> list[Any]:
    items: list[Any] = []
    size = 0
    for item in values:
        size += len(separator) + (len(item) if isinstance(item, str) else 0)
        require(size, "join")
        items.append(item)
    return items


def _require_few(what: str, *numbers: object) -> None:
    for number in numbers:
        if isinstance(number, int | float) and abs(number) > _NUMBER_LIMIT:
            raise SecurityError(f"{what} takes numbers up to {_NUMBER_LIMIT:,}")


@pass_eval_context
def _replace(context: EvalContext, s: Any, old: Any, new: Any, count: int | None = None) -> Any:
    _require_replaced(str(s), str(old), str(new))
    return filters.do_replace(context, s, old, new, count)


@pass_eval_context
def _join(context: EvalContext, value: Iterable[Any], d: Any = "", attribute: Any = None) -> Any:
    if attribute is not None:
        value = map(filters.make_attrgetter(context.environment, attribute), value)
    return filters.sync_do_join(context, _gathered_items(value, str(d)), d)


@pass_environment
def _wordwrap(
    environment: Environment,
    s: Any,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,
) -> str:
    require(len(str(s)) * max(len(str(wrapstring or "")), 1), "wordwrap")
    return filters.do_wordwrap(environment, str(s), width, break_long_words, wrapstring, break_on_hyphens)


@pass_eval_context
def _tojson(context: EvalContext, value: Any, indent: int | None = None) -> Any:
    _require_few("tojson", indent)
    return filters.do_tojson(context, value, indent)


@pass_context
def _map(context: Context, value: Iterable[Any], *arguments: Any, **keywords: Any) -> Iterable[Any]:
    made = filters.sync_do_map(context, value, *arguments, **keywords)
    return _measured(made) if arguments else made  # an attribute makes nothing that is not there


def _measured(items: Iterable[Any]) -> Iterator[Any]:
    size = 0
    for item in items:
        if isinstance(item, str):
            size += len(item)
            require(size, "map")
        yield item


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    if precision > _NUMBER_LIMIT or precision < -_NUMBER_LIMIT:
        _require_few("round", precision)
    return filters.do_round(value, precision, method)


@pass_eval_context
def _urlize(context: EvalContext, value: Any, *arguments: Any, **keywords: Any) -> Any:
    longest = max((len(str(item)) for item in (*arguments, *keywords.values())), default=0)
    require((str(value).count(".") + str(value).count("@")) * longest + len(str(value)), "urlize")
    return filters.do_urlize(context, value, *arguments, **keywords)


FILTERS: dict[str, Callable[..., Any]] = {
    "join": _join,
    "map": _map,
    "replace": _replace,
    "round": _round,
    "tojson": _tojson,
    "urlize": _urlize,
    "wordwrap": _wordwrap,
}
"""Filters of Jinja's that give more than they are given."""
