"""Owns the list of what is wrong with the message's texts; a mistake leads to its place."""

from __future__ import annotations

from textual import events, on
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailtui.service.drafts import Draft, Mistake
from mailtui.tui.widgets.draft_text import mistake_line
from mailtui.tui.widgets.wrapped import Line


class Mistakes(OptionList):
    """Hidden where nothing is wrong."""

    DEFAULT_CSS = """
    Mistakes {
        height: auto;
        max-height: 5;
        border: none;
        border-top: solid $panel;
        padding: 0;
        background: $background;
        display: none;
        &:focus { border: none; border-top: solid $panel; }
        & > .option-list--option-highlighted { background: $panel; color: $foreground; text-style: none; }
        &:focus > .option-list--option-highlighted { background: $primary-muted; color: $foreground; text-style: bold; }
    }
    .-tall Mistakes { max-height: 8; }
    """

    class Chosen(Message):
        """A mistake is to be looked at: the number of its file, and where."""

        def __init__(self, file: int, mistake: Mistake) -> None:
            super().__init__()
            self.file = file
            self.mistake = mistake

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._draft: Draft | None = None
        self._drawn_for = 0

    def tell(self, draft: Draft | None) -> None:
        """Show what is wrong now."""
        before = None if self._draft is None else (self._draft.mistakes, len(self._draft.files))
        self._draft = draft
        self.display = bool(draft is not None and draft.mistakes)
        if draft is None or (draft.mistakes, len(draft.files)) != before:
            self._draw()

    def on_resize(self, _: events.Resize) -> None:
        if self._drawn_for != self._room:
            self._draw()

    @property
    def _room(self) -> int:
        return max(self.scrollable_content_region.width - 2, 20)

    def _draw(self) -> None:
        self._drawn_for = self._room
        at = self.highlighted or 0
        self.clear_options()
        found = self._draft.mistakes if self._draft is not None else ()
        for number, mistake in found:
            assert self._draft is not None
            line = Line(mistake_line(self._draft.files[number], mistake)).rows(self._drawn_for)
            self.add_option(Option(line[0] if len(line) == 1 else line[0] + "\n" + line[1]))
        if found:
            self.highlighted = min(at, len(found) - 1)

    def after(self, file: int, line: int, column: int) -> tuple[int, Mistake] | None:
        """The next mistake behind a place, from the first again at the end."""
        found = self._draft.mistakes if self._draft is not None else ()
        here = (file, line, column)
        behind = [item for item in found if (item[0], item[1].line, item[1].column) > here]
        chosen = next(iter(behind or found), None)
        if chosen is not None:
            self.highlighted = found.index(chosen)
        return chosen

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._draft is not None:
            self.post_message(self.Chosen(*self._draft.mistakes[event.option_index]))
