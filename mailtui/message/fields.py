"""Owns what templates need from a row, found by reading them and not by rendering.

A field is reached by its name, `{{ first_name }}`, or through the whole row, `{{ row["First name"] }}`. Each
use is recorded with its place, with whether the template copes when there is no such column (the `default`
filter, `is defined`) and with whether it copes when the cell is blank (`default` again, or an `{% if %}`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from mailtui.errors import Place, Problem
from mailtui.kit.suggest import nearest
from mailtui.message.hardening import TEXT_METHODS, HardenedEnvironment
from mailtui.message.own_cells import SENT_AS
from mailtui.message.syntax import Token, tokenize
from mailtui.message.templates import TemplateText, parse, place_of

ROW = "row"
ROWS = "rows"
TOKEN = "token"  # noqa: S105 - a name in templates
UNSUBSCRIBE_URL = "unsubscribe_url"
UNSUBSCRIBE_MAILTO = "unsubscribe_mailto"
# Names every template can use beside the columns; `rows` only where all rows of an address make one mail. A column of
# the same title wins, but for `row` and, there, `rows`.
PROVIDED = (
    ROW,
    ROWS,
    "recipient",
    "campaign",
    "now",
    "postal_address",
    TOKEN,
    UNSUBSCRIBE_URL,
    UNSUBSCRIBE_MAILTO,
)

_DEFAULT_FILTERS = frozenset({"default", "d"})
_DEFINED_TESTS = frozenset({"defined", "undefined"})
_ROW_METHODS = frozenset({"get", "items", "keys", "values"})
_ROWS_METHODS = frozenset({"count", "index"})
# What gives all or some of the rows it is given, one row, none of their cells, or cells named by an attribute.
_ROWS_FILTERS = frozenset({"default", "d", "list", "reverse", "sort", "unique", "selectattr", "rejectattr"})
_ONE_OF_ROWS = frozenset({"first", "last", "min", "max"})
_COUNTS = frozenset({"length", "count"})
_NAMING_FILTERS = frozenset({"map", "sum", "join"})
_NAMED_FIRST = frozenset({"selectattr", "rejectattr", "sum"})
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_KEYWORDS = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "loop", "self", ROW, ROWS}
)


@dataclass(frozen=True, slots=True)
class FieldUse:
    """One place at which a template reads a field; `direct` by its bare name, else through a row.

    `of_rows`: of every row of an address, and not only of the first.
    """

    name: str
    place: Place
    direct: bool
    copes_missing: bool
    copes_blank: bool
    of_rows: bool = False


@dataclass(frozen=True, slots=True)
class FieldUses:
    """All uses in a set of templates; `whole_row` when one of them reads fields that cannot be told ahead.

    `uncalled`: methods of cells that are named and not called, which would show where in memory they are.
    """

    uses: tuple[FieldUse, ...]
    whole_row: bool
    uncalled: tuple[Problem, ...] = ()

    def needed(self, columns: Iterable[str]) -> frozenset[str] | None:
        """The columns that rendering needs; None for all of them."""
        if self.whole_row:
            return None
        named = {use.name for use in self.uses}
        return frozenset(column for column in columns if column in named)

    def never_blank(self, columns: Iterable[str]) -> frozenset[str]:
        """The columns of which a blank cell would leave a hole in the message."""
        known = set(columns)
        return frozenset(use.name for use in self.uses if use.name in known and not use.copes_blank)

    def names(self, provided: str) -> bool:
        """Whether a template uses this provided name."""
        return any(use.direct and use.name == provided for use in self.uses)

    def unknown(self, columns: Iterable[str], provided: Iterable[str]) -> list[FieldUse]:
        """Uses of names that are neither a column nor provided, in reading order."""
        known, extra = set(columns), set(provided)
        return [use for use in self.uses if use.name not in known and not (use.direct and use.name in extra)]


class _AnyName(dict[str, Any]):
    """Filters or tests of which none is unknown: a misspelt one is told elsewhere and must not hide the fields."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, default) or str


