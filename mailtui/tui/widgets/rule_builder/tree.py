"""Owns the tree of a filter on the screen: a cursor, keys and mouse change it, a drag moves a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailtui.service import rules
from mailtui.service.rules import Draft, Edit, Group, History, Join, Line
from mailtui.tui.widgets.rule_builder.lines import Part, TreeLine, Where, tree_lines

_GUTTER = 2
_BLAMED = "× "
_MARKS = {True: "+ ", False: "- "}


def _other(draft: Draft, path: Where) -> Join:
    """The join of a new group around a node: not that of the group it is, or is in, which would change nothing."""
    above = rules.node_at(draft, path[:-1])
    return Join.OR if isinstance(above, Group) and above.join is Join.AND else Join.AND


def _toggle(draft: Draft, path: Where) -> Edit:
    return Edit(rules.toggle(draft, path).draft, path)


def _wrap(draft: Draft, path: Where) -> Edit:
    return rules.wrap(draft, path, _other(draft, path))


_EDITS: Mapping[str, Callable[[Draft, Where], Edit]] = {
    "remove": rules.remove,
    "negate": rules.negate,
    "toggle": _toggle,
    "wrap": _wrap,
    "unwrap": rules.unwrap,
    "up": rules.move_up,
    "down": rules.move_down,
    "in": rules.move_in,
    "out": rules.move_out,
}


class RuleTree(ScrollView, can_focus=True):
    """A draft under a cursor, with all its former states."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rule-tree--lead",
        "rule-tree--join",
        "rule-tree--column",
        "rule-tree--operator",
        "rule-tree--value",
        "rule-tree--hint",
        "rule-tree--held",
        "rule-tree--missed",
        "rule-tree--cursor",
        "rule-tree--target",
    }
    DEFAULT_CSS = """
    RuleTree {
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .rule-tree--lead { text-style: dim; }
        & > .rule-tree--join { text-style: bold; color: $text-accent; }
        & > .rule-tree--column { color: $foreground; }
        & > .rule-tree--operator { color: $text-accent; }
        & > .rule-tree--value { color: $text-success; }
        & > .rule-tree--hint { text-style: dim; }
        & > .rule-tree--held { color: $text-success; text-style: bold; }
        & > .rule-tree--missed { color: $text-error; text-style: bold; }
        & > .rule-tree--cursor { background: $panel; }
        & > .rule-tree--target { background: $accent-muted; text-style: bold; }
        &:focus > .rule-tree--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Up", show=False),
        Binding("down,j", "step(1)", "Down", show=False),
        Binding("home", "step(-10000)", "First", show=False),
        Binding("end,G", "step(10000)", "Last", show=False),
    ]

    class Changed(Message):
        """The draft is another one."""

    class Moved(Message):
        """The cursor is on another line, or what can be undone is another change."""

    class Wanted(Message):
        """A part of the line under the cursor is to be chosen; at the last line a new comparison, or group."""

        def __init__(self, path: Where | None, part: Part) -> None:
            super().__init__()
            self.path = path
            self.part = part

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history = History()
        self._lines: Sequence[TreeLine] = tree_lines(None)
        self._cursor = 0
        self._marks: Mapping[Where, bool] = {}
        self._blamed: Where | None = None
        self._pressed: int | None = None
        self._target: int | None = None

    # what is shown

    @property
    def draft(self) -> Draft:
        """The filter as it is now."""
        return self._history.now.draft

    @property
    def text(self) -> str:
        """The same in one line."""
        return rules.draft_text(self.draft)

    @property
    def path(self) -> Where | None:
        """Which node is under the cursor; None at the last line, which adds one."""
        return self._lines[self._cursor].path

    @property
    def can_undo(self) -> bool:
        return bool(self._history.past)

    @property
    def can_redo(self) -> bool:
        return bool(self._history.future)

    def begin(self, draft: Draft) -> None:
        """Show another filter, whose former states are not known."""
        self._history = History(Edit(draft))
        self._show()

    def take(self, draft: Draft) -> None:
        """Show what was written elsewhere; it can be undone like any change."""
        if draft != self.draft:
            self._history = self._history.then(Edit(draft, self.path or ()))
            self._show()

    def mark(self, marks: Mapping[Where, bool]) -> None:
        """Say beside each node whether it holds for the row that is looked at; nothing takes the marks away.

        `marks` are by the places of the rule that the draft is.
        """
        places = rules.places_of(self.draft).items()
        self._marks = {path: marks[place] for path, place in places if place in marks}
        self.refresh()

    def blame(self, place: Where) -> None:
        """Mark the part of the rule that keeps everybody out, or in; until the next change."""
        self._blamed = max((path for path, own in rules.places_of(self.draft).items() if own == place), default=None)
        self.refresh()

    def _show(self) -> None:
        self._lines = tree_lines(self.draft)
        self._marks, self._blamed = {}, None
        self.virtual_size = Size(_GUTTER + max(line.width for line in self._lines), len(self._lines))
        self._cursor = min(self._cursor, len(self._lines) - 1)
        places = [place for place, line in enumerate(self._lines) if line.path == self._history.now.path]
        self._go(places[0] if places else self._cursor)

    # changing

    def change(self, edit: Edit) -> None:
        """Take a change over."""
        before = self.draft
        self._history = self._history.then(edit)
        self._changed(before)

    def edit(self, what: str) -> None:
        """Do one of the changes that need nothing but a node: `negate`, `remove`, `up`, and so on."""
        if self.path is not None:
            self.change(_EDITS[what](self.draft, self.path))

    def put(self, line: Line, path: Where | None, *, group: bool = False) -> None:
        """A comparison in place of the one at `path`; without one a new one after the cursor, perhaps in a group."""
        if path is not None:
            self.change(rules.replace(self.draft, path, line))
            return
        edit = rules.add(self.draft, self.path or (), line)
        if group:
            wrapped = _wrap(edit.draft, edit.path)
            edit = Edit(wrapped.draft, (*wrapped.path, 0))
        self.change(edit)

    def undo(self) -> None:
        before, self._history = self.draft, self._history.undo()
        self._changed(before)

    def redo(self) -> None:
        before, self._history = self.draft, self._history.redo()
        self._changed(before)

    def _changed(self, before: Draft) -> None:
        self._show()
        if self.draft != before:
            self.post_message(self.Changed())

    # moving in it

    def _go(self, place: int) -> None:
        self._cursor = max(0, min(place, len(self._lines) - 1))
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif height and self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)
        self.refresh()
        self.post_message(self.Moved())

    def action_step(self, by: int) -> None:
        self._go(self._cursor + by)

    def choose(self) -> None:
        """What enter means here: for a `not`, what it stands before."""
        path = self.path
        if path is None:
            self.post_message(self.Wanted(None, "add"))
            return
        node = rules.node_at(self.draft, path)
        while isinstance(node, Group) and node.join is Join.NOT:
            path, node = (*path, 0), node.nodes[0]
        if isinstance(node, Line):
            self.post_message(self.Wanted(path, "column"))
        else:
            self.change(Edit(rules.toggle(self.draft, path).draft, path))

    # the mouse

    def _place(self, event: events.MouseEvent) -> int | None:
        place = int(event.y) + self.scroll_offset.y
        return place if 0 <= place < len(self._lines) and event.y >= 0 else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = self._place(event)
        if self._pressed is not None:
            self.focus()
            self._go(self._pressed)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._pressed is not None:
            place = self._place(event)
            self._target = place if place != self._pressed else None
            self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        pressed, self._pressed = self._pressed, None
        target, self._target = self._target, None
        if pressed is None:
            return
        self.release_mouse()
        self.refresh()
        if target is not None:
            self._drop(pressed, target)
        elif self._place(event) == pressed:
            self._clicked(pressed, int(event.x))

    def _clicked(self, place: int, x: int) -> None:
        line = self._lines[place]
        part = line.part_at(x + self.scroll_offset.x - _GUTTER)
        if part == "join":
            node = None if line.path is None else rules.node_at(self.draft, line.path)
            self.edit("negate" if isinstance(node, Group) and node.join is Join.NOT else "toggle")
        elif part != "lead":
            self.post_message(self.Wanted(line.path, part))

    def _drop(self, source: int, target: int) -> None:
        """Into a group at its beginning; beside a comparison, on the side that the mouse came from the other one of."""
        path, at = self._lines[source].path, self._lines[target].path
        if path is None:
            return
        if at is None:
            root = self.draft
            end = len(root.nodes) if isinstance(root, Group) else 0
            self.change(rules.move_to(root, path, (), end))
            return
        below = target > source
        node = rules.node_at(self.draft, at)
        if isinstance(node, Group) and node.join is not Join.NOT:
            self.change(rules.move_to(self.draft, path, at, 0))
            return
        while at:
            above = rules.node_at(self.draft, at[:-1])
            if isinstance(above, Group) and above.join is not Join.NOT:
                self.change(rules.move_to(self.draft, path, at[:-1], at[-1] + below))
                return
            at = at[:-1]

    # drawing

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        place = y + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[place]
        over = Style.null()
        if place == self._target:
            over = self._style("target")
        elif place == self._cursor:
            over = self._style("cursor")
        segments = [self._gutter(line, base, over)]
        for piece in line.pieces:
            name = "hint" if piece.hint else piece.part
            style = base if name in ("add", "group") else base + self._style(name)
            segments.append(Segment(piece.text, style + over))
        left = self.scroll_offset.x
        return Strip(segments).crop_extend(left, left + width, base + over)

    def _gutter(self, line: TreeLine, base: Style, over: Style) -> Segment:
        held = None if line.path is None else self._marks.get(line.path)
        if held is None and line.path is not None and line.path == self._blamed:
            return Segment(_BLAMED, base + self._style("missed") + over)
        if held is None:
            return Segment(" " * _GUTTER, base + over)
        return Segment(_MARKS[held], base + self._style("held" if held else "missed") + over)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"rule-tree--{name}", partial=True)
