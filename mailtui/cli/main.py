"""Owns the list of commands, loading each only when it is asked for, and what every command's end looks like."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from mailtui import __version__
from mailtui.cli.output import show_error
from mailtui.errors import ExitCode, MailtuiError

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
    "pause": ("mailtui.cli.orders:pause", "Pause a campaign; what is under way finishes."),
    "resume": ("mailtui.cli.orders:resume", "Go on with a paused campaign."),
    "cancel": ("mailtui.cli.orders:cancel", "Stop a campaign for good; who waits gets nothing."),
    "set": ("mailtui.cli.orders:set_terms", "Change rate or workers of a campaign while it runs."),
    "runner": ("mailtui.cli.runner:runner", "The engine in the foreground, for servers and services."),
    "sandbox": ("mailtui.cli.sandbox:sandbox", "A local server that catches mail instead of delivering it."),
    "doctor": ("mailtui.cli.doctor:doctor", "Look at the set-up: files, outbox, keyring, where settings come from."),
    "schema": ("mailtui.cli.schema:schema", "Print the JSON Schema of the campaign file."),
}
"""Name → where it is, and its line in the help."""


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
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from mailtui.kit.suggest import nearest

            hit = nearest(args[0], COMMANDS)
            if hit is not None:
                raise click.UsageError(f"There is no command {args[0]}. Did you mean {hit}?", ctx) from error
            raise


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 unexpected error, 2 wrong usage, 3 mistakes found and nothing sent, "
    "4 some failed, 5 some unknown, 6 paused by a refusal, 130 stopped by you.",
)
@click.version_option(__version__, prog_name="mailtui", message="%(prog)s %(version)s")
def cli() -> None:
    """Send personalised mail to a list through your own SMTP server: nobody twice, nobody lost."""


def run(arguments: Sequence[str]) -> ExitCode:
    """Run one command; every way it can end becomes a documented exit code."""
    as_json = "--json" in arguments
    try:
        result = cli.main(args=list(arguments), prog_name="mailtui", standalone_mode=False)
    except MailtuiError as error:
        show_error(error, as_json=as_json)
        return error.exit_code
    except click.exceptions.Exit as error:
        return ExitCode(error.exit_code)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough, as `head` does. Nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the last door: a defect is told in one sentence, details go to a file
        show_error(_defect(error), as_json=as_json)
        return ExitCode.UNEXPECTED
    return result if isinstance(result, ExitCode) else ExitCode.DONE


def _defect(error: Exception) -> MailtuiError:
    """Keep the traceback, without any variable's value, in a file only its owner can read."""
    handle, name = tempfile.mkstemp(prefix="mailtui-", suffix=".txt")
    with os.fdopen(handle, "w") as stream:
        stream.write("".join(traceback.format_exception(error)))
    return MailtuiError(
        "mailtui broke on something it should have handled",
        detail=f"{type(error).__name__}; the details are in {Path(name)}",
        hint="Please report it with that file. What was sent is on record: mailtui list",
    )
