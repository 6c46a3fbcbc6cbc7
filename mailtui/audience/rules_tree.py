"""Owns the YAML and JSON spelling of a rule, `{op, field, value, rules}`, and reading a filter in any spelling.

{op: AND, rules: [{op: EQ, field: city, value: London}, {op: NOT, rules: [{op: EMPTY, field: name}]}]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mailtui.audience.rules import DEPTH_LIMIT, AllOf, AnyOf, BareNumber, Clause, Not, Operator, Rule, Value, too_large
from mailtui.audience.rules_text import parse_rule
from mailtui.errors import Place, Problem, RuleError
from mailtui.kit.suggest import did_you_mean

TITLE = "The filter cannot be read"
_KEYS = ("op", "field", "value", "rules")
_GROUPS = ("AND", "OR", "NOT")
_TEXT_OPERATORS = ("CONTAINS", "STARTSWITH", "ENDSWITH", "MATCHES", "BEFORE", "AFTER")


def read_rule(given: str | Mapping[str, Any] | Rule | None) -> Rule | None:
    """The tree for a filter in any spelling; a text that starts with a brace is JSON. None means everybody.

    Raises `RuleError`.
    """
    if given is None or isinstance(given, Clause | AllOf | AnyOf | Not):
        return given
    if not isinstance(given, str):
        return from_tree(given)
    if not given.lstrip().startswith("{"):
        return parse_rule(given)
    try:
        data = json.loads(given)
    except ValueError as error:
        place = Place("filter", column=getattr(error, "colno", None))
        raise RuleError(TITLE, [Problem(place, f"this is not valid JSON: {error}.")]) from None
    except RecursionError:
        raise RuleError(TITLE, [Problem(Place("filter"), "it is nested too deep.")]) from None
    return from_tree(data)


def from_tree(data: Any) -> Rule:
    """The rule that a tree of maps and lists spells. Raises `RuleError` naming the key that is wrong.

    A group of one rule is that rule. true and false are read as the texts "true" and "false".
    """
    rule = _read(data, "", 1)
    problem = too_large(rule)
    if problem:
        raise RuleError(TITLE, [Problem(Place("filter"), problem + ".")])
    return rule


def to_tree(rule: Rule) -> dict[str, Any]:
    """The tree of maps and lists that `from_tree` reads back as the same rule; a `BareNumber` as the number it is."""
    if isinstance(rule, Clause):
        tree: dict[str, Any] = {"op": rule.operator.name, "field": rule.column}
        if rule.operator is not Operator.EMPTY:
            tree["value"] = list(map(_written, rule.value)) if isinstance(rule.value, tuple) else _written(rule.value)
        return tree
    if isinstance(rule, Not):
        return {"op": "NOT", "rules": [to_tree(rule.rule)]}
    return {"op": "AND" if isinstance(rule, AllOf) else "OR", "rules": [to_tree(member) for member in rule.rules]}


def _written(value: Value) -> Any:
    return float(value) if isinstance(value, BareNumber) else value


def _read(data: Any, path: str, depth: int) -> Rule:
    if depth > DEPTH_LIMIT:
        raise _error(path, f"the filter is nested more than {DEPTH_LIMIT} levels deep.")
    if not isinstance(data, Mapping):
        raise _error(path, "a rule is a map with op, and field and value, or rules.")
    for key in data:
        if key not in _KEYS:
            raise _error(_join(path, str(key)), "this key is not known.", did_you_mean(str(key), _KEYS))
    name = str(data.get("op", "")).upper()
    if name in _GROUPS:
        return _read_group(name, data, path, depth)
    known = [*_GROUPS, *Operator.__members__]
    if name not in Operator.__members__:
        given = data.get("op")
        message = f"{given} is not a known op." if given else "op is missing."
        raise _error(_join(path, "op"), message, did_you_mean(name, known) if given else f"One of {', '.join(known)}.")
    return _read_clause(Operator[name], data, path)


def _read_group(name: str, data: Mapping[str, Any], path: str, depth: int) -> Rule:
    for key in ("field", "value"):
        if key in data:
            raise _error(_join(path, key), f"{name} takes rules, not {key}.")
    below = data.get("rules")
    if not isinstance(below, Sequence) or isinstance(below, str) or not below:
        raise _error(_join(path, "rules"), f"{name} needs rules, a list with at least one.")
    rules = tuple(_read(item, f"{_join(path, 'rules')}[{index}]", depth + 1) for index, item in enumerate(below))
    if name == "NOT":
        if len(rules) != 1:
            raise _error(_join(path, "rules"), "NOT takes one rule.", "Put the others into an AND or OR below it.")
        return Not(rules[0])
    if len(rules) == 1:
        return rules[0]
    return AllOf(rules) if name == "AND" else AnyOf(rules)


def _read_clause(operator: Operator, data: Mapping[str, Any], path: str) -> Clause:
    if "rules" in data:
        raise _error(_join(path, "rules"), f"{operator.name} takes field and value, not rules.")
    column = data.get("field")
    if not isinstance(column, str) or not column:
        raise _error(_join(path, "field"), "the name of a column is missing here.")
    value = data.get("value")
    as_text = operator.name in _TEXT_OPERATORS
    try:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return Clause(column, operator, tuple(_scalar(item, as_text=as_text) for item in value))
        return Clause(column, operator, None if value is None else _scalar(value, as_text=as_text))
    except ValueError as error:
        raise _error(_join(path, "value"), f"{error}.") from None


def _scalar(value: Any, *, as_text: bool) -> str | int | float:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value) if as_text else value
    raise ValueError(f"a value is a text or a number, not {value!r}")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _error(path: str, message: str, hint: str = "") -> RuleError:
    return RuleError(TITLE, [Problem(Place("filter", key=path), message, hint)])
