"""Owns the senders that are measured, each run as a program of its own: ours, and those it is held against."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.campaigns import write_campaign, write_mailmerge
from benchmarks.contest import Contender, Take
from benchmarks.measured import Run, run
from benchmarks.sinks import NotHere, Sink
from mailtui.smtp.gear import Gear
from tests.servers.programs import find_program

SMTP_SOURCE, SMTPLIB, AIOSMTPLIB = "smtp-source", "smtplib, threads", "aiosmtplib"
USUAL_APP, MAILMERGE = "usual app", "mailmerge"
Words = list[str | Path]
_SIZE = 10_240
_SOURCE_HEAD = 127  # octets of the header that smtp-source writes before what -l asks for, about
_NO_HOME = Path("/nonexistent")  # for those who need none


def source_words(port: int, connections: int, messages: int, size: int = _SIZE) -> Words:
    """The command of Postfix's load generator, a C program; it waits for every reply. Raises `NotHere`."""
    program = find_program("smtp-source")
    if program is None:
        raise NotHere("smtp-source is missing; on Debian it is in the package postfix")
    options = ["-d", "-s", str(connections), "-m", str(messages), "-l", str(size - _SOURCE_HEAD)]
    return [program, *options, "-f", "news@acme.test", "-t", "p@example.com", f"127.0.0.1:{port}"]


def peer_words(kind: str, port: int, connections: int, messages: int, size: int = _SIZE, ca: str = "") -> Words:
    """The command of aiosmtplib (`asyncio`) or smtplib (`threads`) with mail that is built already."""
    return [*_module("prebuilt_peers"), kind, *_common(port, connections, messages, size, ca)]


def our_words(
    port: int,
    connections: int,
    messages: int,
    size: int = _SIZE,
    ca: str = "",
    *,
    gear: Gear,
    window: int = 1,
    record: str = "none",
) -> Words:
    """The command of our session with mail that is built already, and what `record` says put on record."""
    options = ["--gear", gear.value, "--window", str(window), "--record", record]
    return [*_module("prebuilt_client"), *options, *_common(port, connections, messages, size, ca)]


def smtp_source(connections: int, size: int = _SIZE, *, share: float = 1.0) -> Contender:
    """Postfix's load generator. Raises `NotHere`."""
    source_words(0, connections, 0)

    def send(sink: Sink, messages: int, patience: float) -> Take:
        done = run(source_words(sink.port, connections, messages, size), _NO_HOME, patience=patience, reads=False)
        return Take(messages, done.wall, done.cpu)

    return Contender(SMTP_SOURCE, send, first=_first(connections), share=share)


def peer(kind: str, connections: int, size: int = _SIZE, *, ca: str = "") -> Contender:
    """aiosmtplib (`asyncio`) or smtplib (`threads`) with mail that is built already."""

    def send(sink: Sink, messages: int, patience: float) -> Take:
        return _told(peer_words(kind, sink.port, connections, messages, size, ca), patience)

    return Contender(AIOSMTPLIB if kind == "asyncio" else SMTPLIB, send, first=_first(connections))


def ours(
    gear: Gear, connections: int, size: int = _SIZE, *, window: int = 1, record: str = "none", ca: str = ""
) -> Contender:
    """Our session with mail that is built already, and what `record` says put on record."""

    def send(sink: Sink, messages: int, patience: float) -> Take:
        words = our_words(sink.port, connections, messages, size, ca, gear=gear, window=window, record=record)
        return _told(words, patience)

    return Contender(our_name(gear, window, record), send, first=_first(connections, window))


def our_name(gear: Gear, window: int = 1, record: str = "none") -> str:
    """As it stands in tables."""
    words = {"none": "", "group": " + outbox", "each": " + two commits a message"}
    return f"{gear}{f' {window}' if gear is Gear.CHUNKED else ''}{words[record]}"


def usual_app(
    folder: Path, connections: int, *, small: bool = False, elaborate: bool = False, share: float = 1.0
) -> Contender:
    """csv, Jinja2, EmailMessage and aiosmtplib: no outbox, nothing remembered. Its time is from the first connection to
    the last reply; the list is read before that.
    """

    def send(sink: Sink, messages: int, patience: float) -> Take:
        campaign = write_campaign(
            folder / "usual",
            port=sink.port,
            rows=messages,
            workers=connections,
            small=small,
            elaborate=elaborate,
        )
        words: Words = [
            sys.executable,
            "-m",
            "benchmarks.usual_app",
            campaign.parent,
            str(sink.port),
            str(connections),
        ]
        done = run(words, folder, patience=patience)
        return Take(done.said["sent"], done.said["seconds"], done.cpu, _whole(done))

    return Contender(USUAL_APP, send, first=_first(connections) // 4, share=share)


def mailmerge(folder: Path) -> Contender:
    """The mail merge of PyPI: a connection for every message. Raises `NotHere`."""
    program = Path(sys.executable).with_name("mailmerge")
    if not program.exists():
        raise NotHere("mailmerge is not installed; `make bench` tries to")

    def send(sink: Sink, messages: int, patience: float) -> Take:
        place = write_mailmerge(folder / "mailmerge", port=sink.port, rows=messages)
        words: Words = [program, "--no-dry-run", "--no-limit", "--output-format", "raw"]
        words += [
            "--template",
            place / "template.txt",
            "--database",
            place / "contacts.csv",
            "--config",
            place / "server.conf",
        ]
        done = run(words, folder, patience=patience, reads=False)
        return Take(messages, done.wall, done.cpu, _whole(done))

    return Contender(MAILMERGE, send, first=200)


def mailtui(
    folder: Path,
    connections: int,
    *,
    small: bool = False,
    elaborate: bool = False,
    name: str = "mailtui run",
    **dispatch: int | str,
) -> Contender:
    """`mailtui run` as its users run it, outbox and all; its time is from the first claim to the last result.

    `dispatch` are keys of the campaign file's section, such as `window=8`.
    """

    def send(sink: Sink, messages: int, patience: float) -> Take:
        campaign = write_campaign(
            folder / "ours",
            port=sink.port,
            rows=messages,
            workers=connections,
            small=small,
            elaborate=elaborate,
            dispatch=dispatch,
        )
        home = folder / "home"
        words: Words = [sys.executable, "-m", "mailtui", "run", campaign, "--yes", "--json"]
        done = run(words, home, patience=patience)
        shutil.rmtree(home)
        if done.said["state"] != "finished":
            raise RuntimeError(f"mailtui ended in the state {done.said['state']}")
        return Take(done.said["sent"], done.said["send_seconds"], done.cpu, _whole(done))

    return Contender(name, send, first=2 * _first(connections, int(dispatch.get("window", 1))))


def _whole(done: Run) -> dict[str, float]:
    return {"wall": done.wall, "peak_mb": done.peak_mb}


def _told(words: Words, patience: float) -> Take:
    said = run(words, _NO_HOME, patience=patience).said
    return Take(said["sent"], said["seconds"], said["cpu"])


def _module(name: str) -> list[str | Path]:
    return [sys.executable, "-m", f"benchmarks.{name}"]


def _common(port: int, connections: int, messages: int, size: int, ca: str) -> list[str | Path]:
    words = ["--port", port, "--connections", connections, "--messages", messages, "--size", size, "--ca", ca]
    return [str(word) for word in words]


def _first(connections: int, window: int = 1) -> int:
    """Messages of a try-out: several for each place on a connection."""
    return max(400, 6 * connections * window)
