"""Owns the rules screen: a filter, in one line and as a tree, and at every change whom it lets in and leaves out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from mailtui.errors import MailtuiError, RuleError
from mailtui.service.facade import Service
from mailtui.service.rules import Incomplete, Rule, draft_of, rule_of
from mailtui.service.workbench import OpenList, Superseded, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.column_names import ColumnNames
from mailtui.tui.widgets.filter_input import FilterInput
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.rule_answer import RuleAnswer
from mailtui.tui.widgets.rule_builder.building import BuildingRoom
from mailtui.tui.widgets.rule_builder.marks import marks_of
from mailtui.tui.widgets.rule_builder.tree import RuleTree
from mailtui.tui.widgets.rule_samples import RuleSamples

_DEBOUNCE = 0.12
_SAMPLE = 25
_GLANCE_FROM = 100_000
_ROOM_KEYS = tuple("12345678")
_EMPTY = "No list is open.\n\nPress o to open one, or 1 and then d to try the demo."
_COMPARISONS = '== != > >= < <=   in ("a", "b")   empty   contains startsWith endsWith matches'
_JOINTS = 'before after within last 30 days   and or not ( )   values: "text" 30 2026-12-31'


class RulesScreen(BuildingRoom):
    """Who of the list is meant."""

    ROOM: ClassVar[str] = "rules"
    HELP: ClassVar[str] = (
        "The filter says who of the list is meant; without one, everybody is. It can be written in the line, or built"
        " in the tree below it: ctrl+t goes from one to the other, and each follows the other at once. What the filter"
        " lets in and leaves out is counted at every change. In the line, tab completes a column's name and a click on"
        " one writes it; esc leaves the line. In the tree, enter or a click changes what stands there, and a line is"
        " moved with shift and the arrows, or dragged with the mouse. With the cursor on a row below, the tree says"
        " beside each part whether it holds for that row. enter in the line, or ctrl+s, uses the filter for this"
        " campaign from now on; the campaign file itself stays as it is."
    )
    CSS_PATH = "rules.tcss"
    BINDINGS: ClassVar = bindings("rules")
    AUTO_FOCUS = "#filter"

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._shown: OpenList | None = None
        self._set = ""
        self._row: int | None = None
        self._line_is_ahead = False

    def body(self) -> Iterable[Widget]:
        grammar = joined(plain(_COMPARISONS), plain(_JOINTS), separator="\n")
        yield Plain(_EMPTY, id="empty", classes="empty")
        yield Vertical(
            FilterInput(id="filter"),
            RuleAnswer(id="answer"),
            Vertical(ColumnNames(id="columns"), Plain(grammar, id="grammar", classes="muted"), id="words"),
            RuleTree(id="tree"),
            RuleSamples(id="samples"),
            id="rules",
        )

    def on_screen_resume(self) -> None:
        self._show()

    async def opened(self) -> None:
        await super().opened()
        self._show()

    @property
    def editor(self) -> FilterInput:
        """Where the filter is written."""
        return self.query_one("#filter", FilterInput)

    @property
    def _answer(self) -> RuleAnswer:
        return self.query_one("#answer", RuleAnswer)

    @property
    def _samples(self) -> RuleSamples:
        return self.query_one("#samples", RuleSamples)

    def _show(self) -> None:
        """Show what is open; a filter that is being written stays, unless another list or filter has come."""
        opened = self.bench.open_list
        self.query_one("#empty").display = opened is None
        self.query_one("#rules").display = opened is not None
        if opened is not None and (opened is not self._shown or self._set != self.bench.filter_text):
            self._shown = opened
            self.query_one(ColumnNames).offer(opened.columns)
            self.editor.offer(opened.columns)
            self.tree_of_rules.begin(draft_of(self.bench.read_filter(self.bench.filter_text)))
            self.action_reset()
        if opened is not None and not isinstance(self.focused, RuleTree):
            self.editor.focus()
        self.refresh_bindings()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Where there is little room, what helps to write gives way to the tree, unless the line is written in."""
        self.set_class(not isinstance(event.widget, FilterInput), "-building")
        self.refresh_bindings()

    # counting at every change

    @on(Input.Changed, "#filter")
    def typed(self) -> None:
        editor = self.editor
        self._line_is_ahead = editor.value != editor.validate_value(self.tree_of_rules.text)
        self._examine()

    @on(RuleTree.Changed)
    def built(self) -> None:
        """The line follows the tree."""
        self.editor.value = self.tree_of_rules.text
        self.editor.cursor_position = len(self.editor.value)
        self.refresh_bindings()

    def _examine(self) -> None:
        if self._shown is not None:
            self.run_worker(self._look(self._shown), exclusive=True, group="examine", exit_on_error=False)

    @property
    def _text(self) -> str:
        """The filter as it is now. The tree has it as it is meant, the line made harmless; so the tree's counts."""
        return self.editor.value if self._line_is_ahead else self.tree_of_rules.text

    def _read(self, text: str) -> Rule | None:
        """The rule that a text spells. Raises `Incomplete` for one that is being built, and `RuleError`."""
        if not self._line_is_ahead:
            rule_of(self.tree_of_rules.draft)
        return self.bench.read_filter(text)

    async def _look(self, opened: OpenList) -> None:
        """Count and show; the next change ends this."""
        await asyncio.sleep(_DEBOUNCE)
        text, answer, samples = self._text, self._answer, self._samples
        samples.add_class("-stale")
        filtered = bool(text.strip())
        try:
            rule = self._read(text)
            if self._line_is_ahead:
                self.tree_of_rules.take(draft_of(rule))
                self._line_is_ahead = False
            self.tree_of_rules.remove_class("-stale")
            answer.count_begins()
            if opened.rows >= _GLANCE_FROM and filtered:
                glance = await self.bench.glance(text, _SAMPLE)
                answer.tell_about(glance.share, opened.rows)
                samples.show_sample(opened, text, glance.sample, None)
            counts, sample = await self.bench.examine(text, _SAMPLE)
            everybody = not sample.without
            is_set = text.strip() == self.bench.filter_text
            answer.tell_counts(counts, filtered=filtered, everybody=everybody, is_set=is_set)
            samples.show_sample(opened, text, sample, counts)
            if filtered and counts.rows and (everybody or not counts.matched):
                culprit = await self.rule_help.culprit(text, nobody=not counts.matched)
                if culprit is not None:
                    answer.tell_why(culprit.said)
                    self.tree_of_rules.blame(culprit.path)
        except Superseded:
            return
        except Incomplete as error:
            samples.tell_old()
            answer.tell_incomplete(str(error))
        except RuleError as error:
            samples.tell_old()
            self.tree_of_rules.set_class(self._line_is_ahead, "-stale")
            hint = self._way_to_room(text)
            self.call_after_refresh(partial(answer.tell_mistake, text, error, self.editor, hint))
        except MailtuiError as error:
            self.complain(error)
        self.refresh_bindings()

    def _way_to_room(self, text: str) -> str:
        """Said where a digit was meant to change rooms: without it the line is a rule."""
        rule, digit = text[:-1], text[-1:]
        if digit not in _ROOM_KEYS:
            return ""
        try:
            self.bench.read_filter(rule)
        except RuleError:
            return ""
        return f"For another room: esc, then {digit}."

    # why a row is in or out

    @on(RuleSamples.Looked)
    def looked(self, event: RuleSamples.Looked) -> None:
        self._row = event.row
        if event.row is None:
            self.tree_of_rules.mark({})
        else:
            self.run_worker(self._explain(event.row), exclusive=True, group="why", exit_on_error=False)

    async def _explain(self, row: int) -> None:
        view = await self.ask(lambda: self.rule_help.row(self.tree_of_rules.text, row))
        if view is not None and row == self._row:
            self.tree_of_rules.mark(marks_of(view.explanation))

    def action_switch(self) -> None:
        """From the line to the tree or back; a line that cannot be read stays where it is mended."""
        if not isinstance(self.focused, FilterInput):
            self.editor.focus()
        elif self.tree_of_rules.has_class("-stale"):
            tell(self.app, "This line is no rule yet: mend it first, or go back with ctrl+r.", bad=True)
        else:
            self.tree_of_rules.focus()

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("apply", "reset", "switch") and self.bench.open_list is None:
            return None
        if action == "leave_editor":
            return self.focused is self.editor or isinstance(self.focused, RowTable)
        return super().check_action(action, parameters)

    @on(ColumnNames.Picked)
    def picked(self, event: ColumnNames.Picked) -> None:
        self.editor.put(event.column)
        self.editor.focus()

    @on(Input.Submitted, "#filter")
    async def submitted(self) -> None:
        await self.action_apply()

    async def action_apply(self) -> None:
        """Take the filter over, and see on the list what it comes to."""
        text = self._text
        try:
            self._read(text)
            self.bench.set_filter(text)
        except Incomplete as error:
            self._answer.tell_incomplete(str(error))
            return
        except RuleError as error:
            self._answer.tell_mistake(text, error, self.editor, self._way_to_room(text))
            return
        self._set = self.editor.value = self.bench.filter_text
        if self.bench.campaign is not None:
            tell(self.app, "The filter is set; the campaign file stays as it is.")
        await self.app.switch_mode("audience")

    def action_reset(self) -> None:
        self._set = self.bench.filter_text
        changed = self.editor.value != self._set
        self.editor.value = self._set
        self.editor.cursor_position = len(self.editor.value)
        if not changed:
            self._examine()

    def action_leave_editor(self) -> None:
        if self.focused is self.editor:
            self._samples.focus_rows()
        else:
            self.tree_of_rules.focus()
