"""What `mailtui runner --systemd` and `--launchd` print is understood by systemd and is a property list (C8)."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.kit.children import own_environment
from mailtui.kit.paths import Home
from mailtui.outbox.opening import parse_outbox, sqlite_url
from mailtui.service import units
from mailtui.service.settings_layers import PROJECT_FILE


def _home(tmp_path: Path) -> dict[str, str]:
    return {
        "MAILTUI_HOME": str(tmp_path / 'my "home" 100% $HOME'),
        "MAILTUI_PASSWORD_ACME": "precious",
        "PATH": "/usr/bin:/bin",
    }


def test_c8_systemd_takes_the_unit_as_it_is_whatever_is_in_the_paths(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    outbox = parse_outbox(sqlite_url(tmp_path / "my out%box.db"))
    (tmp_path / PROJECT_FILE).touch()
    text = units.systemd_unit(outbox, _home(tmp_path), tmp_path)
    assert "precious" not in text
    file = tmp_path / units.UNIT
    file.write_text(text)
    command, runtime = [analyze, "verify", "--user", str(file)], {"XDG_RUNTIME_DIR": str(tmp_path)}
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | runtime)
    assert (found.returncode, found.stderr) == (0, "")
    lines = text.splitlines()
    assert f"ExecStart={sys.executable} -P -m mailtui runner --json --outbox {outbox.url.replace('%', '%%')}" in lines
    assert f"WorkingDirectory={tmp_path}" in lines
    assert f'Environment="MAILTUI_HOME={tmp_path}/my \\"home\\" 100%% $HOME"' in lines
    assert {"Restart=on-failure", "KillMode=mixed", "WantedBy=default.target"} <= set(lines)


def test_c8_launchd_gets_a_property_list_with_absolute_paths_and_no_secret(tmp_path: Path) -> None:
    environ = _home(tmp_path)
    outbox = parse_outbox(sqlite_url(tmp_path / "outbox.db"))
    text = units.launchd_plist(outbox, environ, tmp_path, Home.find(environ))
    assert "precious" not in text
    said = plistlib.loads(text.encode())
    assert said["ProgramArguments"][0] == sys.executable
    assert said["ProgramArguments"][-2:] == ["--outbox", outbox.url]
    assert said["EnvironmentVariables"] == own_environment({"MAILTUI_HOME": environ["MAILTUI_HOME"]})
    assert said["KeepAlive"] == {"SuccessfulExit": False}
    assert "WorkingDirectory" not in said, "no settings are in that folder"


def test_c8_the_command_prints_the_unit_alone_on_stdout(tmp_path: Path) -> None:
    environ = own_environment(_home(tmp_path))
    command = [sys.executable, "-P", "-m", "mailtui", "runner", "--systemd"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout[:6]) == (0, "[Unit]")
    assert "systemctl --user enable --now mailtui.service" in done.stderr
