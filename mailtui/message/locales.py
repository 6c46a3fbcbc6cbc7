"""Owns the filters that write dates, numbers and amounts as a language does.

Cells are text. What a cell means is read as filters of the list read it (`audience.typed`), by the style of its column
where that is known (`column_filters` sees which one it is): only what can be read one way is. What cannot be is an
error of that row. The names and rules of languages come from CLDR, through Babel, which is loaded when the first of
these filters is used.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date as day
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from jinja2 import pass_environment
from jinja2.filters import do_float, do_int
from jinja2.runtime import Undefined

from mailtui.audience.typed import as_moment, as_number
from mailtui.kit.safe_text import safe_text

if TYPE_CHECKING:
    from babel import Locale

DEFAULT_LANGUAGE = "en"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LENGTHS = ("short", "medium", "long", "full")
_PATTERN_LIMIT = 60  # characters of a pattern such as "EEEE, d. MMMM y"
_DECIMALS = 10
_STYLES = {
    "comma": "a decimal comma",
    "point": "a decimal point",
    "dmy": "the day first",
    "mdy": "the month first",
    "ymd": "the year first",
}
_READINGS = {"date": ("", "dmy", "mdy", "ymd"), "number": ("", "comma", "point")}


class FilterError(ValueError):
    """A value is not what a filter is for; the message is a sentence about it."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a campaign's filters write values and read cells.

    `types` says how the cells of columns are written, as `audience.findings.SAID_TYPES` names it: `number comma`,
    `date dmy`. `assigned` are names to which templates give values of their own, and that are no columns there.
    """

    language: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()

    def style(self, kind: str, column: str) -> str:
        """How the numbers or dates of a column are written, a style of `audience.typed`; '' when nothing says so."""
        found, _, style = self.types.get(column, "").partition(" ")
        return "" if found != kind else style or ("point" if kind == "number" else "")


PLAIN_CONVENTIONS = Conventions()


class HasConventions(Protocol):
    """A campaign's environment of templates."""

    conventions: Conventions


@pass_environment
def date(
    environment: HasConventions,
    value: Any,
    format: str = "medium",
    language: str = "",
    read: str = "",
    column: str = "",
) -> str:
    """A date as the language writes it: short, medium, long, full, or a pattern of CLDR such as `d. MMMM`.

    `read` says how dates such as 05/01/2022 are meant: dmy, mdy or ymd.
    """
    from babel.dates import format_date

    text = _text_of(value, "date")
    style = _style(environment, "date", read, column)
    moment = as_moment(text, style)
    if moment is None:
        hint = 'a date is such as 2026-12-31; one such as 05/01/2026 takes read="dmy" or read="mdy"'
        raise _unread(text, "date", style, column, hint)
    pattern = str(format)
    if len(pattern) > _PATTERN_LIMIT:
        raise FilterError(f"the format of a date has {_PATTERN_LIMIT} characters at most")
    if pattern not in _LENGTHS and not re.search(r"[dEecMLyQq]", pattern):
        raise FilterError(f"{_shown(pattern)} is no format of a date; there are {', '.join(_LENGTHS)} and patterns")
    at = moment.at
    return str(format_date(day(at.year, at.month, at.day), pattern, _locale(environment, language)))


@pass_environment
def number(
    environment: HasConventions,
    value: Any,
    decimals: int | None = None,
    language: str = "",
    read: str = "",
    column: str = "",
) -> str:
    """A number as the language writes it, with so many decimals, or as many as it has.

    `read` says what a comma is in cells such as 1,234: a decimal `comma`, or thousands beside a decimal `point`.
    """
    from babel.numbers import format_decimal

    locale = _locale(environment, language)
    whole = locale.decimal_formats[None].pattern.partition(".")[0]  # how digits are grouped
    pattern = f"{whole}.{'#' * _DECIMALS}" if decimals is None else whole + _places(decimals)
    return str(format_decimal(_number_of(environment, value, read, column), pattern, locale))


@pass_environment
def money(
    environment: HasConventions, value: Any, currency: str, language: str = "", read: str = "", column: str = ""
) -> str:
    """An amount of a currency (ISO 4217) as the language writes it."""
    from babel.numbers import format_currency, is_currency

    if not _CURRENCY.fullmatch(str(currency)) or not is_currency(str(currency)):
        raise FilterError(f"{_shown(currency)} is no currency; they are such as EUR or USD")
    return str(
        format_currency(
            _number_of(environment, value, read, column), str(currency), locale=_locale(environment, language)
        )
    )


@pass_environment
def percent(
    environment: HasConventions, value: Any, decimals: int = 0, language: str = "", read: str = "", column: str = ""
) -> str:
    """A part of one as a percentage: 0.25 is 25 %."""
    from babel.numbers import format_percent

    locale = _locale(environment, language)
    pattern = locale.percent_formats[None].pattern.replace("#,##0", "#,##0" + _places(decimals))
    return str(format_percent(_number_of(environment, value, read, column), pattern, locale))


