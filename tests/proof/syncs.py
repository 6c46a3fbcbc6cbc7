"""S-01: reads a trace of a runner's system calls, and tells how many messages ended after the sync of their mark.

    strace -f -y -s 65535 -e trace=pwrite64,fdatasync,fsync,sendto,write,writev -o TRACE mailtui runner --until-idle
    python -m tests.proof.syncs TRACE

For each message: the first write to the outbox's log with the row marked `in_flight`, then a sync of the log that was
begun after that write and has returned, and only then the bytes that end in the message's dot, or in the last octet of
its last chunk. It knows how SQLite
lays out a row and how SMTP looks on the wire, and nothing of mailtui but the name of that state.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.dialogue import Dialogue

CALLS = "pwrite64,fdatasync,fsync,sendto,write,writev"

_CALL = re.compile(r'^(\d+) +(\w+)\((\d+)<([^>]*)>(?:, (?:\[\{iov_base=)?"((?:[^"\\]|\\.)*)")?(.*)$')
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.*= (-?\d+)")
_MARKED = re.compile(rb'(u\d+\.\w+@example\.com)\["[^\x00]*?\]in_flight')
"""A row in a page: its address, its fields as JSON and its state stand one after another, as in the table. What stands
before the address is a number of any bytes, so the addresses are those that `tests.dispatch.bench` makes."""


@dataclass(slots=True)
class Count:
    """What the trace shows: ends of messages, and those with a synced mark before them; `unproved`: who had none."""

    ends: int = 0
    proved: int = 0
    syncs: int = 0
    unproved: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.proved} of {self.ends} messages ended after the sync of their mark ({self.syncs} syncs of the log)"
        )


@dataclass(slots=True)
class Trace:
    """What is known up to a moment; told what is written, synced and sent, in order."""

    count: Count = field(default_factory=Count)
    dialogues: dict[str, Dialogue] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)  # marks in the log, not synced as far as is known
    syncing: dict[str, set[str]] = field(default_factory=dict)  # by thread: what was written when its sync began
    safe: set[str] = field(default_factory=set)

    def wrote(self, data: bytes) -> None:
        self.written.update(found.decode() for found in _MARKED.findall(data))

    def began_sync(self, thread: str) -> None:
        self.syncing[thread] = set(self.written)

    def ended_sync(self, thread: str, *, well: bool) -> None:
        held = self.syncing.pop(thread, set())
        if well:
            self.count.syncs += 1
            self.safe |= held
            self.written -= held

    def sent(self, connection: str, data: bytes) -> None:
        for recipient in self.dialogues.setdefault(connection, Dialogue()).feed(data):
            self.count.ends += 1
            if recipient in self.safe:
                self.count.proved += 1
            else:
                self.count.unproved.append(recipient)


def count_syncs(lines: Iterable[str]) -> Count:
    """Read a trace from its first line to its last."""
    trace = Trace()
    for line in lines:
        resumed = _RESUMED.match(line)
        if resumed is not None:
            thread, call, result = resumed.groups()
            if call in ("fdatasync", "fsync"):
                trace.ended_sync(thread, well=result == "0")
            continue
        found = _CALL.match(line)
        if found is None:
            continue
        thread, call, _, name, text, rest = found.groups()
        data = codecs.escape_decode((text or "").encode("latin-1"))[0]
        if name.startswith("socket:"):
            trace.sent(name, data)
        elif not name.endswith("-wal"):
            continue
        elif call in ("fdatasync", "fsync"):
            trace.began_sync(thread)
            if "<unfinished" not in rest:
                trace.ended_sync(thread, well=rest.rstrip().endswith("= 0"))
        else:
            trace.wrote(data)
    return trace.count


def lines_of(trace: Path) -> Iterator[str]:
    with trace.open(encoding="latin-1", newline="\n") as stream:
        yield from stream


if __name__ == "__main__":
    result = count_syncs(lines_of(Path(sys.argv[1])))
    print(result)
    for missing in result.unproved[:20]:
        print(f"  without: {missing}")
    sys.exit(0 if result.ends and not result.unproved else 1)
