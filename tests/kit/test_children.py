"""Child processes run our code and nobody else's, and inherit no password."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from mailtui.kit.children import own_environment, own_module

ROOT = Path(__file__).parents[2]


def test_a_module_in_the_current_folder_is_not_taken_for_pythons_own(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('somebody else was run')\n")
    (tmp_path / "mailtui").mkdir()
    (tmp_path / "mailtui" / "__init__.py").write_text("raise SystemExit('somebody else was run')\n")
    environment = own_environment({name: text for name, text in os.environ.items() if name != "PYTHONPATH"})
    command = [*own_module("mailtui.sandbox"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "--folder" in done.stdout) == (0, True), done.stderr


def test_c04_no_password_is_inherited() -> None:
    environ = {"MAILTUI_PASSWORD_ACME": "canary", "MAILTUI_HOME": "/h", "PYTHONPATH": "/p"}
    inherited = own_environment(environ)
    assert "canary" not in str(inherited)
    assert inherited["MAILTUI_HOME"] == "/h"
    assert inherited["PYTHONPATH"].endswith("/p")


def test_c04_whoever_starts_a_program_says_what_it_inherits() -> None:
    """A child that is started without `env=` has the passwords of this process's environment in its own."""
    silent, ways = [], 0
    for file in sorted(ROOT.glob("mailtui/**/*.py")):
        text = file.read_text("utf-8")
        if not any(
            word in text for word in ("subprocess", "os.exec", "spawn", "os.system", "popen", "webbrowser", "pty.")
        ):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name.startswith(
                ("os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "webbrowser.", "pty.")
            ):
                silent.append(f"{file}:{node.lineno} {name}")
            if name.startswith("subprocess.") or name.endswith(("subprocess_exec", "subprocess_shell")):
                starts = name.rpartition(".")[2] in ("Popen", "run", "call", "check_call", "check_output", "getoutput")
                ways += starts or "subprocess_" in name
                if (starts or "subprocess_" in name) and "env" not in [word.arg for word in node.keywords]:
                    silent.append(f"{file}:{node.lineno} {name}")
    assert silent == []
    assert ways >= 8, "they are found"


def test_c04_a_crash_leaves_no_image_of_the_memory() -> None:
    code = (
        "import resource, subprocess, sys; from mailtui.kit.children import leave_no_core; leave_no_core();"
        "subprocess.run([sys.executable, '-c', 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])'])"
    )
    unlimited = f'ulimit -S -c unlimited; exec {sys.executable} -c "{code}"'
    done = subprocess.run(["sh", "-c", unlimited], capture_output=True, text=True, env=own_environment(os.environ))
    assert done.stdout == "0\n", done.stderr
