"""Owns the `audience:` part of a campaign file: where the list is and which of its rows are meant."""

from __future__ import annotations

import codecs
from typing import Any

import pydantic

from mailtui.audience.rules_tree import read_rule
from mailtui.errors import RuleError
from mailtui.kit.validation import Spec

STDIN = "-"
_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


class AudienceSpec(Spec):
    """What a person says about a list. What is left out is guessed from the file, and the guess is shown.

    `source` is a path relative to the campaign file, or `-` for standard input. `address` names the column
    with the addresses. `filter` is a rule as one line of text or as a tree. `encoding`, `delimiter`,
    `quote` and `header` override the guess. `suppress` names lists of people who get nothing; they are
    applied where deliveries are made, not here, since the suppressed ones count as audience.
    """

    source: str = pydantic.Field(min_length=1)
    address: str | None = None
    filter: str | dict[str, Any] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: bool | None = None
    suppress: tuple[str, ...] = ()

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
            raise ValueError(f"{value} is not a known encoding; utf-8, utf-16 and cp1252 are common ones.") from None
        if not getattr(info, "_is_text_encoding", True):
            raise ValueError(f"{value} is not an encoding of text.")
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
