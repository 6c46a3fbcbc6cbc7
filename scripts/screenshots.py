"""Take a picture of every screen: the real app, a real send to a sandbox, saved as SVG.

    python -m scripts.screenshots [--all] [FOLDER]

Without `--all` it takes the few that the docs show, into docs/pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from textual.app import App

from mailtui.sandbox.process import stop_sandbox
from mailtui.service.demo import Demo, prepare_demo
from mailtui.service.facade import Service
from mailtui.service.lists import Again
from mailtui.tui.app import MailtuiApp
from mailtui.tui.result import AppResult
from mailtui.tui.room import ROOMS

ROWS = 2_000
SMALL, LARGE = (80, 24), (120, 40)
IN_DOCS = {
    ("home", SMALL),
    ("audience", SMALL),
    ("preview", SMALL),
    ("board", SMALL),
    ("board", LARGE),
    ("report", SMALL),
}
_WEB_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_BLANKS = re.compile(r'x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"( clip-path="[^"]*")>((?:&#160;)+)([^<]*)<')


def picture(app: App[AppResult]) -> str:
    """The screen as SVG that fetches nothing, and that viewers draw which drop leading blanks."""

    def moved(match: re.Match[str]) -> str:
        x, y, length, clip, blanks, rest = match.groups()
        count, kept = len(blanks) // len("&#160;"), len(re.sub(r"&[^;]+;", "x", rest))
        cell = float(length) / (count + kept)
        return f'x="{float(x) + count * cell:g}" {y} textLength="{kept * cell:g}"{clip}>{rest}<'

    return _BLANKS.sub(moved, _WEB_FONT.sub("", app.export_screenshot()))


async def take(demo: Demo, folder: Path, wanted: set[tuple[str, tuple[int, int]]]) -> None:
    """Send the demo's campaign, and take the wanted pictures while it is sent."""
    with Service.open(demo.environ) as service:
        plan = service.prepare(service.campaigns.load(demo.campaign), plan={"rate": 40.0, "burst": 1, "workers": 8})
        launched = await service.launch(plan, again=Again.ASK, progress=lambda _: None)
        await service.start_runner({})
        for size in (SMALL, LARGE):
            rooms = [room for room in ROOMS if (room, size) in wanted]
            if not rooms:
                continue
            app = MailtuiApp(service, target=demo.campaign, demo=True)
            async with app.run_test(size=size) as pilot:
                await pilot.pause(1.5)
                for room in rooms:
                    await pilot.press(f"f{ROOMS.index(room) + 2}")
                    await pilot.pause(9.0 if room == "board" else 1.5)  # its pace, and a curve worth seeing
                    path = folder / f"{room}-{size[0]}x{size[1]}.svg"
                    path.write_text(picture(app), "utf-8")
                    print(f"{path}  {path.stat().st_size // 1024} KiB")
        await service.cancel(await service.view(launched.campaign.id))
        pid = service.runner_pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
    await stop_sandbox(demo.sandbox)


async def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every screen in both sizes")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "docs" / "pictures")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    wanted = {(room, size) for room in ROOMS for size in (SMALL, LARGE)} if options.all else IN_DOCS
    with tempfile.TemporaryDirectory() as home:
        demo = await prepare_demo({**os.environ, "MAILTUI_HOME": home}, rows=ROWS)
        await take(demo, options.folder, wanted)


if __name__ == "__main__":
    asyncio.run(main())
