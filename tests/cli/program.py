"""Runs mailtui as a person does: as a process of its own, with a home of its own, against a sandbox with a log."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from mailtui.cli.main import run
from mailtui.dispatch.lock import runner_pid
from mailtui.kit.paths import Home
from mailtui.sandbox.capture import captured_message
from mailtui.sandbox.process import SandboxHandle

PROGRAM = (sys.executable, "-m", "mailtui")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one object."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(slots=True)
class Mailtui:
    """One person's mailtui."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        return Home.under(self.folder / "home")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILTUI_")}
        base = {"MAILTUI_HOME": str(self.folder / "home"), "MAILTUI_TIME_SCALE": "0.02", "PYTHONPATH": str(ROOT)}
        quiet = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        return {**kept, **base, **quiet, **self.environ, **more}

    def start(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "cwd": self.folder,
            "env": self.environment(**(env or {})),
        }
        return subprocess.Popen([*PROGRAM, *map(str, arguments)], **{**settings, **options})

    def run(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: str | None = None, **options: Any
    ) -> Ended:
        """Run a command to its end."""
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, env=env, **options)
        out, err = process.communicate(stdin, timeout=60)
        return Ended(process.returncode, out, err)

    def call(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Ended:
        """The same in this process, which takes a tenth of the time; for commands that start nothing."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.dict(os.environ, self.environment(**(env or {})), clear=True),
            mock.patch("sys.stdin", io.StringIO()),
        ):
            code = run(list(map(str, arguments)))
        said = []
        for stream in (out, err):
            stream.flush()
            said.append(stream.detach().getvalue().decode("utf-8"))
        return Ended(int(code), *said)

    def campaign(self, rows: int | Sequence[str], *, port: int, name: str = "c", **keys: Any) -> Path:
        """Write a campaign to so many made-up people, or to these lines of CSV; `keys` are added as JSON."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        lines = people(rows) if isinstance(rows, int) else list(rows)
        (folder / "contacts.csv").write_text("\n".join(lines) + "\n", "utf-8")
        (folder / "body.txt.j2").write_text("Dear {{ first_name }},\nnews from {{ city }}.\n")
        values = {
            "name": f"News {name}",
            "smtp": {"host": "127.0.0.1", "port": port, "security": "plain"},
            "from": "Acme News <news@acme.test>",
            "subject": "{{ first_name }}, news",
            "text": "body.txt.j2",
            "headers": {"List-Unsubscribe": "<mailto:leave@acme.test>"},
            "audience": {"source": "contacts.csv"},
            **keys,
        }
        path = folder / "campaign.yaml"
        text = (f"{key}: {json.dumps(value)}\n" for key, value in values.items() if value is not None)
        path.write_text("".join(text), "utf-8")
        return path

    def runner(self) -> int | None:
        """The process id of the runner that lives on the default outbox."""
        return runner_pid(self.home.data / "outbox.db.runner.lock")

    def end_runner(self) -> None:
        """Leave nothing running."""
        told: int | None = None
        while (pid := self.runner()) is not None:
            assert pid != os.getpid(), "a command that was called in this process still holds the outbox"
            if pid and pid != told:  # one that begins or ends in this instant has no number yet, or no more
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                told = pid
            time.sleep(0.02)


def people(count: int) -> list[str]:
    """A list with its header."""
    return ["email,first_name,city", *(f"p{n}@example.com,Pat{n},Town{n % 7}" for n in range(count))]


def wait_until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Oracle:
    """What a sandbox accepted since `mark`, by its own log."""

    sandbox: SandboxHandle
    mark: int = 0

    @property
    def port(self) -> int:
        return self.sandbox.port

    def _entries(self) -> list[Any]:
        log = self.sandbox.folder / "accepted.jsonl"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []

    @property
    def entries(self) -> list[Any]:
        """What it wrote down of each mail."""
        return self._entries()[self.mark :]

    def bytes_of(self, entry: Any) -> bytes:
        """A mail as it was taken."""
        return captured_message(self.sandbox.folder, entry["number"])

    def from_here(self) -> Oracle:
        return Oracle(self.sandbox, len(self._entries()))

    @property
    def accepted(self) -> Counter[str]:
        """How often each address got a mail."""
        return Counter(entry["rcpt_to"][0] for entry in self._entries()[self.mark :])
