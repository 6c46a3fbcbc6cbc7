"""Run mailtui under a sampling profiler: `python -m benchmarks.profile FILE WORDS…` for `mailtui WORDS…`.

The kernel's timer of used CPU (setitimer(2), ITIMER_PROF) interrupts the program every other millisecond that it works;
each sample belongs to the room whose code was the innermost, so that a library's work falls to whoever called it. FILE
gets the counts as JSON. C code is interrupted when it returns, and counts for its caller.
"""

from __future__ import annotations

import atexit
import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

_EVERY = 0.002  # seconds of CPU
_PRODUCT = str(Path(__file__).parents[1] / "mailtui") + "/"

TEMPLATES, MIME, SESSION, OUTBOX, ENGINE, ASYNCIO, START, REST = (
    "templates", "MIME", "session", "outbox", "engine", "asyncio", "start", "rest",
)  # fmt: skip
ROOMS = (TEMPLATES, MIME, SESSION, OUTBOX, ENGINE, ASYNCIO, START, REST)

_OURS = {
    "message/templates.py": TEMPLATES,
    "message/hardening.py": TEMPLATES,
    "message/filling.py": TEMPLATES,
    "message/folding.py": TEMPLATES,
    "message/": MIME,
    "audience/": MIME,
    "smtp/": SESSION,
    "outbox/": OUTBOX,
    "dispatch/recorder.py": OUTBOX,
    "dispatch/": ENGINE,
    "service/": ENGINE,
}
_LIBRARIES = {"/jinja2/": TEMPLATES, "/markupsafe/": TEMPLATES, "/email/": MIME, "/asyncio/": ASYNCIO}


class Samples:
    """What was being done, sample by sample."""

    def __init__(self) -> None:
        self.rooms: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        self._known: dict[str, str | None] = {}

    def take(self, _number: int, frame: FrameType | None) -> None:
        """The signal's handler."""
        room, inner = REST, frame
        while frame is not None:
            # What runs at the top of a file is being imported.
            found = START if frame.f_code.co_name == "<module>" else self._room(frame.f_code.co_filename)
            if found is not None:
                room, inner = found, frame
                break
            frame = frame.f_back
        self.rooms[room] += 1
        if inner is not None:
            self.functions[f"{_short(inner.f_code.co_filename)}: {inner.f_code.co_qualname}"] += 1

    def _room(self, file: str) -> str | None:
        """The room a file belongs to; None for one that works for whoever called it."""
        if file not in self._known:
            self._known[file] = room_of(file)
        return self._known[file]

    def write(self, file: Path) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = {"samples": self.rooms.total(), "rooms": self.rooms, "functions": dict(self.functions.most_common(40))}
        file.write_text(json.dumps(found))


def room_of(file: str) -> str | None:
    """The room that a source file belongs to; None for one that works for whoever called it."""
    if file.startswith(_PRODUCT):
        inner = file.removeprefix(_PRODUCT)
        return next((room for beginning, room in _OURS.items() if inner.startswith(beginning)), None)
    if not file.startswith(("/", "<frozen", "<string>")):
        return TEMPLATES  # compiled templates bear the name of their file, or <template>; generated methods, <string>
    return next((room for part, room in _LIBRARIES.items() if part in file), None)


def _short(file: str) -> str:
    return file.removeprefix(_PRODUCT) if file.startswith(_PRODUCT) else "/".join(Path(file).parts[-2:])


def main() -> None:
    file = Path(sys.argv[1])
    samples = Samples()
    atexit.register(samples.write, file)
    signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    sys.argv = ["mailtui", *sys.argv[2:]]
    runpy.run_module("mailtui", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
