"""The server under a proof, as a program: the sandbox, with its acceptance log on the disk before every 250.

`python -m proof.server --folder F [--port N] [--faults FILE] [--without EXTENSION]...` writes its port as the first
line of its output, and serves until it is killed or told to end.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from mailtui.sandbox.faults import Faults
from mailtui.sandbox.manners import EXTENSIONS
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.spec import load_faults


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m proof.server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--without", action="append", default=[], help="an extension not to announce")
    options = parser.parse_args()
    faults = load_faults(options.faults) if options.faults else Faults()
    extensions = [word for word in EXTENSIONS if word not in options.without]
    asyncio.run(_serve(options.folder, options.port, faults, extensions))
    return 0


async def _serve(folder: Path, port: int, faults: Faults, extensions: list[str]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with SandboxServer(folder, port=port, faults=faults, sync=True, extensions=extensions) as server:
        print(server.port, flush=True)
        await told.wait()


if __name__ == "__main__":
    main()
