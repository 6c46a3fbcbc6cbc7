"""Owns what pictures are taken of and with: a home for one act, its sandbox and campaign, and the camera."""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from mailtui.service.demo import Demo, prepare_demo
from mailtui.service.facade import Service
from mailtui.service.lists import Again, Launch
from mailtui.tui.app import MailtuiApp
from mailtui.tui.result import AppResult

SMALL, LARGE, TINY = (80, 24), (120, 40), (60, 20)
EVERY = (SMALL, LARGE, TINY)
PATIENCE = 30.0
_WEB_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_BLANKS = re.compile(r'x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"( clip-path="[^"]*")>((?:&#160;)+)([^<]*)<')
_TEXT = re.compile(r"<text [^>]*>([^<]*)</text>")

# What a send meets on its way: refusals, a full mailbox, an address nobody knows, and a reply that never came.
FAULTS = """
rules:
  - {stage: rcpt, recipient: "jean+*", every: 2, reply: "550 5.1.1 No such user here"}
  - {stage: rcpt, recipient: "hanako+*", every: 3, reply: "452 4.2.2 Mailbox full, try again later"}
  - {stage: rcpt, recipient: "*@example.org", every: 37, reply: "550 5.7.1 Refused by the recipient's policy"}
  - {stage: dot, every: 180, times: 3, action: accept_then_drop}
"""

MailtuiPilot = Pilot[AppResult]


@dataclass
class Stage:
    """Where an act plays: a folder that looks like a person's own, and the demo in it."""

    folder: Path
    demo: Demo
    sandboxes: list[SandboxHandle] = field(default_factory=list)

    @property
    def campaign(self) -> Path:
        return self.demo.campaign

    @property
    def environ(self) -> dict[str, str]:
        return {**self.demo.environ}

    def change(self, old: str, new: str, file: str = "campaign.yaml") -> None:
        """Replace a text that must be there in one of the campaign's files."""
        path = self.campaign.parent / file
        text = path.read_text("utf-8")
        if old not in text:
            raise LookupError(f"{old!r} is not in {path}")
        path.write_text(text.replace(old, new), "utf-8")

    async def sandbox_with(self, faults: str) -> None:
        """Have the campaign's server make mistakes."""
        rules = self.folder / "faults.yaml"
        rules.write_text(faults, "utf-8")
        sandbox = await start_sandbox(self.folder / f"sandbox-{len(self.sandboxes)}", faults=rules)
        text = self.campaign.read_text("utf-8")
        self.campaign.write_text(re.sub(r"port: \d+", f"port: {sandbox.port}", text), "utf-8")
        self.sandboxes.append(sandbox)


@contextlib.asynccontextmanager
async def stage(rows: int | None = None) -> AsyncIterator[Stage]:
    """A stage of its own; whatever still runs on it is ended, by its process id."""
    kept, cwd = os.environ.get("HOME"), Path.cwd()
    root = Path(tempfile.mkdtemp(prefix="mailtui-pictures-"))
    place: Stage | None = None
    try:
        os.environ["HOME"] = str(root)  # so that paths are shown as a person sees them
        os.chdir(root)
        demo = await prepare_demo({**os.environ, "MAILTUI_HOME": str(root / "mailtui")}, rows=rows)
        folder = root / "spring"
        shutil.copytree(demo.campaign.parent, folder)
        place = Stage(root, Demo(folder / demo.campaign.name, demo.environ, demo.sandbox), [demo.sandbox])
        yield place
    finally:
        if place is not None:
            await _strike(place)
        os.chdir(cwd)
        if kept is not None:
            os.environ["HOME"] = kept
        shutil.rmtree(root, ignore_errors=True)


async def _strike(place: Stage) -> None:
    with Service.open(place.environ) as service:
        if pid := service.runner_pid():
            os.kill(pid, signal.SIGTERM)
        await until(lambda: service.runner_pid() is None)
    for sandbox in place.sandboxes:
        await stop_sandbox(sandbox)


