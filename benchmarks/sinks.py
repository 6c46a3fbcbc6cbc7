"""Owns the servers that benchmarks send to: Postfix's smtp-sink, and a sink of our own (`sink.c`) that is cheaper,
knows CHUNKING, and can keep its replies back as a long way would.

Both take everything, keep nothing, and count what they took.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.servers.programs import die_with_parent, find_program, free_port
from tests.servers.smtp_sink import SmtpSink, smtp_sink

_SOURCE = Path(__file__).with_name("sink.c")
_BUILT = Path(__file__).parents[1] / "build"
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class NotHere(Exception):
    """A program that a benchmark needs is not on this machine; the text says what to install."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sink has taken so far. `octets` are those of the messages as meant, None where the sink does not tell;
    `cpu` seconds of the sink.
    """

    messages: int
    octets: int | None
    cpu: float


class Sink(Protocol):
    """A running server on 127.0.0.1."""

    @property
    def name(self) -> str: ...
    @property
    def port(self) -> int: ...
    def counts(self) -> Counts: ...


@dataclass(frozen=True, slots=True)
class PostfixSink:
    """smtp-sink; it announces PIPELINING and 8BITMIME, and no CHUNKING."""

    running: SmtpSink
    name: str = "smtp-sink"

    @property
    def port(self) -> int:
        return self.running.port

    def counts(self) -> Counts:
        return Counts(self.running.messages(), None, cpu_seconds(self.running.process.pid))


@dataclass(frozen=True, slots=True)
class OwnSink:
    """`sink.c` as a process."""

    port: int
    process: subprocess.Popen[str]
    name: str = "own sink"

    def counts(self) -> Counts:
        assert self.process.stdin is not None
        self.process.stdin.write("counts\n")
        self.process.stdin.flush()
        return self._read()

    def end(self) -> Counts:
        """End it; what it had taken."""
        self.process.terminate()
        return self._read()

    def _read(self) -> Counts:
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        return Counts(said["messages"], said["octets"], said["cpu"])


@contextmanager
def postfix_sink() -> Iterator[PostfixSink]:
    """Run smtp-sink. Raises `NotHere`."""
    if find_program("smtp-sink") is None:
        raise NotHere("smtp-sink is missing; on Debian it is in the package postfix")
    with smtp_sink(tally=True) as running:
        yield PostfixSink(running)


@contextmanager
def own_sink(*, round_trip_ms: float = 0.0, without: Sequence[str] = (), port: int | None = None) -> Iterator[OwnSink]:
    """Run our own sink. Every reply leaves a round trip after what it answers came; `without` names extensions that
    are not announced. Raises `NotHere` where it cannot be built.
    """
    options = ["-d", str(round(round_trip_ms * 1000)), *(word for name in without for word in ("-x", name))]
    process = subprocess.Popen(
        [_program(), *options, str(port or free_port())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        try:
            word, _, number = process.stdout.readline().partition(" ")
            if word != "listening":
                raise RuntimeError(f"the sink did not start: it ended with {process.wait(timeout=10)}")
            yield OwnSink(int(number), process)
        finally:
            process.kill()
            process.wait(timeout=10)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def cpu_seconds(process: int) -> float:
    """What a process has used of the CPU so far, in seconds (proc(5), utime and stime)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _program() -> Path:
    """The sink, compiled where that was not done yet."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]
    program = _BUILT / f"sink-{digest}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotHere("there is no C compiler to build the sink with")
    _BUILT.mkdir(exist_ok=True)
    fresh = program.with_name(f"{program.name}.{os.getpid()}")  # two may build at once
    built = subprocess.run(
        [compiler, "-O2", "-Wall", "-o", fresh, _SOURCE], capture_output=True, text=True, check=False
    )
    if "fatal error:" in built.stderr:
        raise NotHere("the C library's headers are missing (libc6-dev), so the sink cannot be built")
    if built.returncode != 0:
        raise RuntimeError(built.stderr)
    return fresh.replace(program)
