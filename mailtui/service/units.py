"""Owns the texts by which a service manager keeps a runner alive: a unit of systemd's for a user, a property list of
launchd's. No secret is ever in them: the runner finds secrets as one that is started by hand does.
"""

from __future__ import annotations

import plistlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailtui.kit.children import own_environment, own_module
from mailtui.kit.paths import Home
from mailtui.outbox.opening import Outbox
from mailtui.service.settings_layers import PROJECT_FILE

UNIT = "mailtui.service"
LABEL = "org.mailtui.runner"

_PLACES = ("MAILTUI_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
"""Variables that say where files are; a service manager knows nothing of a shell's."""
_AGAIN_AFTER = 30
"""Seconds; also one that found another runner at work tries again, and takes over when that has left."""
_LEAVES_WITHIN = 90
"""Seconds; a runner that is told to leave waits a minute for replies that are under way."""


def systemd_unit(outbox: Outbox, environ: Mapping[str, str], folder: Path) -> str:
    """A user's unit for the runner of an outbox (systemd.service(5)); `folder` is where mailtui was started."""
    where = [f"WorkingDirectory={_percent(str(folder))}"] if _counts(folder) else []
    lines = [
        "[Unit]",
        "Description=mailtui runner: sends what is due, and what is scheduled at its time",
        "# Tried again for as long as it takes, also where another runner has the outbox at the moment.",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={_command_line(_command(outbox))}",
        *where,
        *(f'Environment="{_quoted(f"{name}={value}")}"' for name, value in _environment(environ).items()),
        "Restart=on-failure",
        f"RestartSec={_AGAIN_AFTER}",
        "# The runner alone is told to leave; it sees to its own processes.",
        "KillMode=mixed",
        f"TimeoutStopSec={_LEAVES_WITHIN}",
        "UMask=0077",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def launchd_plist(outbox: Outbox, environ: Mapping[str, str], folder: Path, home: Home) -> str:
    """A user's agent for the runner of an outbox (launchd.plist(5)); `folder` is where mailtui was started."""
    said: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": _command(outbox),
        "EnvironmentVariables": _environment(environ),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": _AGAIN_AFTER,
        "ExitTimeOut": _LEAVES_WITHIN,
        "ProcessType": "Background",
        "Umask": 0o077,
        "StandardErrorPath": str(home.logs / "service.log"),
    }
    if _counts(folder):
        said["WorkingDirectory"] = str(folder)
    return plistlib.dumps({name: value for name, value in said.items() if value != {}}, sort_keys=False).decode()


def how_to_install(kind: str) -> str:
    """One line for whoever has asked for a text: `systemd` or `launchd`."""
    if kind == "systemd":
        folder = "~/.config/systemd/user"
        return (
            f"To install it: mkdir -p {folder} && mailtui runner --systemd > {folder}/{UNIT} && "
            f"systemctl --user daemon-reload && systemctl --user enable --now {UNIT} && loginctl enable-linger"
        )
    folder = "~/Library/LaunchAgents"
    file = f"{folder}/{LABEL}.plist"
    return (
        f"To install it: mkdir -p {folder} && mailtui runner --launchd > {file} && "
        f"launchctl bootstrap gui/$(id -u) {file}"
    )


def _command(outbox: Outbox) -> list[str]:
    return [*own_module("mailtui"), "runner", "--json", "--outbox", outbox.url]


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Where files are, and this program where it is not installed."""
    places = {name: environ[name] for name in _PLACES if environ.get(name)}
    if "MAILTUI_HOME" in places:
        places = {"MAILTUI_HOME": str(Path(places["MAILTUI_HOME"]).expanduser().absolute())}
    return own_environment(places)


def _counts(folder: Path) -> bool:
    """Whether settings are in a folder that count where mailtui is started there."""
    return (folder / PROJECT_FILE).is_file()


def _command_line(words: Sequence[str]) -> str:
    """Words as systemd splits a command (systemd.service(5), COMMAND LINES)."""
    return " ".join(_word(word) for word in words)


def _word(word: str) -> str:
    text = _quoted(word).replace("$", "$$")
    return text if shlex.quote(word) == word else f'"{text}"'


def _quoted(text: str) -> str:
    """A text between double quotes (systemd.syntax(7), QUOTING)."""
    return _percent(text.replace("\\", "\\\\").replace('"', '\\"'))


def _percent(text: str) -> str:
    return text.replace("%", "%%")
