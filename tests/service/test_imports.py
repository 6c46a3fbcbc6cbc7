"""What may be loaded when: help is light, a runner is no face, nothing needs a POSIX-only module to be imported."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "textual", "rich", "pydantic", "yaml", "jinja2", "aiosmtplib", "keyring", "apsw", "lark", "dns", "asyncio",
    "email_validator", "platformdirs",
}  # fmt: skip
RUNNER_MAY = {"mailtui", "apsw", "jinja2", "markupsafe", "aiosmtplib", "cronsim"}
RENDERER_MAY = {"mailtui", "jinja2", "markupsafe"}
ROOM_MAY = {
    "accounts": {"idna", "keyring", "pydantic"},
    "audience": {
        *(
            "apsw",
            "charset_normalizer",
            "disposable_email_domains",
            "dns",
            "duckdb",
            "email_validator",
            "google",
            "idna",
        ),
        *("lark", "pydantic", "python_calamine"),
    },
    "campaign": {"apsw", "pydantic"},
    "cli": {"click", "rich"},
    "dispatch": {"pydantic"},
    "errors": set(),
    "kit": {"apsw", "platformdirs", "pydantic", "yaml"},
    "message": {
        "babel",
        "cryptography",
        "css_inline",
        "jinja2",
        "markdown_it",
        "markupsafe",
        "mjml",
        "pydantic",
        "selectolax",
    },
    "outbox": {"apsw"},
    "report": {"jeepney", "pydantic"},
    "sandbox": {"pydantic"},
    "schedule": {"cronsim", "pydantic"},
    "service": {"PIL", "apsw", "pydantic"},
    "smtp": {"aiosmtplib", "cryptography", "pydantic"},
    "tui": {"PIL", "pydantic", "rich", "textual", "textual_image", "tree_sitter"},
    "__init__": set(),
    "__main__": set(),
}
"""What of other people's each room is written with; whoever needs one more, says so here."""
REPORT = """
import sys
from mailtui.__main__ import main
sys.argv = ["mailtui", *sys.argv[1:]]
try:
    code = main()
except SystemExit as end:
    code = end.code
print("LOADED", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def modules(*arguments: str, home: Path, report: str = REPORT) -> set[str]:
    """The modules that a command, or a program that ends with `LOADED ...`, has loaded when it ends."""
    environ = {**os.environ, "MAILTUI_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", report, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=home)
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("LOADED")]
    return set(line.split()[1:])


def packages(found: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in found}


def strangers(found: set[str], may: set[str]) -> set[str]:
    """What is neither the standard library's nor allowed."""
    environment = {"sitecustomize", "usercustomize", "cython_runtime", "org"}
    return {
        name for name in packages(found) - set(sys.stdlib_module_names) - may - environment
        if not name.startswith(("_", "__"))
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_are_light(arguments: list[str], tmp_path: Path) -> None:
    assert packages(modules(*arguments, home=tmp_path)) & HEAVY == set()


def test_a_command_loads_no_face_but_its_own(tmp_path: Path) -> None:
    found = packages(modules("list", "--json", home=tmp_path))
    assert found & {"textual", "rich", "keyring", "lark", "dns"} == set()


def test_looking_at_the_outbox_loads_nothing_that_reads_campaigns_or_sends(tmp_path: Path) -> None:
    found = modules("status", "--json", home=tmp_path)
    assert packages(found) & {"jinja2", "markupsafe"} == set()
    assert found & {"mailtui.campaign.campaign", "mailtui.audience.index", "mailtui.dispatch.runner"} == set()


def test_what_a_runner_may_load(tmp_path: Path) -> None:
    found = modules("runner", "--until-idle", "--outbox", f"sqlite:///{tmp_path}/o.db", home=tmp_path)
    assert strangers(found, RUNNER_MAY) == set()
    # It reads no campaign file and no message back; aiosmtplib brings the rest of `email` along.
    assert found & {"email.parser", "email.feedparser", "mailtui.message.source", "mailtui.message.reference"} == set()
    assert {name for name in found if name.startswith("mailtui.") and name.endswith(".spec")} == set()


RENDERER = """
import sys
import mailtui.dispatch.renderer
print("LOADED", *sorted(sys.modules), file=sys.stderr)
"""


def test_what_a_render_process_may_load(tmp_path: Path) -> None:
    found = modules(home=tmp_path, report=RENDERER)
    assert strangers(found, RENDERER_MAY) == set()
    assert packages(found) & {"asyncio", "email", "logging", "socket", "sqlite3", "ssl", "subprocess"} == set()
    rooms = {name.split(".")[1] for name in found if name.startswith("mailtui.")}
    assert rooms == {"audience", "dispatch", "errors", "kit", "message"}


@pytest.mark.parametrize("room", sorted(ROOM_MAY))
def test_what_a_room_is_written_with(room: str) -> None:
    place = ROOT / "mailtui" / room
    found: set[str] = set()
    for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
    assert packages(found) - set(sys.stdlib_module_names) - {"mailtui"} == ROOM_MAY[room]


def test_every_room_has_said_what_it_is_written_with() -> None:
    rooms = {
        path.stem for path in (ROOT / "mailtui").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms == set(ROOM_MAY)


WITHOUT_POSIX = """
import asyncio, importlib, pathlib, subprocess, sys, tempfile, threading, types
import apsw, click, jinja2, keyring, pydantic, rich, yaml, aiosmtplib, platformdirs
import mailtui
root = pathlib.Path(mailtui.__file__).parent
modules = [path.relative_to(root.parent).with_suffix("").parts for path in sorted(root.rglob("*.py"))]
for name in ("fcntl", "resource", "termios", "pwd", "grp", "tty", "pty"):
    sys.modules[name] = None
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
failed = []
for parts in modules:
    if parts[1] in ("tui", "web") or parts[-1] == "__main__":
        continue
    try:
        importlib.import_module(".".join(parts).removesuffix(".__init__"))
    except (ImportError, AttributeError, NotImplementedError) as error:
        failed.append(f"{'.'.join(parts)}: {error!r}")
print("\\n".join(failed))
"""


def test_every_room_loads_without_posix_only_modules() -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX], env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


ONLINE = {"dns", "duckdb", "google", "http.client", "python_calamine", "urllib.request"}


@pytest.mark.parametrize("full", [[], ["--full"]])
def test_counting_a_file_loads_nothing_for_the_network_or_other_files(full: list[str], tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("email\nann@example.com\n", encoding="utf-8")
    found = modules("audience", "list.csv", "--count", "--json", *full, home=tmp_path)
    assert found & ONLINE == set()
    assert ("disposable_email_domains" in found) is bool(full), "for flags alone"
