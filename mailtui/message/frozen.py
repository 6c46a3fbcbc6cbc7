"""Owns the frozen message: everything a campaign says about its message, as text, hashed.

A `MessageSource` goes into the outbox as it is; the runner compiles it there, so what is sent is what was
approved, whatever happens to the files in the meantime. Whoever renders loads this, and nothing of campaign files.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from mailtui.message.own_cells import SENT_AS
from mailtui.message.templates import TemplateText

_VERSION = 1
_LATER = (
    "columns",
    "group",
    "written_in",
    "inline_css",
    "language",
    "files",
    "own_files",
    "cc",
    "bcc",
    "unsubscribe",
    "list_id",
    "feedback_id",
    "automatic",
    "plain_from_html",
    "types",
)
"""Parts that came later: written only where they say something, so that others' texts stay as they were."""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that every mail carries: an attachment or, with a `cid`, an image that the HTML shows.

    `path` is how the campaign names it, below its folder; `name` is what the reader sees. `digest` is the SHA-256 of
    `data` in hexadecimal.
    """

    path: str
    name: str
    media_type: str
    digest: str
    data: bytes
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """How who does not want any more mail says so (RFC 2369): `mailto` and `url` are templates, '' for neither.

    `one_click`: something answers the POST of RFC 8058 at `url`.
    """

    mailto: str = ""
    url: str = ""
    one_click: bool = False


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
    files: tuple[SharedFile, ...] = ()
    """What every mail carries, read once when the message was."""
    own_files: tuple[tuple[str, str], ...] = ()
    """(template of a path below the campaign's folder, template of the name its reader sees or '') of each
    recipient's own attachments."""
    cc: tuple[str, ...] = ()
    """Templates of mailboxes that get a copy of every mail, and stand in its Cc header."""
    bcc: tuple[str, ...] = ()
    """The same, without a header."""
    unsubscribe: Unsubscribe | None = None
    list_id: str = ""
    """The value of List-Id (RFC 2919)."""
    feedback_id: str = ""
    """The value of Feedback-ID, a template."""
    automatic: bool = False
    """Whether nobody asked for the mail by hand and no answer is read: Auto-Submitted (RFC 3834)."""
    plain_from_html: bool = False
    """Whether the text is made from HTML that has none beside it."""
    types: tuple[tuple[str, str], ...] = ()
    """(column, how its cells are written, such as `number comma` or `date dmy`) of those that filters read."""

    @property
    def takes_turns(self) -> bool:
        """Whether each mail has the From of one of several accounts; a list may have a column of the same name."""
        return ("from", SENT_AS) in self.columns

    def to_json(self) -> str:
        """A stable text: the same source gives the same characters on every machine."""
        data = self._values()
        for file in data.get("files", ()):
            file["data"] = base64.b64encode(file["data"]).decode()
        return _stable_json(data)

    def _values(self) -> dict[str, Any]:
        data = {"version": _VERSION, **dataclasses.asdict(self)}
        for later in _LATER:
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
                    "files": tuple(_file_from(item) for item in data.get("files", ())),
                    "own_files": tuple((path, name) for path, name in data.get("own_files", ())),
                    "cc": tuple(data.get("cc", ())),
                    "bcc": tuple(data.get("bcc", ())),
                    "types": tuple((column, name) for column, name in data.get("types", ())),
                    "unsubscribe": Unsubscribe(**data["unsubscribe"]) if data.get("unsubscribe") else None,
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the frozen message is damaged: {error}") from None

    @property
    def digest(self) -> str:
        """SHA-256 over what the recipients get, in hexadecimal: the same one means the same message.

        `commercial` only says how strict the preflight is, so it does not count; a file counts by its own digest.
        """
        data = self._values()
        del data["commercial"]
        for file in data.get("files", ()):
            del file["data"]
        return hashlib.sha256(_stable_json(data).encode("utf-8", "surrogatepass")).hexdigest()


def _stable_json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _text_from(data: Any) -> TemplateText | None:
    return None if data is None else TemplateText(**data)


def _file_from(data: dict[str, Any]) -> SharedFile:
    return SharedFile(**{**data, "data": base64.b64decode(data["data"])})
