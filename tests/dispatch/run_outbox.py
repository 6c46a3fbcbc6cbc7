"""A runner as a program of its own, for tests that kill it: `python -m tests.dispatch.run_outbox OUTBOX SCALE`.

With `--limit N`, no file of this process may grow beyond so many bytes: a full disk, until the test lifts it. With
`--gear GEAR` that one is spoken whatever the server offers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import sys

from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch import gearbox
from mailtui.dispatch.runner import Runner
from mailtui.errors import MailtuiError
from mailtui.outbox.opening import parse_outbox
from mailtui.service.occurrences import ChildOccurrences
from mailtui.smtp.gear import Gear, GearChoice
from tests.dispatch.bench import Passwords, options


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def main(url: str, scale: float) -> None:
    outbox = parse_outbox(url)
    chosen = options(outbox, until_idle=True, scale=scale, say=complain)
    runner = Runner(outbox, chosen, Passwords(), occurrences=ChildOccurrences(outbox, os.environ, SecretSource({})))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runner.stop)
    await runner.run(lambda: print("ready", flush=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("outbox")
    parser.add_argument("scale", type=float)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--gear", type=Gear)
    given = parser.parse_args()
    if given.limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (given.limit, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if given.gear is not None:
        gearbox.best_gear = lambda *_: GearChoice(given.gear)  # type: ignore[attr-defined]
    try:
        asyncio.run(main(given.outbox, given.scale))
    except MailtuiError as error:
        print(type(error).__name__, flush=True)
        sys.exit(9)
