"""Owns the frozen message: everything a campaign says about its message, as text, hashed.

A `MessageSource` goes into the outbox as it is; the runner compiles it there, so what is sent is what was
approved, whatever happens to the files in the meantime. Whoever renders loads this, and nothing of campaign files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from mailtui.message.templates import TemplateText

_VERSION = 1


@dataclass(frozen=True, slots=True)
class MessageSource:
    """Everything a campaign says about its message, before any recipient is known."""

    sender: str
    subject: str
    text: TemplateText | None
    html: TemplateText | None
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    includes: tuple[TemplateText, ...] = ()
    campaign: str = ""
    postal_address: str | None = None
    commercial: bool = False
    columns: tuple[tuple[str, str], ...] = ()
    """(role, column) of the cells that stand in for the campaign's own values; see `own_cells`."""
    group: bool = False
    """Whether all rows of an address make one mail, as `rows` in templates."""
    written_in: str = ""
    """What `html` is a template of where that is not HTML: markdown or mjml."""
    inline_css: bool = False
    """Whether the style sheets of HTML are put into its elements."""
    language: str = ""
    """How filters write dates and numbers that do not say it themselves: a tag such as de-AT."""

    def to_json(self) -> str:
        """A stable text: the same source gives the same characters on every machine."""
        return _stable_json(self._values())

    def _values(self) -> dict[str, Any]:
        """Every part; those that came later only where they say something, so that others' texts stay as they were."""
        data = {"version": _VERSION, **dataclasses.asdict(self)}
        for later in ("columns", "group", "written_in", "inline_css", "language"):
            if not data[later]:
                del data[later]
        return data

    @classmethod
    def from_json(cls, text: str) -> MessageSource:
        """What `to_json` wrote. Raises `ValueError` for a text of another version or shape."""
        data: dict[str, Any] = json.loads(text)
        if data.pop("version", None) != _VERSION:
            raise ValueError("the frozen message was written by another version of mailtui")
        try:
            return cls(
                **{
                    **data,
                    "text": _text_from(data["text"]),
                    "html": _text_from(data["html"]),
                    "headers": tuple((name, value) for name, value in data["headers"]),
                    "includes": tuple(TemplateText(**item) for item in data["includes"]),
                    "columns": tuple((role, column) for role, column in data.get("columns", ())),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the frozen message is damaged: {error}") from None

    @property
    def digest(self) -> str:
        """SHA-256 over what the recipients get, in hexadecimal: the same one means the same message.

        `commercial` only says how strict the preflight is, so it does not count.
        """
        data = self._values()
        del data["commercial"]
        return hashlib.sha256(_stable_json(data).encode("utf-8", "surrogatepass")).hexdigest()


def _stable_json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _text_from(data: Any) -> TemplateText | None:
    return None if data is None else TemplateText(**data)
