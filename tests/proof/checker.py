"""Owns the judgement over a send, from outside: what the server accepted against what the exported report says.

It reads the server's own record and the report that `mailtui report` writes, and nothing of mailtui's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAILTUI = [sys.executable, "-m", "mailtui"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the comparison. `unknown` were listed as unknown; `unknown_accepted` of them had in fact arrived."""

    audience: int
    accepted: int
    distinct: int
    sent: int
    failed: int
    unknown: int
    duplicates: int
    lost: int
    false_sent: int
    unknown_accepted: int
    message_ids: int

    def __str__(self) -> str:
        return (
            f"audience {self.audience}, accepted {self.accepted}, distinct {self.distinct}, sent {self.sent}, "
            f"failed {self.failed}, unknown {self.unknown} (of these {self.unknown_accepted} had arrived), "
            f"duplicates {self.duplicates}, lost {self.lost}, false sent {self.false_sent}, "
            f"Message-IDs {self.message_ids}"
        )


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a mailtui with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILTUI_")}
    return {**kept, "MAILTUI_HOME": str(home), **more}


def mailtui(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*MAILTUI, *arguments], env=environment(home, **more), capture_output=True, text=True, check=False
    )


def report(home: Path, campaign: str) -> list[dict[str, Any]]:
    """The exported report, one object a recipient."""
    done = mailtui(home, "report", campaign, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(lines: Iterable[Mapping[str, Any]], accepted: Iterable[tuple[str, str]]) -> Verdict:
    """Compare the report's lines with what the server accepted, as (recipient, Message-ID)."""
    rows = list(lines)
    taken = list(accepted)
    arrived = Counter(recipient for recipient, _ in taken)
    pairs = set(taken)
    by_state: dict[str, set[str]] = {}
    for row in rows:
        by_state.setdefault(row["state"], set()).add(row["address"])
    sent, unknown = by_state.get("sent", set()), by_state.get("unknown", set())
    settled = sent | unknown | by_state.get("failed", set())
    expected = {row["address"]: row["message_id"] for row in rows}
    assert all(expected[recipient] == message_id for recipient, message_id in pairs), "a Message-ID is not its own"
    return Verdict(
        audience=len(rows),
        accepted=sum(arrived.values()),
        distinct=len(arrived),
        sent=len(sent),
        failed=len(by_state.get("failed", set())),
        unknown=len(unknown),
        duplicates=sum(count - 1 for count in arrived.values()),
        lost=len(set(expected) - settled),
        false_sent=len(sent - set(arrived)),
        unknown_accepted=len(unknown & set(arrived)),
        message_ids=len({message_id for _, message_id in pairs}),
    )


def write_campaign(folder: Path, port: int, rows: int, *, workers: int = 8) -> Path:
    """A small personalised campaign of `rows` recipients."""
    folder.mkdir(parents=True)
    (folder / "body.txt.j2").write_text("Dear {{ name }},\n\nspring is here.\n.\n..dots stay.\n")
    (folder / "body.html.j2").write_text("<p>Dear {{ name }},</p>\n<p>spring is here.</p>\n")
    with (folder / "list.csv").open("w") as stream:
        stream.write("email,name\n")
        stream.writelines(f"p{number}@example.com,Zoë {number}\n" for number in range(rows))
    campaign = folder / "campaign.yaml"
    campaign.write_text(
        f"""name: Proof
smtp: {{host: 127.0.0.1, port: {port}, security: plain}}
from: "Acme News <news@acme.test>"
subject: "{{{{ name }}}}, spring is here"
text: body.txt.j2
html: body.html.j2
audience: {{source: list.csv}}
dispatch: {{workers: {workers}}}
"""
    )
    return campaign
