"""Owns what a person does in the tree of a filter: the keys of the screen that has one, and what they open."""

from __future__ import annotations

import dataclasses

from textual import on

from mailtui.service.facade import Service
from mailtui.service.rule_help import RuleHelp
from mailtui.service.rules import Line, node_at
from mailtui.service.workbench import Workbench
from mailtui.tui.dialogs.comparison import ComparisonDialog
from mailtui.tui.room import Room
from mailtui.tui.widgets.rule_builder.lines import Part, Where
from mailtui.tui.widgets.rule_builder.marks import marks_of
from mailtui.tui.widgets.rule_builder.tree import RuleTree
from mailtui.tui.widgets.rule_samples import RuleSamples

_EVER = ("choose", "add_line", "add_group")
_CHANGES = ("edit_tree", "undo", "redo")


class BuildingRoom(Room):
    """A room with a `RuleTree` called `tree`, and rows to look at, about the list that is open."""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self.rule_help = RuleHelp(bench)
        self._row: int | None = None

    @property
    def tree_of_rules(self) -> RuleTree:
        """Where the filter is built."""
        return self.query_one("#tree", RuleTree)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in (*_EVER, *_CHANGES):
            return True
        if not isinstance(self.focused, RuleTree):
            return False
        tree = self.tree_of_rules
        able = {"undo": tree.can_undo, "redo": tree.can_redo, "edit_tree": tree.path is not None}
        return able.get(action, True) or None

    @on(RuleTree.Moved)
    def moved_in_tree(self) -> None:
        self.refresh_bindings()

    @on(RuleSamples.Looked)
    def looked(self, event: RuleSamples.Looked) -> None:
        """Say beside each part whether it holds for the row that is looked at."""
        self._row = event.row
        if event.row is None:
            self.tree_of_rules.mark({})
        else:
            self.run_worker(self._explain(event.row), exclusive=True, group="why", exit_on_error=False)

    async def _explain(self, row: int) -> None:
        view = await self.ask(lambda: self.rule_help.row(self.tree_of_rules.text, row))
        if view is not None and row == self._row:
            self.tree_of_rules.mark(marks_of(view.explanation))

    @on(RuleTree.Wanted)
    def wanted(self, event: RuleTree.Wanted) -> None:
        """Choose a comparison: another one for a line, or a new one."""
        self._choose(event.path, event.part)

    def _choose(self, path: Where | None, part: Part) -> None:
        opened, tree = self.bench.open_list, self.tree_of_rules
        if opened is None:
            return
        node = None if path is None else node_at(tree.draft, path)
        given = node if isinstance(node, Line) else Line()
        if given.column not in opened.columns and given.column.casefold() == "email":
            given = dataclasses.replace(given, column=opened.understanding.address_column.value)

        def chosen(line: Line | None) -> None:
            if line is not None:
                tree.put(line, path, group=part == "group")

        types = opened.understanding.types
        self.app.push_screen(ComparisonDialog(given, opened.columns, types, self.rule_help.values, part=part), chosen)

    def action_choose(self) -> None:
        self.tree_of_rules.choose()

    def action_add_line(self) -> None:
        self._choose(None, "add")

    def action_add_group(self) -> None:
        self._choose(None, "group")

    def action_edit_tree(self, what: str) -> None:
        self.tree_of_rules.edit(what)

    def action_undo(self) -> None:
        self.tree_of_rules.undo()

    def action_redo(self) -> None:
        self.tree_of_rules.redo()
