"""Walk through the app as a person does, in a real terminal, and judge what came of it.

    python -m scripts.walk [--rows N] [FILE]

From an empty home: the sample is opened, filtered and previewed; then N mails are sent to a sandbox on this machine,
paused, resumed, sent at another rate; the terminal is killed while they are sent; the app is started again, the send is
found at work, and its report is read and exported. Keys and screens are written to FILE (docs/walk.md), and the
exported report is held against what the sandbox accepted.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import re
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from mailtui.service.facade import Service
from mailtui.service.samples import write_sample
from proof.judge import Verdict, judge, read_accepted, read_report
from scripts.tmux import Tmux

ROOT = Path(__file__).parents[1]
ROWS = 10_000
_PATIENCE = 60.0
_SEND_PATIENCE = 600.0
_SAMPLE_FILTER = 'country in ("Nigeria", "Ireland", "Japan", "France")'
_REPORT = "outcome.jsonl"

Seen = Callable[[str], object]


class Transcript:
    """What was pressed and what was seen, as a page; nothing of this machine is in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._parts: list[str] = []

    def say(self, text: str) -> None:
        self._parts.append(text)

    def step(self, title: str, keys: str, screen: str) -> None:
        """One step: its keys, and the screen they led to."""
        shown = re.sub(rf"{re.escape(self._folder)}(\S*)( *)", self._from_home, screen)
        shown = re.sub(r"\b(process|mailtui runner) \d+", r"\1 4711", shown)
        shown = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:2525", shown)
        lines = "\n".join(line.rstrip() for line in shown.splitlines()).rstrip("\n")
        pressed = f"Keys: {keys}\n\n" if keys else ""
        self.say(f"## {title}\n\n{pressed}```text\n{lines}\n```")

    def _from_home(self, found: re.Match[str]) -> str:
        """A path as it is said at home; what stands behind it, such as a frame, keeps its place."""
        blanks = found[2] + " " * (len(self._folder) - 1) if found[2] else ""
        return f"~{found[1]}{blanks}"

    def __str__(self) -> str:
        return "\n\n".join(self._parts) + "\n"


