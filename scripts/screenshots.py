"""Take pictures of the app: the real one, beside real sends to a sandbox, saved as SVG.

python -m scripts.screenshots [FOLDER]               the few that the docs show, into docs/pictures
python -m scripts.screenshots --all FOLDER [ACT …]   every screen in every state, at three sizes, for whoever
                                                     changes the app; an act is one group of them
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from scripts.acts import ACTS
from scripts.doc_pictures import docs
from scripts.stage import Camera, stage


async def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every screen in every state")
    parser.add_argument("names", nargs="*", metavar="FOLDER or ACT")
    options = parser.parse_args(arguments)
    if options.all is None:
        folder = Path(options.names[0]) if options.names else Path(__file__).parents[1] / "docs" / "pictures"
        async with stage() as place:
            await docs(place, Camera(folder))
        return
    unknown = [name for name in options.names if name not in ACTS]
    if unknown:
        parser.error(f"there is no act {unknown[0]}; there are {', '.join(ACTS)}")
    for name in options.names or ACTS:
        async with stage() as place:
            await ACTS[name](place, Camera(options.all, prefix=f"{name}-"))


if __name__ == "__main__":
    asyncio.run(main())
