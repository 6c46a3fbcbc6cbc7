"""Owns finding out what of a template is the same for everybody, so that it is worked out once and not per row.

Only templates made of text, fields, choices, loops and includes are folded: nothing in them is assigned but the
variables of loops, and no block, macro or escaping rule changes what a name means in the middle. In such a template
the campaign's own values stand in for their names, a short loop over constants is written out, and an included file
that comes to nothing but text and fields stands where it was included. Everything else is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer
from markupsafe import escape

from mailtui.message.hardening import HardenedEnvironment

_FOLDABLE = (nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.Include, nodes.Expr, nodes.Helper)
_OF_THE_LANGUAGE = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})
_TURNS = 200  # of a loop that is written out
_WEIGHT = 40_000  # of all turns together: nodes, and characters of text by the sixteen
_CHARACTERS_A_NODE = 16


class Folded:
    """A template's tree with what is constant put in.

    `assumed` are the names whose values were put in: for a row that has other values under these names, the tree
    does not hold. `assigns`: whether rendering it may give a name a value or define a block, loops aside.
    `outputs` is what the template puts out, in order, when it is nothing but text and expressions.
    """

    __slots__ = ("assigns", "assumed", "outputs", "tree")

    def __init__(self, tree: nodes.Template, assumed: Mapping[str, object], *, assigns: bool) -> None:
        self.tree = tree
        self.assigns = assigns
        self.assumed = assumed
        self.outputs = _outputs(tree)


def fold(environment: HardenedEnvironment, tree: nodes.Template, constants: Mapping[str, object]) -> Folded:
    """Fold a freshly parsed tree, which is changed on the way. `constants` are values that no row changes."""
    if not _foldable(tree):
        return Folded(tree, {}, assigns=True)
    folder = _Folder(environment, constants, _assigned(tree))
    folder.visit(tree)
    for node in tree.find_all((nodes.If, nodes.For)):
        _merge(node)
    _merge(tree)
    return Folded(tree, folder.assumed, assigns=False)


def constant_text(environment: HardenedEnvironment, node: nodes.Expr) -> str | None:
    """What an output is for everybody, escaped where its template is; None when that takes a row to tell."""
    context = nodes.EvalContext(environment)
    try:
        value = node.as_const(context)
        # Only these have one text each; anything else is left to the template.
        if not isinstance(value, str | int):
            return None
        return str(escape(value)) if context.autoescape else str(value)
    except (nodes.Impossible, ArithmeticError, LookupError, TypeError, ValueError):
        return None  # what goes wrong, goes wrong when it is rendered


class _Folder(NodeTransformer):
    """Rewrites one tree from the leaves up."""

    def __init__(self, environment: HardenedEnvironment, constants: Mapping[str, object], assigned: set[str]) -> None:
        self.assumed: dict[str, object] = {}
        self._environment = environment
        self._constants = {name: value for name, value in constants.items() if name not in assigned}
        self._assigned = assigned
        self._including: list[str] = []
        self._weight = 0

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:  # noqa: N802 - Jinja's name for it
        if node.ctx != "load" or node.name not in self._constants:
            return node
        self.assumed[node.name] = value = self._constants[node.name]
        return nodes.Const(value, lineno=node.lineno, environment=node.environment)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        """Where text is escaped, Jinja joins constants without a look at which of them are escaped already, and values
        with one; so what is joined stays as it was written.
        """
        if not self._environment.autoescape:
            self.generic_visit(node)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node | list[nodes.Node]:  # noqa: N802
        self.generic_visit(node)
        items = self._items(node)
        if items is None or not isinstance(node.target, nodes.Name):
            return node
        return [_with_value(child, node.target.name, item) for item in items for child in node.body]

    def visit_Include(self, node: nodes.Include) -> nodes.Node | list[nodes.Node]:  # noqa: N802
        name = node.template.value if isinstance(node.template, nodes.Const) else None
        source = self._environment.texts.get(name) if isinstance(name, str) else None
        if name is None or source is None or not node.with_context or name in self._including:
            return node
        try:
            tree = self._environment.parse(source, name, name)
        except TemplateSyntaxError:
            return node  # told of as that file's own mistake
        if not _foldable(tree) or _names(tree) & _OF_THE_LANGUAGE or _assigned(tree) & {"range", *self._constants}:
            return node
        self._including.append(name)
        self.visit(tree)
        self._including.pop()
        return tree.body if all(isinstance(child, nodes.Output) for child in tree.body) else node

    def _items(self, node: nodes.For) -> list[str | int] | None:
        """What a loop goes over, when it can be written out: known now, not too much, and seen by its body alone."""
        plain = node.test is None and not node.recursive and isinstance(node.target, nodes.Name)
        if not plain or not all(isinstance(child, nodes.Output) for child in node.body):
            return None
        if any(_names(child) & _OF_THE_LANGUAGE for child in node.body):
            return None
        items = self._known(node.iter)
        if not items or (self._environment.autoescape and _joined(node)):
            return None
        self._weight += len(items) * sum(_weight(child) for child in node.body)
        return items if self._weight <= _WEIGHT else None

    def _known(self, node: nodes.Node) -> list[str | int] | None:
        if isinstance(node, nodes.Call):
            return self._range(node)
        if not isinstance(node, nodes.List | nodes.Tuple | nodes.Const):
            return None
        try:
            values = node.as_const(nodes.EvalContext(self._environment))
        except nodes.Impossible:
            return None
        fit = isinstance(values, list | tuple | str) and len(values) <= _TURNS
        return list(values) if fit and all(type(value) in (str, int) for value in values) else None

    def _range(self, node: nodes.Call) -> list[str | int] | None:
        named = isinstance(node.node, nodes.Name) and node.node.name == "range" and "range" not in self._assigned
        numbers = [item.value for item in node.args if isinstance(item, nodes.Const) and type(item.value) is int]
        whole = len(numbers) == len(node.args) and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        if not (named and whole and 1 <= len(numbers) <= 3) or (len(numbers) == 3 and numbers[2] == 0):
            return None
        values = range(*numbers)
        if not 0 < len(values) <= _TURNS:
            return None
        self.assumed["range"] = self._environment.globals["range"]
        return list(values)


def _foldable(tree: nodes.Template) -> bool:
    return all(isinstance(node, _FOLDABLE) for node in tree.find_all(nodes.Node))


def _assigned(tree: nodes.Template) -> set[str]:
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}


def _names(node: nodes.Node) -> set[str]:
    return {name.name for name in node.find_all(nodes.Name)}


def _joined(loop: nodes.For) -> bool:
    """Whether a loop's variable is joined with something (see `visit_Concat`)."""
    joined = {name for child in loop.body for concat in child.find_all(nodes.Concat) for name in _names(concat)}
    return isinstance(loop.target, nodes.Name) and loop.target.name in joined


