"""Owns a filter while it is being built: a draft that may be incomplete, and every change to it as a pure function.

A draft is a tree of `Line` (one comparison, perhaps without a column or value yet) and `Group`. A node is named by its
path, the positions that lead to it from the root. Every change gives a new draft and the path of the node it was about,
and leaves the draft tidy: an `and` or `or` has members, a `not` has exactly one, and nothing that a person wrote is
lost but by `remove`. A change that is not possible there gives the same draft back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from mailtui.audience.rules import AllOf, AnyOf, Clause, Not, Operator, Rule, Value
from mailtui.audience.rules_text import format_column, format_value

Path: TypeAlias = tuple[int, ...]
_STEPS = 500


class Join(Enum):
    """How a group joins its members; `NOT` has a single one."""

    AND = "and"
    OR = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison as it is so far."""

    column: str = ""
    operator: Operator = Operator.EQ
    value: Value = None

    @property
    def missing(self) -> str:
        """A sentence with what it lacks to be a comparison; empty when it is one."""
        if not self.column:
            return "a column is missing"
        try:
            Clause(self.column, self.operator, self.value)
        except ValueError as error:
            return str(error)
        return ""


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that are joined. One member in an `and` or `or` is that member alone."""

    join: Join
    nodes: tuple[Node, ...]


Node: TypeAlias = Line | Group
Draft: TypeAlias = Node | None
"""None is everybody."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A draft after a change, and where the node is now that the change was about."""

    draft: Draft
    path: Path = ()


class Incomplete(ValueError):
    """A draft that is no rule yet; the message says what is missing, `path` where."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def draft_of(rule: Rule | None) -> Draft:
    """The draft that is this rule."""
    if rule is None:
        return None
    if isinstance(rule, Clause):
        return Line(rule.column, rule.operator, rule.value)
    if isinstance(rule, Not):
        return Group(Join.NOT, (_node_of(rule.rule),))
    join = Join.AND if isinstance(rule, AllOf) else Join.OR
    return Group(join, tuple(_node_of(member) for member in rule.rules))


def _node_of(rule: Rule) -> Node:
    node = draft_of(rule)
    assert node is not None
    return node


def rule_of(draft: Draft) -> Rule | None:
    """The rule that a draft is. Raises `Incomplete` for the first line that lacks something."""
    return None if draft is None else _rule_of(draft, ())


def _rule_of(node: Node, path: Path) -> Rule:
    if isinstance(node, Line):
        if node.missing:
            raise Incomplete(path, node.missing)
        return Clause(node.column, node.operator, node.value)
    rules = tuple(_rule_of(member, (*path, at)) for at, member in enumerate(node.nodes))
    if node.join is Join.NOT:
        return Not(rules[0])
    if len(rules) == 1:
        return rules[0]
    return AllOf(rules) if node.join is Join.AND else AnyOf(rules)


def draft_text(draft: Draft) -> str:
    """The draft in one line, with three dots where something is missing; a complete one as `format_rule` has it."""
    return "" if draft is None else _text(draft)


def _text(node: Node) -> str:
    if isinstance(node, Line):
        column = format_column(node.column) if node.column else "..."
        value = "" if node.operator is Operator.EMPTY else format_value(node.value) or "..."
        return f"{column} {node.operator.value} {value}".rstrip()
    if node.join is Join.NOT:
        return f"not ({_text(node.nodes[0])})"
    if len(node.nodes) == 1:
        return _text(node.nodes[0])
    enclosed = (Join.AND, Join.OR) if node.join is Join.AND else (Join.OR,)
    parts = (f"({_text(one)})" if _join_of(one) in enclosed else _text(one) for one in node.nodes)
    return f" {node.join.value} ".join(parts)


def _join_of(node: Node) -> Join | None:
    """As what a node is written: a group of one member is that member."""
    while isinstance(node, Group) and node.join is not Join.NOT and len(node.nodes) == 1:
        node = node.nodes[0]
    return node.join if isinstance(node, Group) else None


def paths(draft: Draft) -> Iterator[Path]:
    """Every node's path, from the top down."""
    waiting: list[tuple[Path, Draft]] = [((), draft)]
    while waiting:
        path, node = waiting.pop()
        if node is None:
            continue
        yield path
        if isinstance(node, Group):
            waiting.extend(((*path, at), member) for at, member in reversed(list(enumerate(node.nodes))))


