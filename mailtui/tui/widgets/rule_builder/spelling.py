"""Owns a filter in its two spellings on one screen, a line and a tree: which is ahead, and the way between them."""

from __future__ import annotations

from textual import on

from mailtui.service.facade import Service
from mailtui.service.rules import Rule, draft_of, rule_of
from mailtui.service.workbench import Workbench
from mailtui.tui.text import tell
from mailtui.tui.widgets.column_names import ColumnNames
from mailtui.tui.widgets.filter_input import FilterInput
from mailtui.tui.widgets.rule_builder.building import BuildingRoom
from mailtui.tui.widgets.rule_builder.tree import RuleTree


class SpellingRoom(BuildingRoom):
    """A room with a `FilterInput` called `filter` beside the tree; whatever changes one of them changes the other."""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._line_is_ahead = False

    @property
    def editor(self) -> FilterInput:
        """Where the filter is written."""
        return self.query_one("#filter", FilterInput)

    @property
    def text(self) -> str:
        """The filter as it is now. The tree has it as it is meant, the line made harmless; so the tree's counts."""
        return self.editor.value if self._line_is_ahead else self.tree_of_rules.text

    def was_written(self) -> None:
        """The line has changed; it is ahead until the tree has taken over what it says."""
        self._line_is_ahead = self.editor.value != self.editor.validate_value(self.tree_of_rules.text)

    def read(self, text: str) -> Rule | None:
        """The rule that a text spells. Raises `Incomplete` for one that is being built, and `RuleError`."""
        if not self._line_is_ahead:
            rule_of(self.tree_of_rules.draft)
        return self.bench.read_filter(text)

    def follow(self, rule: Rule | None) -> None:
        """The tree takes over what the line says."""
        if self._line_is_ahead:
            self.tree_of_rules.take(draft_of(rule))
            self._line_is_ahead = False
        self.tree_of_rules.remove_class("-stale")

    def wait_for_line(self) -> None:
        """What the line says is no rule; the tree keeps what it has."""
        self.tree_of_rules.set_class(self._line_is_ahead, "-stale")

    def write(self, text: str) -> bool:
        """Put another filter into the line; whether it is another one."""
        changed = self.editor.value != text
        self.editor.value = text
        self.editor.cursor_position = len(self.editor.value)
        return changed

    @on(RuleTree.Changed)
    def built(self) -> None:
        """The line follows the tree."""
        self.write(self.tree_of_rules.text)
        self.refresh_bindings()

    @on(ColumnNames.Picked)
    def picked(self, event: ColumnNames.Picked) -> None:
        self.editor.put(event.column)
        self.editor.focus()

    def action_switch(self) -> None:
        """From the line to the tree or back; a line that cannot be read stays where it is mended."""
        if not isinstance(self.focused, FilterInput):
            self.editor.focus()
        elif self.tree_of_rules.has_class("-stale"):
            tell(self.app, "This line is no rule yet: mend it first, or go back with ctrl+r.", bad=True)
        else:
            self.tree_of_rules.focus()
