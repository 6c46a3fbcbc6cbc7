"""A runner as a program of its own, for tests that kill it: `python -m tests.dispatch.run_outbox OUTBOX SCALE [LIMIT]`.

With LIMIT, no file of this process may grow beyond so many bytes: a full disk, until the test lifts it.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys

from mailtui.dispatch.runner import Runner
from mailtui.errors import MailtuiError
from mailtui.outbox.opening import parse_outbox
from tests.dispatch.bench import no_secret, options


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def main(url: str, scale: float) -> None:
    outbox = parse_outbox(url)
    runner = Runner(outbox, options(outbox, until_idle=True, scale=scale, say=complain), no_secret)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runner.stop)
    await runner.run(lambda: print("ready", flush=True))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        limit = int(sys.argv[3])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        asyncio.run(main(sys.argv[1], float(sys.argv[2])))
    except MailtuiError as error:
        print(type(error).__name__, flush=True)
        sys.exit(9)
