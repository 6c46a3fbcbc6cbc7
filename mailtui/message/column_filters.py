"""Owns seeing which column of the list a filter is given, so that it reads the cell as that column is written.

A cell is text, and `1.234` is a thousand in one list and little more than one in another. What a filter gets does not
say where it comes from; the template does. So each filter that reads a cell is given the name of the column that stands
before it, wherever that can be seen: `{{ price|money("EUR") }}`, `{{ row["Price"]|trim|number }}`,
`{{ each.price|float }}`, `{{ rows|map(attribute="price")|map("float")|sum }}`.
"""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import nodes

READING = frozenset({"date", "number", "money", "percent", "plural", "float", "int"})
"""The filters that read a cell, each with a parameter `column`."""
_COLUMN = "column"
# What these give of a cell is still written as its column is.
_SAME_WRITING = frozenset(
    {"default", "d", "trim", "string", "replace", "first", "last", "min", "max", "list", "unique"}
)
_SAME_WRITING_METHODS = frozenset({"strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "replace"})


def name_columns(tree: nodes.Template, assigned: frozenset[str] = frozenset()) -> frozenset[str]:
    """Give the filters of a tree the columns that they read, and say which those are.

    `assigned` are names that other templates give values of their own; those that this one does are none of columns
    either.
    """
    own = assigned | assigned_names([tree])
    found: set[str] = set()
    for node in tree.find_all(nodes.Filter):
        column = _read_by(node, own)
        if column is not None:
            found.add(column)
            if not any(item.key == _COLUMN for item in node.kwargs):
                keyword = nodes.Keyword(_COLUMN, nodes.Const(column, lineno=node.lineno), lineno=node.lineno)
                node.kwargs.append(keyword)  # type: ignore[arg-type]  # a keyword is what stands there in a call
    if tree.environment is not None:
        tree.set_environment(tree.environment)
    return frozenset(found)


def assigned_names(trees: Iterable[nodes.Template]) -> frozenset[str]:
    """The names that templates give a value: by `set`, in loops, as parameters, and what they import."""
    names: set[str] = set()
    for tree in trees:
        names.update(name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param"))
        names.update(macro.name for macro in tree.find_all(nodes.Macro))
        names.update(imported.target for imported in tree.find_all(nodes.Import))
        for chosen in tree.find_all(nodes.FromImport):
            names.update(item[1] if isinstance(item, tuple) else item for item in chosen.names)
    return frozenset(names)


def _read_by(node: nodes.Filter, assigned: frozenset[str]) -> str | None:
    """The column of the cells that a filter reads; None where it reads none, or nobody can tell."""
    for item in node.kwargs:
        if item.key == _COLUMN:
            return _text(item.value)  # the template says it, behind a `set`
    if node.name in READING:
        return _column_of(node.node, assigned)
    if node.name == "map" and node.args and isinstance(node.args[0], nodes.Const) and node.args[0].value in READING:
        return _column_of(node.node, assigned)
    return None


def _column_of(node: nodes.Node | None, assigned: frozenset[str]) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name if node.ctx == "load" and node.name not in assigned else None
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem):
        return _text(node.arg)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        method = node.node
        if method.attr in _SAME_WRITING_METHODS:
            return _column_of(method.node, assigned)
        return _text(node.args[0]) if method.attr == "get" and node.args else None
    if isinstance(node, nodes.Filter):
        if node.name in _SAME_WRITING:
            return _column_of(node.node, assigned)
        if node.name == "map":
            return next((_text(item.value) for item in node.kwargs if item.key == "attribute"), None)
    return None


def _text(node: nodes.Node) -> str | None:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else None
