"""Owns a table of any length, under a cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from mailtui.errors import MailtuiError
from mailtui.tui.widgets.row_pages import PAGE, TableRow
from mailtui.tui.widgets.row_view import RowView

_FOR_MORE = 2  # columns of the terminal at the right end of the header, which say that there are more


class RowTable(RowView, can_focus=True):
    """Rows under a cursor. `show` gives it something to show. With `column` set, left and right move that one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "leap(-1)", "Page up", show=False),
        Binding("pagedown", "leap(1)", "Page down", show=False),
        Binding("home,ctrl+home", "first", "First row", show=False),
        Binding("end,ctrl+end,G", "last", "Last row", show=False),
        Binding("left", "sideways(-1)", "Left", show=False),
        Binding("right", "sideways(1)", "Right", show=False),
        Binding("ctrl+left", "far_sideways(-1)", "Far left", show=False),
        Binding("ctrl+right", "far_sideways(1)", "Far right", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another row, or that row has arrived."""

        def __init__(self, table: RowTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RowTable:
            return self.table

    class Chosen(Moved):
        """Enter, or a double click."""

    class Failed(Message):
        """Rows could not be fetched."""

        def __init__(self, error: MailtuiError) -> None:
            super().__init__()
            self.error = error

    @property
    def current(self) -> TableRow | None:
        """The row under the cursor, None while it has not arrived."""
        return self._held.row(self.cursor)

    @property
    def pages_kept(self) -> int:
        """How many pages are held now."""
        return len(self._held)

    def go_to(self, position: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        self.cursor = max(0, min(position, self.rows - 1))
        self._reveal()

    def arrived(self, page: int) -> None:
        if self.cursor // PAGE == page:
            self.post_message(self.Moved(self))

    def failed(self, error: MailtuiError) -> None:
        self.post_message(self.Failed(error))

    # moving

    def watch_cursor(self, old: int, new: int) -> None:
        top = self.scroll_offset.y
        for position in (old, new):
            if 0 <= position - top < self._body_height:
                self.refresh(Region(0, position - top + 1, self.size.width, 1))
        self.post_message(self.Moved(self))

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, self._body_height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def action_move(self, by: int) -> None:
        self.go_to(self.cursor + by)

    def action_leap(self, by: int) -> None:
        self.go_to(self.cursor + by * max(1, self._body_height - 1))

    def action_first(self) -> None:
        self.go_to(0)

    def action_last(self) -> None:
        self.go_to(self.rows - 1)

    def action_sideways(self, by: int) -> None:
        """To the next column, or back to the one before."""
        if self.column is None:
            self.scroll_to(x=self._columns.start_beside(self.scroll_offset.x, onward=by > 0), animate=False)
        else:
            self.go_to_column(self.column + by)

    def action_far_sideways(self, by: int) -> None:
        """As far sideways as can be seen at once."""
        if not self._columns.names:
            return
        column = self._columns.at(max(0, self.scroll_offset.x + by * self._room))
        if self.column is not None:
            self.go_to_column(column)
        self.scroll_to(x=self._columns.place(column)[0], animate=False)

    def go_to_column(self, column: int) -> None:
        """Put the column cursor on a column and bring it into sight."""
        if not self._columns.names:
            return
        self.column = max(0, min(column, len(self._columns.names) - 1))
        self._reveal_column(self.column)
        self.post_message(self.Moved(self))

    def widened(self) -> None:
        if self.column is not None:
            self._reveal_column(self.column)

    def _reveal_column(self, column: int) -> None:
        start, width = self._columns.place(column)
        left, room = self.scroll_offset.x, self._room - _FOR_MORE
        if start < left or width > room:
            self.scroll_to(x=start, animate=False)
        elif start + width > left + room:
            self.scroll_to(x=start + width - room, animate=False)

    def action_choose(self) -> None:
        if self.rows:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        position = self.scroll_offset.y + event.y - 1
        if self.column is not None and event.x >= self._edge and self._columns.names:
            self.go_to_column(self._columns.at(self.scroll_offset.x + event.x - self._edge))
        if event.y < 1 or not 0 <= position < self.rows:
            return
        self.go_to(position)
        if event.chain == 2:
            self.action_choose()
