"""Owns looking for a text among the recipients: how far that is, who was found, and who of them comes next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

from textual.content import Content
from textual.timer import Timer

from mailtui.errors import UsageError
from mailtui.service.previews import Found
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.text import plain

_SHOWN = 20  # characters of a text that are repeated

Clock = Callable[[float, Callable[[], None]], Timer]


class RecipientSearch:
    """What was found stays until something else is looked for, or another filter or campaign has other recipients."""

    def __init__(self, bench: Workbench, changed: Callable[[], None]) -> None:
        """`changed` is called whenever `said` says something else."""
        self._bench = bench
        self._changed = changed
        self._under: object = None
        self._doing = ""
        self.found: Found | None = None

    @property
    def going(self) -> bool:
        """Whether it is looking now."""
        return bool(self._doing)

    async def look_for(self, text: str, from_row: int, clock: Clock) -> int | None:
        """The first row with a text from a row on, else from the beginning; None when something newer ended this.

        Raises `UsageError` when there is none; then what was found before stays.
        """
        heard = [0, 0]
        self._doing = f"looking for {_quoted(text)}"
        self._changed()

        def hear(done: int, of: int) -> None:
            heard[:] = done, of  # from another thread: it is drawn by the clock

        def tick() -> None:
            if heard[1]:
                self._doing = f"looking for {_quoted(text)}: {heard[0]:,} of {heard[1]:,} rows"
                self._changed()

        under, ticking = self._among, clock(0.2, tick)
        try:
            found = await self._bench.find_recipients(text, hear)
        except Superseded:
            return None
        finally:
            ticking.stop()
            self._doing = ""
            self._changed()
        if not found.rows:
            raise UsageError(
                f"No recipient has {_quoted(text)} in any cell",
                hint="Only those are looked at whom the filter lets in. The list (2) finds in all rows.",
            )
        self.found, self._under = found, under
        return found.rows[bisect_left(found.rows, from_row) % len(found.rows)]

    def stop(self) -> None:
        """Give up looking, or else forget who was found."""
        if self.going:
            self._bench.stop_scan()
        else:
            self.forget()

    def forget(self) -> None:
        """Everybody is gone through again."""
        self.found = None
        self._changed()

    def keep_to_list(self) -> None:
        """Forget those who were found under another filter, or before the list was read again."""
        if self.found is not None and self._under != self._among:
            self.forget()

    @property
    def _among(self) -> object:
        return self._bench.open_list, self._bench.filter_text

    async def beside(self, row: int, *, onward: bool) -> int | None:
        """The recipient after a row or before it: of those found, when a text was looked for."""
        if self.found is None:
            return await self._bench.neighbour(row, 1 if onward else -1)
        rows = self.found.rows
        at = bisect_right(rows, row) if onward else bisect_left(rows, row) - 1
        return rows[at] if 0 <= at < len(rows) else None

    def said(self, row: int) -> Content | None:
        """What it is at, or where among those found a row is."""
        if self._doing:
            return plain(f"{self._doing}   esc stops", "$text-warning")
        if self.found is None:
            return None
        rows = self.found.rows
        at = bisect_left(rows, row)
        place = f"{at + 1:,} of {len(rows):,}" if at < len(rows) and rows[at] == row else f"{len(rows):,}"
        return plain(f"{place} with {_quoted(self.found.text)}", "$text-accent")


def _quoted(text: str) -> str:
    return f"“{text}”" if len(text) <= _SHOWN else f"“{text[:_SHOWN]}…”"