def places_of(draft: Draft) -> dict[Path, Path]:
    """Every node's path, with the path of what it is in the rule: a group of one member is that member there."""
    places: dict[Path, Path] = {}
    for path in paths(draft):
        above = node_at(draft, path[:-1]) if path else None
        if not isinstance(above, Group):
            places[path] = ()
        elif above.join is not Join.NOT and len(above.nodes) == 1:
            places[path] = places[path[:-1]]
        else:
            places[path] = (*places[path[:-1]], path[-1])
    return places


def node_at(draft: Draft, path: Path) -> Node | None:
    """The node at a path, None where there is none."""
    node = draft
    for at in path:
        if not isinstance(node, Group) or not 0 <= at < len(node.nodes):
            return None
        node = node.nodes[at]
    return node


# changes


def add(draft: Draft, path: Path, node: Node) -> Edit:
    """Put a node at the end of the group at `path`, or right after the line there; beside a `not` that has one."""
    here = node_at(draft, path)
    if here is None:
        return Edit(node) if draft is None else Edit(draft, path)
    if isinstance(here, Group) and here.join is not Join.NOT:
        return _insert(draft, path, len(here.nodes), node)
    above = node_at(draft, path[:-1]) if path else None
    if isinstance(above, Group) and above.join is not Join.NOT:
        return _insert(draft, path[:-1], path[-1] + 1, node)
    return Edit(_put(draft, path, Group(Join.AND, (here, node))), (*path, 1))


def remove(draft: Draft, path: Path) -> Edit:
    """Take a node away, and the groups that are empty without it; the path is of what stands there now, or above."""
    if node_at(draft, path) is None:
        return Edit(draft, path)
    hole = Line()
    left = _without(_put(draft, path, hole), hole)
    while path and node_at(left, path) is None:
        path = (*path[:-1], path[-1] - 1) if path[-1] else path[:-1]
    return Edit(left, path)


def replace(draft: Draft, path: Path, node: Node) -> Edit:
    """Another node in place of the one at `path`."""
    return Edit(draft if node_at(draft, path) is None else _put(draft, path, node), path)


def wrap(draft: Draft, path: Path, join: Join) -> Edit:
    """Put a group around a node."""
    here = node_at(draft, path)
    return Edit(draft, path) if here is None else Edit(_put(draft, path, Group(join, (here,))), path)


def unwrap(draft: Draft, path: Path) -> Edit:
    """Take a group away that has one member, or whose members may as well stand in the group around it."""
    here = node_at(draft, path)
    if not isinstance(here, Group):
        return Edit(draft, path)
    if len(here.nodes) == 1:
        return Edit(_put(draft, path, here.nodes[0]), path)
    above = node_at(draft, path[:-1]) if path else None
    if not isinstance(above, Group) or above.join is not here.join:
        return Edit(draft, path)
    at = path[-1]
    nodes = (*above.nodes[:at], *here.nodes, *above.nodes[at + 1 :])
    return Edit(_put(draft, path[:-1], Group(above.join, nodes)), path)


def negate(draft: Draft, path: Path) -> Edit:
    """Put a `not` around a node, or take the one away that it is or stands in."""
    here = node_at(draft, path)
    if isinstance(here, Group) and here.join is Join.NOT:
        return unwrap(draft, path)
    above = node_at(draft, path[:-1]) if path else None
    if isinstance(above, Group) and above.join is Join.NOT:
        return unwrap(draft, path[:-1])
    return wrap(draft, path, Join.NOT)


def toggle(draft: Draft, path: Path) -> Edit:
    """Make the group at `path`, or the one around the line there, an `or` where it is an `and`, and the other way."""
    while path or isinstance(draft, Group):
        here = node_at(draft, path)
        if isinstance(here, Group) and here.join is not Join.NOT:
            other = Join.OR if here.join is Join.AND else Join.AND
            return Edit(_put(draft, path, Group(other, here.nodes)), path)
        if not path:
            break
        path = path[:-1]
    return Edit(draft, path)


def move_up(draft: Draft, path: Path) -> Edit:
    """Before the node above it in its group; the first one out of the group, before it."""
    return _move_beside(draft, path, -1)


def move_down(draft: Draft, path: Path) -> Edit:
    """After the node below it in its group; the last one out of the group, after it."""
    return _move_beside(draft, path, 1)


