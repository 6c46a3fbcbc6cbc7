"""The design that many senders use, to show what the harness finds in it: `sent` is written once the 250 has come.

`python -m proof.naive fill|send|report DATABASE …`. A table of recipients, connections by aiosmtplib, one `sendmail`
a recipient, and after it one committed update. What is not `sent` or `failed` is sent again at the next start, or when
a connection was lost, as it is in job queues that rescue the jobs of a dead worker. There is no mark before the last
bytes, and therefore no way to tell a message that never left from one whose reply was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import sys
from collections import deque
from pathlib import Path

import aiosmtplib

_SENDER = "news@acme.test"
_LOST = (aiosmtplib.SMTPException, OSError, TimeoutError)


def main() -> int:
    """Carry out one of the three commands."""
    parser = argparse.ArgumentParser(prog="python -m proof.naive", description=__doc__)
    parser.add_argument("command", choices=("fill", "send", "report"))
    parser.add_argument("database", type=Path)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--port", type=int)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    table = sqlite3.connect(options.database)
    table.execute("PRAGMA journal_mode=WAL")
    table.execute("PRAGMA synchronous=FULL")
    if options.command == "fill":
        _fill(table, options.messages)
    elif options.command == "send":
        asyncio.run(_send(table, options))
    else:
        _report(table)
    table.close()
    return 0


def _fill(table: sqlite3.Connection, messages: int) -> None:
    with table:
        table.execute("CREATE TABLE recipient (address TEXT PRIMARY KEY, message_id TEXT, state TEXT, reason TEXT)")
        rows = ((f"p{number}@example.com", f"<{number}@acme.test>") for number in range(messages))
        table.executemany("INSERT INTO recipient VALUES (?, ?, 'queued', '')", rows)


def _report(table: sqlite3.Connection) -> None:
    for address, message_id, state, reason in table.execute("SELECT * FROM recipient ORDER BY rowid"):
        row = {"address": address, "message_id": message_id, "state": state, "reason": reason}
        sys.stdout.write(json.dumps(row) + "\n")


class _Sender:
    """What the connections share: the queue and the table."""

    def __init__(self, table: sqlite3.Connection) -> None:
        self.table = table
        waiting = table.execute("SELECT address, message_id FROM recipient WHERE state = 'queued' ORDER BY rowid")
        self.queue: deque[tuple[str, str]] = deque(waiting)
        self.under_way = 0
        self.leaving = False

    @property
    def done(self) -> bool:
        return self.leaving or not (self.queue or self.under_way)

    def settle(self, address: str, state: str, reason: str = "") -> None:
        with self.table:
            self.table.execute("UPDATE recipient SET state = ?, reason = ? WHERE address = ?", (state, reason, address))


async def _send(table: sqlite3.Connection, options: argparse.Namespace) -> None:
    sender = _Sender(table)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: setattr(sender, "leaving", True))
    await asyncio.gather(*(_work(sender, options.port, options.timeout) for _ in range(options.connections)))


async def _work(sender: _Sender, port: int, timeout: float) -> None:  # noqa: ASYNC109 - aiosmtplib's own
    while not sender.done:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=timeout, use_tls=False, start_tls=False)
        try:
            await client.connect()
            await _converse(sender, client)
        except _LOST:
            await asyncio.sleep(0.05)
        finally:
            client.close()


async def _converse(sender: _Sender, client: aiosmtplib.SMTP) -> None:
    """Send on one connection until it is lost; a message that got no final answer goes back into the queue."""
    while not sender.done:
        if not sender.queue:
            await asyncio.sleep(0.05)
            continue
        address, message_id = sender.queue.popleft()
        sender.under_way += 1
        try:
            await client.sendmail(_SENDER, [address], _message(address, message_id))
            sender.settle(address, "sent")
        except aiosmtplib.SMTPRecipientsRefused as refused:
            _refused(sender, address, message_id, refused.recipients[0])
        except aiosmtplib.SMTPResponseException as refused:
            _refused(sender, address, message_id, refused)
        except BaseException:
            sender.queue.append((address, message_id))
            raise
        finally:
            sender.under_way -= 1


def _refused(sender: _Sender, address: str, message_id: str, refused: aiosmtplib.SMTPResponseException) -> None:
    if refused.code >= 500:
        sender.settle(address, "failed", f"{refused.code} {refused.message}")
        return
    sender.queue.append((address, message_id))
    if refused.code == 421:
        raise refused


def _message(address: str, message_id: str) -> bytes:
    head = f"From: Acme News <{_SENDER}>\r\nTo: {address}\r\nSubject: Spring is here\r\nMessage-ID: {message_id}\r\n"
    return (head + "\r\nDear reader,\r\n\r\nspring is here.\r\n").encode()


if __name__ == "__main__":
    sys.exit(main())
