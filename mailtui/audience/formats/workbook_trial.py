"""Owns opening a workbook in a process of its own first, where its extent cannot be told from outside.

The reader makes room for every cell up to the last one. In a binary workbook that may be one stray cell far out, for
which no memory is enough, and then the whole process ends without a word. Better that of a trial.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailtui.audience.source import Source
from mailtui.errors import AudienceError
from mailtui.kit.children import bare_environment, own_module

MEMORY_LIMIT = 2 << 30
_SECONDS = 120


def require_openable(source: Source) -> None:
    """Raise `AudienceError` when opening a workbook ends its process, or takes more memory or time than any list."""
    command = [*own_module("mailtui.audience.formats.workbook_trial"), str(source.path)]
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            env=bare_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        code = ended.returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code != 0:
        raise AudienceError(
            f"{source.name} cannot be opened as a workbook",
            detail="It is damaged, or something stands in a cell so far out that there is no memory for all up to it.",
            hint="Delete what stands outside the list and save it as .xlsx, or save the tab as CSV.",
        )


def main(arguments: Sequence[str]) -> int:
    """Open each tab of a workbook. What the reader says against it is said again, and better, by whoever reads it."""
    import python_calamine

    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(python_calamine.CalamineError), Path(arguments[0]).open("rb") as stream:
        book = python_calamine.CalamineWorkbook.from_filelike(stream)
        for name in book.sheet_names:
            book.get_sheet_by_name(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
