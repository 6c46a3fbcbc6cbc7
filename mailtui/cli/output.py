"""Owns stdout and stderr: data goes to one, talk to the other, and a stranger's text is made harmless on both."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from mailtui.errors import MailtuiError
from mailtui.kit.safe_text import safe_json, safe_text
from mailtui.kit.words import sentence

Advance = Callable[[int, int], None]


def data(text: str) -> None:
    """A line of data on stdout."""
    click.echo(text)


def json_line(value: Any) -> None:
    """One JSON object on one line of stdout."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    click.echo(safe_json(json.dumps(value, ensure_ascii=ascii_only, default=str)))


def mute() -> None:
    """Whoever read our output has enough, as `head` does: nothing more is written to stdout, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def mute_all() -> None:
    """The terminal is gone: from now on both streams lead nowhere, so that no word to it can stop what goes on."""
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def safe(text: str) -> str:
    """A stranger's text, made harmless."""
    return safe_text(text)


def safe_lines(text: str) -> str:
    """The same, keeping line ends."""
    return safe_text(text.replace("\r\n", "\n"), newlines=True)


def say(text: str) -> None:
    """A line of talk on stderr."""
    click.echo(safe_text(text, newlines=True), err=True)


def note(text: str) -> None:
    """A line of talk that is no problem: only for a person at a terminal."""
    if text and sys.stderr.isatty():
        say(text)


def wrapped(text: str, *, indent: str, stream: TextIO) -> str:
    """A line broken between words to fit the terminal behind a stream; as it is where there is none."""
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def steps(lines: Sequence[tuple[str, str]]) -> list[str]:
    """(what for, command) as lines with the commands below one another, each short enough to be copied whole."""
    width = max((len(what) for what, _ in lines), default=0) + 1
    return [f"{what + ':':<{width}}  {command}" for what, command in lines]


def bold(text: str) -> str:
    """Emphasis for a heading; plain where stdout is no terminal or NO_COLOR is set."""
    return text if os.environ.get("NO_COLOR") else click.style(text, bold=True)


def show_error(error: MailtuiError, *, as_json: bool) -> None:
    """What happened, where, and what to do, on stderr; with --json also as an object on stdout."""
    if as_json:
        json_line(
            {
                "error": error.title,
                "detail": error.detail,
                "hint": error.hint,
                "exit_code": int(error.exit_code),
            }
        )
    say(f"mailtui: {sentence(error.title)}")
    for line in error.detail.splitlines():
        say(wrapped(f"  {line}", indent="  ", stream=sys.stderr))
    for line in error.hint.splitlines():  # whole: who copies a command from it must not run half of it
        say(f"  {line}")


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), spare: Sequence[int] = ()
) -> None:
    """A table on stdout, columns aligned; `right` are the positions of columns aligned to the right.

    `spare` are those that are left out, in this order, where a terminal is too narrow for all of them.
    """
    cells = [[safe_text(cell, limit=100) for cell in row] for row in rows]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines, left_out = table_lines(headings, cells, right=right, spare=spare, width=width)
    for line in lines:
        data(line)
    if left_out:
        note(f"{left_out} of {len(headings)} columns do not fit; --json has all of them.")


def table_lines(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int],
    spare: Sequence[int],
    width: int | None,
) -> tuple[list[str], int]:
    """The lines of a table, and how many columns are left out of it; `width` None: as wide as it is.

    Where it is too wide even without those that are spare, the last column is below the others, on lines of its own.
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    shown = list(range(len(headings)))

    def total() -> int:
        return sum(widths[at] for at in shown) + 2 * (len(shown) - 1)

    for at in spare:
        if width is not None and total() > width:
            shown.remove(at)
    below = width is not None and total() > width
    beside, last = (shown[:-1], shown[-1]) if below else (shown, -1)
    lines = []
    for row in (headings, *rows):
        parts = [row[at].rjust(widths[at]) if at in right else row[at].ljust(widths[at]) for at in beside]
        lines.append("  ".join(parts).rstrip())
        if below:
            lines.append(f"{' ' * widths[0]}  {row[last]}")
    return lines, len(headings) - len(shown)


@contextmanager
def keys_unshown() -> Iterator[None]:
    """Keep the terminal behind stderr from writing ^C into a line that is drawn anew all the time.

    What it writes at a full line's end goes on in the next one, where nothing could wipe all of it.
    """
    before = _change_echo(on=False)
    try:
        yield
    finally:
        if before:
            _change_echo(on=True)


def _change_echo(*, on: bool) -> bool:
    """Whether it was changed: not where there is no terminal, nor in the background, where asking would stop us."""
    if sys.platform == "win32":
        return False
    import termios

    stream = sys.__stderr__  # a bar puts something of its own into the place of sys.stderr
    if stream is None or not stream.isatty():
        return False
    place = stream.fileno()
    try:
        if os.tcgetpgrp(place) != os.getpgrp():
            return False
        settings = termios.tcgetattr(place)
        if bool(settings[3] & termios.ECHOCTL) is on:
            return False
        settings[3] ^= termios.ECHOCTL
        termios.tcsetattr(place, termios.TCSANOW, settings)
    except (OSError, termios.error):  # it is not ours, or has gone: then nobody sees the line either
        return False
    return True


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """A bar on stderr with counts, rate and time left, when that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with keys_unshown(), Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield advance


def _silent(done: int, total: int) -> None:
    """No terminal: nothing is said unless something is wrong."""
