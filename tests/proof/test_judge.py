"""The judge itself: each promise that is broken is seen, and a send that kept them all is told so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proof.judge import Acceptance, judge, read_accepted, read_report
from scripts.page import write_block


def row(number: int, state: str, message_id: str = "") -> dict[str, Any]:
    return {"address": f"p{number}@example.com", "state": state, "message_id": message_id or f"<{number}>"}


def arrival(number: int) -> Acceptance:
    return Acceptance(f"p{number}@example.com", f"<{number}>")


def test_a_send_that_kept_its_promises_broke_none() -> None:
    states = ("sent", "sent", "unknown", "unknown", "failed", "cancelled", "suppressed")
    verdict = judge(
        [row(number, state) for number, state in enumerate(states)],
        [arrival(0), arrival(1), arrival(2)],
        audience=[f"p{number}@example.com" for number in range(7)],
    )
    assert verdict.broken == {}
    assert (verdict.audience, verdict.accepted, verdict.sent, verdict.failed) == (7, 3, 2, 1)
    assert (verdict.unknown, verdict.unknown_arrived) == (2, 1)


@pytest.mark.parametrize(
    ("states", "arrivals", "audience", "broken"),
    [
        (["sent"], [0, 0, 0], 1, {"duplicates": 2}),
        (["unknown"], [0, 0], 1, {"duplicates": 1}),
        (["sent", "sent"], [0], 2, {"false_sent": 1}),
        (["failed"], [0], 1, {"denied": 1}),
        (["cancelled"], [0], 1, {"denied": 1}),
        (["suppressed"], [0], 1, {"denied": 1}),
        (["queued"], [0], 1, {"denied": 1, "stuck": 1}),
        (["queued", "claimed", "in_flight", "deferred"], [], 4, {"stuck": 4}),
        (["sent"], [0], 3, {"lost": 2}),
        (["sent"], [0, 5], 1, {"strangers": 1}),
    ],
)
def test_each_broken_promise_is_seen(
    states: list[str], arrivals: list[int], audience: int, broken: dict[str, int]
) -> None:
    verdict = judge(
        [row(number, state) for number, state in enumerate(states)],
        [arrival(number) for number in arrivals],
        audience=[f"p{number}@example.com" for number in range(audience)],
    )
    assert verdict.broken == broken


def test_d04_a_message_id_that_is_not_its_rows_is_seen() -> None:
    assert judge([row(0, "sent", "<another>")], [arrival(0)]).broken == {"changed": 1}


def test_it_reads_two_files_and_a_torn_line_counts_for_nobody(tmp_path: Path) -> None:
    log, report = tmp_path / "accepted.jsonl", tmp_path / "report.jsonl"
    lines = [json.dumps({"rcpt_to": [f"p{number}@example.com"], "message_id": f"<{number}>"}) for number in (0, 1)]
    log.write_text(f"{lines[0]}\n{lines[1][:20]}")
    report.write_text(json.dumps(row(0, "sent")) + "\n")
    assert list(read_accepted(log)) == [arrival(0)]
    assert list(read_accepted(tmp_path / "none")) == []
    assert read_report(report) == [row(0, "sent")]
    command = [sys.executable, "-m", "proof.judge", str(log), str(report)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    log.write_text(f"{lines[0]}\n{lines[0]}\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "duplicates 1" in done.stdout


def test_the_judge_knows_nothing_of_mailtui() -> None:
    code = "import sys, proof.judge; sys.exit(any(name in sys.modules for name in ('mailtui', 'apsw', 'sqlite3')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_table_replaces_the_one_before_it_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- proof: kills -->\nold\n<!-- end of proof: kills -->\nbelow\n")
    for _ in range(2):
        write_block(page, "proof", "kills", ["new"])
        assert page.read_text() == "above\n<!-- proof: kills -->\n\nnew\n\n<!-- end of proof: kills -->\nbelow\n"
    with pytest.raises(ValueError, match="no place for soak"):
        write_block(page, "proof", "soak", ["new"])
