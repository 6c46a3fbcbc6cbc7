"""Owns the rules screen: a filter in one line, and at every keystroke whom it lets in and leaves out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from mailtui.errors import MailtuiError, RuleError
from mailtui.kit.words import counted, sentence
from mailtui.service.facade import Service
from mailtui.service.lists import AudienceCounts, ListRow
from mailtui.service.workbench import OpenList, Sample, Superseded, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.room import Room
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.column_names import ColumnNames
from mailtui.tui.widgets.filter_input import FilterInput
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.understood import matched_text

_DEBOUNCE = 0.12
_SAMPLE = 25
_GLANCE_FROM = 100_000
_SHOWN = 300
_ROOM_KEYS = tuple("12345678")
_EMPTY = "No list is open.\n\nPress o to open one, or 1 and then d to try the demo."
_COMPARISONS = '== != > >= < <=   in ("a", "b")   empty   contains startsWith endsWith matches'
_JOINTS = 'before after within "30 days"   and or not ( )   values: "text" 30 2026-12-31'


class RulesScreen(Room):
    """Who of the list is meant."""

    ROOM: ClassVar[str] = "rules"
    HELP: ClassVar[str] = (
        "The filter says who of the list is meant; without one, everybody is. What it lets in and leaves out is counted"
        " as you type. tab completes a column's name, a click on one writes it. enter uses the filter for this campaign"
        " from now on; the campaign file itself stays as it is. esc leaves the editor, so that digits change rooms."
    )
    CSS_PATH = "rules.tcss"
    BINDINGS: ClassVar = bindings("rules")
    AUTO_FOCUS = "#filter"

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._shown: OpenList | None = None
        self._set = ""
        self._answer = plain("")

    def body(self) -> Iterable[Widget]:
        yield Plain(_EMPTY, id="empty", classes="empty")
        yield Vertical(
            FilterInput(id="filter"),
            Plain(id="answer"),
            ColumnNames(id="columns"),
            Plain(joined(plain(_COMPARISONS), plain(_JOINTS), separator="\n"), id="grammar", classes="muted"),
            Container(
                Vertical(Plain(id="within-title"), RowTable(id="within")),
                Vertical(Plain(id="without-title"), RowTable(id="without")),
                id="samples",
            ),
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

    def _show(self) -> None:
        """Show what is open; a filter that is being written stays, unless another list or filter has come."""
        opened = self.bench.open_list
        self.query_one("#empty").display = opened is None
        self.query_one("#rules").display = opened is not None
        if opened is not None and (opened is not self._shown or self._set != self.bench.filter_text):
            self._shown = opened
            self.query_one(ColumnNames).offer(opened.columns)
            self.editor.offer(opened.columns)
            self.action_reset()
        if opened is not None:
            self.editor.focus()
        self.refresh_bindings()

    # counting as one types

    @on(Input.Changed, "#filter")
    def typed(self, event: Input.Changed) -> None:
        self._examine(event.value)

    def _examine(self, text: str) -> None:
        if self._shown is not None:
            self.run_worker(self._look(text, self._shown), exclusive=True, group="examine", exit_on_error=False)

    async def _look(self, text: str, opened: OpenList) -> None:
        """Count and show; the next keystroke ends this."""
        await asyncio.sleep(_DEBOUNCE)
        self.query_one("#samples").add_class("-stale")
        try:
            self.bench.read_filter(text)
            self._say(joined(plain(self._answer.plain.partition("\n")[0], "$text-muted"), self._counting))
            if opened.rows >= _GLANCE_FROM and text.strip():
                glance = await self.bench.glance(text, _SAMPLE)
                near = _rounded(glance.share * opened.rows)
                self._say(
                    joined(plain(f"about {near:,} of {counted(opened.rows, 'row')} match", "bold"), self._counting)
                )
                self._show_sample(text, glance.sample, None)
            counts, sample = await self.bench.examine(text, _SAMPLE)
        except Superseded:
            return
        except RuleError as error:
            self._tell_samples_are_old()
            self.call_after_refresh(self._show_mistake, text, error)
        except MailtuiError as error:
            self.complain(error)
        else:
            self._answer = joined(
                matched_text(counts, filtered=bool(text.strip()), everybody=not sample.without),
                self._whether_set(text),
                separator="\n",
            )
            self._say(self._answer)
            self._show_sample(text, sample, counts)

    @property
    def _counting(self) -> Content:
        return plain("   counting ...", "$text-muted")

    def _say(self, text: Content) -> None:
        self.query_one("#answer", Plain).show(text)

    def _whether_set(self, text: str) -> Content:
        if text.strip() == self.bench.filter_text:
            return plain("This is the filter as it is set.", "$text-muted")
        return plain("Not used yet: ^s or enter uses it, ^r goes back, esc leaves the field.", "$text-warning")

    def _show_mistake(self, text: str, error: RuleError) -> None:
        """What is wrong with the filter, with a caret below the place where there is one in sight."""
        problem = error.problems[0] if error.problems else None
        message = problem.message if problem is not None else error.title
        lines = [joined(plain("× ", "$text-error"), plain(sentence(message), "$text-error", limit=_SHOWN))]
        hint = self._way_to_room(text) or (problem.hint if problem is not None else error.hint)
        if hint:
            lines.append(plain(hint, limit=_SHOWN))
        column = problem.place.column if problem is not None else None
        answer = self.query_one("#answer", Plain)
        if column is not None:
            at = cell_len(plain(text[: column - 1]).plain) - self.editor.scroll_offset.x
            at += self.editor.content_region.x - answer.content_region.x
            if 0 <= at < answer.content_size.width:
                lines.insert(0, plain(" " * at + "^", "bold $text-error"))
        self._say(joined(*lines, separator="\n"))

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

    def _show_sample(self, text: str, sample: Sample, counts: AudienceCounts | None) -> None:
        for name, rows in (("within", sample.within), ("without", sample.without)):
            self._show_rows(text, name, rows)
        within = "" if counts is None else f"   {counts.matched:,}"
        without = "" if counts is None else f"   {counts.rows - counts.matched:,}"
        muted = "$text-muted"
        self.query_one("#within-title", Plain).show(joined(plain("+ in", "bold $text-success"), plain(within, muted)))
        self.query_one("#without-title", Plain).show(joined(plain("× out", "bold $text-error"), plain(without, muted)))

    def _tell_samples_are_old(self) -> None:
        muted = plain("of the last rule that worked", "$text-muted")
        for name, word in (("within", "+ in"), ("without", "× out")):
            self.query_one(f"#{name}-title", Plain).show(joined(plain(word, "$text-muted"), muted, separator="   "))

    def _show_rows(self, text: str, table: str, rows: Sequence[ListRow]) -> None:
        """Rows of a sample, the address and what the filter asks about first."""
        self.query_one("#samples").remove_class("-stale")
        assert self._shown is not None
        columns = self._shown.columns
        address = self._shown.understanding.address_column.value
        asked = [name for name in columns if name.casefold() in text.casefold()]
        order = list(dict.fromkeys([*([address] if address in columns else []), *asked, *columns]))
        places = [columns.index(name) for name in order]
        shown = [
            TableRow(
                0,
                f"{row.row:,}",
                tuple(row.cells[place] for place in places) if len(row.cells) == len(columns) else row.cells,
                row.usable,
            )
            for row in rows
        ]
        self.query_one(f"#{table}", RowTable).show_rows(order, shown)

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in ("apply", "reset") and self.bench.open_list is None:
            return None
        return self.focused is self.editor if action == "leave_editor" else True

    @on(ColumnNames.Picked)
    def picked(self, event: ColumnNames.Picked) -> None:
        self.editor.put(event.column)
        self.editor.focus()

    @on(Input.Submitted, "#filter")
    async def submitted(self) -> None:
        await self.action_apply()

    async def action_apply(self) -> None:
        """Take the filter over, and see on the list what it comes to."""
        text = self.editor.value
        try:
            self.bench.set_filter(text)
        except RuleError as error:
            self._show_mistake(text, error)
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
            self._examine(self._set)

    def action_leave_editor(self) -> None:
        self.query_one("#within", RowTable).focus()


def _rounded(number: float) -> int:
    """A guess with no more digits than it deserves."""
    digits = len(str(int(number)))
    return int(round(number, -max(0, digits - 2)))
