"""Owns what Jinja takes without a word and what still puts into the mail what nobody meant: a memory address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

_GATHERS: dict[type[nodes.Node], str] = {
    nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.AssignBlock: "{% set %}",
    nodes.For: "{% for … recursive %}",
}
_ONE_BY_ONE = frozenset({"items", "map", "reject", "rejectattr", "select", "selectattr", "unique"})


@dataclass(frozen=True, slots=True)
class Pitfall:
    """One of them: the line it is in, and the word there that it is found by."""

    line: int
    word: str
    message: str
    hint: str


def pitfalls(tree: nodes.Template) -> Iterator[Pitfall]:
    """All of them in a template."""
    for include, within in _lost_includes(tree):
        message = f"an include without context does not work inside of {within}."
        hint = "Leave out `without context`, or include the file outside of it."
        yield Pitfall(include.lineno, "include", message, hint)
    for output in tree.find_all(nodes.Output):
        for shown in output.nodes:
            if isinstance(shown, nodes.Filter) and shown.name in _ONE_BY_ONE:
                message = f"the filter {shown.name} gives values one by one, and no text."
                yield Pitfall(shown.lineno, shown.name, message, 'Put |join(", ") behind it.')


def _lost_includes(node: nodes.Node, within: str = "") -> Iterator[tuple[nodes.Include, str]]:
    """Includes without context whose text would go astray, and what they stand in: Jinja 3.1 writes it to the template
    even where what is put out is gathered first, and a macro around it gives its own memory address.
    """
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Include) and not child.with_context and within:
            yield child, within
        gathers = _GATHERS.get(type(child), "")
        if isinstance(child, nodes.For) and not child.recursive:
            gathers = ""
        yield from _lost_includes(child, "" if isinstance(child, nodes.Block) else gathers or within)
