"""What the durable record costs a message, by the size of a group, without a network.

    python -m benchmarks.record [--rows 100000] [--rounds 3] [--json]

Each group commits the marks of its messages and the results of the group before, as sessions do; the log is tidied as
in a runner. Prints medians over the rounds in microseconds a message, wall and CPU, and what the log took; what a
claim and a frozen row take; and what the disk takes for a sync alone, which no record can be quicker than.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mailtui.outbox.opening import Outbox, parse_outbox
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Claim, Mark, NewCampaign, NewDelivery, Result, RunnerRow
from mailtui.outbox.states import DeliveryState

GROUPS = (1, 4, 8, 16, 32)
_SHARES = {1: 1 / 16, 4: 3 / 16, 8: 4 / 16, 16: 4 / 16, 32: 4 / 16}  # of the rows: small groups take longer
_CLAIM = 500
_STEP = 1_000
_LOGGED = 1_280  # messages whose log is looked at
_TICK = 0.1  # seconds between two looks at the log, as in a runner
_MESSAGE = b"message"
_COLUMNS = ("email", "first_name", "last_name", "city", "code")


def main() -> None:
    """Measure in a folder that is thrown away, and print a table or a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    measured: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, value in asyncio.run(measure(Path(folder), given.rows)).items():
                measured[name].append(value)
    medians = {name: round(statistics.median(values), 2) for name, values in measured.items()}
    if given.json:
        print(json.dumps(medians))
        return
    for name, value in medians.items():
        print(f"{name:34} {value:10.2f}")


async def measure(folder: Path, rows: int) -> dict[str, float]:
    """One round, in an outbox of its own."""
    outbox = parse_outbox(f"sqlite:///{folder}/outbox.db")
    taken = {"sync alone, us": _sync_alone(folder)}
    started = time.perf_counter()
    campaign = await _launch(outbox, rows)
    taken["launch, us a row"] = (time.perf_counter() - started) / rows * 1e6
    ledger = outbox.ledger()
    try:
        await ledger.sign_on(RunnerRow("benchmark", os.getpid(), "here", "0", time.time(), time.time()))
        claiming = 0.0
        claimed = 0
        for group in GROUPS:
            started = time.perf_counter()
            claims = await _claims(ledger, campaign, int(rows * _SHARES[group]))
            claiming += time.perf_counter() - started
            claimed += len(claims)
            wall, cpu = await _send(ledger, claims, group, tidy=True)
            taken[f"groups of {group}, us a message"] = wall
            taken[f"groups of {group}, CPU us a message"] = cpu
        taken["claim, us a row"] = claiming / claimed * 1e6
        taken["log at its longest, MB"] = _log(outbox).stat().st_size / 1e6
    finally:
        ledger.close()
    for group in GROUPS:
        taken[f"groups of {group}, log KB a message"] = await _log_of(folder, group)
    return taken


async def _log_of(folder: Path, group: int) -> float:
    """Kilobytes that the log grows by for a message, in an outbox of its own whose log is never moved."""
    outbox = parse_outbox(f"sqlite:///{folder}/log{group}.db")
    campaign = await _launch(outbox, _LOGGED)
    ledger = outbox.ledger()
    try:
        claims = await _claims(ledger, campaign, _LOGGED)
        before = _log(outbox).stat().st_size
        await _send(ledger, claims, group, tidy=False)
        return (_log(outbox).stat().st_size - before) / len(claims) / 1e3
    finally:
        ledger.close()


def _sync_alone(folder: Path) -> float:
    """Microseconds for a page written over and synced: the median of some."""
    page = b"x" * 4096
    times = []
    file = os.open(folder / "sync", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.pwrite(file, page * 64, 0)
        os.fdatasync(file)
        for number in range(200):
            started = time.perf_counter()
            os.pwrite(file, page, number % 64 * len(page))
            os.fdatasync(file)
            times.append(time.perf_counter() - started)
    finally:
        os.close(file)
    return statistics.median(times) * 1e6


async def _launch(outbox: Outbox, rows: int) -> int:
    """A campaign that is live, frozen by thousands as a launch does; its number."""
    desk = outbox.desk()
    try:
        draft = await desk.create_draft(
            NewCampaign(
                id="benchmrk",
                series="benchmark",
                occurrence=1,
                name="Benchmark",
                message_digest=hashlib.sha256(_MESSAGE).hexdigest(),
                message=_MESSAGE,
                endpoint="{}",
                plan="{}",
                columns=_COLUMNS,
                source="contacts.csv",
                filter="",
                secret=b"secret",
            ),
            now=time.time(),
        )
        assert draft is not None, "the outbox is new"
        for first in range(0, rows, _STEP):
            await desk.add(draft.number, [_row(n) for n in range(first, min(first + _STEP, rows))], now=time.time())
        await desk.go_live(draft.number, actor="benchmark", now=time.time())
        return draft.number
    finally:
        desk.close()


def _row(number: int) -> NewDelivery:
    address = f"p{number}@example.com"
    fields = (address, f"Zoë{number}", "O'Hara & Söhne", "Springfield", f"{number:06}")
    return NewDelivery(address, number + 1, address, fields)


async def _claims(ledger: Ledger, campaign: int, number: int) -> list[Claim]:
    claims: list[Claim] = []
    while len(claims) < number:
        part = min(_CLAIM, number - len(claims))
        claims += await ledger.claim(campaign, part, now=time.time(), lease=1_800)
    return claims


async def _send(ledger: Ledger, claims: Sequence[Claim], group: int, *, tidy: bool) -> tuple[float, float]:
    """Commit them group by group; wall and CPU microseconds a message."""
    before: Sequence[Claim] = ()
    began = looked = time.perf_counter()
    cpu = time.process_time()
    for first in range(0, len(claims) + group, group):
        marked = claims[first : first + group]
        marks = [Mark(claim.campaign, claim.id, claim.fence) for claim in marked]
        await ledger.commit(marks, [_sent(claim) for claim in before], [], now=time.time())
        before = marked
        if tidy and time.perf_counter() - looked > _TICK:
            looked = time.perf_counter()
            ledger.tidy()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return wall / len(claims) * 1e6, cpu / len(claims) * 1e6


def _sent(claim: Claim) -> Result:
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        DeliveryState.IN_FLIGHT,
        DeliveryState.SENT,
        attempts=claim.attempts + 1,
        stage="dot",
        code=250,
        enhanced="2.0.0",
        reply="2.0.0 Ok: queued as 3F2504E04F89",
    )


def _log(outbox: Outbox) -> Path:
    return outbox.path.with_name(f"{outbox.path.name}-wal")


if __name__ == "__main__":
    main()