@pass_environment
def plural(
    environment: HasConventions,
    value: Any,
    one: str,
    other: str,
    few: str = "",
    many: str = "",
    language: str = "",
    column: str = "",
) -> str:
    """The word for so many: `{{ rows|length|plural("order", "orders") }}`, by the language's own rule of what counts
    as one. Languages that have more forms take `few` and `many` too.
    """
    form = _locale(environment, language).plural_form(abs(_number_of(environment, value, "", column)))
    chosen = {"one": one, "few": few or many, "many": many}.get(form, "") or other
    return str(chosen)


@pass_environment
def to_float(environment: HasConventions, value: Any, default: Any = None, column: str = "") -> Any:
    """Jinja's `float`, which reads a column with decimals of its own style by that: `1.234,50` is no 0.0 there."""
    found = _calculated(environment, value, default, column)
    return do_float(value, 0.0 if default is None else default) if found is None else float(found)


@pass_environment
def to_int(environment: HasConventions, value: Any, default: Any = None, base: int = 10, column: str = "") -> Any:
    """Jinja's `int`, likewise."""
    found = _calculated(environment, value, default, column)
    return do_int(value, 0 if default is None else default, base) if found is None else int(found)


def _calculated(environment: HasConventions, value: Any, default: Any, column: str) -> Decimal | None:
    """A cell's number by the style of its column; None where Jinja is to say what it is.

    A cell that is no number there is Jinja's 0 only where the template says so.
    """
    if not environment.conventions.types or not isinstance(value, str) or not value.strip():
        return None
    styled = environment.conventions.style("number", str(column))
    if not styled or (default is not None and as_number(value, styled) is None):
        return None
    return _number_of(environment, value, "", column)


def titlecase(value: Any) -> str:
    """Names as names are written: `ANN o'neil-SMITH` is `Ann O'Neil-Smith`, and `McDonald` stays as it is."""
    if isinstance(value, Undefined):
        return str(value)  # says that there is no such field
    return re.sub(r"[^\W\d_]+(?:['’][^\W\d_]+)*", lambda word: _titled(word.group()), str(value))


def _titled(word: str) -> str:
    if not (word.islower() or word.isupper()):
        return word
    head, apostrophe, rest = word[:1].upper(), word[1:2], word[2:]
    if apostrophe in ("'", "’"):  # O'Neil
        return head + apostrophe + rest.capitalize()
    return word.capitalize()


FILTERS: dict[str, Callable[..., Any]] = {
    "date": date,
    "float": to_float,
    "int": to_int,
    "money": money,
    "number": number,
    "percent": percent,
    "plural": plural,
    "titlecase": titlecase,
}


def is_language(tag: str) -> bool:
    """Whether there is such a language, by a tag such as `de` or `pt-BR`."""
    try:
        _parsed(tag)
    except FilterError:
        return False
    return True


def _locale(environment: HasConventions, language: str) -> Locale:
    return _parsed(str(language) or environment.conventions.language or DEFAULT_LANGUAGE)


@functools.lru_cache(maxsize=64)
def _parsed(tag: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    try:
        if _LANGUAGE.fullmatch(tag):
            return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        pass
    raise FilterError(f"{_shown(tag)} is no language that is known; they are such as de or pt-BR")


def _number_of(environment: HasConventions, value: Any, read: str, column: str) -> Decimal:
    found: int | float | None
    style = ""
    if isinstance(value, int | float):
        found = value
        text = str(value)
    else:
        text = _text_of(value, "number")
        style = _style(environment, "number", read, column)
        found = as_number(text, style)
    if found is None or found != found or abs(found) > 10**40:
        hint = 'a number is such as 1234.5; one such as 1,234 takes read="comma" or read="point"'
        raise _unread(text, "number", style, column, hint)
    return Decimal(str(found))


def _style(environment: HasConventions, kind: str, read: str, column: str) -> str:
    """How a cell is read: as the filter says, or else as its column is written."""
    return _reading(kind, read) or environment.conventions.style(kind, str(column))


def _unread(text: str, kind: str, style: str, column: str, hint: str) -> FilterError:
    where = f" in {safe_text(str(column), limit=60)}" if column else ""
    if style:
        return FilterError(f"{_shown(text)}{where} is no {kind}, read with {_STYLES[style]}")
    return FilterError(f"{_shown(text)}{where} is no {kind} that can be read in one way; {hint}")


def _text_of(value: Any, what: str) -> str:
    if isinstance(value, Undefined):
        return str(value)  # says that there is no such field
    if not isinstance(value, str):
        raise FilterError(f"a {type(value).__name__} is no {what}")
    if not value.strip():
        raise FilterError(f"a blank cell is no {what}; write it inside of {{% if %}}")
    return value


def _reading(what: str, read: str) -> str:
    known = _READINGS[what]
    if read not in known:
        raise FilterError(f"{_shown(read)} is no way to read a {what}; there are {', '.join(known[1:])}")
    return str(read)


def _places(decimals: object) -> str:
    if not isinstance(decimals, int) or not 0 <= decimals <= _DECIMALS:
        raise FilterError(f"a number is written with 0 to {_DECIMALS} decimals")
    return "." + "0" * decimals if decimals else ""


def _shown(value: object) -> str:
    return f"“{safe_text(str(value), limit=60)}”"
