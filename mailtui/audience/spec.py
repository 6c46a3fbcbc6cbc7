"""Owns the `audience:` part of a campaign file: where the list is and which of its rows are meant."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Any, Literal

import pydantic

from mailtui.audience.findings import SAID_TYPES
from mailtui.audience.rules_tree import read_rule
from mailtui.errors import RuleError
from mailtui.kit.validation import Spec

STDIN = "-"
_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


FileFormat = Literal["csv", "xlsx", "json", "jsonl", "parquet", "sqlite"]
ListFormat = FileFormat | Literal["sheet"]
ColumnRole = Literal["name", "from", "reply_to", "subject", "body", "cc", "bcc", "attachment", "send_at", "timezone"]
Unwanted = Literal["role", "disposable", "bad_domain"]

COLUMN_TYPES = tuple(SAID_TYPES)
_ROLES = ("name", "from", "reply_to", "subject", "body", "cc", "bcc", "attachment", "send_at", "timezone")
_LIST_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_RANGE = re.compile(r"\$?[A-Z]{1,3}\$?[0-9]{0,7}(?::\$?[A-Z]{1,3}\$?[0-9]{0,7})?", re.ASCII | re.IGNORECASE)


def _is_role(role: str) -> str:
    if role not in _ROLES:
        raise ValueError(f"{role} is nothing a column can stand for; use {_either(_ROLES)}.")
    return role


_Role = Annotated[str, pydantic.AfterValidator(_is_role)]


class AudienceSpec(Spec):
    """What a person says about a list. What is left out is guessed from the file, and the guess is shown.

    `source` is a path relative to the campaign file, or `-` for standard input. `address` names the column
    with the addresses. `filter` is a rule as one line of text or as a tree. `suppress` names lists of people
    who get nothing; they are applied where deliveries are made, not here, since the suppressed ones count as
    audience.

    How it is read: `format`, `encoding`, `delimiter`, `quote`, `header` (the line or row of the column names, from
    1, or false), `sheet` (the tab of a workbook, by name or from 1), `range` (`A3:F`), `records` (where in a JSON
    file the list is: `data.items`), `query` (a SELECT, or the name of a table), `types` (column to one of
    `COLUMN_TYPES`), `offline` (of a sheet on the network, the copy that was kept).

    What becomes of its rows: `columns` (role to column), `group` (the rows of one address make one mail), `exclude`
    (kinds of addresses that get nothing), `list` (the name under which people asked to be left alone).
    """

    source: str = pydantic.Field(
        min_length=1, description="The list: a path, a link to a Google sheet, or - for standard input."
    )
    address: str | None = pydantic.Field(
        default=None, description="The column with the addresses, where the guess is wrong."
    )
    filter: str | dict[str, Any] | None = pydantic.Field(
        default=None, description="Who of the list is meant, as one line or as a tree."
    )
    format: FileFormat | None = pydantic.Field(
        default=None, description="What kind of file it is, where its content does not tell."
    )
    encoding: str | None = pydantic.Field(default=None, description="Such as utf-8, utf-16 or cp1252.")
    delimiter: str | None = pydantic.Field(
        default=None, description="What stands between cells; also comma, semicolon, tab or pipe."
    )
    quote: str | None = pydantic.Field(default=None, description="What stands around cells; an empty text: nothing.")
    header: bool | int | None = pydantic.Field(
        default=None, description="The line of the names of the columns, from 1; false: there are none."
    )
    sheet: str | int | None = pydantic.Field(
        default=None, description="The tab of a workbook, by name or counted from 1."
    )
    range: str | None = pydantic.Field(default=None, description="The part of a tab that is the list, such as A3:F.")
    records: str | None = pydantic.Field(
        default=None, description="Where in a JSON file the list is, such as data.items."
    )
    query: str | None = pydantic.Field(
        default=None, description="What to read from a SQLite file: a SELECT, or the name of a table."
    )
    types: dict[str, str] = pydantic.Field(
        default_factory=dict, description="As what a column compares: text, number, date, date dmy and so on."
    )
    columns: dict[_Role, str] = pydantic.Field(
        default_factory=dict,
        description="Columns that stand for name, from, reply_to, subject, body, cc, bcc or attachment of each mail, "
        "and for the time at which it goes: send_at, or timezone for where its recipient is.",
    )
    group: bool = pydantic.Field(
        default=False, description="Whether all rows of an address make one mail; templates have them as rows."
    )
    exclude: tuple[Unwanted, ...] = pydantic.Field(default=(), description="Kinds of addresses that get nothing.")
    list: str | None = pydantic.Field(
        default=None, description="The suppression list that counts beside the one for everybody."
    )
    offline: bool = pydantic.Field(
        default=False, description="Of a sheet on the network, whether to use the copy that was kept."
    )
    suppress: tuple[str, ...] = pydantic.Field(
        default=(), description="Lists of people who get nothing from this campaign."
    )

    @pydantic.field_validator("filter")
    @classmethod
    def _filter_parses(cls, value: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
        try:
            read_rule(value)
        except RuleError as error:
            raise ValueError(error.detail or error.title) from None
        return value

    @pydantic.field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            info = codecs.lookup(value)
        except LookupError:
            raise ValueError(f"no encoding is called {value}; utf-8, utf-16 and cp1252 are common ones.") from None
        if not getattr(info, "_is_text_encoding", True):
            raise ValueError(f"what {value} encodes is not text.")
        return info.name

    @pydantic.field_validator("delimiter")
    @classmethod
    def _delimiter_is_one_character(cls, value: str | None) -> str | None:
        if value is None:
            return None
        character = _DELIMITER_NAMES.get(value.lower(), value)
        if len(character) != 1 or character in '\r\n"\0':
            raise ValueError("a delimiter is one character, such as , or ; or tab.")
        return character

    @pydantic.field_validator("quote")
    @classmethod
    def _quote_is_one_character(cls, value: str | None) -> str | None:
        if value and (len(value) != 1 or value in "\r\n\0"):
            raise ValueError('a quote is one character, such as ". An empty text means that nothing is quoted.')
        return value

    @pydantic.field_validator("header", "sheet")
    @classmethod
    def _counts_from_one(cls, value: bool | str | int | None) -> bool | str | int | None:
        if isinstance(value, int) and not isinstance(value, bool) and value < 1:
            raise ValueError("it counts from 1.")
        return value

    @pydantic.field_validator("range")
    @classmethod
    def _range_is_of_cells(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if _RANGE.fullmatch(value.strip()) is None:
            raise ValueError("a range is written like A3:F or B2:F900; name the tab with sheet.")
        return value.strip().replace("$", "").upper()

    @pydantic.field_validator("records", "query")
    @classmethod
    def _says_something(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("it is empty; leave it out to have it found.")
        return value

    @pydantic.field_validator("types")
    @classmethod
    def _types_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        known = {column: " ".join(kind.lower().split()) for column, kind in value.items()}
        for column, kind in known.items():
            if kind not in COLUMN_TYPES:
                known_types = _either(COLUMN_TYPES)
                raise ValueError(f"Column {column} cannot be of the type {kind or 'nothing'}; use {known_types}.")
        return known

    @pydantic.field_validator("list")
    @classmethod
    def _list_is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not is_list_name(value):
            raise ValueError("the name of a list has up to 64 letters, digits, dots, hyphens and underscores.")
        return value


def is_list_name(text: str) -> bool:
    """Whether a text can be the name under which people ask to be left alone."""
    return _LIST_NAME.fullmatch(text) is not None


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
