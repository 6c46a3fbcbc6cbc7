"""docs/preflight.md has every code a check may tell, with its severities, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mailtui.campaign.checks import _FLAGS
from mailtui.message.page_look import _DROPPED

ROOT = Path(__file__).parents[2]
SEVERITIES = ("error", "warning", "note")
BY_NAME = {"_warn": "warning", "_remark": "warning", "_warning": "warning"}


def in_calls(tree: ast.AST) -> Iterator[tuple[str, frozenset[str]]]:
    """(code, the severities it may have) of what is made in a module; a severity that is worked out may be any."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func).removeprefix("self.")
        words = [item.value if isinstance(item, ast.Constant) else None for item in call.args]
        if name in BY_NAME and words and isinstance(words[0], str):
            yield words[0], frozenset({BY_NAME[name]})
        elif name in ("Finding", "Remark", "_note") and len(words) > 1 and isinstance(words[1], str):
            yield words[1], frozenset({str(words[0])} if words[0] in SEVERITIES else SEVERITIES)


def told() -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for room in ("message", "campaign"):
        for path in sorted((ROOT / "mailtui" / room).rglob("*.py")):
            for code, severities in in_calls(ast.parse(path.read_text("utf-8"))):
                found[code] |= severities
    for code, *_ in _DROPPED.values():
        found[code].add("warning")
    for kind, severity, *_ in _FLAGS:
        found[kind.replace("_", "-")].add(severity)
    return found


def test_every_code_is_on_the_page_with_its_severities() -> None:
    page = (ROOT / "docs" / "preflight.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([a-z, ]+) \| (.+) \| (.+) \|$", page, re.MULTILINE)
    listed = {code: set(severities.split(", ")) for code, severities, *_ in rows}
    assert len(listed) == len(rows), "a code stands there twice"
    found = told()
    assert sorted(listed) == sorted(found)
    assert {code for code in found if not listed[code] <= found[code]} == set()
    assert {code for code in found if found[code] != set(SEVERITIES) and found[code] != listed[code]} == set()
