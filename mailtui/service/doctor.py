"""Owns looking at the set-up: whether what mailtui needs is there, and what to do where it is not."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from dataclasses import dataclass
from typing import Literal

from mailtui import __version__
from mailtui.accounts.keyring_store import KeyringProblem
from mailtui.errors import MailtuiError
from mailtui.kit.mounts import risk
from mailtui.kit.sqlite import MINIMUM_SQLITE, sqlite_version
from mailtui.kit.words import counted, sentence
from mailtui.outbox.witness import require_newest
from mailtui.service.account_book import AccountBook, SecretKind
from mailtui.service.facade import Service
from mailtui.service.settings_file import chmod_of, exposure, others_can_write

Health = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what to do when it is not well."""

    name: str
    health: Health
    text: str
    hint: str = ""


async def examine(service: Service) -> list[Finding]:
    """Look at everything that does not need the network."""
    return [
        Finding("mailtui", "ok", f"{__version__}, Python {platform.python_version()} on {sys.platform}"),
        _sqlite(),
        await _outbox(service),
        *_place(service),
        _runner(service),
        await _keyring(service),
        *_settings(service),
        *await _accounts(service),
        _folders(service),
        _lists(service),
        *_logout(),
    ]


def _sqlite() -> Finding:
    version = ".".join(map(str, sqlite_version()))
    if sqlite_version() < MINIMUM_SQLITE:
        return Finding("sqlite", "wrong", f"{version} can lose writes", "Install a current apsw.")
    return Finding("sqlite", "ok", version)


async def _outbox(service: Service) -> Finding:
    if not service.outbox.path.exists():
        return Finding("outbox", "note", f"{service.outbox.url} does not exist yet; the first launch makes it")
    try:
        views = await service.views()
    except MailtuiError as error:
        return Finding(
            "outbox", "wrong", " ".join(sentence(part) for part in (error.title, error.detail) if part), error.hint
        )
    try:
        seen = require_newest(service.outbox.path, service.settings.home.sightings)
    except MailtuiError as error:
        return Finding("outbox", "wrong", f"{sentence(error.title)} {error.detail}", error.hint)
    lost = [view.id for view in views if view.lost]
    if lost:
        hint = f"Go on with: mailtui resume {lost[0]}"
        return Finding("outbox", "wrong", f"{service.outbox.url}: nobody sends {', '.join(lost)}", hint)
    text = f"{service.outbox.url}, {counted(len(views), 'campaign')}"
    if not seen:
        hint = "If another one goes on sending the same campaigns, people get their mail twice."
        return Finding("outbox", "note", f"{text}; it was worked on from another place, or is a copy", hint)
    return Finding("outbox", "ok", text)


def _place(service: Service) -> list[Finding]:
    danger = risk(service.outbox.path.parent)
    if danger is None:
        return []
    hint = "Keep it in a folder on this machine: --outbox sqlite:///PATH, or MAILTUI_OUTBOX."
    return [Finding("disk", "wrong", f"{service.outbox.path}: {danger}", hint)]


def _runner(service: Service) -> Finding:
    pid = service.runner_pid()
    return Finding("runner", "ok", "none is running" if pid is None else f"process {pid}")


async def _keyring(service: Service) -> Finding:
    try:
        return Finding("keyring", "ok", await service.keyring.name())
    except KeyringProblem as problem:
        return Finding("keyring", "note", problem.title, problem.hint)


def _settings(service: Service) -> list[Finding]:
    """Whether the settings are their owner's alone: who can write them says where passwords go."""
    found = []
    for path in (service.settings.home.settings_file, service.settings.home.config):
        danger = exposure(path)
        if danger and (path.is_file() or others_can_write(path)):
            health: Health = "wrong" if others_can_write(path) else "note"
            found.append(Finding("settings", health, f"{path}: {danger}", f"Make it yours alone: {chmod_of(path)}"))
    return found


async def _accounts(service: Service) -> list[Finding]:
    """Whether every account could log in, as far as that is seen without asking its server."""
    book = AccountBook(service)
    rows = book.rows()
    places = {row.name: await book.secret_place(row.name) for row in rows}
    found = [
        Finding("accounts", "note", f"{name} cannot log in yet", place.hint)
        for name, place in places.items()
        if place.kind is SecretKind.MISSING
    ]
    return found or ([Finding("accounts", "ok", ", ".join(places))] if rows else [])


def _folders(service: Service) -> Finding:
    home = service.settings.home
    for folder in (home.config, home.data, home.cache, home.state):
        step = folder
        while not step.exists():
            step = step.parent
        if not os.access(step, os.W_OK):
            hint = "Make it yours, or keep everything elsewhere: MAILTUI_HOME=DIR"
            return Finding("folders", "wrong", f"{folder} cannot be written", hint)
    return Finding("folders", "ok", f"{home.config}, {home.data}, {home.cache}, {home.state}")


def _lists(service: Service) -> Finding:
    """The user's own lists of roles and domains."""
    folder = service.settings.home.lists
    try:
        files = service.campaigns.reach.hygiene.files
    except MailtuiError as error:
        return Finding("lists", "wrong", f"{sentence(error.title)} {error.detail}", error.hint)
    if not files:
        return Finding("lists", "ok", f"none of your own in {folder}")
    told = (f"{item.path} ({counted(len(item.entries), 'entry', 'entries')})" for item in files)
    return Finding("lists", "ok", ", ".join(told))


def _logout() -> list[Finding]:
    """Under systemd with KillUserProcesses=yes, a runner left in the background dies at logout."""
    found: dict[str, str] = {}
    for path in ("/etc/systemd/logind.conf", "/usr/lib/systemd/logind.conf"):
        try:
            with open(path, encoding="utf-8") as stream:  # noqa: PTH123
                for line in stream:
                    name, _, value = line.strip().partition("=")
                    found.setdefault(name, value.lower())
        except OSError:
            continue
    if found.get("KillUserProcesses") not in ("yes", "true", "1"):
        return []
    hint = "Start long sends with: systemd-run --user --scope mailtui run … (and: loginctl enable-linger)"
    return [Finding("logout", "note", "this system ends background programs at logout", hint)]


def run(service: Service) -> list[Finding]:
    """`examine`, for callers without a loop."""
    return asyncio.run(examine(service))
