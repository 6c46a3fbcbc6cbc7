"""Owns sheets that everybody with the link may read: they are exported as CSV, which holds what a cell shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlencode

from mailtui.audience.sheets.google import Google
from mailtui.audience.sheets.link import SheetLink
from mailtui.audience.sheets.web import Answer, LoginAsked, Web
from mailtui.errors import AudienceError

_NAMED = re.compile(r"filename\*=UTF-8''([^;]+)", re.IGNORECASE)
_OPEN_IT = "In Google Sheets: Share, General access, Anyone with the link."


class NotPublic(AudienceError):
    """The sheet is there, but not for everybody with the link."""

    def __init__(self, link: SheetLink) -> None:
        super().__init__(
            "The sheet is not open to everybody with the link",
            detail=link.name,
            hint=f"{_OPEN_IT} Or have it read by somebody who may, in the settings: an account that logs in at Google, "
            "google: {account: NAME}, or a service account it is shared with, google: {service_account: KEY.json}.",
        )


def export(google: Google, link: SheetLink, into: Path, heard: Callable[[], None] | None) -> str:
    """Write the tab that a link names to a file, as CSV; its title, '' when Google does not tell.

    Raises `NotPublic`, `Unreachable`, and `AudienceError` for what is not there.
    """

    def take(answer: Answer) -> str:
        _require_csv(answer, link)
        with into.open("wb") as copy:
            for block in answer.body:
                if heard is not None:
                    heard()
                copy.write(block)
        named = _NAMED.search(answer.headers.get("content-disposition", ""))
        return unquote(named[1]).removesuffix(".csv") if named else ""

    url = _address(google.docs_url, link)
    try:
        return Web(google, url).ask(url, take, heard=heard)
    except LoginAsked:
        raise NotPublic(link) from None


def _address(base: str, link: SheetLink) -> str:
    gid = {} if link.gid is None else {"gid": str(link.gid)}
    if link.published:
        return f"{base}/spreadsheets/d/e/{link.id}/pub?{urlencode({'output': 'csv', 'single': 'true', **gid})}"
    return f"{base}/spreadsheets/d/{link.id}/export?{urlencode({'format': 'csv', **gid})}"


def _require_csv(answer: Answer, link: SheetLink) -> None:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status in (401, 403):
        raise NotPublic(link)
    if answer.status in (404, 410):
        raise AudienceError(
            "Google has no such sheet"
            if not link.published
            else "Google has no such sheet, or it is published no more",
            detail=link.name,
            hint="Open the link in a browser; if it opens there, copy it anew from the address line.",
        )
    if answer.status == 400 and link.gid is not None:
        raise AudienceError(
            f"The sheet has no tab with the number {link.gid}",
            detail=link.name,
            hint="Open the tab in a browser and copy the link from the address line: it ends in #gid=…",
        )
    if answer.status != 200:
        raise AudienceError(
            "Google does not give the sheet out", detail=f"{link.name}: Google answered {answer.status}"
        )
    if kind in ("text/html", "application/xhtml+xml"):
        raise AudienceError(
            "A web page came in place of the sheet",
            detail=link.name,
            hint=f"Open the link in a browser and see what it says. {_OPEN_IT}",
        )
