"""Owns the demo: the sample campaign against a sandbox, in a home of its own that touches nothing of the user's."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailtui.kit.paths import Home, private_folder
from mailtui.sandbox.process import SandboxHandle, find_sandbox, start_sandbox, stop_sandbox
from mailtui.service.facade import Service
from mailtui.service.samples import write_sample

_IDLE_SECONDS = 15 * 60.0
_CAMPAIGN = "campaign.yaml"


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is ready to be sent: its campaign file, the environment to run in, and where its mails arrive."""

    campaign: Path
    environ: Mapping[str, str]
    sandbox: SandboxHandle


async def prepare_demo(environ: Mapping[str, str], *, rows: int | None) -> Demo:
    """Start the sandbox and write the sample campaign to send to it, with `rows` rows when given."""
    root = _free(Home.find(environ).state / "demo")
    caught = root / "sandbox"
    earlier = find_sandbox(caught)
    if earlier is not None:
        await stop_sandbox(earlier)
    if root.exists():
        shutil.rmtree(root)
    private_folder(root)
    sandbox = await start_sandbox(caught, idle_seconds=_IDLE_SECONDS)
    folder = root / "campaign"
    write_sample(folder)
    if rows is not None:
        _stretch(folder / "contacts.csv", rows)
    campaign = folder / _CAMPAIGN
    text = campaign.read_text("utf-8")
    campaign.write_text(text.replace("port: 2525", f"port: {sandbox.port}"), "utf-8")
    kept = {name: value for name, value in environ.items() if not name.startswith("MAILTUI_")}
    scale = environ.get("MAILTUI_TIME_SCALE")
    extra = {"MAILTUI_TIME_SCALE": scale} if scale else {}
    return Demo(campaign, {**kept, **extra, "MAILTUI_HOME": str(root / "home")}, sandbox)


def _free(folder: Path) -> Path:
    """This folder, or one beside it while an earlier demo is still being sent from it."""
    free, number = folder, 1
    while _is_sending(free):
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _is_sending(folder: Path) -> bool:
    if not folder.exists():
        return False
    with Service.open({"MAILTUI_HOME": str(folder / "home")}) as service:
        return service.runner_pid() is not None


def _stretch(path: Path, rows: int) -> None:
    """Make the sample list `rows` long: its people again and again, each time at another address."""
    with path.open(encoding="utf-8", newline="") as stream:
        header, *people = list(csv.reader(stream))
    address = header.index("email")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for number in range(rows):
            person = list(people[number % len(people)])
            lap = number // len(people)
            if lap:
                local, at, domain = person[address].rpartition("@")
                person[address] = f"{local}+{lap}{at}{domain}"
            writer.writerow(person)
