"""Owns what templates need from a row, found by reading them and not by rendering.

A field is reached by its name, `{{ first_name }}`, or through the whole row, `{{ row["First name"] }}`. Each
use is recorded with its place, with whether the template copes when there is no such column (the `default`
filter, `is defined`) and with whether it copes when the cell is blank (`default` again, or an `{% if %}`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from mailtui.errors import Place, Problem
from mailtui.kit.suggest import nearest
from mailtui.message.hardening import HardenedEnvironment
from mailtui.message.templates import TemplateText, Token, parse, place_of, tokenize

ROW = "row"
# Names every template can use beside the columns. A column of the same title wins, but for `row`.
PROVIDED = ("row", "recipient", "campaign", "now", "postal_address")

_DEFAULT_FILTERS = frozenset({"default", "d"})
_DEFINED_TESTS = frozenset({"defined", "undefined"})
_ROW_METHODS = frozenset({"get", "items", "keys", "values"})
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "loop", "self", "row"})


@dataclass(frozen=True, slots=True)
class FieldUse:
    """One place at which a template reads a field; `direct` by its bare name, else through the row."""

    name: str
    place: Place
    direct: bool
    copes_missing: bool
    copes_blank: bool


@dataclass(frozen=True, slots=True)
class FieldUses:
    """All uses in a set of templates; `whole_row` when one of them reads fields that cannot be told ahead."""

    uses: tuple[FieldUse, ...]
    whole_row: bool

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


def used_fields(texts: Iterable[TemplateText]) -> FieldUses:
    """Every field that the given templates use; what does not parse is passed over.

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
    whole_row = False
    for text, tree, free in pairs:
        reader = _Reader(text, list(tokenize(environment, text.source)), free - known)
        reader.read(tree)
        uses.extend(reader.uses())
        whole_row = whole_row or reader.whole_row
    return FieldUses(tuple(uses), whole_row)


def _free_names(tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError:
        return set()  # what the compiler refuses, such as a block defined twice, `compile_message` reports


def unknown_field(use: FieldUse, columns: Sequence[str]) -> Problem:
    """The sentence about a name that no column has, with the nearest one that there is."""
    return Problem(use.place, f"the list has no column {use.name}.", _suggestion(use.name, columns))


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

    def __init__(self, text: TemplateText, tokens: list[Token], free: set[str]) -> None:
        self.whole_row = False
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
            yield FieldUse(use.name, use.place, use.direct, missing, blank)

    def read(self, node: nodes.Node, *, missing: bool = False, blank: bool = False) -> None:
        """Record the uses below a node; `missing`, `blank`: whether what stands around copes with that."""
        name = self._field(node)
        if name is not None:
            self._record(node, name, missing=missing, blank=blank)
            if isinstance(node, nodes.Call):
                for argument in node.args[1:]:
                    self.read(argument, blank=blank)
        elif self._is_row(node):
            self.whole_row = True
        elif isinstance(node, nodes.Filter):
            self._read_filter(node, blank=blank)
        elif isinstance(node, nodes.Test) and node.name in _DEFINED_TESTS and self._field(node.node) is not None:
            tested = str(self._field(node.node))
            self._tested_defined.add(tested)
            self._record(node.node, tested, missing=True, blank=True)
        else:
            self._read_children(node, blank=blank)

    def _read_filter(self, node: nodes.Filter, *, blank: bool) -> None:
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
            return node.name if free else None
        if isinstance(node, nodes.Getitem) and self._is_row(node.node):
            key = node.arg
            return key.value if isinstance(key, nodes.Const) and isinstance(key.value, str) else None
        if isinstance(node, nodes.Getattr) and self._is_row(node.node) and node.attr not in _ROW_METHODS:
            return node.attr
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            owner, arguments = node.node, node.args
            if self._is_row(owner.node) and owner.attr == "get" and arguments:
                key = arguments[0]
                return key.value if isinstance(key, nodes.Const) and isinstance(key.value, str) else None
        return None

    def _is_row(self, node: nodes.Node) -> bool:
        return isinstance(node, nodes.Name) and node.name == ROW and ROW in self._free

    def _record(self, node: nodes.Node, name: str, *, missing: bool, blank: bool) -> None:
        index, place = place_of(self._text, self._tokens, node.lineno, name, after=self._seen.get(name, -1))
        self._seen[name] = index
        self._found.append(FieldUse(name, place, isinstance(node, nodes.Name), missing, blank))
