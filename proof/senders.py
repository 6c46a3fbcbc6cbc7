"""Owns the senders under attack, each as its users run it: how it is launched, started, paused, asked and judged."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

import apsw

from mailtui.dispatch.lock import runner_pid
from mailtui.outbox.opening import parse_outbox
from proof.campaign import write_campaign
from proof.children import NEVER, Child, Done, Nursery, Stuck
from proof.terms import Terms


class Prey(Protocol):
    """A process that sends."""

    pid: int

    @property
    def running(self) -> bool: ...
    def signal(self, number: signal.Signals) -> None: ...
    def wait(self, seconds: float = NEVER) -> int | None:
        """Its exit code, minus the signal that ended it, or None where nobody can know. Raises `Stuck`."""
        ...


class Sender(Protocol):
    """A sender of a list."""

    name: str

    def launch(self) -> None:
        """Put the list in; nothing may be sent twice from here on."""
        ...

    def start(self, *, fresh: bool) -> Prey:
        """A process that sends until nothing is left, or until it is told to end."""
        ...

    def look(self, *, dead: bool) -> int:
        """Check that its books add up; how many messages are marked as in flight. `dead`: no process sends."""
        ...

    def pause(self) -> bool:
        """Pause a running send, and wait until it rests; False when it knows no pause."""
        ...

    def change(self, dice: random.Random) -> bool:
        """Change the pace; False when it cannot be changed."""
        ...

    def hurry(self) -> None:
        """Lift the pace: the attack is over, and the rest may go."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing was left to send at the last look."""
        ...

    def report(self, path: Path) -> None:
        """Write what became of everybody."""
        ...


class Detached:
    """A runner that mailtui started by itself; known by the lock it holds."""

    def __init__(self, lock: Path, pid: int) -> None:
        self._lock = lock
        self.pid = pid

    @property
    def running(self) -> bool:
        return runner_pid(self._lock) == self.pid

    def signal(self, number: signal.Signals) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float = NEVER) -> None:
        deadline = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > deadline:
                raise Stuck(f"runner {self.pid} did not end within {seconds:g} s")
            time.sleep(0.005)


MAILTUI = "mailtui.__main__"