@contextlib.contextmanager
def secret_service() -> Iterator[None]:
    """A real keyring of its own, gnome-keyring on a D-Bus session, which this process uses meanwhile."""
    import keyring
    from keyring.backends import SecretService

    from tests.servers.secret_service import UNLOCKED, session

    kind: Any = SecretService.Keyring
    before, kept = keyring.get_keyring(), dict(os.environ)
    with session(UNLOCKED) as environ:
        os.environ.update({name: environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")})
        keyring.set_keyring(kind())
        try:
            yield
        finally:
            keyring.set_keyring(before)
            os.environ.clear()
            os.environ.update(kept)


async def stretch(place: Stage, rows: int) -> None:
    """Make the list longer: its people again and again, each time at another address."""
    path = place.campaign.parent / "contacts.csv"
    header, *people = path.read_text("utf-8").splitlines()
    lines = []
    for number in range(rows):
        lap, person = number // len(people), people[number % len(people)]
        lines.append(person.replace("@", f"+{lap}@", 1) if lap else person)
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")


async def launch(service: Service, campaign: Path, **plan: object) -> Launch:
    """Freeze a campaign into the outbox; nobody sends it yet."""
    prepared = service.prepare(service.campaigns.load(campaign), plan=plan)
    return await service.launch(prepared, again=Again.NEW, progress=lambda _: None)


async def until(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Wait until a condition holds. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("this has not come true")
        await asyncio.sleep(0.05)


async def shows(pilot: MailtuiPilot, *texts: str, seconds: float = PATIENCE) -> None:
    """Wait until all these texts stand on the screen. Raises `TimeoutError` that says what did instead."""
    deadline = time.monotonic() + seconds
    while True:
        seen = html.unescape("".join(_TEXT.findall(pilot.app.export_screenshot()))).replace("\xa0", " ")
        missing = [text for text in texts if text not in seen]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{missing} is not on the screen:\n{seen}")
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def app_of(
    place: Stage, service: Service, *, target: Path | None = None, size: tuple[int, int] = SMALL, demo: bool = False
) -> AsyncIterator[MailtuiPilot]:
    """The app, open, with a campaign or list when one is named."""
    app = MailtuiApp(service, target=target, demo=place.demo.sandbox.port if demo else None)
    async with app.run_test(size=size, notifications=True) as pilot:
        if target is None:
            await shows(pilot, "^q")
        yield pilot


def picture(app: App[Any]) -> str:
    """The screen as SVG that fetches nothing, and that viewers draw which drop leading blanks."""

    def moved(match: re.Match[str]) -> str:
        x, y, length, clip, blanks, rest = match.groups()
        count, kept = len(blanks) // len("&#160;"), len(re.sub(r"&[^;]+;", "x", rest))
        cell = float(length) / (count + kept)
        return f'x="{float(x) + count * cell:g}" {y} textLength="{kept * cell:g}"{clip}>{rest}<'

    return _BLANKS.sub(moved, _WEB_FONT.sub("", app.export_screenshot()))


class Camera:
    """Takes pictures into one folder."""

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        self._folder = folder.absolute()
        self._prefix = prefix
        self._folder.mkdir(parents=True, exist_ok=True)

    async def take(
        self, pilot: MailtuiPilot, name: str, sizes: tuple[tuple[int, int], ...] = EVERY, *, rest: float = 0.3
    ) -> None:
        """One picture at every size; `rest` seconds after it has been changed to."""
        before = (pilot.app.size.width, pilot.app.size.height)
        for size in sizes:
            await pilot.resize_terminal(*size)
            await pilot.pause(rest)
            path = self._folder / f"{self._prefix}{name}-{size[0]}x{size[1]}.svg"
            path.write_text(picture(pilot.app), "utf-8")
            print(f"{path}  {path.stat().st_size // 1024} KiB")
        await pilot.resize_terminal(*before)
        await pilot.pause(0.1)
