"""Picks a face: the command line for a command, the runner for `runner`, a hint when there is nothing to show."""

from __future__ import annotations

import sys

from mailtui.errors import ExitCode


def main() -> int:
    """Run mailtui with the process's arguments; the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["runner"]:
        # Straight to the engine: a runner needs neither the command line's library nor any face.
        from mailtui.service.engine import main as run_engine

        return run_engine(arguments[1:])
    if not arguments:
        print(  # noqa: T201
            "mailtui: say what to do, for example:\n"
            "  mailtui demo           send a sample campaign to a sandbox on this machine\n"
            "  mailtui init DIR       write a sample campaign to start from\n"
            "  mailtui run CAMPAIGN   send a campaign\n"
            "  mailtui --help         everything else",
            file=sys.stderr,
        )
        return int(ExitCode.USAGE)
    from mailtui.cli.main import run

    return int(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
