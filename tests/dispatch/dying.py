"""A runner, or the process that makes an occurrence, that dies as by kill -9 just before one of its commits:
`python -m tests.dispatch.dying`.

Reads a JSON array a line, (who, outbox, commit, recurrence, at): `who` is `runner` or `child`, `commit` counts from 1
over all the SQLite files that it opens. Answers each with the exit code of the fork that carried it out, `DIED` where
that commit was reached. Between two commits nothing changes that lasts, so these are all the places to die at.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import count

import apsw

from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.runner import Runner
from mailtui.outbox.opening import parse_outbox
from mailtui.service import occurrence
from mailtui.service.handover import Handed
from mailtui.service.occurrences import ChildOccurrences
from tests.dispatch.bench import Passwords, options

DIED = 99


def _die_before(wanted: int) -> None:
    numbers = count(1)

    def committing() -> bool:
        if next(numbers) == wanted:
            os._exit(DIED)
        return False

    apsw.connection_hooks.append(lambda connection: connection.set_commit_hook(committing))


def _carry_out(who: str, url: str, commit: int, recurrence: str, at: float) -> int:
    _die_before(commit)
    if who == "child":
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        secrets, told = os.pipe()
        os.write(told, Handed({}, {}).to_json().encode())
        os.close(told)
        return occurrence.main([recurrence, repr(at), "--outbox", url, "--secrets-fd", str(secrets)])
    outbox = parse_outbox(url)
    made = ChildOccurrences(outbox, os.environ, SecretSource({}))
    asyncio.run(Runner(outbox, options(outbox, scale=0.05, say=print), Passwords(), occurrences=made).run(lambda: None))
    return 0


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_carry_out(*json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
