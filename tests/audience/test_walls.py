"""What the room may load: the rules do no input or output, and nothing here touches the network."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mailtui.audience

ROOM = Path(mailtui.audience.__file__).parent
WIRE = {"asyncio", "socket", "ssl", "http", "urllib.request", "smtplib", "aiosmtplib"}
STORE = {"apsw", "sqlite3"}
PURE = {"rules", "rules_text", "rules_grammar", "rules_tree", "match", "pattern", "typed", "address", "recipient"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_imports(path: Path) -> None:
    banned = WIRE | STORE if path.stem in PURE else WIRE
    assert not {name for name in imported(path) if name in banned or name.split(".")[0] in banned}


def test_a_list_without_a_filter_loads_no_parser() -> None:
    program = "import sys; import mailtui.audience.audience; assert 'lark' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_reading_a_rule_loads_no_store_and_no_loop() -> None:
    program = (
        "import sys; from mailtui.audience.rules_tree import read_rule; from mailtui.audience.match import Matcher;"
        "Matcher(read_rule('a == 1'), ['a']).test(['1']);"
        "assert not {'asyncio', 'socket', 'apsw', 'sqlite3', 'pydantic'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
