"""Owns the runner process: composing the engine from its parts, its signals, its first word and its log."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailtui import __version__
from mailtui.accounts.credentials import Credentials
from mailtui.accounts.secrets import SecretSettings, SecretSource
from mailtui.dispatch.lock import runner_pid
from mailtui.dispatch.runner import Runner, RunnerOptions
from mailtui.errors import ExitCode, MailtuiError, RunnerBusy
from mailtui.kit import journal
from mailtui.kit.hidden import without_secrets
from mailtui.kit.paths import Home
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import sentence
from mailtui.outbox.opening import Outbox, parse_outbox
from mailtui.service.handover import Door, Handed, door_of, require_handed
from mailtui.service.herald import OwnHerald
from mailtui.service.occurrences import ChildOccurrences
from mailtui.service.password_fd import read_passwords
from mailtui.service.waiting import wake
from mailtui.smtp.timeouts import time_scale

if TYPE_CHECKING:
    from mailtui.accounts.oauth.tokens import TokenSource


def runner_for(
    outbox: Outbox,
    environ: Mapping[str, str],
    secrets: SecretSource,
    *,
    until_idle: bool,
    only: int | None = None,
    say: Callable[[str], None] | None = None,
) -> Runner:
    """An engine over an outbox, with everything it needs handed down. `say` tells people; None is standard error."""
    sightings, scale = Home.find(environ).sightings, time_scale(environ)
    options = RunnerOptions(__version__, sightings, say or _say, until_idle=until_idle, only=only, scale=scale)
    occurrences = ChildOccurrences(outbox, environ, secrets, scale=scale) if only is None else None
    herald = OwnHerald(environ, secrets, scale=scale)
    return Runner(outbox, options, credentials_for(secrets, environ), occurrences=occurrences, herald=herald)


def credentials_for(secrets: SecretSource, environ: Mapping[str, str]) -> Credentials:
    """What is proved to servers, with access tokens that all processes of this home renew in turns."""

    def tokens() -> TokenSource:
        from mailtui.accounts.oauth.tokens import TokenSource  # costs what HTTP needs, and most accounts have none

        return TokenSource(secrets, Home.find(environ).run, scale=time_scale(environ))

    return Credentials(secrets, tokens)


def _say(text: str) -> None:
    """A line to the person at the terminal."""
    print(safe_text(f"mailtui: {text}"), file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: Sequence[str]) -> int:
    """`mailtui runner`: the engine in the foreground."""
    options = _parse(arguments)
    if options.unit is not None:
        return _print_unit(options)
    logged = options.ready_fd is not None or options.json
    if logged:
        journal.keep_journal()
    say = _Mouth(options.ready_fd, as_json=options.json, logged=logged)
    try:
        outbox = _outbox(options)
        secrets, environ = _secrets(options)
        tell = journal.warn if logged else _say
        stays = not options.until_idle

        def runner() -> Runner:
            return runner_for(outbox, environ, secrets, until_idle=not stays, say=tell)

        door = Door(door_of(outbox, Home.find(os.environ).run), lambda more: _take(outbox, secrets, environ, more))
        asyncio.run(serve(runner, outbox, door, lambda: say.ready(outbox.url), stays=stays))
    except MailtuiError as error:
        say.failed(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last door: what comes here is a defect, and goes to the log
        journal.broke("the runner broke", error)
        said = without_secrets(f"The runner broke: {type(error).__name__}: {error}")
        say.failed(MailtuiError(said, hint="Its log has the details."))
        return int(ExitCode.UNEXPECTED)
    return int(ExitCode.DONE)


async def serve(
    begin: Callable[[], Runner], outbox: Outbox, door: Door, ready: Callable[[], None], *, stays: bool
) -> None:
    """Run until told to leave, or, unless it `stays`, until nothing is left to do."""
    loop, runner, told = asyncio.get_running_loop(), begin(), False

    def stop() -> None:
        nonlocal told
        told = True
        runner.stop()

    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and hasattr(loop, "add_signal_handler"):
            loop.add_signal_handler(number, stop)

    def begun() -> None:
        door.open()
        ready()

    try:
        await runner.run(begun)
        # Whoever scheduled something while this one was leaving took it for one that is there.
        while not (stays or told) and await _is_awaited(outbox):
            journal.note("something is to come since the runner began to leave")
            runner = begin()
            with contextlib.suppress(RunnerBusy):  # another one was quicker, and sees to it
                await runner.run(lambda: None)
    finally:
        await door.close()


async def _is_awaited(outbox: Outbox) -> bool:
    """Whether something is to come and nobody is there for it: asked by one that is there no more."""
    reader = outbox.reader()
    try:
        return await reader.next_wake() is not None and runner_pid(outbox.lock_file) is None
    finally:
        reader.close()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="mailtui runner",
        description="The engine in the foreground: sends what was launched into an outbox. One per SQLite outbox.",
    )
    parser.add_argument("--outbox", metavar="URL", help="the outbox to work on: sqlite:///PATH")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print its process id and outbox as one JSON object, and what happens as JSON lines on stderr",
    )
    parser.add_argument("--until-idle", action="store_true", help="leave when nothing is left to do")
    parser.add_argument(
        "--password-fd",
        action="append",
        default=[],
        metavar="ACCOUNT=N",
        help="the password of an account, to be read from this file descriptor; may be given several times",
    )
    units = parser.add_mutually_exclusive_group()
    units.add_argument(
        "--systemd",
        dest="unit",
        action="store_const",
        const="systemd",
        help="start nothing; print a user's unit of systemd that keeps a runner alive",
    )
    units.add_argument(
        "--launchd",
        dest="unit",
        action="store_const",
        const="launchd",
        help="the same as an agent of launchd, for macOS",
    )
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--secrets-fd", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _print_unit(options: argparse.Namespace) -> int:
    """Print what a service manager is to be told; how to install it goes to people."""
    from mailtui.service import units  # costs pydantic, which a runner does not need

    try:
        outbox = _outbox(options)
        if options.unit == "systemd":
            text = units.systemd_unit(outbox, os.environ, Path.cwd())
        else:
            text = units.launchd_plist(outbox, os.environ, Path.cwd(), Home.find(os.environ))
    except MailtuiError as error:
        _Mouth(None, as_json=options.json, logged=False).failed(error)
        return int(error.exit_code)
    sys.stdout.write(text)
    print(units.how_to_install(options.unit), file=sys.stderr)  # noqa: T201
    return int(ExitCode.DONE)


def _outbox(options: argparse.Namespace) -> Outbox:
    """The outbox that is named, else that of the settings. Raises `UsageError`, `ConfigError`."""
    return parse_outbox(options.outbox or os.environ.get("MAILTUI_OUTBOX") or _default_outbox())


def _default_outbox() -> str:
    from mailtui.service.settings import read_settings  # costs pydantic, and a launcher always names the outbox

    return read_settings(os.environ).outbox_url


def _secrets(options: argparse.Namespace) -> tuple[SecretSource, dict[str, str]]:
    """Where secrets come from, and the environment that it looks into, which grows by what is handed over.

    A launcher hands over by a pipe, read once and closed, what no environment may hold: secrets of accounts, and its
    own password variables for campaigns of other accounts that wait for a runner.
    """
    environ, given, logins = dict(os.environ), read_passwords(options.password_fd), None
    if options.secrets_fd is not None:
        with os.fdopen(options.secrets_fd) as pipe:
            handed = require_handed(pipe.read())
        environ.update(handed.variables)
        given.update(handed.secrets)
        logins = handed.logins
    return SecretSource(environ, settings=_secret_settings, given=given, logins=logins), environ


async def _take(outbox: Outbox, secrets: SecretSource, environ: dict[str, str], more: Handed) -> None:
    """Keep what was handed over to the runner that lives, and have go on what waited for it."""
    environ.update(more.variables)
    secrets.tell_logins(more.logins)
    for entry, secret in more.secrets.items():
        secrets.tell(entry, secret)
    try:
        await wake(outbox, more)
    except MailtuiError as error:  # they wait for somebody to resume them
        journal.warn("campaigns that waited for a secret were not woken", error=str(error))


def _secret_settings() -> SecretSettings:
    from mailtui.service.settings import read_settings  # costs pydantic, and most secrets are handed over

    return read_settings(os.environ).secrets()


class _Mouth:
    """Says once, to whoever started this process, whether it came up; and errors to people."""

    def __init__(self, handle: int | None, *, as_json: bool, logged: bool) -> None:
        self._handle = handle
        self._logged = logged
        self._as_json = as_json

    def ready(self, outbox: str) -> None:
        if self._tell({"pid": os.getpid()}):
            return
        if self._as_json:
            print(json.dumps({"pid": os.getpid(), "outbox": outbox}), flush=True)  # noqa: T201
        elif sys.stderr.isatty():
            print(f"mailtui runner {os.getpid()} works on {outbox}. Stop it with Ctrl-C.", file=sys.stderr)  # noqa: T201

    def failed(self, error: MailtuiError) -> None:
        self._tell(
            {"error": error.title, "detail": error.detail, "hint": error.hint, "exit_code": int(error.exit_code)}
        )
        if self._logged:
            journal.warn(error.title, detail=error.detail, hint=error.hint)
            return
        rest = [f"  {line}" for text in (error.detail, error.hint) for line in text.splitlines()]
        print(safe_text("\n".join([f"mailtui: {sentence(error.title)}", *rest]), newlines=True), file=sys.stderr)  # noqa: T201

    def _tell(self, what: Mapping[str, object]) -> bool:
        if self._handle is None:
            return False
        handle, self._handle = self._handle, None
        with os.fdopen(handle, "w") as pipe:
            pipe.write(json.dumps(what) + "\n")
        return True
