"""`python -m proof [PART]…`: attack senders at random, have them judged from outside, print what came of it.

Parts: kills, foreign, naive, pauses, launches, cancels, suppress, pool, soak, model, canary; all when none is named.
`--short` makes each small, `--write` puts the tables into docs/reliability.md. Ends with 1 when mailtui broke a
promise. The seeds say what happens in which order.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from proof import table
from proof.canary import CRASHES, canary
from proof.foreign import sieges
from proof.foreign_servers import foreign_servers
from proof.launches import Trials, cancelled, launched_twice
from proof.model import run_model
from proof.nemesis import PAUSES, Ordeal, ordeal
from proof.pool import pooled
from proof.soak import Soak, soak
from proof.suppress import suppressed_late
from proof.terms import Terms
from scripts import page

_PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
_LEAST = 20_000  # messages under 500 kills
_IN_FLIGHT = 64  # transactions at most, else a kill takes too much of the list
_WINDOW = 8  # the widest on a connection; narrower ones come and go
_GROWTH = 0.05  # of memory after the warm-up


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each part."""

    kills: int = 500
    connections: tuple[int, ...] = (1, 16, 64)
    foreign: int = 52
    pauses: int = 50
    launches: int = 100
    cancels: int = 200
    suppress: int = 100
    pool: int = 50
    soak: int = 100_000
    model: int = 2_000
    crashes: int = len(CRASHES)
    seed: int = 1


_SHORT = Size(
    kills=20, foreign=6, pauses=6, launches=8, cancels=20, suppress=6, pool=4, soak=5_000, model=15, crashes=8
)


