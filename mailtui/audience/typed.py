"""Owns what a cell's text means as a number or as a date, for comparisons only; the text itself never changes.

Only what can be read one way is read: `1,234` (thousands, or a decimal comma?) and `05/01/2022` (May or
January?) stay text, unless the style of their column says which. No exponents, no `inf`, no underscores: `1E5` in
a list is a code.

Styles are those of `findings.ColumnType`: for numbers `comma` (a decimal comma: `1,234` is little more than one) and
`point` (a decimal point: it is more than a thousand), for dates `dmy`, `mdy` and `ymd`, the order that they have in
figures. '' is a column of which nothing is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_GROUPED_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?:,\d{3}){2,}(?:\.\d+)?|(?:,\d{3})+\.\d+)", re.ASCII)
_GROUPED_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|(?:\.\d{3})+,\d+)", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,(?:\d{1,2}|\d{4,})", re.ASCII)
_THOUSANDS_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_THOUSANDS_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_CODE = re.compile(r"\+|-?0\d")
_DIGITS_LIMIT = 40

_ISO = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})", re.ASCII)
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", re.ASCII)
_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_SPAN = re.compile(r"(last |next |past )?(\d{1,5}) ?(d|days?|w|weeks?|months?|y|years?)", re.ASCII)
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, or a date with a time. `at` is in UTC when the text named an offset, else as written."""

    at: datetime
    has_time: bool


@dataclass(frozen=True, slots=True)
class Comparing:
    """How the cells of one column, and the values that they are compared with, are read."""

    texts_only: bool = False
    number_style: str = ""
    date_style: str = ""

    def number(self, given: str | float) -> int | float | None:
        """The number a cell or value is, a code such as 007 among them; None when it is none here."""
        if self.texts_only:
            return None
        return as_number(given, self.number_style) if isinstance(given, str) else given

    def exact(self, given: str | float) -> int | float | None:
        """The number that a cell or value equals; a code equals none, lest its zeros get lost."""
        return None if isinstance(given, str) and is_code(given) else self.number(given)

    def moment(self, text: str) -> Moment | None:
        """The date a cell or value is; None when it is none here."""
        return None if self.texts_only else moment_of(text, self.date_style)


UNTYPED = Comparing()
"""For a column of which nothing is known."""


def as_number(text: str, style: str = "") -> int | float | None:
    """The number a text is, or None. `1,234.50` and `1.234,50` are numbers; `1,234` is one where `style` says which."""
    text = text.strip()
    if len(text) > _DIGITS_LIMIT or not text or text[-1] not in "0123456789":
        return None
    if style == "comma":
        if _THOUSANDS_POINT.fullmatch(text):
            return _whole_or_not(text.replace(".", "").replace(",", "."))
        if _COMMA.fullmatch(text):
            return float(text.replace(",", "."))
    elif style == "point" and _THOUSANDS_COMMA.fullmatch(text):
        return _whole_or_not(text.replace(",", ""))
    if _PLAIN.fullmatch(text):
        return _whole_or_not(text)
    if _GROUPED_COMMA.fullmatch(text):
        return float(text.replace(",", ""))
    if _GROUPED_POINT.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    if _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    return None


def _whole_or_not(digits: str) -> int | float:
    return float(digits) if "." in digits else int(digits)


def is_code(text: str) -> bool:
    """Whether digits are a code or a phone number: a leading zero or a plus that must not get lost."""
    return _CODE.match(text.strip()) is not None


def as_moment(text: str, style: str = "") -> Moment | None:
    """The date a text is, or None when it is none or could be two.

    Read are ISO 8601 dates and times (also with / or . as separators), `31.12.2022`, `31/12/2022` where
    one number is above 12 or both are the same, and dates with an English month name. With a `style`, also
    those that it decides: `05/01/2022` with `dmy` or `mdy`, and `20220105` with `ymd`.
    """
    text = text.strip()
    if not 8 <= len(text) <= 40:
        return None
    try:
        return _iso(text) or _numeric(text, style) or _named(text)
    except (ValueError, OverflowError):
        return None  # the 31st of February


def moment_of(text: str, style: str = "") -> Moment | None:
    """The same as `as_moment`, which it asks once for texts that come again and again."""
    return _cached_moment(text, style) if 8 <= len(text) <= 60 else None


_cached_moment = lru_cache(maxsize=8_192)(as_moment)  # lists repeat their dates; parsing one costs microseconds


def midnight(at: datetime) -> datetime:
    """The beginning of a moment's day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def as_span(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    """The first and last day that `30 days`, `last 2 weeks`, `next 3 months` or `1 year` mean, seen from `now`.

    Without `last` or `next` it reaches in both directions. A month is 30 days and a year 365.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        return None
    direction = (match.group(1) or "").strip()
    today = datetime(now.year, now.month, now.day)  # noqa: DTZ001 - a calendar day, in the author's own zone
    days = timedelta(days=int(match.group(2)) * _DAYS[match.group(3)[0]])
    try:
        first = today if direction == "next" else today - days
        last = today if direction in ("last", "past") else today + days
    except OverflowError:
        return None
    return first, last


def _iso(text: str) -> Moment | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, _, month, day, hour, minute, second, offset = match.groups()
    at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001
    if offset:
        zone = datetime.strptime(offset.upper().replace(":", ""), "%z").tzinfo
        at = at.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    return Moment(at, hour is not None)


def _numeric(text: str, style: str) -> Moment | None:
    match = _COMPACT.fullmatch(text) if style == "ymd" else None
    if match:
        return _day(*map(int, match.groups()))
    match = _DAY_FIRST.fullmatch(text)
    if match:
        return _day(*map(int, reversed(match.groups())))
    match = _SLASHED.fullmatch(text)
    if match is None:
        return None
    first, second, year = int(match.group(1)), int(match.group(3)), int(match.group(4))
    if first > 12 or first == second or (style == "dmy" and second <= 12):
        return _day(year, second, first)
    return _day(year, first, second) if second > 12 or style == "mdy" else None


def _named(text: str) -> Moment | None:
    match = _DAY_MONTH.fullmatch(text)
    if match:
        day, name, year = match.groups()
    else:
        match = _MONTH_DAY.fullmatch(text)
        if match is None:
            return None
        name, day, year = match.groups()
    for number, month in enumerate(_MONTHS, start=1):
        if name.lower() in (month, month[:3], "sept" if number == 9 else ""):
            return _day(int(year), number, int(day))
    return None


def _day(year: int, month: int, day: int) -> Moment:
    return Moment(datetime(year, month, day), has_time=False)  # noqa: DTZ001
