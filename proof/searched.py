"""Owns looking for a secret where it must not be: in files, in what was printed, and in what every process shows of
itself while it runs; in every shape in which it could be there.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

_EVERY = 0.05


def shapes(secret: str) -> tuple[bytes, ...]:
    """How a secret may look: plain, as Python, JSON and addresses spell it, in UTF-16, in hexadecimal, and in
    base64 with anything before and behind it. Not those of the program: what is proved would prove itself.
    """
    raw = secret.encode()
    found = {raw, repr(secret)[1:-1].encode(), json.dumps(secret)[1:-1].encode(), quote(secret).encode()}
    found |= {secret.encode("utf-16-le"), raw.hex().encode()}
    for before in range(3):
        # Three letters stand for two bytes and a bit: what is not whole at either end depends on the neighbours.
        inside = raw[(3 - before) % 3 :]
        found.add(base64.b64encode(inside[: len(inside) // 3 * 3]))
    return tuple(found)


class Watch:
    """Reads /proc/*/cmdline and /proc/*/environ of all processes of this machine, again and again."""

    def __init__(self, secret: str) -> None:
        self._shapes = shapes(secret)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._exempt: set[int] = set()
        self._turn = threading.Lock()
        self.hits: set[str] = set()
        self.seen: Counter[str] = Counter()
        """How often the processes of each program were looked at."""

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def start(self, *arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        """Start a process that may be given the secret by its environment: that one is no place to find it, but its
        children's are.
        """
        with self._turn:
            process = subprocess.Popen(*arguments, **named)
            self._exempt.add(process.pid)
        return process

    def look(self) -> None:
        with self._turn:
            self._look()

    def sees(self, child: subprocess.Popen[bytes]) -> bool:
        """Whether it is seen that this process has the secret; right after its start the system may not show it yet."""
        before = len(self.hits)
        while len(self.hits) == before and child.poll() is None:
            self.look()
        return len(self.hits) > before

    def _look(self) -> None:
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                command, environ = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except OSError:
                continue  # it has ended, or is of somebody else
            words = command.replace(b"\0", b" ").decode("utf-8", "replace")
            if any(shape in command for shape in self._shapes):
                self.hits.add(f"the arguments of a process ({words.partition(' ')[0]})")
            if any(shape in environ for shape in self._shapes) and not self._may_have_it(folder, command):
                self.hits.add(f"the environment of {words}")
            if " mailtui" in words:
                self.seen[words.partition(" -m ")[2].split(" ")[0]] += 1

    def _may_have_it(self, folder: Path, command: bytes) -> bool:
        """Whether it was given it, or is such a one's child that has not become another program yet."""
        if int(folder.name) in self._exempt:
            return True
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            return parent in self._exempt and Path(f"/proc/{parent}/cmdline").read_bytes() == command
        except OSError:
            return False  # it has ended meanwhile, and had it

    def _run(self) -> None:
        while not self._over.wait(_EVERY):
            self.look()


def found_in(folder: Path, secret: str) -> tuple[list[str], int]:
    """The files below a folder in which the secret is, also by their names; and how many files were read."""
    looked_for, hits, files = shapes(secret), [], 0
    for place, folders, names in os.walk(folder):
        told = [name for name in (*folders, *names) if any(shape in os.fsencode(name) for shape in looked_for)]
        hits += [f"the name {place}/{name}" for name in told]
        for name in names:
            path = Path(place) / name
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    files += 1
                    data = path.read_bytes()
                    hits += [str(path)] * any(shape in data for shape in looked_for)
    return hits, files