def used_fields(texts: Iterable[TemplateText], *, group: bool = False, may_be_blank: Container[str] = ()) -> FieldUses:
    """Every field that the given templates use; what does not parse is passed over.

    `group`: `rows` are all rows of an address, and what is read from one of them are fields. A blank cell leaves no
    hole in the templates that `may_be_blank` names.

    A variable that one template sets (in a loop, by `set`, as a macro) can be seen by those it includes, so
    names assigned anywhere among the templates are not fields.
    """
    environment = HardenedEnvironment({}, autoescape=False)
    environment.filters, environment.tests = _AnyName(environment.filters), _AnyName(environment.tests)
    pairs = []
    for text in texts:
        tree = parse(environment, text)
        if isinstance(tree, nodes.Template):
            pairs.append((text, tree, _free_names(tree)))
    known = {name for _, tree, _ in pairs for name in _assigned(tree)} | set(environment.globals)
    uses: list[FieldUse] = []
    uncalled: list[Problem] = []
    whole_row = False
    for text, tree, free in pairs:
        reader = _Reader(text, list(tokenize(environment, text.source)), free - known, group=group)
        reader.read(tree)
        blank = text.name in may_be_blank
        uses.extend(dataclasses.replace(use, copes_blank=use.copes_blank or blank) for use in reader.uses())
        uncalled.extend(reader.uncalled)
        whole_row = whole_row or reader.whole_row
    return FieldUses(tuple(uses), whole_row, tuple(uncalled))


