"""Owns what a link to a Google Sheet says: which spreadsheet, which tab, which cells."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, urlsplit

from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

_HOSTS = ("docs.google.com", "spreadsheets.google.com", "sheets.google.com")
_SHEET = re.compile(r"(?:/a/[^/]+)?/spreadsheets(?:/u/\d+)?/d/(?:(?P<published>e)/)?(?P<id>[A-Za-z0-9_-]+)(?:/|$)")
_KEY = re.compile(r"[A-Za-z0-9_-]{20,}")
_COPY_THE_LINK = "Open the sheet in a browser and copy the link from the address line."


@dataclass(frozen=True, slots=True)
class SheetLink:
    """A spreadsheet of Google's.

    `gid` is the number of a tab, None for the first one. `published` marks what was put on the web by File, Share,
    Publish: its id is another one, and nobody but Google knows the sheet behind it. `cells` are those a link to a
    range names.
    """

    id: str
    gid: int | None = None
    published: bool = False
    cells: str | None = None

    @property
    def name(self) -> str:
        """What a person may recognise before its title is known."""
        return f"Google sheet {self.id[:12]}…" if len(self.id) > 14 else f"Google sheet {self.id}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for. `tab` is its name or its number from 1, `cells` a range."""

    link: SheetLink
    tab: str | int | None
    cells: str | None

    @classmethod
    def of(cls, spec: AudienceSpec) -> Wanted:
        """What the keys of a list say. Raises `AudienceError` for a link that leads to no sheet."""
        link = parse_link(spec.source)
        return cls(link, spec.sheet, spec.range or link.cells)

    @property
    def key(self) -> str:
        """The same for the same wish, and a good name for a file."""
        asked = [self.link.id, self.link.gid, self.link.published, self.tab, self.cells]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:40]


def is_link(text: str) -> bool:
    """Whether the source of a list is on the web rather than a file; it need not be a sheet."""
    return bool(re.match(r"https?:/", text, re.IGNORECASE)) or _split(text).hostname in _HOSTS


def parse_link(text: str) -> SheetLink:
    """The sheet that a link names. Raises `AudienceError` with what to copy instead."""
    parts = _split(text)
    if parts.hostname not in _HOSTS:
        if parts.hostname == "drive.google.com":
            raise AudienceError("This link leads to Google Drive, not to a sheet", detail=text, hint=_COPY_THE_LINK)
        raise AudienceError(
            "Of lists on the web, only Google Sheets are read",
            detail=text,
            hint="Download the list, and name the file.",
        )
    asked = parse_qs(parts.query)
    inside = parse_qs(parts.fragment)
    found = _SHEET.match(parts.path)
    # Links of before 2014 carry the id in the query.
    old = asked.get("key", [""])[0]
    if found is None and not _KEY.fullmatch(old):
        raise AudienceError("This is no link to a Google sheet", detail=text, hint=_COPY_THE_LINK)
    gid = (inside.get("gid") or asked.get("gid") or [""])[0]
    cells = (inside.get("range") or asked.get("range") or [""])[0]
    return SheetLink(
        id=found["id"] if found else old,
        gid=int(gid) if gid.isascii() and gid.isdecimal() else None,
        published=bool(found and found["published"]),
        # A single cell is where somebody's cursor stood when the link was copied.
        cells=cells.upper() if re.fullmatch(r"[A-Za-z]{1,3}\d*:[A-Za-z]{1,3}\d*", cells) else None,
    )


def _split(text: str) -> SplitResult:
    # One slash is what is left of two when an address was handled as a path.
    address = re.sub(r"^(https?):/+", r"\1://", text, flags=re.IGNORECASE)
    try:
        return urlsplit(address if "://" in address else f"https://{address}")
    except ValueError:
        return SplitResult("", "", "", "", "")
