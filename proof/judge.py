"""Owns the judgement over a send, from outside: what the server accepted against what the exported report says.

`python -m proof.judge ACCEPTED.JSONL REPORT.JSONL` prints the verdict, and ends with 1 when a promise is broken. It
reads these two files and nothing else: neither an outbox nor any code of the sender. Of an acceptance it reads
`rcpt_to` and `message_id`, of a report's line `address`, `state`, `message_id` and `reason`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SENT = "sent"
UNKNOWN = "unknown"
FINAL = frozenset({SENT, UNKNOWN, "failed", "suppressed", "skipped", "cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One message that the server took for one recipient."""

    recipient: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the comparison. The last seven must be 0.

    `unknown` rows were listed as unknown; `unknown_arrived` of them had in fact been accepted. `duplicates` counts
    acceptances beyond the first of each recipient; `false_sent` rows that are called sent and never arrived; `denied`
    rows that did arrive and are called neither sent nor unknown; `stuck` rows whose state is not final; `lost`
    recipients who are not in the report; `strangers` acceptances for somebody who is not in it; `changed` acceptances
    with a Message-ID that is not their row's.
    """

    audience: int
    accepted: int
    arrived: int
    sent: int
    failed: int
    unknown: int
    unknown_arrived: int
    duplicates: int
    false_sent: int
    denied: int
    stuck: int
    lost: int
    strangers: int
    changed: int

    @property
    def broken(self) -> dict[str, int]:
        """The promises that were broken, and how often; empty when all were kept."""
        names = ("duplicates", "false_sent", "denied", "stuck", "lost", "strangers", "changed")
        return {name: count for name in names if (count := getattr(self, name))}

    def __str__(self) -> str:
        return (
            f"audience {self.audience}, accepted {self.accepted}, sent {self.sent}, failed {self.failed}, "
            f"unknown {self.unknown} (of these {self.unknown_arrived} had arrived), duplicates {self.duplicates}, "
            f"false sent {self.false_sent}, denied {self.denied}, stuck {self.stuck}, lost {self.lost}, "
            f"strangers {self.strangers}, changed {self.changed}"
        )


def judge(
    report: Iterable[Mapping[str, Any]], accepted: Iterable[Acceptance], *, audience: Iterable[str] = ()
) -> Verdict:
    """Compare a report's lines with what the server accepted; `audience` is who should be in the report."""
    rows = {row["address"]: row for row in report}
    taken = list(accepted)
    arrived = Counter(item.recipient for item in taken)
    by_state: dict[str, set[str]] = {}
    for address, row in rows.items():
        by_state.setdefault(row["state"], set()).add(address)
    sent, unknown = by_state.get(SENT, set()), by_state.get(UNKNOWN, set())
    return Verdict(
        audience=len(rows),
        accepted=len(taken),
        arrived=len(arrived),
        sent=len(sent),
        failed=len(by_state.get("failed", set())),
        unknown=len(unknown),
        unknown_arrived=len(unknown & arrived.keys()),
        duplicates=arrived.total() - len(arrived),
        false_sent=len(sent - arrived.keys()),
        denied=len((arrived.keys() & rows.keys()) - sent - unknown),
        stuck=sum(len(found) for state, found in by_state.items() if state not in FINAL),
        lost=len(set(audience) - rows.keys()),
        strangers=sum(count for recipient, count in arrived.items() if recipient not in rows),
        changed=sum(item.recipient in rows and rows[item.recipient]["message_id"] != item.message_id for item in taken),
    )


def read_accepted(log: Path, *, start: int = 0) -> Iterator[Acceptance]:
    """The acceptances of a server's log from the byte `start` on, one for each recipient of each message.

    A last line without its end is left out: it was torn by a crash, and nobody was told 250 for it.
    """
    if not log.exists():
        return
    with log.open("rb") as stream:
        stream.seek(start)
        for line in stream:
            if line.endswith(b"\n"):
                entry = json.loads(line)
                for recipient in entry["rcpt_to"]:
                    yield Acceptance(recipient, entry["message_id"])


def read_report(path: Path) -> list[dict[str, Any]]:
    """The lines of a report as JSON lines."""
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def main() -> int:
    """Judge two files; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m proof.judge", description=__doc__)
    parser.add_argument("accepted", type=Path, help="the server's acceptance log, as JSON lines")
    parser.add_argument("report", type=Path, help="what `mailtui report --format jsonl` wrote")
    options = parser.parse_args()
    verdict = judge(read_report(options.report), read_accepted(options.accepted))
    print(verdict)
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
