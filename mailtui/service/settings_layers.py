"""Owns the layers that settings are put together from: command line, environment, the folder's file and the user's own.

What only the user's own file may say is seen to here. What the settings mean is `settings.py`'s, whose model takes as
long to load as thousands of mails to send: a runner that needs one word of them reads it from the layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailtui.errors import ConfigError, Place, Problem
from mailtui.kit.paths import Home
from mailtui.kit.settings import Layer, Layers, environment_layer, file_layer, option_layer
from mailtui.kit.yaml_file import Loc, read_yaml
from mailtui.service.settings_file import chmod_of, is_there, others_can_write

PROJECT_FILE = "mailtui.yaml"


def read_layers(environ: Mapping[str, str], home: Home, *, outbox: str | None = None) -> Layers:
    """The settings as they are written. `outbox` is what the command line says. Raises `ConfigError`."""
    layers: list[Layer] = []
    if outbox is not None:
        layers.append(option_layer({("outbox", "url"): ("--outbox", outbox)}))
    layers.append(_environment(environ))
    files = {path: file_layer(read_yaml(path)) for path in (Path(PROJECT_FILE), home.settings_file) if is_there(path)}
    if home.settings_file in files:
        _require_unshared(files[home.settings_file], home.settings_file)
    if Path(PROJECT_FILE) in files:
        _require_own(files[Path(PROJECT_FILE)], files.get(home.settings_file))
    layers += files.values()
    return Layers(layers)


def at(data: Any, loc: Loc) -> Any:
    """What stands at `loc`, None where nothing does."""
    for step in loc:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def _require_own(folder: Layer, user: Layer | None) -> None:
    """Settings that lie in a folder may be somebody else's: they start no command, choose no keyring, say nowhere that
    logins for sheets go to and who is told of campaigns, and change no account of the user's, whose password would go
    to whom they name. Raises `ConfigError`.
    """
    there = folder.data.get("accounts")
    own = user.data.get("accounts") if user is not None else None
    problems = []
    if "keyring" in folder.data:
        message = "which keyrings are used is for your own settings to say."
        problems.append(Problem(folder.place(("keyring",)), message))
    if "webhooks" in folder.data:
        message = "who is told of your campaigns is for your own settings to say."
        problems.append(Problem(folder.place(("webhooks",)), message))
    for key in ("sheets_url", "token_url"):
        if at(folder.data, ("google", key)) is not None:
            message = "where logins and keys for sheets are shown is for your own settings to say."
            problems.append(Problem(folder.place(("google", key)), message))
    for name, account in there.items() if isinstance(there, Mapping) else ():
        if isinstance(own, Mapping) and own.get(name, account) != account:
            place = folder.place(("accounts", name))
            problems.append(
                Problem(place, "your own settings have another account of this name.", "Give it another one.")
            )
        if isinstance(account, Mapping) and "password_command" in account:
            place = folder.place(("accounts", name, "password_command"))
            hint = "Such an account belongs into your own settings."
            problems.append(Problem(place, "a folder's settings start no command.", hint))
    if problems:
        raise ConfigError(f"{PROJECT_FILE} in this folder says what only your own settings may", problems)


def _require_unshared(user: Layer, file: Path) -> None:
    """Whoever can write a file that names commands has them started. Raises `ConfigError`."""
    accounts = user.data.get("accounts")
    commanding = isinstance(accounts, Mapping) and any(
        isinstance(account, Mapping) and "password_command" in account for account in accounts.values()
    )
    if commanding and others_can_write(file):
        raise ConfigError(
            f"Others than you can write {file}, and it names commands that mailtui would start",
            hint=f"Make it yours alone: {chmod_of(file)}",
        )


def _environment(environ: Mapping[str, str]) -> Layer:
    layer = environment_layer(environ)
    url = environ.get("MAILTUI_OUTBOX")
    if not url:
        return layer
    loc: Loc = ("outbox", "url")
    data = {**layer.data, "outbox": {**layer.data.get("outbox", {}), "url": url}}
    return Layer(data, {**layer.places, loc: Place("environment variable MAILTUI_OUTBOX")}, layer.name)
