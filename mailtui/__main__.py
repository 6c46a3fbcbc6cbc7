"""Picks a face: the app for nothing or a mere campaign or list, the command line for a command, the runner by name."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from mailtui.kit.children import leave_no_core
from mailtui.kit.hidden import hide_in_last_words


def main() -> int:
    """Run mailtui with the process's arguments; the exit code."""
    leave_no_core()
    hide_in_last_words()
    arguments = sys.argv[1:]
    if arguments[:1] == ["runner"]:
        # Straight to the engine: a runner needs neither the command line's library nor any face.
        from mailtui.service.engine import main as run_engine

        return run_engine(arguments[1:])
    if arguments[:1] == ["occurrence"]:
        # Started by a runner, and of no use to anybody else.
        from mailtui.service.occurrence import main as make_occurrence

        return make_occurrence(arguments[1:])
    from mailtui.cli.main import concluded, named, run

    if not arguments:
        return int(concluded(_open_app))
    target = named(arguments[0]) if len(arguments) == 1 else None
    if target is not None and _has_terminal():
        return int(concluded(partial(_open_app, target)))
    return int(run(arguments, demo_app=_open_demo))


# The app's library takes longer to load than most commands to run, so it is loaded only to open the app.


def _open_app(target: Path | None = None) -> int:
    from mailtui.tui.terminal import require_terminal

    require_terminal(os.environ)
    from mailtui.tui.start import run_app

    return run_app(os.environ, target=target)


def _open_demo(rows: int | None) -> int | None:
    """The demo in the app; None where no terminal can show it."""
    if not _has_terminal():
        return None
    from mailtui.tui.start import run_demo

    return run_demo(os.environ, rows=rows)


def _has_terminal() -> bool:
    from mailtui.tui.terminal import can_show

    return can_show(os.environ)


if __name__ == "__main__":
    sys.exit(main())
