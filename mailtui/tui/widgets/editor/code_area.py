"""Owns the text that is edited, in colour. What Textual does not have for this in public is kept out: see below.

Textual's own colours are looked up for the whole text at every key, which takes a third of a second in a long one. Here
its `get_line`, which is made for this, gives each line its colours when it is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from mailtui.service.drafts import Mistake
from mailtui.tui.widgets.editor.colouring import Colouring
from mailtui.tui.widgets.editor.grammar import NAMES, alike

_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)
_WORD = re.compile(r"\w+|\S")
_NOT_OURS = ("f6", "f7", "ctrl+f")  # ways to other rooms, and to find a text
_DRAWN = 1_000  # rows that are kept as they were drawn
_COLOURS = (*NAMES, "filled", "field", "mistake", "line")
_EDITING: Mapping[str, Callable[[TextArea], object]] = {
    "backspace": TextArea.action_delete_left,
    "delete": TextArea.action_delete_right,
    "left": TextArea.action_cursor_left,
    "right": TextArea.action_cursor_right,
    "up": TextArea.action_cursor_up,
    "down": TextArea.action_cursor_down,
    "home": TextArea.action_cursor_line_start,
    "end": TextArea.action_cursor_line_end,
}


class CodeArea(TextArea, inherit_bindings=False):
    """A text of the message. Control characters in it are shown as a dot, and stay what they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding
        for binding in TextArea.BINDINGS
        if isinstance(binding, Binding) and not set(binding.key.split(",")) & set(_NOT_OURS)
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"code-area--{name}" for name in _COLOURS}
    DEFAULT_CSS = """
    CodeArea {
        border: none;
        padding: 0;
        background: $background;
        height: 1fr;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
        &.-one-line { height: 6; }
        & .code-area--line { background: $surface; }
        & .code-area--tag { color: $text-primary; }
        & .code-area--attribute { color: $text-secondary; }
        & .code-area--string { color: $text-success; }
        & .code-area--comment { text-style: dim italic; }
        & .code-area--property { color: $text-secondary; }
        & .code-area--number { color: $text-warning; }
        & .code-area--keyword { color: $text-primary; text-style: bold; }
        & .code-area--heading { color: $text-primary; text-style: bold; }
        & .code-area--mark { color: $text-accent; }
        & .code-area--wrong { color: $text-error; }
        & .code-area--filled { color: $text-accent; background: $panel; }
        & .code-area--field { color: $text-accent; background: $panel; text-style: bold; }
        & .code-area--mistake { color: $text-error; background: $error-muted; text-style: underline; }
    }
    """

    class Left(Message):
        """Esc was pressed in it."""

    def __init__(self, text: str, language: str, *, read_only: bool = False, one_line: bool = False) -> None:
        """`language` is html, markdown, yaml or text; all but yaml's comments may be filled in from rows."""
        super().__init__("", soft_wrap=True, tab_behavior="indent", show_line_numbers=not one_line, read_only=read_only)
        self.indent_width = 2
        self.one_line = one_line
        self._colours = Colouring(language)
        self._mistakes: Mapping[int, Sequence[Mistake]] = {}
        self._drawn: dict[Hashable, Strip] = {}
        self._ground: Hashable = None
        self.set_class(one_line, "-one-line")
        self.load_text(text)

    def on_mount(self) -> None:
        self._follow_theme()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.call_after_refresh(self._follow_theme))

    def _follow_theme(self) -> None:
        """The line with the cursor has a ground of its own and leaves the colours on it alone; Textual's has both."""
        name = f"mailtui-{self.app.theme}"
        self.register_theme(TextAreaTheme(name, cursor_line_style=self._look_of("line")))
        self.theme = name

    def mark(self, mistakes: Sequence[Mistake]) -> None:
        """Mark these places."""
        marked: dict[int, list[Mistake]] = {}
        for mistake in mistakes:
            marked.setdefault(mistake.line - 1, []).append(mistake)
        if marked != self._mistakes:
            self._mistakes = marked
            self.notify_style_update()  # what is drawn is drawn anew
            self.refresh()

    def go_to(self, line: int, column: int = 0, *, length: int = 0) -> None:
        """Put the cursor at a place, counted from 1, and select so many characters there."""
        row = min(max(line, 1), self.document.line_count) - 1
        start = (row, min(max(column - 1, 0), len(self.document.get_line(row))))
        self.move_cursor(start, center=True)
        if length:
            self.move_cursor((row, start[1] + length), select=True)

    def replace_all(self, text: str) -> None:
        """Make it another text, as an edit that can be taken back; what is the same at both ends is not touched."""
        old = self.text
        start = alike(old, text)
        end = alike(old[start:][::-1], text[start:][::-1])
        if old != text:
            first, last = _place(old, start), _place(old, len(old) - end)
            self.replace(text[start : len(text) - end], first, last, maintain_selection_offset=True)

    def find(self, wanted: str) -> bool:
        """Select the next place behind the cursor that has a text, whatever its case; from the beginning at the end."""
        text, folded = self.text, wanted.casefold()
        lines = text.split("\n")
        row, column = self.cursor_location
        for step in range(len(lines) + 1):
            at = (row + step) % len(lines)
            found = lines[at].casefold().find(folded, column if step == 0 else 0)
            if found >= 0:
                self.go_to(at + 1, found + 1, length=len(wanted))
                return True
        return False

    def write_field(self, written: str) -> None:
        """Write a field at the cursor; between braces that are open there, without its own."""
        row, column = self.cursor_location
        before = self.document.get_text_range((0, 0), (row, column))
        opened = max(before.rfind("{{"), before.rfind("{%"))
        if opened > max(before.rfind("}}"), before.rfind("%}")):
            written = written.removeprefix("{{ ").removesuffix(" }}")
        self.insert(written)

    # what Textual asks for

    def render_lines(self, crop: Region) -> list[Strip]:
        """Drawing begins: the colours are those of the text as it is now."""
        self._colours.look(self.document.lines)
        ground = (self.theme, self.rich_style, self.scrollable_content_region.width, self.gutter_width)
        if ground != self._ground or len(self._drawn) > _DRAWN:
            self._drawn.clear()
        self._ground = ground
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """A row as it was drawn before, where nothing on it is another; Textual's is drawn anew at every key."""
        down = y + self.scroll_offset.y
        if self.selection.start != self.selection.end or down >= self.virtual_size.height:
            return super().render_line(y)
        row, column = self.wrapped_document.offset_to_location(Offset(0, down))
        bracket = self.matching_bracket_location
        if row == self.cursor_location[0] or (bracket is not None and row == bracket[0]):
            return super().render_line(y)
        line = self.document.get_line(row)
        folds = tuple(self.wrapped_document.get_offsets(row))  # a new width is drawn once before they are those of it
        marked = tuple(self._mistakes.get(row, ()))
        key = (row, column, line, folds, tuple(self._colours.spans(row, line)), marked)
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = self._drawn[key] = super().render_line(y)
        return drawn

    def notify_style_update(self) -> None:
        """Colours are others than before."""
        self._drawn.clear()
        super().notify_style_update()

    def get_line(self, line_index: int) -> Text:
        """A line with its colours."""
        text = super().get_line(line_index)
        line = self.document.get_line(line_index)
        text.plain = _UNSAFE.sub("·", line)
        for span in self._colours.spans(line_index, line):
            text.stylize(self._look_of(span.name), span.start, span.end)
        for mistake in self._mistakes.get(line_index, ()):
            start = max(mistake.column - 1, 0)
            word = _WORD.search(line, start) if mistake.column else None
            text.stylize(self._look_of("mistake"), start, len(line) if word is None else word.end())
        return text

    def _look_of(self, name: str) -> Any:
        return self.get_component_rich_style(f"code-area--{name}", partial=True)

    async def on_key(self, event: events.Key) -> None:
        """Editing keys act at once; as bindings they would be looked up after what was typed behind them."""
        act = _EDITING.get(event.key)
        if event.key == "escape":
            self.post_message(self.Left())
        elif act is not None and not (self.read_only and event.key in ("backspace", "delete")):
            act(self)
        elif not (self.one_line and event.key in ("enter", "tab")):
            return
        event.stop()
        event.prevent_default()


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)
