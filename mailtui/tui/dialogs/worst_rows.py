"""Owns the list of the recipients to look at first: who stands out in the list, in which way, and one of them to go to.

The whole list is read for it, in a thread; it says how far it is, and esc ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted, sentence
from mailtui.service.previews import Oddity, OddRow, OddRows
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.wrapped import Line

_HEADINGS = {
    Oddity.LONGEST: "Longest",
    Oddity.BLANK: "Blank fields",
    Oddity.NOT_ASCII: "Characters beyond ASCII",
    Oddity.ROWS: "Most rows in one mail",
}
_KEYS = "enter shows the mail   esc closes"
_ADDRESS = 40


class WorstRowsDialog(ModalScreen[int | None]):
    """The row to go to, or None."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar = [Binding("escape,w,q", "leave", "Close")]
    CSS = """
    WorstRowsDialog > .dialog { width: 116; }
    WorstRowsDialog OptionList { height: auto; max-height: 70vh; border: none; padding: 0; background: $surface; }
    WorstRowsDialog OptionList:focus { border: none; background-tint: transparent; }
    WorstRowsDialog .option-list--option-disabled { color: $foreground; text-style: bold; }
    WorstRowsDialog.-short > .dialog { padding: 0 1; }
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._read = (0, 0)
        self._found: Sequence[OddRows] | None = None
        self._wrapped_to = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Rows to look at first", classes="title")
            yield OptionList(id="worst", markup=False)
            yield Plain(id="worst-said", classes="muted")

    def on_mount(self) -> None:
        self.query_one(OptionList).display = False
        self._tick()
        self._ticking = self.set_interval(0.1, self._tick)
        start(self, self._look, "worst")

    async def _look(self) -> None:
        try:
            self._found = await self._bench.worst(self._heard)
        except Superseded:
            return
        finally:
            self._ticking.stop()
        self.query_one(OptionList).display = bool(self._found)
        self._say(_KEYS if self._found else "Nobody gets a mail, so there is nobody to look at.   esc closes")
        self.query_one(OptionList).focus()
        self.call_after_refresh(self._show, 1)

    def _heard(self, done: int, of: int) -> None:
        self._read = (done, of)  # from another thread: it is drawn by the clock

    def _tick(self) -> None:
        done, of = self._read
        self._say(f"Reading the list … {done:,} of {of:,} rows   esc stops" if of else "Reading the list …   esc stops")

    def on_resize(self, _: events.Resize) -> None:
        if self._found and self._wrapped_to != self._room:
            self._show(self.query_one(OptionList).highlighted or 1)

    @property
    def _room(self) -> int:
        return self.query_one(OptionList).scrollable_content_region.width - 2

    def _show(self, at: int) -> None:
        self._wrapped_to = self._room
        options = self.query_one(OptionList)
        options.clear_options()
        width = max((len(f"{row.row:,}") for odd in self._found or () for row in odd.rows), default=1)
        for odd in self._found or ():
            options.add_option(Option(_heading(odd), disabled=True))
            options.add_options(Option(text) for text in _rows(odd, width, self._wrapped_to))
        options.highlighted = at

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row = self._row_at(event.option_index)
        if row is not None:
            self.dismiss(row.row)

    def _row_at(self, position: int) -> OddRow | None:
        at = 0
        for odd in self._found or ():
            if at < position <= at + len(odd.rows):
                return odd.rows[position - at - 1]
            at += len(odd.rows) + 1
        return None

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._say(error)

    def _say(self, text: str | MailtuiError) -> None:
        said = self.query_one("#worst-said", Plain)
        if isinstance(text, str):
            said.show(text)
        else:
            told = " ".join(filter(None, (sentence(text.title), text.detail, text.hint)))
            said.show(plain(told, "$text-error", limit=600))

    def action_leave(self) -> None:
        self._bench.stop_scan()
        self.dismiss(None)


def _heading(odd: OddRows) -> Content:
    many = counted(odd.count, "recipient")
    shown = f"the first {len(odd.rows)} of {many}" if odd.count > len(odd.rows) else many
    return joined(plain(_HEADINGS[odd.oddity], "bold"), plain(f"  {shown}", "$text-muted"))


def _rows(odd: OddRows, width: int, room: int) -> Iterator[Content]:
    longest = min(max(len(row.address) for row in odd.rows), _ADDRESS, room // 2)
    for row in odd.rows:
        address = plain(row.address, limit=longest)
        gap = " " * (longest - address.cell_length + 2)
        lead = joined(plain(f"  {row.row:>{width},}  ", "$text-accent"), address, gap)
        yield Content("\n").join(Line(plain(sentence(row.why)), lead).rows(room))
