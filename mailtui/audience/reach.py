"""Owns what a list needs beyond itself when it is opened: what is known of domains, and the way to Google's sheets."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from mailtui.audience.hygiene import Hygiene
from mailtui.audience.sheets.google import Google
from mailtui.audience.sheets.sheets import Sheets


class Reach:
    """One of these for a process. `lists` is the folder with the user's own lists of roles and domains."""

    def __init__(self, lists: Path | None = None, google: Google | None = None) -> None:
        self._lists = lists
        self._google = google
        self._known: Hygiene | None = None

    @property
    def hygiene(self) -> Hygiene:
        """The shipped lists and the user's, as they are now. Raises `ConfigError` for mistakes in the user's."""
        found = Hygiene.read(self._lists)
        # As long as nothing changed the one before goes on: it has its ten thousand domains at hand.
        if self._known is None or self._known.digest != found.digest:
            self._known = found
        return self._known

    @cached_property
    def sheets(self) -> Sheets | None:
        """Who fetches sheets; None where links are not followed."""
        return None if self._google is None else Sheets(self._google)


FILES_ONLY = Reach()
"""The shipped lists, and no network."""
