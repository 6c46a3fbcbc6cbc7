"""Owns the list of commands, loading each only when it is asked for, and what every command's end looks like."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from mailtui import __version__
from mailtui.cli.output import mute, show_error
from mailtui.errors import ExitCode, MailtuiError, UsageError
from mailtui.kit.hidden import without_secrets

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("mailtui.cli.demo:demo", "Send the sample campaign to a sandbox on this machine."),
    "init": ("mailtui.cli.init:init", "Write a sample campaign folder to start from."),
    "audience": ("mailtui.cli.audience:audience", "Look at a list: what was understood, who matches, what is wrong."),
    "check": ("mailtui.cli.check:check", "Look for mistakes in a campaign and all of its rows."),
    "preview": ("mailtui.cli.preview:preview", "Show one recipient's mail."),
    "render": ("mailtui.cli.render:render", "Write every recipient's mail to files, sending nothing."),
    "test": ("mailtui.cli.testmail:test", "Send one row's mail to an address of yours."),
    "run": ("mailtui.cli.run:run", "Send a campaign."),
    "list": ("mailtui.cli.listing:list_campaigns", "List the campaigns of the outbox."),
    "status": ("mailtui.cli.status:status", "Show how a campaign stands; --follow watches it."),
    "report": ("mailtui.cli.report:report", "Tell what became of every recipient."),
    "schedule": ("mailtui.cli.schedule:schedule", "Say what a schedule means, with its next times."),
    "pause": ("mailtui.cli.orders:pause", "Pause a campaign; what is under way finishes."),
    "resume": ("mailtui.cli.orders:resume", "Go on with a paused campaign."),
    "cancel": ("mailtui.cli.orders:cancel", "Stop a campaign for good; who waits gets nothing."),
    "scheduled": ("mailtui.cli.scheduled:scheduled", "List what is to come, with a countdown."),
    "set": (
        "mailtui.cli.orders:set_terms",
        "Change how a campaign is sent while it runs, or when it goes.",
    ),
    "retry": ("mailtui.cli.retry:retry", "Send again what failed, perhaps to a corrected address."),
    "resolve": ("mailtui.cli.resolve:resolve", "Settle what may or may not have arrived."),
    "suppress": ("mailtui.cli.suppress:suppress", "The people who get nothing: list, add, remove, import, export."),
    "runner": ("mailtui.cli.runner:runner", "The engine in the foreground, for servers and services."),
    "accounts": ("mailtui.cli.accounts:accounts", "The servers to send through: add, change, list, try them out."),
    "webhooks": ("mailtui.cli.webhooks:webhooks", "Who is told over HTTP what becomes of campaigns."),
    "outbox": ("mailtui.cli.outbox:outbox", "Look at the outbox's file: info, check, backup."),
    "sandbox": ("mailtui.cli.sandbox:sandbox", "A local server that catches mail instead of delivering it."),
    "doctor": ("mailtui.cli.doctor:doctor", "Look at the set-up: files, outbox, keyring, where settings come from."),
    "schema": ("mailtui.cli.schema:schema", "Print the JSON Schema of the campaign file."),
}
"""Name → where it is, and its line in the help."""

GIVEN = "mailtui.given"
"""Where a command's context keeps the words that followed its name."""


def named(word: str) -> Path | None:
    """The campaign or list that stands where a command is expected; None where there is none, or it is a command."""
    if word in COMMANDS:
        return None
    files = (word, os.path.join(word, "campaign.yaml"))  # noqa: PTH118
    is_there = any(os.path.isfile(file) for file in files)  # noqa: PTH113 - Path's raises for a name that is too long
    return Path(word) if is_there else None


class _Commands(click.Group):
    """Loads a command's module when the command is used; the help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from mailtui.kit.suggest import nearest

            hit = nearest(args[0], COMMANDS)
            offer = f" Did you mean {hit}?" if hit is not None else ""
            if named(args[0]) is not None:
                is_campaign = Path(args[0]).is_dir() or Path(args[0]).suffix in (".yaml", ".yml")
                offer = " To send it: mailtui run " if is_campaign else " To look at it as a list: mailtui audience "
                offer += shlex.quote(args[0])
            raise click.UsageError(f"There is no command {args[0]}.{offer}", ctx)
        ctx.meta[GIVEN] = args[1:]
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 unexpected error, 2 wrong usage, 3 mistakes found and nothing sent, "
    "4 some failed, 5 some unknown, 6 paused by a refusal, 130 stopped by you.",
)
@click.version_option(__version__, prog_name="mailtui", message="%(prog)s %(version)s")
def cli() -> None:
    """Send personalised mail to a list through your own SMTP server: nobody twice, nobody lost.

    Without a command the app opens; with only a campaign or a list named, it opens with that.
    """


def run(arguments: Sequence[str], *, demo_app: Callable[[int | None], int | None] | None = None) -> int:
    """Run one command; every way it can end becomes a documented exit code.

    `demo_app` opens the demo in the app with so many rows; it gives None where no terminal can show it.
    """
    return concluded(
        lambda: cli.main(args=list(arguments), prog_name="mailtui", standalone_mode=False, obj=demo_app),
        as_json="--json" in arguments,
    )


def concluded(work: Callable[[], object], *, as_json: bool = False) -> int:
    """Do a command's work, tell every way it can fail, and give its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name may hold what the terminal cannot show
    try:
        result = work()
        sys.stdout.flush()
    except MailtuiError as error:
        return _told(error, as_json=as_json)
    except click.ClickException as error:
        return _told(_usage(error), as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click exits where it meets a broken pipe, and after shell completion
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        mute()
        return ExitCode.DONE
    except OSError as error:
        return _told(_refused(error), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last door: a defect is told in one sentence, details go to a file
        return _told(_defect(error), as_json=as_json)
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def _told(error: MailtuiError, *, as_json: bool) -> ExitCode:
    try:
        show_error(error, as_json=as_json)
    except OSError:
        mute()  # nobody listens any more; the exit code still says it
    return error.exit_code


def _usage(error: click.ClickException) -> UsageError:
    """What click found wrong with the command line, in the form of all our errors."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    command = context.command_path if isinstance(context, click.Context) else "mailtui"
    return UsageError(message, hint=f"See: {command} --help")


def _refused(error: OSError) -> MailtuiError:
    """The system refused something that no room has a better sentence for."""
    what = f"{error.filename} cannot be used" if error.filename else "The system refused what was asked of it"
    hint = "Free some space and run the same command again." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return MailtuiError(what, detail=str(error.strerror or error), hint=hint)


def _defect(error: Exception) -> MailtuiError:
    """Keep the traceback, without any variable's value or secret, in a file only its owner can read."""
    try:
        handle, name = tempfile.mkstemp(prefix="mailtui-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(without_secrets("".join(traceback.format_exception(error))))
        where = f"the details are in {name}"
    except OSError as problem:
        where = f"the details could not be written: {problem.strerror or problem}"
    return MailtuiError(
        "mailtui broke on something it should have handled",
        detail=f"{type(error).__name__}; {where}",
        hint="Please report it with that file. What was sent is on record: mailtui list",
    )
