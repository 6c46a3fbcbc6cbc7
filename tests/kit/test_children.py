"""Child processes run our code and nobody else's, and inherit no password."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from mailtui.kit.children import own_environment, own_module


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
