"""Owns Google sheets as lists: fetched when they are asked for, kept as a copy, and one state of them at a time.

A sheet that everybody with the link may read is read without any account; one that is not, and one whose tab is
named, as the service account of the settings. What was fetched a moment ago is not fetched again by the same process:
who looks at a list, counts it and launches it means one and the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mailtui.audience.findings import Finding
from mailtui.audience.rules import clauses
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.sheets.ages import age, as_of
from mailtui.audience.sheets.google import Google, Heard, Unreachable
from mailtui.audience.sheets.kept import Copy, KeptCopies
from mailtui.audience.sheets.link import Wanted
from mailtui.audience.source import SheetCopy, Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.paths import private_folder

REUSED_FOR = 60.0
"""Seconds for which a process takes what it fetched for the sheet as it is."""


class Sheets:
    """Fetches sheets, and keeps them. One of these for a process; it may be used from several threads."""

    def __init__(self, google: Google) -> None:
        self._google = google
        self._kept = KeptCopies(google.copies)
        self._lock = threading.Lock()
        self._fetched: dict[str, tuple[float, Copy]] = {}

    def find(self, spec: AudienceSpec, spool: Path | None, heard: Heard = None) -> Source:
        """The sheet that `spec.source` links to, as a private copy in `spool`. Raises `AudienceError`.

        `heard` is called now and then while Google is waited for; what it raises ends that.
        """
        wanted = Wanted.of(spec)
        with self._lock:
            copy = self._at_hand(wanted) if spec.offline else self._current(wanted, spec, heard)
            source = self._source(copy, self._kept.path(copy), wanted, offline=spec.offline)
            return replace(source, path=_linked(source.path, spool), temporary=True)

    def holds(self, spec: AudienceSpec) -> bool:
        """Whether there is a copy, so that `spec.offline` would find one. Raises `AudienceError` for a wrong link."""
        wanted = Wanted.of(spec)
        with self._lock:
            return wanted.key in self._fetched or self._kept.find(wanted.key) is not None

    def _at_hand(self, wanted: Wanted) -> Copy:
        """The copy this process fetched, else the newest that any did."""
        known = self._fetched.get(wanted.key)
        copy = self._kept.find(wanted.key) if known is None or not self._kept.path(known[1]).is_file() else known[1]
        if copy is None:
            raise AudienceError(
                "There is no copy of the sheet yet",
                detail=wanted.link.name,
                hint="Fetch it once: leave --offline out (in a campaign file: offline).",
            )
        return copy

    def _current(self, wanted: Wanted, spec: AudienceSpec, heard: Heard) -> Copy:
        known = self._fetched.get(wanted.key)
        if known is not None and time.monotonic() - known[0] < REUSED_FOR and self._kept.path(known[1]).is_file():
            return known[1]
        before = self._kept.find(wanted.key)
        try:
            copy = self._fetch(wanted, spec, before, heard)
        except Unreachable as error:
            if before is None:
                raise
            raise Unreachable(error.title, detail=error.detail, hint=_use_the_copy(before)) from None
        self._fetched[wanted.key] = time.monotonic(), copy
        return copy

    def _fetch(self, wanted: Wanted, spec: AudienceSpec, before: Copy | None, heard: Heard) -> Copy:
        from mailtui.audience.sheets.download import download  # here, since few lists come over the network

        handle, name = tempfile.mkstemp(prefix=".fetched-", suffix=".tmp", dir=self._kept.scratch())
        os.close(handle)
        into = Path(name)
        try:
            copy = download(self._google, wanted, into, heard)
            if before is not None and before.digest != copy.digest:
                note = self._drift(before, copy, into, wanted, spec)
                copy = replace(copy, notes=(*copy.notes, *([note] if note else [])))
            self._kept.keep(wanted.key, copy, into)
        except OSError as error:
            raise AudienceError(
                "The copy of the sheet cannot be written",
                detail=f"{self._google.copies}: {error.strerror or error}",
                hint="Free some space, or set MAILTUI_HOME to a larger disk.",
            ) from None
        finally:
            into.unlink(missing_ok=True)
        return copy

    def _drift(self, before: Copy, copy: Copy, into: Path, wanted: Wanted, spec: AudienceSpec) -> str:
        """What is other about the columns; raises `AudienceError` where that would go wrong, and keeps the old copy."""
        from mailtui.audience.formats.sheet import find_columns
        from mailtui.audience.sheets.drift import drift

        then = find_columns(self._source(before, self._kept.path(before), wanted), spec)
        now = find_columns(self._source(copy, into, wanted), spec)
        rule = read_rule(spec.filter)
        named = () if rule is None else {clause.column for clause in clauses(rule)}
        since = f"{datetime.fromtimestamp(before.fetched_at).astimezone():%Y-%m-%d %H:%M}"
        return drift(then, now, since=since, address=spec.address, named=named)

    def _source(self, copy: Copy, path: Path, wanted: Wanted, *, offline: bool = False) -> Source:
        sheet = SheetCopy(copy.fetched_at, copy.first_row, offline, _tab_found(copy, wanted), _range_found(wanted))
        identity = f"sheet\0{copy.digest}\0{copy.first_row}"
        return Source(path, copy.title, identity, temporary=False, notes=copy.notes, sheet=sheet)


def _tab_found(copy: Copy, wanted: Wanted) -> Finding:
    if wanted.tab is not None:
        return Finding(copy.tab, "given", "as you said")
    if wanted.link.gid is not None:
        return Finding(copy.tab, "given", "the tab of the link")
    return Finding(copy.tab, "likely", "the first tab")


def _range_found(wanted: Wanted) -> Finding:
    if wanted.cells is None:
        return Finding("", "likely", "the whole tab")
    in_link = wanted.cells == wanted.link.cells
    return Finding(wanted.cells, "given", "the range of the link" if in_link else "as you said")


def _use_the_copy(copy: Copy) -> str:
    now = datetime.now().astimezone()
    how_old = f"from {as_of(copy.fetched_at, now)}, {age(copy.fetched_at, now)} old"
    return f"There is a copy {how_old}. To use it: --offline (in a campaign file: audience: {{offline: true}})"


def _linked(path: Path, spool: Path | None) -> Path:
    """The same content under a name of its own, so that whoever reads it keeps it when the next copy comes."""
    if spool is not None:
        private_folder(spool)
    handle, name = tempfile.mkstemp(prefix=".sheet-", suffix=".tmp", dir=spool)
    os.close(handle)
    own = Path(name)
    try:
        own.unlink()
        own.hardlink_to(path)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, own)
    return own