def main() -> int:
    """Run the parts that are named."""
    options = _parse()
    size = _size(options)
    folder = Path(tempfile.mkdtemp(prefix="mailtui-proof-"))
    broken = False
    for name in options.parts or list(_PARTS):
        print(f"== {name}", flush=True)
        lines, kept = _PARTS[name](folder / name, size)
        broken |= not kept
        lines += ["", page.dated(f"python -m proof {name}{_said(size)}")]
        print("\n".join(lines), flush=True)
        if options.write:
            page.write_block(_PAGE, "proof", name, lines)
    if broken:
        print(f"A promise was broken. What it was done with is kept in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(_PARTS))
    parser.add_argument("--short", action="store_true", help="each part small, minutes in all")
    parser.add_argument("--kills", type=int, help="for each number of connections")
    parser.add_argument("--connections", type=int, nargs="+")
    parser.add_argument("--foreign", type=int, help="kills for each foreign server and gear")
    parser.add_argument("--pauses", type=int)
    parser.add_argument("--launches", type=int)
    parser.add_argument("--cancels", type=int)
    parser.add_argument("--suppress", type=int, help="campaigns")
    parser.add_argument("--pool", type=int, help="campaigns with two accounts")
    parser.add_argument("--soak", type=int, help="messages")
    parser.add_argument("--model", type=int, help="runs of the state machine")
    parser.add_argument("--crashes", type=int, help="of the canary")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/reliability.md")
    options = parser.parse_args()
    for name in options.parts:
        if name not in _PARTS:
            parser.error(f"there is no part {name}")
    return options


def _size(options: argparse.Namespace) -> Size:
    """The size that is asked for: the whole or the short one, but for what is named."""
    given = {name: getattr(options, name) for name in Size.__slots__ if getattr(options, name) is not None}
    if "connections" in given:
        given["connections"] = tuple(given["connections"])
    return replace(_SHORT if options.short else Size(), **given)


def _said(size: Size) -> str:
    """The options that differ from the usual ones, as a command line has them."""
    usual, words = Size(), ""
    for name in Size.__slots__:
        value = getattr(size, name)
        if value != getattr(usual, name):
            words += f" --{name} " + (" ".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return words


def _attacks(folder: Path, size: Size, *, naive: bool) -> list[Ordeal]:
    found = []
    for connections in size.connections:
        least = _LEAST * size.kills // Size().kills
        window = max(1, min(_WINDOW, _IN_FLIGHT // connections))
        terms = Terms.for_blows(size.kills, connections, seed=size.seed + connections, least=least, window=window)
        found.append(_tell(ordeal(folder / str(connections), terms, naive=naive)))
    return found


def _tell(item: Ordeal) -> Ordeal:
    print(f"{item.sender}, {item.kills} kills, {item.seconds:.0f} s: {item.verdict}", flush=True)
    return item


def judged(item: Ordeal) -> bool:
    """Whether mailtui kept every promise in an attack."""
    return not item.verdict.broken and item.unknown_by_kill <= item.kills * item.terms.most_in_doubt


def _kills(folder: Path, size: Size) -> tuple[list[str], bool]:
    found = _attacks(folder, size, naive=False)
    return [*table.kills_table(found), "", *table.kills_notes(found)], all(judged(item) for item in found)


def _foreign(folder: Path, size: Size) -> tuple[list[str], bool]:
    """What cannot be explained between two blows ends the program at once, with what was seen."""
    servers = foreign_servers()
    missing = [f"{name} is not here, and was left out." for name in ("Postfix", "Exim") if name not in servers]
    found = []
    for item in sieges(folder, servers, kills=size.foreign, connections=4, seed=size.seed):
        print(
            f"{item.server}, {item.gear}, window {item.terms.window}, {item.seconds:.0f} s: {item.verdict}", flush=True
        )
        found.append(item)
    return [*table.foreign_table(found), *missing], bool(found) and all(item.kept for item in found)


def _naive(folder: Path, size: Size) -> tuple[list[str], bool]:
    return table.kills_table(_attacks(folder, size, naive=True)), True


def _pauses(folder: Path, size: Size) -> tuple[list[str], bool]:
    # Slowly, since a send goes on while the order to pause is on its way.
    terms = Terms(size.pauses * 100, size.pauses, 16, size.seed, rate=60.0)
    item = _tell(ordeal(folder, terms, attack=PAUSES))
    return [*table.kills_table([item]), "", *table.kills_notes([item])], judged(item)


def _launches(folder: Path, size: Size) -> tuple[list[str], bool]:
    return _trials("launched by two processes at once", launched_twice(folder, times=size.launches, seed=size.seed))


def _cancels(folder: Path, size: Size) -> tuple[list[str], bool]:
    return _trials("cancelled", cancelled(folder, times=size.cancels, seed=size.seed))


def _trials(kind: str, trials: Trials) -> tuple[list[str], bool]:
    return table.trials_table(f"campaigns {kind}", trials), not trials.broken


def _suppress(folder: Path, size: Size) -> tuple[list[str], bool]:
    late = suppressed_late(folder, times=size.suppress, seed=size.seed)
    return table.late_table(late), late.kept


def _pool(folder: Path, size: Size) -> tuple[list[str], bool]:
    found = pooled(folder, times=size.pool, seed=size.seed)
    return table.pool_table(found), found.kept


def _soak(folder: Path, size: Size) -> tuple[list[str], bool]:
    found = soak(folder, messages=size.soak, connections=16, seed=size.seed)
    return table.soak_table(found), soaked(found)


def soaked(found: Soak) -> bool:
    """Whether memory and open files stayed where they were, and every promise was kept."""
    flat = found.growth < _GROWTH and found.files_last <= found.files_first + 2
    return flat and not found.verdict.broken


def _model(folder: Path, size: Size) -> tuple[list[str], bool]:
    """What is wrong ends the program at once, with the steps that led to it."""
    return table.model_table(run_model(folder, runs=size.model, steps=15, seed=size.seed)), True


def _canary(folder: Path, size: Size) -> tuple[list[str], bool]:
    found = canary(folder, CRASHES[:: max(1, len(CRASHES) // size.crashes)])
    return table.canary_table(found), found.kept


_PARTS: dict[str, Callable[[Path, Size], tuple[list[str], bool]]] = {
    "kills": _kills,
    "foreign": _foreign,
    "naive": _naive,
    "pauses": _pauses,
    "launches": _launches,
    "cancels": _cancels,
    "suppress": _suppress,
    "pool": _pool,
    "soak": _soak,
    "model": _model,
    "canary": _canary,
}


if __name__ == "__main__":
    sys.exit(main())