def _weight(node: nodes.Node) -> int:
    size = 1
    for child in node.find_all(nodes.Node):
        size += 1 + (len(child.data) // _CHARACTERS_A_NODE if isinstance(child, nodes.TemplateData) else 0)
    return size


def _with_value(node: nodes.Node, name: str, value: object) -> nodes.Node:
    """A copy of a tree with a value in the place of a name."""
    if isinstance(node, nodes.Name) and node.name == name:
        return nodes.Const(value, lineno=node.lineno, environment=node.environment)

    def copied(part: Any) -> Any:
        if isinstance(part, nodes.Node):
            return _with_value(part, name, value)
        return [copied(item) for item in part] if isinstance(part, list) else part

    parts = [copied(part) for _, part in node.iter_fields()]
    return type(node)(*parts, lineno=node.lineno, environment=node.environment)


def _merge(node: nodes.Node) -> None:
    """Put outputs that stand side by side together, so that their text becomes one piece."""
    for _, part in node.iter_fields():
        if isinstance(part, list):
            part[:] = _merged(part)


def _merged(children: list[nodes.Node]) -> Iterator[nodes.Node]:
    last: nodes.Output | None = None
    for child in children:
        if last is not None and isinstance(child, nodes.Output):
            last.nodes.extend(child.nodes)
            continue
        if last is not None:
            yield last
        last = child if isinstance(child, nodes.Output) else None
        if last is None:
            yield child
    if last is not None:
        yield last


def _outputs(tree: nodes.Template) -> list[nodes.Expr] | None:
    outputs: list[nodes.Expr] = []
    for node in tree.body:
        if not isinstance(node, nodes.Output) or _names(node) & _OF_THE_LANGUAGE:
            return None
        outputs.extend(node.nodes)
    return outputs