def _free_names(tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError:
        return set()  # what the compiler refuses, such as a block defined twice, `compile_message` reports


def unknown_field(use: FieldUse, columns: Sequence[str]) -> Problem:
    """The sentence about a name that no column has, with the nearest one that there is."""
    of_list = [column for column in columns if column != SENT_AS]
    return Problem(use.place, f"the list has no column {use.name}.", _suggestion(use.name, of_list))


def spelling(column: str) -> str:
    """How a template reaches a column: its name when that is an identifier, else through the row."""
    if _IDENTIFIER.fullmatch(column) and column.lower() not in _KEYWORDS:
        return column
    quoted = column.replace("\\", "\\\\").replace('"', '\\"')
    return f'row["{quoted}"]'


def _suggestion(name: str, columns: Sequence[str]) -> str:
    folded = {column.casefold(): column for column in columns}
    squeezed = {re.sub(r"\W+", "_", column).strip("_").casefold(): column for column in columns}
    column = folded.get(name.casefold()) or squeezed.get(name.casefold()) or nearest(name, columns)
    if column is None:
        hit = nearest(name, squeezed)
        column = squeezed[hit] if hit else None
    if column is not None:
        return f"Did you mean {spelling(column)}?"
    provided = nearest(name, PROVIDED)
    if provided is not None:
        return f"Did you mean {provided}?"
    if columns and len(columns) <= 12:
        return f"Known: {', '.join(spelling(column) for column in columns)}."
    return f'If a column may be missing, write {{{{ {name}|default("...") }}}}.'


def _assigned(tree: nodes.Template) -> Iterator[str]:
    for name in tree.find_all(nodes.Name):
        if name.ctx in ("store", "param"):
            yield name.name
    for macro in tree.find_all(nodes.Macro):
        yield macro.name
    for imported in tree.find_all(nodes.Import):
        yield imported.target
    for chosen in tree.find_all(nodes.FromImport):
        for item in chosen.names:
            yield item[1] if isinstance(item, tuple) else item


class _Reader:
    """Walks one syntax tree. What surrounds a name says whether it may be missing or blank."""

    def __init__(self, text: TemplateText, tokens: list[Token], free: set[str], *, group: bool) -> None:
        self.whole_row = False
        self.uncalled: list[Problem] = []
        self._called: set[int] = set()  # the nodes that are called, by their id
        self._rows = group and ROWS in free
        self._turns: frozenset[str] = frozenset()  # variables of the loops around that go over rows
        self._text = text
        self._tokens = tokens
        self._free = free
        self._found: list[FieldUse] = []
        self._seen: dict[str, int] = {}
        self._tested_defined: set[str] = set()
        self._tested_blank: set[str] = set()

    def uses(self) -> Iterator[FieldUse]:
        for use in self._found:
            missing = use.copes_missing or use.name in self._tested_defined
            blank = use.copes_blank or use.name in self._tested_blank
            yield FieldUse(use.name, use.place, use.direct, missing, blank, use.of_rows)

    def read(self, node: nodes.Node, *, missing: bool = False, blank: bool = False) -> None:
        """Record the uses below a node; `missing`, `blank`: whether what stands around copes with that."""
        if isinstance(node, nodes.Call):
            self._called.add(id(node.node))
        name = self._field(node)
        if self._are_rows(node):
            self._read_rows(node)
            self.whole_row = True
        elif isinstance(node, nodes.For):
            self._read_loop(node)
        elif name is not None:
            self._record(node, name, missing=missing, blank=blank)
            if isinstance(node, nodes.Call):
                for argument in node.args[1:]:
                    self.read(argument, blank=blank)
        elif self._is_row(node):
            self.whole_row = True
            self._read_rows_below(node)
        elif self._is_uncalled(node):
            self._tell_uncalled(node)
            self.read(node.node)
        elif isinstance(node, nodes.Filter):
            self._read_filter(node, blank=blank)
        elif isinstance(node, nodes.Test) and node.name in _DEFINED_TESTS and self._field(node.node) is not None:
            tested = str(self._field(node.node))
            self._tested_defined.add(tested)
            self._record(node.node, tested, missing=True, blank=True)
        else:
            self._read_children(node, blank=blank)

    def _read_loop(self, node: nodes.For) -> None:
        over_rows = self._are_rows(node.iter)
        if over_rows:
            self._read_rows(node.iter)
        else:
            self.read(node.iter)
        bound = {name.name for name in (node.target, *node.target.find_all(nodes.Name)) if isinstance(name, nodes.Name)}
        around = self._turns
        self._turns = around - bound | (bound if over_rows else set())
        if over_rows and any(True for _ in node.find_all(nodes.Include)):
            self.whole_row = True  # the file sees the loop's row, and nobody looks there for what it reads of it
        for child in (*([node.test] if node.test is not None else []), *node.body):
            self.read(child)
        self._turns = around
        for child in node.else_:
            self.read(child)

    def _read_rows(self, node: nodes.Node) -> None:
        """What an expression names that gives rows: `rows` itself, and the attributes that its filters go by."""
        if isinstance(node, nodes.Filter) and node.node is not None:
            self._read_rows(node.node)
            self._read_attributes(node)
        elif isinstance(node, nodes.Getitem):
            self._read_rows(node.node)
            self.read(node.arg)
        else:
            self._record(node, ROWS, missing=True, blank=True)

    def _read_attributes(self, node: nodes.Filter) -> None:
        """The columns that a filter over rows names, such as `sum(attribute="amount")`."""
        positional = node.args[:1] if node.name in _NAMED_FIRST else []
        keyed = [item.value for item in node.kwargs if item.key == "attribute"]
        for value in (*positional, *keyed):
            if isinstance(value, nodes.Const) and isinstance(value.value, str):
                for name in value.value.split(","):
                    if "." not in name:
                        self._record(value, name, missing=False, blank=True, of_rows=True)
            else:
                self.whole_row = True
        for argument in (
            *node.args[len(positional) :],
            *(item.value for item in node.kwargs if item.key != "attribute"),
        ):
            self.read(argument)

    def _read_filter(self, node: nodes.Filter, *, blank: bool) -> None:
        if node.node is not None and self._are_rows(node.node):
            named = any(item.key == "attribute" for item in node.kwargs) or (node.name == "sum" and node.args)
            if node.name in _COUNTS or (node.name in _NAMING_FILTERS and named):
                self._read_rows(node.node)
                self._read_attributes(node)
                return
        stands_in = node.name in _DEFAULT_FILTERS
        if node.node is not None:
            # Any filter before `default` trips over a missing name, and hands a blank one on.
            self.read(node.node, missing=stands_in, blank=blank or stands_in)
        for argument in (*node.args, *node.kwargs):
            self.read(argument, blank=blank)

    def _read_children(self, node: nodes.Node, *, blank: bool) -> None:
        condition = node.test if isinstance(node, nodes.If | nodes.CondExpr) else None
        for child in node.iter_child_nodes():
            if child is condition:
                self._tested_blank.update(self._names_in(child))
                self.read(child, blank=True)
            else:
                self.read(child, blank=blank and isinstance(node, nodes.Expr))

    def _names_in(self, node: nodes.Node) -> set[str]:
        inner = {self._field(child) for child in node.find_all(nodes.Expr)} | {self._field(node)}
        return {name for name in inner if name is not None}

    def _field(self, node: nodes.Node) -> str | None:
        """The field that this node reads, if it is one: a free name, `row["x"]`, `row.x`, `row.get("x")`."""
        if isinstance(node, nodes.Name):
            free = node.ctx == "load" and node.name in self._free and node.name != ROW
            return node.name if free and not (self._rows and node.name == ROWS) else None
        if isinstance(node, nodes.Getitem) and self._is_row(node.node):
            key = node.arg
            return key.value if isinstance(key, nodes.Const) and isinstance(key.value, str) else None
        if isinstance(node, nodes.Getattr) and self._is_row(node.node):
            is_method = node.attr in _ROW_METHODS and id(node) in self._called
            return None if is_method else node.attr
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            owner, arguments = node.node, node.args
            if self._is_row(owner.node) and owner.attr == "get" and arguments:
                key = arguments[0]
                return key.value if isinstance(key, nodes.Const) and isinstance(key.value, str) else None
        return None

    def _is_row(self, node: nodes.Node | None) -> bool:
        """Whether this is `row`, or one of `rows`."""
        if isinstance(node, nodes.Name):
            return (node.name == ROW and ROW in self._free) or node.name in self._turns
        if isinstance(node, nodes.Filter):
            return node.name in _ONE_OF_ROWS and self._are_rows(node.node)
        return isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice) and self._are_rows(node.node)

    def _is_uncalled(self, node: nodes.Node) -> TypeGuard[nodes.Getattr]:
        """Whether this is a method of a cell or of `rows`, and not called."""
        if not isinstance(node, nodes.Getattr) or id(node) in self._called:
            return False
        of_rows = self._are_rows(node.node) and node.attr in _ROWS_METHODS
        return of_rows or (node.attr in TEXT_METHODS and self._field(node.node) is not None)

    def _tell_uncalled(self, node: nodes.Getattr) -> None:
        _, place = place_of(self._text, self._tokens, node.lineno, node.attr)
        self.uncalled.append(Problem(place, f"{node.attr} is named here and not called.", f"Write {node.attr}()."))

    def _are_rows(self, node: nodes.Node | None) -> bool:
        """Whether this is `rows`, or some of them."""
        if not self._rows:
            return False
        if isinstance(node, nodes.Name):
            return node.name == ROWS and node.ctx == "load"
        if isinstance(node, nodes.Filter):
            return node.name in _ROWS_FILTERS and self._are_rows(node.node)
        return isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice) and self._are_rows(node.node)

    def _owner(self, node: nodes.Node) -> nodes.Node | None:
        """The row that a field is read from; None for a bare name."""
        if isinstance(node, nodes.Call):
            node = node.node
        return node.node if isinstance(node, nodes.Getattr | nodes.Getitem) else None

    def _record(self, node: nodes.Node, name: str, *, missing: bool, blank: bool, of_rows: bool = False) -> None:
        owner = self._owner(node)
        if owner is not None and not isinstance(owner, nodes.Name):
            self._read_rows_below(owner)
        of_rows = of_rows or (owner is not None and not (isinstance(owner, nodes.Name) and owner.name == ROW))
        index, place = place_of(self._text, self._tokens, node.lineno, name, after=self._seen.get(name, -1))
        self._seen[name] = index
        direct = isinstance(node, nodes.Name)
        self._found.append(FieldUse(name, place, direct, missing, blank, of_rows))

    def _read_rows_below(self, row: nodes.Node) -> None:
        """One of the rows was chosen by an expression, such as `rows[0]` or `(rows|sort(attribute="x"))|last`."""
        if isinstance(row, nodes.Filter) and row.node is not None:
            self._read_rows(row.node)
            self._read_attributes(row)
        elif isinstance(row, nodes.Getitem):
            self._read_rows(row.node)
            self.read(row.arg)
