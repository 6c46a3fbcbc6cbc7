"""What may be loaded when: help is light, a runner is no face, nothing needs a POSIX-only module to be imported."""

from __future__ import annotations

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
RUNNER_MAY = {
    "mailtui", "apsw", "jinja2", "markupsafe", "aiosmtplib",
    # The frozen message is read by the module that also reads campaign files, which brings these along.
    "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "yaml", "_yaml",
}  # fmt: skip
REPORT = """
import sys
from mailtui.__main__ import main
sys.argv = ["mailtui", *sys.argv[1:]]
try:
    code = main()
except SystemExit as end:
    code = end.code
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def loaded(*arguments: str, home: Path) -> set[str]:
    environ = {**os.environ, "MAILTUI_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", REPORT, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=home)
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("LOADED")]
    return set(line.split()[1:])


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_are_light(arguments: list[str], tmp_path: Path) -> None:
    assert loaded(*arguments, home=tmp_path) & HEAVY == set()


def test_a_command_loads_no_face_but_its_own(tmp_path: Path) -> None:
    found = loaded("list", "--json", home=tmp_path)
    assert found & {"textual", "rich", "keyring", "lark", "dns"} == set()


def test_what_a_runner_may_load(tmp_path: Path) -> None:
    found = loaded("runner", "--until-idle", "--outbox", f"sqlite:///{tmp_path}/o.db", home=tmp_path)
    environment = {"sitecustomize", "usercustomize", "cython_runtime"}
    strangers = {
        name for name in found - set(sys.stdlib_module_names) - RUNNER_MAY - environment
        if not name.startswith(("_", "__"))
    }  # fmt: skip
    assert strangers == set()
    assert found & {"textual", "rich", "click", "keyring", "lark", "dns", "platformdirs"} == set()


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
