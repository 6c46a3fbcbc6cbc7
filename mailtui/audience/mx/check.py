"""Owns checking all domains of a list: some at a time, within a bounded time, from memory where that is possible."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mailtui.audience.mx.known import KnownDomains
from mailtui.audience.mx.lookup import Lookup
from mailtui.audience.mx.servers import Server
from mailtui.audience.mx.verdict import DomainVerdict, Found

AT_ONCE = 40
TOTAL_SECONDS = 300.0
_LOOK_UP = 0.1  # seconds between two looks whether anybody still wants to know
_KEEP_EVERY = 200
_NOT_IN_TIME = Found("unknown", "there was no time to ask")

Progress = Callable[[int, int], None]


def check_domains(
    domains: Mapping[str, int],
    *,
    servers: tuple[Server, ...],
    known: Path,
    progress: Progress | None = None,
    seconds: float = TOTAL_SECONDS,
) -> tuple[DomainVerdict, ...]:
    """The verdict on each domain, those with most recipients first; `domains` has how many each has.

    `servers` are asked, the system's when there are none. `known` is the file with what was found out before.
    `progress` hears how many are done and how many there are, several times a second; what it raises ends this, and
    what was found out by then is remembered. After `seconds` the domains left are unknown. Raises `MailtuiError`.
    """
    with KnownDomains(known) as memory:
        found = memory.find(domains)
        left = [domain for domain in sorted(domains, key=lambda name: (-domains[name], name)) if domain not in found]
        if left:
            asyncio.run(_ask(left, found, Lookup(servers), memory, _told(progress, len(domains)), seconds))
        elif progress is not None:
            progress(len(domains), len(domains))
    verdicts = ((domain, found.get(domain, _NOT_IN_TIME)) for domain in domains)
    rows = [DomainVerdict(domain, domains[domain], item.verdict, item.reason) for domain, item in verdicts]
    return tuple(sorted(rows, key=lambda row: (-row.recipients, row.domain)))


def _told(progress: Progress | None, total: int) -> Callable[[int], None]:
    return (lambda _: None) if progress is None else lambda done: progress(done, total)


async def _ask(
    left: list[str],
    found: dict[str, Found],
    lookup: Lookup,
    memory: KnownDomains,
    told: Callable[[int], None],
    seconds: float,
) -> None:
    """Ask about the domains that are left, the first ones first, and put into `found` what comes of it."""
    until = time.monotonic() + seconds
    fresh: dict[str, Found] = {}
    waiting = iter(left)

    async def work() -> None:
        for domain in waiting:
            fresh[domain] = found[domain] = await lookup.look(domain)

    workers = {asyncio.create_task(work()) for _ in range(min(AT_ONCE, len(left)))}
    running = workers
    try:
        while running and time.monotonic() < until:
            told(len(found))
            ended, running = await asyncio.wait(running, timeout=_LOOK_UP, return_when=asyncio.FIRST_EXCEPTION)
            for worker in ended:
                worker.result()
            if len(fresh) >= _KEEP_EVERY:
                memory.keep(fresh)
                fresh.clear()
        told(len(found))
    finally:
        for worker in running:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        memory.keep(fresh)