class Mailtui:
    """mailtui, by its commands alone: run, runner, status, pause, resume, set, report."""

    name = "mailtui"

    def __init__(self, nursery: Nursery, folder: Path, home: Path, terms: Terms, *, program: str = MAILTUI) -> None:
        """`program` is what the runner is started as."""
        self._nursery = nursery
        self._campaign = write_campaign(
            folder / "campaign",
            terms.port,
            terms.messages,
            workers=terms.connections,
            rate=terms.rate,
            window=terms.window,
        )
        self._terms = terms
        self._program = program
        self._outbox = home / "data" / "outbox.db"
        self._lock = parse_outbox(f"sqlite:///{self._outbox}").lock_file
        self.id = ""
        self._state = ""  # of the campaign, at the last look

    def launch(self) -> None:
        done = self._mailtui("run", str(self._campaign), "--yes", "--detach", "--json")
        self.id = str(json.loads(done.out)["campaign"])

    def start(self, *, fresh: bool) -> Prey:
        living = self._living()
        if living is not None:
            return living
        if self._state in ("paused", "pausing"):
            self._mailtui("resume", self.id)
            return self._living() or self.start(fresh=fresh)
        return self._nursery.start(self._program, ["runner", "--until-idle"], fresh=fresh)

    def resume(self) -> None:
        """Have it go on, whoever paused it and until when."""
        self._mailtui("resume", self.id)

    def status(self) -> dict[str, Any]:
        """What `mailtui status` says; its counts must add up to the audience."""
        said: dict[str, Any] = json.loads(self._mailtui("status", self.id, "--json").out)
        total = sum(said[state] for state in _STATES)
        assert total == said["audience"] == self._terms.messages, f"the counts add up to {total}: {said}"
        self._state = str(said["state"])
        return said

    def look(self, *, dead: bool) -> int:
        self.status()
        connection = apsw.Connection(str(self._outbox), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(10_000)
        with connection:  # one snapshot for both
            rows: Any = connection.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()
            counters: Any = connection.execute("SELECT state, n FROM counter WHERE n").fetchall()
        connection.close()
        counted: Counter[str] = Counter(dict(rows))
        assert dict(counters) == dict(counted), f"counters {counters}, deliveries {rows}"
        assert counted.total() == self._terms.messages, f"{counted.total()} deliveries"
        assert counted["in_flight"] <= self._terms.most_in_doubt, f"{counted['in_flight']} in flight"
        return counted["in_flight"] if dead else 0

    def pause(self) -> bool:
        self._nursery.run(MAILTUI, ["pause", self.id])  # it may have ended meanwhile, which is no mistake
        deadline = time.monotonic() + NEVER
        while self.status()["state"] == "pausing" and self._living() is not None:
            if time.monotonic() > deadline:
                raise Stuck("a pause was not carried out")
            time.sleep(0.01)
        return True

    def change(self, dice: random.Random) -> bool:
        workers, window = (
            dice.randint(1, self._terms.connections),
            dice.choice((1, (self._terms.window + 1) // 2, self._terms.window)),
        )
        pace = ("--workers", str(workers), "--window", str(window), "--rate", f"{dice.uniform(50, 1000):.3f}/s")
        self._mailtui("set", self.id, *pace)
        return True

    def hurry(self) -> None:
        if self.status()["state"] != "finished":
            self._mailtui("set", self.id, "--rate", "100000/s", "--workers", str(self._terms.connections))

    def cancel(self) -> None:
        """Leave unsent what is not under way."""
        self._mailtui("cancel", self.id, "--yes")

    @property
    def finished(self) -> bool:
        return self._state == "finished"

    def report(self, path: Path) -> None:
        path.write_text(self._mailtui("report", self.id, "--format", "jsonl").out)

    def _living(self) -> Prey | None:
        pid = runner_pid(self._lock)
        return Detached(self._lock, pid) if pid else None

    def _mailtui(self, *arguments: str) -> Done:
        done = self._nursery.run(MAILTUI, arguments)
        assert done.code == 0, f"mailtui {' '.join(arguments)} ended with {done.code}: {done.err}"
        return done


_STATES = (
    "queued", "claimed", "in_flight", "deferred", "sent", "failed", "unknown", "suppressed", "skipped", "cancelled",
    "expired",
)  # fmt: skip


class Naive:
    """The design that many senders use (`proof.naive`)."""

    name = "mark after the 250"

    def __init__(self, nursery: Nursery, folder: Path, terms: Terms) -> None:
        self._nursery = nursery
        self._table = str(folder / "naive.db")
        self._terms = terms
        self._child: Child | None = None
        self._finished = False

    def launch(self) -> None:
        done = self._nursery.run("proof.naive", ["fill", self._table, "--messages", str(self._terms.messages)])
        assert done.code == 0, done.err

    def start(self, *, fresh: bool) -> Prey:
        terms = self._terms
        arguments = ["--port", str(terms.port), "--connections", str(terms.connections)]
        arguments += ["--timeout", f"{60 * terms.scale:g}"]
        self._child = self._nursery.start("proof.naive", ["send", self._table, *arguments], fresh=fresh)
        return self._child

    def look(self, *, dead: bool) -> int:  # noqa: ARG002 - it knows nothing in flight
        table = sqlite3.connect(self._table)
        self._finished = not table.execute("SELECT count(*) FROM recipient WHERE state = 'queued'").fetchone()[0]
        table.close()
        return 0

    def pause(self) -> bool:
        return False

    def change(self, dice: random.Random) -> bool:  # noqa: ARG002
        return False

    def hurry(self) -> None:
        """It knows no pace."""

    @property
    def finished(self) -> bool:
        return self._finished

    def report(self, path: Path) -> None:
        done = self._nursery.run("proof.naive", ["report", self._table])
        assert done.code == 0, done.err
        path.write_text(done.out)