class Walk:
    """One walk over `rows` recipients; `folder` is the person's home, and beside it is what they need not see."""

    def __init__(self, folder: Path, rows: int, sandbox: SandboxHandle) -> None:
        self.folder = folder
        self.rows = rows
        self.sandbox = sandbox
        self.page = Transcript(folder)
        self._environ = {
            **{name: text for name, text in os.environ.items() if not name.startswith("MAILTUI_")},
            "HOME": str(folder),
            "MAILTUI_HOME": str(folder / ".mailtui"),
            "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        self._terminal = Tmux(folder, self._environ, patience=_PATIENCE)

    def close(self) -> None:
        """End the terminal, and where the walk broke off the runner, which would send on."""
        self._terminal.close()
        with Service.open(self._environ) as service:
            while (pid := service.runner_pid()) is not None:
                if pid:
                    os.kill(pid, signal.SIGTERM)
                time.sleep(0.1)

    def see(self, title: str, keys: str, *texts: str, seconds: float | None = None) -> str:
        """Press keys, wait until all texts stand on the screen, and keep it.

        Keys are parted by spaces, and named as tmux does; what stands in quotes is typed.
        """
        return self.watch(title, keys, lambda screen: all(text in screen for text in texts), seconds=seconds)

    def watch(self, title: str, keys: str, seen: Seen, *, seconds: float | None = None) -> str:
        """Press keys, wait until the screen satisfies `seen`, and keep it."""
        for key in re.findall(r"'[^']*'|\S+", keys):
            if key.startswith("'"):
                self._terminal.type(key.strip("'"))
            else:
                self._terminal.press(key)
        screen = self._terminal.until(seen, title, seconds=seconds)
        self.page.step(title, _shown(keys), screen)
        return screen

    # the walk

    def look_at_the_sample(self) -> None:
        """Open the sample campaign, narrow it down, and read three of its mails."""
        self.see("The first start", "'mailtui' Enter", "Nothing has been sent from here yet")
        self.see("What is to be opened", "o", "Open a campaign file", "spring")
        self.see("The sample's list", "'spring' Enter", "amara.okafor@example.com", "42 rows")
        self.see("Its filter", "3", "38 of 42 rows match:  34 recipients")
        self.see("A filter of one's own", f"C-u '{_SAMPLE_FILTER}'", "8 of 42 rows match:  6 recipients")
        self.see("… is used", "C-s", "6 recipients")
        self.see("The first mail", "F6", "amara.okafor@example.com", "Spring is here, Amara")
        self.see("The second", "n", "liam.murphy@example.org", "Spring is here, Liam")
        self.see("The third", "n", "hanako@example.net", "Spring is here, 花子")

    def send(self) -> None:
        """Open the long list, review it, type the number, and start."""
        count = f"{self.rows:,}"
        self.see("To another campaign", "o", "Open a campaign file", "many")
        self.see("… with a long list", "'many' Enter", "Summer news", count)
        self.see("What is about to happen", "6", "Summer news", f"recipients   {count} of", "tried:")
        self.see("The last question", "s", f"Send {count} mails", "Type")
        self.see("The number, typed", f"'{self.rows}' Enter", "Enter once more")
        self.watch("It is sent", "Enter", self._has_sent(2))

    def steer(self) -> None:
        """Pause, resume, another rate."""
        self.see("Paused", "Space", "║ paused")
        self.see("Resumed", "r", "» sending")
        self.see("Another rate", "l", "How many mails may begin, at most?")
        self.see("… is taken up at once", f"C-u '{self._rate(2)}' Enter", f"limit {self._rate(2)}")

    def lose_the_terminal(self) -> None:
        """kill -9 of the terminal, and a look at it from another one."""
        self._terminal.kill()
        self.page.say(
            "The terminal is killed here (kill -9), with the app in it. The sending goes on in a process of its own."
        )
        self._terminal = Tmux(self.folder, self._environ, patience=_PATIENCE)
        self.see("Another terminal: home has the campaign", "'mailtui' Enter", "Summer news", "» sending", "% done")
        self.see("It is still at work", "Enter", "» sending", f"limit {self._rate(2)}")

    def finish(self) -> None:
        """No limit for the rest, then the report, as a file too."""
        self.see("No limit for the rest", "l", "How many mails may begin, at most?")
        self.see("Finished", "C-u Enter", "+ finished", f"+ {self.rows:,} sent", seconds=_SEND_PATIENCE)
        self.see("The report", "Enter", "person1@example.com", f"{self.rows:,}")
        self.see("As a file", "e", "to a new file")
        self.see("Written", f"C-u '{_REPORT}' Enter", f"{self.rows:,} recipients written")
        self.watch("Leaving", "C-q", lambda screen: screen.rstrip().endswith("$"))

    def verdict(self) -> Verdict:
        """The exported report held against what the sandbox accepted."""
        found = judge(
            read_report(self.folder / _REPORT),
            read_accepted(self.sandbox.folder / "accepted.jsonl"),
            audience=[f"person{number}@example.com" for number in range(1, self.rows + 1)],
        )
        self.page.say(f"## What came of it\n\nThe exported report against the sandbox's acceptance log:\n\n    {found}")
        return found

    def _has_sent(self, some: int) -> Seen:
        def seen(screen: str) -> bool:
            found = re.search(r"\+ ([\d,]+) sent", screen)
            return found is not None and int(found[1].replace(",", "")) >= some

        return seen

    def _rate(self, number: int) -> str:
        return rate_of(self.rows, number)


def rate_of(rows: int, number: int) -> str:
    """The first rate, or the second: so slow that there is time to kill the terminal, on a busy machine too."""
    return f"{max((4, 6)[number - 1], rows * (100, 150)[number - 1] // ROWS)}/s"


def _shown(keys: str) -> str:
    """Keys as the page names them."""
    names = {"Space": "space", "Enter": "enter", "F6": "f6"}
    parts = [part if part.startswith("'") else names.get(part, part) for part in re.findall(r"'[^']*'|\S+", keys)]
    return "  ".join(f"`{re.sub(r'^C-', 'ctrl+', part.strip(chr(39)))}`" for part in parts)


def prepare(folder: Path, rows: int, port: int) -> None:
    """Put into the home what a person has there: the program, the sample, and beside it one with a long list."""
    folder.mkdir()
    program = folder.parent / "bin" / "mailtui"
    program.parent.mkdir()
    root, python = shlex.quote(str(ROOT)), shlex.quote(sys.executable)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {python} -m mailtui "$@"\n')
    program.chmod(0o755)
    for name in ("spring", "many"):
        write_sample(folder / name)
        campaign = folder / name / "campaign.yaml"
        text = campaign.read_text("utf-8").replace("port: 2525", f"port: {port}")
        if name == "many":
            text = text.replace("name: Spring news", "name: Summer news")
            text = text.replace("rate: 100/s", f"rate: {rate_of(rows, 1)}").replace("burst: 50", "burst: 1")
        campaign.write_text(text, "utf-8")
    _lengthen(folder / "many" / "contacts.csv", rows)


def _lengthen(contacts: Path, rows: int) -> None:
    """A list of so many rows, with the sample's people over and over, each with an address of their own."""
    with contacts.open(encoding="utf-8", newline="") as stream:
        people = [row for row in csv.DictReader(stream) if "@example." in row["email"] and row["first_name"]]
    with contacts.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(people[0]), extrasaction="ignore")
        writer.writeheader()
        for number, person in zip(range(1, rows + 1), cycle(people), strict=False):
            own = {"email": f"person{number}@example.com", "joined": "2024-05-01", "unsubscribed": ""}
            writer.writerow({**person, **own})


@contextmanager
def sandbox_in(folder: Path) -> Iterator[SandboxHandle]:
    """A sandbox in a process of its own, whose acceptance log is on the disk before each 250."""
    handle = asyncio.run(start_sandbox(folder, idle_seconds=900, sync=True))
    try:
        yield handle
    finally:
        asyncio.run(stop_sandbox(handle))


def walk(rows: int) -> tuple[Transcript, Verdict]:
    """The whole walk. Raises `NeverSeen` when the app does not show what it should."""
    with tempfile.TemporaryDirectory(prefix="walk-") as name, sandbox_in(Path(name) / "sandbox") as sandbox:
        folder = Path(name) / "kim"
        prepare(folder, rows, sandbox.port)
        tour = Walk(folder, rows, sandbox)
        tour.page.say("# A walk through the app\n\nKeys and screens as `python -m scripts.walk` recorded them.")
        try:
            tour.look_at_the_sample()
            tour.send()
            tour.steer()
            tour.lose_the_terminal()
            tour.finish()
        finally:
            tour.close()
        return tour.page, tour.verdict()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help="how many mails are sent")
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "docs" / "walk.md")
    options = parser.parse_args()
    page, found = walk(options.rows)
    options.file.write_text(str(page), "utf-8")
    print(f"{options.file.name}: {found}")
    right = found.accepted == found.arrived == found.sent == found.audience == options.rows
    return 0 if right and not found.broken else 1


if __name__ == "__main__":
    sys.exit(main())
