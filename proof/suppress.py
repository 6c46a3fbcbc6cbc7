"""Owns the attack on the suppression list: people are put on it at random moments of a send (B-04).

An entry and the look at where its person's mail stood are one transaction of the outbox, so that nothing can come in
between: whose mail was not in flight on record by then must never be accepted, whatever is killed meanwhile.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mailtui.outbox.records import NewSuppression
from mailtui.outbox.sqlite_file import FACE_BUSY_MS, open_for_writing, transaction
from mailtui.outbox.sqlite_suppression import insert
from proof.campaign import addresses, environment
from proof.children import Nursery
from proof.judge import judge, read_accepted, read_report
from proof.launches import Trials
from proof.post import PostOffice
from proof.senders import Mailtui
from proof.terms import Terms

_SCALE = 0.005
_ROWS = 240
_OPEN = frozenset({"queued", "claimed", "deferred"})
_CONNECTIONS = 8
_STATE = "SELECT d.state FROM delivery d JOIN campaign c ON c.number = d.campaign WHERE c.id = ? AND d.key = ?"


@dataclass
class Late:
    """What came of entries that came while it was sent. `found`: in which state their mails were at that moment.

    `sent_after` were accepted although their mail was not in flight by then; `not_settled` ended neither suppressed
    nor, refused by the server in that instant, failed. Both must be 0.
    """

    trials: Trials = field(default_factory=Trials)
    found: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    sent_after: int = 0
    not_settled: int = 0

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not (self.trials.broken or self.sent_after or self.not_settled)


def suppressed_late(folder: Path, *, times: int, seed: int) -> Late:
    """Send small campaigns over eight connections, and put people on the list meanwhile; some runners are killed."""
    dice, late = random.Random(seed), Late()
    folder.mkdir(parents=True)
    home = folder / "home"
    with Nursery(folder / "said", environment(home, scale=_SCALE)) as nursery:
        for number in range(times):
            # At the lower rate a runner claims few at a time, and most wait; at the higher one all are claimed at once.
            terms = Terms(_ROWS, 0, _CONNECTIONS, seed, rate=dice.choice((60.0, 300.0)), window=dice.choice((1, 8)))
            post = PostOffice(nursery, folder / f"post-{number}", dice, delay=terms.delay)
            post.open()
            sender = Mailtui(nursery, folder / f"trial-{number}", home, terms.at(post.port))
            sender.launch()
            open_then = _attack(sender, home / "data" / "outbox.db", dice, late, killed=dice.random() < 0.5)
            while sender.status()["state"] != "finished":
                sender.start(fresh=False).wait()
            report = folder / f"report-{number}.jsonl"
            sender.report(report)
            post.close()
            _judge(report, post.log, open_then, late)
    return late


def _attack(sender: Mailtui, outbox: Path, dice: random.Random, late: Late, *, killed: bool) -> set[str]:
    """Put people on the list while it is sent; whose mails were not under way by then."""
    prey = sender.start(fresh=False)
    left, open_then = list(addresses(_ROWS)), set[str]()
    dice.shuffle(left)
    kill_at = dice.randint(2, 8) if killed else 0
    for blow in range(10):
        time.sleep(dice.uniform(0, 0.15))
        chosen = [left.pop() for _ in range(dice.choice((1, 3, 10)))]
        for address, state in _suppress(outbox, chosen, sender.id):
            late.found[state] += 1
            if state in _OPEN:
                open_then.add(address)
        if blow == kill_at and killed:
            prey.signal(signal.SIGKILL)
            prey.wait()
            late.kills += 1
            prey = sender.start(fresh=False)
    return open_then


def _suppress(outbox: Path, chosen: Iterable[str], campaign: str) -> list[tuple[str, str]]:
    """Put these on the list; where their mails stood at that very moment."""
    connection = open_for_writing(outbox, busy_ms=FACE_BUSY_MS)
    try:
        with transaction(connection, outbox):
            scope = f"campaign:{campaign}"
            insert(
                connection,
                [NewSuppression(key.upper(), scope, "asked by mail") for key in chosen],
                "proof",
                time.time(),
            )
            return [
                (str(address), str(state))
                for address in chosen
                for (state,) in connection.execute(_STATE, (campaign, address))
            ]
    finally:
        connection.close()


def _judge(report: Path, log: Path, open_then: set[str], late: Late) -> None:
    lines = read_report(report)
    accepted = list(read_accepted(log))
    late.trials.add(judge(lines, accepted, audience=addresses(_ROWS)), Counter(line["state"] for line in lines))
    late.sent_after += len(open_then & {item.recipient for item in accepted})
    states = {line["address"]: line["state"] for line in lines}
    late.not_settled += sum(states[address] not in ("suppressed", "failed") for address in open_then)
