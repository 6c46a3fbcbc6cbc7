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
from mailtui.service.lists import AudienceCounts
from mailtui.service.rules import Incomplete, Rule, draft_of, read_rule
from mailtui.service.workbench import OpenList, Superseded, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.ways_on import without_list
from mailtui.tui.widgets.column_names import ColumnNames
from mailtui.tui.widgets.filter_input import FilterInput, way_to_room
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.rule_answer import RuleAnswer
from mailtui.tui.widgets.rule_builder.spelling import SpellingRoom
from mailtui.tui.widgets.rule_builder.tree import RuleTree
from mailtui.tui.widgets.rule_samples import RuleSamples

_DEBOUNCE = 0.12
_SAMPLE = 25
_GLANCE_FROM = 100_000
_SHOWN = 300
_EMPTY = "No list is open.\n\nPress o to open one, or 1 and then d to try the demo."
_COMPARISONS = '== != > >= < <=   in ("a", "b")   empty   contains startsWith endsWith matches'
_JOINTS = 'before after within last 30 days   and or not ( )   values: "text" 30 2026-12-31'


class RulesScreen(SpellingRoom):
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
    AUTO_FOCUS = ""  # the line takes it where there is a list: hidden, it would swallow every key

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._shown: OpenList | None = None
        self._set = ""
        self._counted: Rule | None = None
        self._wrong = ""
        self._nobody = False
        self._applying = False

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
    def _answer(self) -> RuleAnswer:
        return self.query_one("#answer", RuleAnswer)

    @property
    def _samples(self) -> RuleSamples:
        return self.query_one("#samples", RuleSamples)

    def _show(self) -> None:
        """Show what is open; a filter that is being written stays, unless another list or filter has come."""
        opened = self.bench.open_list
        campaign, empty = self.bench.campaign, self.query_one("#empty", Plain)
        empty.display = opened is None
        empty.show(_EMPTY if campaign is None else without_list(campaign.path))
        self.query_one("#rules").display = opened is not None
        if opened is not None and (opened is not self._shown or self._set != self.bench.filter_text):
            self._shown, self._counted = opened, None
            self.query_one(ColumnNames).offer(opened.columns)
            self.editor.offer(opened.columns)
            self.tree_of_rules.begin(draft_of(read_rule(self.bench.filter_text or None)))
            self.action_reset()
        if opened is None:
            self.set_focus(None)
        elif not isinstance(self.focused, RuleTree):
            self.editor.focus()
        self.refresh_bindings()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Where there is little room, what helps to write gives way to the tree, unless the line is written in."""
        self.set_class(not isinstance(event.widget, FilterInput), "-building")
        self.refresh_bindings()

    # counting at every change

    @on(Input.Changed, "#filter")
    def typed(self) -> None:
        self._applying = False
        self.was_written()
        self._examine()

    def _examine(self) -> None:
        if self._shown is not None:
            self.run_worker(self._look(self._shown), exclusive=True, group="examine", exit_on_error=False)

    async def _find_culprit(self, text: str, counts: AudienceCounts, *, everybody: bool) -> str:
        """Say which part keeps everybody out, or in; nothing where some are in and some out."""
        if not counts.rows or not (everybody or not counts.matched):
            return ""
        culprit = await self.rule_help.culprit(text, nobody=not counts.matched)
        if culprit is None:
            return ""
        self._answer.tell_why(culprit.said)
        self.tree_of_rules.blame(culprit.path)
        return culprit.said

    async def _look(self, opened: OpenList) -> None:
        """Count and show; the next change ends this."""
        await asyncio.sleep(_DEBOUNCE)
        text, answer, samples = self.text, self._answer, self._samples
        samples.add_class("-stale")
        filtered = bool(text.strip())
        try:
            rule = self.read(text)
            self.follow(rule)
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
            self._wrong = await self._find_culprit(text, counts, everybody=everybody) if filtered else ""
            self._counted, self._nobody = rule, not counts.matched
            if self._applying:
                self._applying = False
                await self.action_apply()
        except Superseded:
            return
        except Incomplete as error:
            samples.tell_old()
            answer.tell_incomplete(str(error))
        except RuleError as error:
            samples.tell_old()
            self.wait_for_line()
            hint = way_to_room(text, self.bench)
            self.call_after_refresh(partial(answer.tell_mistake, text, error, self.editor, hint))
        except MailtuiError as error:
            self.complain(error)
        self.refresh_bindings()

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("apply", "reset", "switch") and self.bench.open_list is None:
            return None
        if action == "leave_editor":
            return self.focused is self.editor
        if action == "leave_rows":
            return isinstance(self.focused, RowTable)
        return super().check_action(action, parameters)

    @on(Input.Submitted, "#filter")
    async def submitted(self) -> None:
        await self.action_apply()

    async def action_apply(self) -> None:
        """Take the filter over, once it is known whom it means; one that means nobody, or everybody, is asked about."""
        text = self.text
        try:
            rule = self.read(text)
        except Incomplete as error:
            self._answer.tell_incomplete(str(error))
            return
        except RuleError as error:
            self._answer.tell_mistake(text, error, self.editor, way_to_room(text, self.bench))
            return
        if rule is None or rule == read_rule(self.bench.filter_text or None):
            await self._apply(text)
        elif self._counted != rule:
            self._applying = True
            self._examine()
        elif self._wrong:
            lines = [plain(self._wrong, limit=_SHOWN)]
            title = "Nobody is meant by this filter" if self._nobody else "This filter leaves nobody out"
            dialog = ConfirmDialog(title, lines, yes="Use it all the same", no="Go back to it")
            self.app.push_screen(dialog, partial(self._answered, text))
        else:
            await self._apply(text)

    async def _answered(self, text: str, meant: bool | None) -> None:
        if meant:
            await self._apply(text)

    async def _apply(self, text: str) -> None:
        self.bench.set_filter(text)
        self._set = self.editor.value = self.bench.filter_text
        if self.bench.campaign is not None:
            tell(self.app, "The filter is set; the campaign file stays as it is.")
        await self.app.switch_mode("audience")

    def action_reset(self) -> None:
        self._set = self.bench.filter_text
        if not self.write(self._set):
            self._examine()

    def action_leave_editor(self) -> None:
        self._samples.focus_rows()

    def action_leave_rows(self) -> None:
        self.tree_of_rules.focus()
