"""Owns choosing one comparison of a filter: a column, how it compares, and with what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from mailtui.kit.words import counted, sentence
from mailtui.service.rule_help import ColumnValues
from mailtui.service.rules import (
    EXAMPLES,
    WORDS,
    BareNumber,
    ColumnKind,
    ColumnType,
    Line,
    Operator,
    operators_for,
    read_value,
    show_value,
    suits,
)
from mailtui.tui.room import failure_of
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.rule_builder.lines import Part
from mailtui.tui.widgets.safe_input import SafeInput

Ask = Callable[[str], Awaitable[ColumnValues]]

_NAME = 24
_CELL = 22
_FEW = 100
_SAMPLES = 3


class Choices(OptionList):
    """A list to choose from; a letter goes on to the next line that begins with it."""

    def on_key(self, event: events.Key) -> None:
        if event.character is None or not event.is_printable or event.character == " ":
            return
        event.stop()
        start = (self.highlighted or 0) + 1
        for step in range(self.option_count):
            at = (start + step) % self.option_count
            option = self.get_option_at_index(at)
            if (option.id or "").casefold().startswith(event.character.casefold()):
                self.highlighted = at
                return


class ComparisonDialog(ModalScreen[Line | None]):
    """One line of the filter, as it is chosen, or None."""

    CSS = """
    #comparison { width: 78; max-width: 100%; height: 22; max-height: 100%; padding: 0 1; }
    #choices { height: 1fr; }
    #choices > Vertical { height: 1fr; width: 24; margin-right: 1; }
    #choices > #value-side { width: 1fr; margin-right: 0; }
    #choices OptionList { height: 1fr; padding: 0; border: none; background: $panel; }
    #choices OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    #choices OptionList:focus { border: none; background: $boost; }
    #choices .heading { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #choices #value { height: 1; border: none; padding: 0 1; background: $boost; margin-bottom: 1; }
    #choices #value:focus { background: $primary-muted; }
    ComparisonDialog.-narrow #choices > Vertical { width: 15; }
    ComparisonDialog.-narrow #choices > #operator-side { width: 12; }
    ComparisonDialog.-narrow #choices #operator { text-overflow: clip; }
    ComparisonDialog.-narrow #choices > #value-side { width: 1fr; }
    #about { height: 2; margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #comparison > #foot { height: 1; margin-top: 0; }
    #foot > Plain { width: 1fr; height: 1; }
    #foot > Button { height: 1; min-width: 8; border: none; margin-left: 1; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel"), ("ctrl+s", "use", "Use")]

    def __init__(
        self, line: Line, columns: Sequence[str], types: Sequence[ColumnType], ask: Ask, *, part: Part = "column"
    ) -> None:
        """`ask` tells what stands in a column; `part` is what is chosen first."""
        super().__init__()
        self._line = line
        self._columns = tuple(columns)
        self._types = dict(zip(columns, types, strict=False))
        self._ask = ask
        self._part = part
        self._offered: tuple[Operator, ...] = ()
        self._compared = bool(line.column)  # whether somebody has said how; else what suits a column first is meant
        self._values = ColumnValues()

    def compose(self) -> ComposeResult:
        with Vertical(id="comparison", classes="dialog"):
            yield Plain("A comparison", classes="title")
            with Horizontal(id="choices"):
                yield Vertical(
                    Plain("1  column", classes="heading muted"),
                    Choices(*map(self._column_option, self._columns), id="column", markup=False),
                    id="column-side",
                )
                yield Vertical(
                    Plain("2  comparison", classes="heading muted"),
                    Choices(id="operator", markup=False),
                    id="operator-side",
                )
                yield Vertical(
                    Plain("3  value", classes="heading muted", id="value-title"),
                    SafeInput(id="value"),
                    Choices(id="values", markup=False),
                    id="value-side",
                )
            yield Plain(id="about")
            with Horizontal(id="foot"):
                yield Plain("enter and tab go on   ^s uses it   esc closes", classes="muted")
                yield Button("Use it", id="use", variant="primary")
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        line = self._line
        column = self._known(line.column)
        columns = self.query_one("#column", Choices)
        if column in self._columns:
            columns.highlighted = self._columns.index(column)
        elif self._columns:
            columns.highlighted = 0
        self._offer_operators(line.operator if self._compared else None)
        self.query_one("#value", Input).value = show_value(line.value, line.operator, self._kind)
        wanted = {"operator": "#operator", "value": "#value"}.get(self._part, "#column")
        if wanted == "#value" and line.operator is Operator.EMPTY:
            wanted = "#operator"
        self.query_one(wanted).focus()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._tell(plain(sentence(error.title), "$text-error"))

    # what is chosen

    @property
    def _column(self) -> str:
        at = self.query_one("#column", Choices).highlighted
        return self._columns[at] if at is not None and at < len(self._columns) else ""

    @property
    def _operator(self) -> Operator:
        at = self.query_one("#operator", Choices).highlighted
        return self._offered[at] if at is not None and at < len(self._offered) else Operator.EQ

    @property
    def _kind(self) -> ColumnKind:
        found = self._types.get(self._column)
        return "text" if found is None else found.kind

    @property
    def chosen(self) -> Line:
        """The comparison as it is chosen now."""
        text = self.query_one("#value", Input).value
        return Line(self._column, self._operator, read_value(text, self._operator, self._kind))

    def _known(self, name: str) -> str:
        """The list's name for a column that a filter may write in other letters."""
        return next((column for column in self._columns if column.casefold() == name.casefold()), name)

    # showing

    def _column_option(self, column: str) -> Option:
        kind = self._types[column].kind if column in self._types else "text"
        return Option(joined(plain(column, limit=_NAME), plain(f" {kind}", "$text-muted")), id=column)

    def _offer_operators(self, wanted: Operator | None) -> None:
        """Those that suit come first; the cursor goes to the one that is wanted, else to the first."""
        kind, choices = self._kind, self.query_one("#operator", Choices)
        self._offered = operators_for(kind)
        choices.clear_options()
        for operator in self._offered:
            style = "" if suits(operator, kind) else "$text-muted"
            said = plain(f"{operator.value:<11}{WORDS[operator]}", style)
            choices.add_option(Option(said, id=operator.value))
        choices.highlighted = 0 if wanted is None else self._offered.index(wanted)

    @on(OptionList.OptionHighlighted, "#column")
    def looked_at(self) -> None:
        self._offer_operators(self._operator if self._compared else None)
        self._values = ColumnValues()
        self._show_values()
        self.run_worker(self._fetch(self._column), exclusive=True, group="values", exit_on_error=False)

    async def _fetch(self, column: str) -> None:
        self._values = await self._ask(column)
        self._show_values()

    @on(OptionList.OptionHighlighted, "#operator")
    def compared(self) -> None:
        self._compared = self._compared or self.query_one("#operator").has_focus
        field = self.query_one("#value", Input)
        field.display = self._operator is not Operator.EMPTY
        field.placeholder = EXAMPLES.get(self._operator, "")
        self.query_one("#values").display = field.display
        self._show_about()

    def _show_values(self) -> None:
        choices, found = self.query_one("#values", Choices), self._values
        choices.clear_options()
        for at, (value, times) in enumerate(found.values[:_FEW]):
            often = f"{times:,}"
            shown = plain(value, limit=_CELL - 1 - len(often))
            gap = " " * max(1, _CELL - shown.cell_length - len(often))
            # The number keeps ids apart whose values differ in letters alone.
            choices.add_option(Option(joined(shown, gap, plain(often, "$text-muted")), id=f"{value}\0{at}"))
        self._show_about()

    def _show_about(self) -> None:
        found = self._types.get(self._column)
        kind = "" if found is None else f"{found.kind} {found.style}".rstrip()
        samples = "  ".join(value for value, _ in self._values.values[:_SAMPLES])
        known = self._values
        many = f"{counted(known.distinct, 'value')} in {counted(known.rows, 'row')} looked at" if known.rows else ""
        first = joined(plain(self._column, "bold", limit=_NAME), plain(f"  {kind}", "$text-accent"))
        first = joined(first, plain(f"  {many}", "$text-muted"), plain(f"  {samples}", limit=_CELL * 2))
        missing = self.chosen.missing
        second = plain(sentence(missing), "$text-warning") if missing else plain("")
        if not suits(self._operator, self._kind) and not missing:
            second = plain(f"{self._operator.value} seldom suits a column of this type ({kind}).", "$text-warning")
        self._tell(joined(first, second, separator="\n"))

    def _tell(self, text: Content) -> None:
        self.query_one("#about", Plain).show(text)

    # going on

    @on(OptionList.OptionSelected, "#column")
    def picked_column(self) -> None:
        self.query_one("#operator").focus()

    @on(OptionList.OptionSelected, "#operator")
    def picked_operator(self) -> None:
        if self._operator is Operator.EMPTY:
            self.action_use()
        else:
            self.query_one("#value").focus()

    @on(OptionList.OptionSelected, "#values")
    def picked_value(self, event: OptionList.OptionSelected) -> None:
        value, _ = self._values.values[event.option_index]
        field, operator = self.query_one("#value", Input), self._operator
        if operator is Operator.IN:
            before = read_value(field.value, operator, self._kind)
            listed = before if isinstance(before, tuple) else ()
            field.value = show_value((*listed, *self._items(value)), operator, self._kind)
            return
        read = self._items(value)[0]
        field.value = show_value(read if operator in _NUMBERS else value, operator, self._kind)
        self.action_use()

    def _items(self, value: str) -> tuple[str | int | float, ...]:
        """A cell as a value: a number where the column has numbers, else the text it is."""
        read = read_value(value, Operator.EQ, self._kind) if self._kind == "number" else value
        # As a text, what reads two ways is read as the cells of its column are.
        if isinstance(read, str | int | float) and not isinstance(read, BareNumber):
            return (read,)
        return (value,)

    @on(Input.Changed, "#value")
    def typed(self) -> None:
        self._show_about()

    @on(Input.Submitted, "#value")
    @on(Button.Pressed, "#use")
    def action_use(self) -> None:
        """Use what is chosen; where something is missing, say what."""
        line = self.chosen
        if line.missing:
            self._show_about()
            self.query_one("#value" if line.column else "#column").focus()
            return
        self.dismiss(line)

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        self.dismiss(None)


_NUMBERS = (Operator.EQ, Operator.NE, Operator.GT, Operator.GE, Operator.LT, Operator.LE)
