"""Owns the list of what a template can name: the columns with a recipient's values, and what mailtui provides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from mailtui.service.drafts import Draft, DraftField
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.draft_text import field_line
from mailtui.tui.widgets.safe_input import SafeInput

_MANY = 12


class FieldList(Vertical):
    """Enter or a click writes a field at the cursor; the box above keeps those that have a text in their name."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back to the text", show=False)]
    DEFAULT_CSS = """
    FieldList {
        height: 1fr;
        & > Input { height: 1; border: none; padding: 0; background: $panel; display: none; }
        & > Input:focus { border: none; }
        & > OptionList {
            height: 1fr; border: none; padding: 0; background: $background; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > OptionList:focus { border: none; }
        & > .title { text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    class Chosen(Message):
        """A field is to be written at the cursor."""

        def __init__(self, field: DraftField) -> None:
            super().__init__()
            self.field = field

    class Left(Message):
        """Esc was pressed in it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fields: tuple[DraftField, ...] = ()
        self._kept: Sequence[DraftField] = ()
        self._short = False

    def compose(self) -> ComposeResult:
        yield Plain("Fields", classes="title", id="fields-title")
        yield SafeInput(placeholder="filter", id="fields-filter")
        yield OptionList(id="fields-list", markup=False)

    def tell(self, draft: Draft, *, short: bool) -> None:
        """Show what can be named in this message."""
        if (draft.fields, short) == (self._fields, self._short):
            return
        self._fields, self._short = draft.fields, short
        whose = plain(draft.first.address, "$text-muted", limit=40) if draft.first is not None else plain("")
        self.query_one("#fields-title", Plain).show(joined(plain("Fields", "bold"), whose, separator=" "))
        self.query_one(SafeInput).display = len(self._fields) > _MANY
        self._show()

    def begin(self) -> None:
        """Let somebody choose."""
        line = self.query_one(SafeInput)
        (line if line.display else self.query_one(OptionList)).focus()

    def _show(self) -> None:
        wanted = self.query_one(SafeInput).value.strip().casefold()
        self._kept = [field for field in self._fields if wanted in field.name.casefold()]
        names = [len(field.name) for field in self._kept if field.origin != "filter"]
        widest = 0 if self._short else min(max(names, default=0), 14)
        shown = self.query_one(OptionList)
        at = shown.highlighted or 0
        shown.clear_options()
        shown.add_options([Option(field_line(field, widest)) for field in self._kept])
        if self._kept:
            shown.highlighted = min(at, len(self._kept) - 1) if not wanted else 0

    @on(Input.Changed)
    def narrowed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if len(self._kept) == 1:
            self._choose(self._kept[0])
        elif self._kept:
            self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(self._kept[event.option_index])

    def _choose(self, field: DraftField) -> None:
        self.query_one(SafeInput).value = ""
        self.post_message(self.Chosen(field))

    def action_leave(self) -> None:
        self.query_one(SafeInput).value = ""
        self.post_message(self.Left())
