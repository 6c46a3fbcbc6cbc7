"""Owns the soak (Q-06): one long send beside a server with faults, with an eye on the runner's memory and files."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, linear_regression

from proof.campaign import addresses, environment
from proof.children import Nursery
from proof.judge import Verdict, judge, read_accepted, read_report
from proof.post import PostOffice
from proof.senders import Mailtui
from proof.terms import Terms

_STRENGTH = 1.4  # of the faults, so that about one message in twenty meets one
_EVERY = 0.1  # seconds between two samples
_WARM = 0.2  # of the samples are warm-up


@dataclass(frozen=True, slots=True)
class Soak:
    """What was seen. Memory in MB: the mean of the tenth of samples after the warm-up, and of the last tenth.

    `growth` is the slope of all samples after the warm-up over their whole time, as a share of the first.
    """

    verdict: Verdict
    connections: int
    seconds: float
    samples: int
    memory_first: float
    memory_last: float
    growth: float
    files_first: float
    files_last: float
    files_most: int


def soak(folder: Path, *, messages: int, connections: int, seed: int, scale: float = 0.02) -> Soak:
    """Send in one go, as fast as the server takes it; Linux only, since it reads /proc."""
    dice = random.Random(seed)
    folder.mkdir(parents=True)
    home, report = folder / "home", folder / "report.jsonl"
    terms = Terms(messages, 0, connections, seed, scale=scale)
    with Nursery(folder / "said", environment(home, scale=terms.scale)) as nursery:
        post = PostOffice(nursery, folder / "post", dice, delay=0.0, strength=_STRENGTH)
        post.open()
        sender = Mailtui(nursery, folder, home, terms.at(post.port))
        sender.launch()
        started = time.monotonic()
        seen: list[tuple[float, int]] = []
        while not sender.finished:
            prey = sender.start(fresh=True)  # the one that lives; another where a pause had to be ended
            while prey.running:
                seen += _sample(prey.pid)
                time.sleep(_EVERY)
            sender.look(dead=True)
        seconds = time.monotonic() - started
        sender.report(report)
        post.close()
    verdict = judge(read_report(report), read_accepted(post.log), audience=addresses(messages))
    return _soak(verdict, connections, seconds, seen)


def _sample(pid: int) -> list[tuple[float, int]]:
    """Resident memory in MB and open files of a process; nothing when it has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return [(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir())))]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return []


def _soak(verdict: Verdict, connections: int, seconds: float, seen: Sequence[tuple[float, int]]) -> Soak:
    steady = seen[int(len(seen) * _WARM) :]
    assert len(steady) >= 10, f"only {len(steady)} samples: too short to say anything"
    memory, files = [item[0] for item in steady], [item[1] for item in steady]
    tenth = max(1, len(steady) // 10)
    slope, start = linear_regression(range(len(memory)), memory)
    return Soak(
        verdict,
        connections,
        seconds,
        len(seen),
        fmean(memory[:tenth]),
        fmean(memory[-tenth:]),
        slope * len(memory) / start,
        fmean(files[:tenth]),
        fmean(files[-tenth:]),
        max(files),
    )
