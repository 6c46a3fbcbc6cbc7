"""Foreign text has one door to the screen, and the app leans on nothing that Textual keeps to itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from textual.app import App
from textual.message_pump import MessagePump

import mailtui.tui

ROOT = Path(mailtui.tui.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
DOOR = ROOT / "text.py"
MAKERS = {"Static", "Label"}  # what they are given as text is markup
METHODS = {"notify", "from_markup", "with_tooltip"}
TITLES = {"border_title", "border_subtitle", "sub_title", "tooltip"}
MODULES = ("rich.markup", "textual.markup")


@cache
def kept_by(kind: type) -> frozenset[str]:
    """The private attributes that a class of Textual's uses."""
    return frozenset(re.findall(r"self\.(_\w+)\b", inspect.getsource(kind)))


THEIRS = set(dir(App)) | {
    name for kind in App.__mro__ if kind.__module__.startswith("textual.") for name in kept_by(kind)
}
DOCUMENTED = {("app.py", "_handle_exception")}


def name_of(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def markup_in(tree: ast.AST) -> Iterator[str]:
    """Every way past the door that a file takes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if name_of(node.func) in MAKERS | METHODS:
                yield f"line {node.lineno}: {name_of(node.func)}(…)"
            for keyword in node.keywords:
                if keyword.arg == "markup" and not (
                    isinstance(keyword.value, ast.Constant) and not keyword.value.value
                ):
                    yield f"line {node.lineno}: markup="
        elif isinstance(node, ast.ClassDef):
            for base in node.bases:
                if name_of(base) in MAKERS:
                    yield f"line {node.lineno}: a {name_of(base)} of its own"
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and target.attr in TITLES:
                    yield f"line {node.lineno}: {target.attr} ="
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(MODULES):
            yield f"line {node.lineno}: import from {node.module}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(MODULES):
                    yield f"line {node.lineno}: import {alias.name}"


def private_in(tree: ast.AST) -> Iterator[str]:
    """Every use of a module or of an attribute of App that Textual keeps to itself."""
    ours = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    ours |= {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(
            part.startswith("_") for part in (node.module or "").split(".") if part != "__future__"
        ):
            yield f"line {node.lineno}: import from {node.module}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if any(part.startswith("_") for part in alias.name.split(".")):
                    yield f"line {node.lineno}: import {alias.name}"
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id == "os":
                continue  # os._exit is documented, whatever its name
            if not (isinstance(owner, ast.Name) and owner.id in ("self", "cls")) and not _is_super(owner):
                yield f"line {node.lineno}: .{node.attr}"
            elif node.attr in THEIRS and node.attr not in ours:
                yield f"line {node.lineno}: self.{node.attr} belongs to Textual"


def _is_super(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Call) and name_of(owner.func) == "super"


def overrides_in(tree: ast.AST) -> Iterator[str]:
    """Methods of the app class that replace a private one of Textual's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("App" in ast.unparse(base) for base in node.bases):
            methods = [child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
            private = [name for name in methods if name.startswith("_") and not name.startswith("__")]
            yield from (name for name in private if hasattr(App, name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_goes_through_the_door(path: Path) -> None:
    if path != DOOR:
        assert not list(markup_in(ast.parse(path.read_text("utf-8"))))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_private_of_textual_is_used(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not list(private_in(tree))
    assert {(path.name, name) for name in overrides_in(tree)} <= DOCUMENTED


@pytest.mark.parametrize(
    "text",
    [
        "Static(name)",
        "textual.widgets.Label(name)",
        "self.app.notify(name)",
        "panel.border_title = name",
        "self.sub_title = name",
        "Text.from_markup(name)",
        "from rich.markup import escape",
        "class Mine(Static): pass",
        "Button(name, markup=True)",
    ],
)
def test_the_door_is_watched(text: str) -> None:
    assert list(markup_in(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["from textual._context import active_app", "app._exception", "self._driver.x()", "import textual._work"]
)
def test_the_private_is_watched(text: str) -> None:
    assert list(private_in(ast.parse(text)))


def test_no_attribute_of_ours_hides_one_of_textuals() -> None:
    """A `self._view` of ours would break a widget whose base class keeps something else under that name."""
    for path in FILES:
        module = importlib.import_module(".".join(("mailtui.tui", *path.relative_to(ROOT).with_suffix("").parts)))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            kind = getattr(module, node.name, None)
            if not (isinstance(kind, type) and issubclass(kind, MessagePump)):
                continue
            kept = set[str]()
            for base in kind.__mro__:
                if base.__module__.startswith("textual."):
                    kept |= kept_by(base)
                    kept |= {name for name in vars(base) if name.startswith("_") and not name.startswith("__")}
            stored = {
                child.attr
                for child in ast.walk(node)
                if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store)
            }
            named = {child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)}
            clashes = {name for name in (stored | named) & kept if (path.name, name) not in DOCUMENTED}
            assert not clashes, f"{path.name}: {clashes}"