def _move_beside(draft: Draft, path: Path, by: int) -> Edit:
    above = node_at(draft, path[:-1]) if path else None
    if not isinstance(above, Group):
        return Edit(draft, path)
    at = path[-1] + by
    if above.join is not Join.NOT and 0 <= at < len(above.nodes):
        return move_to(draft, path, path[:-1], at + (by > 0))
    return _move_out(draft, path, after=by > 0)


def move_in(draft: Draft, path: Path) -> Edit:
    """Into the group right above it, at its end; else into the one right below, at its beginning."""
    above = node_at(draft, path[:-1]) if path else None
    if not isinstance(above, Group):
        return Edit(draft, path)
    for at, end in ((path[-1] - 1, True), (path[-1] + 1, False)):
        target = (*path[:-1], at)
        group = node_at(draft, target) if at >= 0 else None
        while isinstance(group, Group) and group.join is Join.NOT:
            target, group = (*target, 0), group.nodes[0]
        if isinstance(group, Group):
            return move_to(draft, path, target, len(group.nodes) if end else 0)
    return Edit(draft, path)


def move_out(draft: Draft, path: Path) -> Edit:
    """Out of its group, right after it."""
    return _move_out(draft, path, after=True)


def _move_out(draft: Draft, path: Path, *, after: bool) -> Edit:
    """To the nearest group that has room for it beside the one it is in."""
    for depth in range(len(path) - 2, -1, -1):
        around = node_at(draft, path[:depth])
        if isinstance(around, Group) and around.join is not Join.NOT:
            return move_to(draft, path, path[:depth], path[depth] + after)
    return Edit(draft, path)


def move_to(draft: Draft, path: Path, group: Path, position: int) -> Edit:
    """Into the `and` or `or` at `group`, before the member that stands at `position` there now."""
    here, target = node_at(draft, path), node_at(draft, group)
    if here is None or not path or group[: len(path)] == path:
        return Edit(draft, path)
    if not isinstance(target, Group) or target.join is Join.NOT or not 0 <= position <= len(target.nodes):
        return Edit(draft, path)
    moved = dataclasses.replace(here)  # another object, to be found again when the rest has been tidied
    hole = Line()
    with_hole = _put(draft, path, hole)
    left = _without(_insert(with_hole, group, position, moved).draft, hole)
    return Edit(left, next(path for path in paths(left) if node_at(left, path) is moved))


def _insert(draft: Draft, group: Path, position: int, node: Node) -> Edit:
    here = node_at(draft, group)
    assert isinstance(here, Group)
    nodes = (*here.nodes[:position], node, *here.nodes[position:])
    return Edit(_put(draft, group, Group(here.join, nodes)), (*group, position))


def _put(draft: Draft, path: Path, node: Node) -> Node:
    if not path:
        return node
    assert isinstance(draft, Group)
    at, *below = path
    nodes = (*draft.nodes[:at], _put(draft.nodes[at], tuple(below), node), *draft.nodes[at + 1 :])
    return Group(draft.join, nodes)


def _without(node: Node | None, hole: Line) -> Draft:
    """The draft without one object; a group that has no member left goes too, and one of two gives way to the other."""
    if node is hole or node is None:
        return None
    if not isinstance(node, Group):
        return node
    kept = tuple(left for member in node.nodes if (left := _without(member, hole)) is not None)
    if len(kept) == len(node.nodes):
        same = all(left is member for left, member in zip(kept, node.nodes, strict=True))
        return node if same else Group(node.join, kept)
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else Group(node.join, kept)


@dataclass(frozen=True, slots=True)
class History:
    """A draft with the ones before it, and the ones that were taken back. `at` is where the cursor was in it."""

    now: Edit = field(default_factory=lambda: Edit(None))
    past: tuple[Edit, ...] = ()
    future: tuple[Edit, ...] = ()

    def then(self, edit: Edit) -> History:
        """With one change more; what was taken back is gone. The same draft is no change, only another place in it."""
        if edit.draft == self.now.draft:
            return History(edit, self.past, self.future)
        return History(edit, (*self.past, self.now)[-_STEPS:], ())

    def undo(self) -> History:
        """As it was before the last change."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redo(self) -> History:
        """As it was before the last `undo`."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.now), self.future[1:])
