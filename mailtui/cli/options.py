"""Owns the options that every command takes, and opening the service for it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailtui.cli import output
from mailtui.cli.unseen import ask_unseen
from mailtui.service.facade import Service
from mailtui.service.pace import require_limits
from mailtui.service.password_fd import read_passwords
from mailtui.service.terms import MAX_WINDOW, MAX_WORKERS, parse_rate, what_a_window_means

if TYPE_CHECKING:
    _Number = click.ParamType[int]
else:
    _Number = click.ParamType  # generic only in newer releases


class Whole(_Number):
    """A whole number within limits. Unlike click's own range it says in words what it allows, and nothing in help."""

    name = "number"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is no whole number.", param, ctx)
        if number < self._least or (self._most is not None and number > self._most):
            most = f" to {self._most:,}" if self._most is not None else " on"
            self.fail(f"{number} is out of bounds; it goes from {self._least}{most}.", param, ctx)
        return number


_PASSWORDS = "mailtui.passwords"
"""Where a command's context keeps the passwords that were handed over on its command line."""

Command = TypeVar("Command", bound=Callable[..., Any])


def common(command: Command) -> Command:
    """Add --json and --outbox; the command gets an open `service` and `as_json`."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON: one object, or a line each where rows are many.")
    @click.option("--outbox", metavar="URL", help="The outbox to use: sqlite:///PATH.")
    @functools.wraps(command)
    def wrapper(*args: Any, outbox: str | None, **kwargs: Any) -> Any:
        with Service.open(os.environ, outbox=outbox, ask=_ask_password) as service:
            for account, password in click.get_current_context().meta.get(_PASSWORDS, {}).items():
                service.settings.endpoint(account)  # a name that the settings do not have is a slip
                service.tell_password(account, password)
            return command(*args, service=service, **kwargs)

    return wrapper  # type: ignore[return-value]


def _read_passwords(context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> None:
    context.meta[_PASSWORDS] = read_passwords(given)


password_option = click.option(
    "--password-fd",
    multiple=True,
    expose_value=False,
    callback=_read_passwords,
    metavar="ACCOUNT=N",
    help="Read the password of an account from this file descriptor.",
)

filter_option = click.option("--filter", "filter_text", metavar="RULE", help="Only rows for which this holds, too.")


def _rate(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_rate(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


rate_option = click.option(
    "--rate", callback=_rate, metavar="RATE", help="The most messages in a time, such as 10/s, 600/m or 5000/h."
)
workers_option = click.option(
    "--workers",
    type=Whole(1, MAX_WORKERS),
    metavar="N",
    help=f"Connections at the same time, 1 to {MAX_WORKERS}.",
)
window_option = click.option(
    "--window",
    type=Whole(1, MAX_WINDOW),
    metavar="K",
    help=f"Mails under way on each connection, 1 to {MAX_WINDOW}; more is faster far away, and more is unknown after a "
    "crash.",
)


def _limits(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    said = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r} says no value; write it as per_hour=500, or per_hour= for none")
        said[name.strip().replace("-", "_")] = value.strip()
    try:
        require_limits(said)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return said


pace_option = click.option(
    "--pace",
    "limits",
    multiple=True,
    callback=_limits,
    metavar="NAME=VALUE",
    help="A limit of the campaign, such as per_hour=500, min_gap=30s or batch=100,10m; several times. Those of its "
    "accounts hold as well.",
)
burst_option = click.option("--burst", type=Whole(1), metavar="N", help="How many may go at once after a rest.")


def note_window(window: int) -> None:
    """Tell a person at a terminal what a window above 1 means."""
    meaning = what_a_window_means(window)
    if meaning:
        text = f"window {window}: {meaning[0].lower()}{meaning[1:]}"
        output.note(output.wrapped(text, indent="  ", stream=sys.stderr))


def at_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def _ask_password(account: str) -> str | None:
    """Ask at the terminal, and keep the answer for this command only."""
    if not at_terminal():
        return None
    return await ask_unseen(f"Password of {account}")
