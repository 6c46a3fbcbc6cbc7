"""The promise itself, on the whole program as a user runs it: nobody twice, nobody lost, nothing claimed that was not.

Each test is one of the program's proofs in full size (`make ordeal`), with a short form in the suite. The judge reads
only the server's record and the exported report.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailtui.sandbox.capture import LOG
from proof.campaign import write_campaign
from proof.judge import Acceptance, Verdict, judge, read_accepted
from tests.proof.checker import MAILTUI, environment, mailtui, report
from tests.servers.postfix import postfix_server
from tests.servers.smtp_sink import smtp_sink

FULL = pytest.mark.long


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[int]:
    """A sandbox in a process of its own that fsyncs its acceptance log before each 250; its port."""
    child = subprocess.Popen(
        [
            MAILTUI[0],
            "-m",
            "mailtui.sandbox",
            "--folder",
            str(folder),
            "--port",
            "0",
            "--sync",
            *options,
            "--ready-fd",
            "1",
        ],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        yield int(json.loads(child.stdout.readline())["port"])
    finally:
        child.terminate()
        child.wait(timeout=10)
        child.stdout.close()


def accepted(folder: Path) -> list[Acceptance]:
    return list(read_accepted(folder / LOG))


def all_sent(verdict: Verdict, rows: int) -> None:
    """Everybody got it, and every promise was kept."""
    assert verdict.broken == {}
    assert verdict.accepted == verdict.sent == verdict.audience == rows


def header(message: bytes, name: str) -> str:
    found = re.search(rb"(?im)^%b:[ \t]*(\S+)" % name.encode(), message)
    assert found is not None, f"a message without {name}"
    return found.group(1).decode()


@pytest.mark.parametrize("rows", [300, pytest.param(10_000, marks=FULL)])
@pytest.mark.timeout(600)
def test_smtp_sink_gets_every_mail_once(tmp_path: Path, rows: int) -> None:
    with smtp_sink(keep=True) as sink:
        campaign = write_campaign(tmp_path / "c", sink.port, rows)
        done = mailtui(tmp_path / "home", "run", str(campaign), "--yes", "--json")
        taken = [Acceptance(header(dump, "To"), header(dump, "Message-ID")) for dump in sink.dumped()]
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    verdict = judge(report(tmp_path / "home", outcome["campaign"]), taken)
    print(f"\nsmtp-sink: {verdict}")
    assert outcome["sent"] == outcome["audience"] == rows
    all_sent(verdict, rows)


@pytest.mark.parametrize("rows", [100, pytest.param(10_000, marks=FULL)])
@pytest.mark.timeout(900)
def test_postfix_delivers_every_mail_once(tmp_path: Path, rows: int) -> None:
    with postfix_server() as postfix:
        campaign = write_campaign(tmp_path / "c", postfix.port, rows)
        done = mailtui(tmp_path / "home", "run", str(campaign), "--yes", "--json")
        postfix.wait_sent(rows, seconds=600)
        taken = [Acceptance(header(mail, "To"), header(mail, "Message-ID")) for mail in postfix.mails()]
        bodies = {mail.partition(b"\n\n")[2].count(b"\n.\n") for mail in postfix.mails()}
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    verdict = judge(report(tmp_path / "home", outcome["campaign"]), taken)
    print(f"\nPostfix: {verdict}")
    all_sent(verdict, rows)
    assert bodies == {1}, "a line with a single dot arrives as one"


def test_d01_kill_9_of_the_command(tmp_path: Path) -> None:
    """`mailtui run` killed at random moments and given again, until the campaign is finished."""
    rows, kills, workers = 600, 3, 8
    dice = random.Random(rows)
    home, caught = tmp_path / "home", tmp_path / "sandbox"
    with sandbox(caught) as port:
        campaign = write_campaign(tmp_path / "c", port, rows, workers=workers)
        killed = 0
        for _ in range(kills * 4):
            child = subprocess.Popen(
                [*MAILTUI, "run", str(campaign), "--yes", "--json", "--rate", f"{rows // 6}/s", "--burst", "50"],
                env=environment(home),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            if killed < kills:
                before = len(accepted(caught))
                _wait_for_more(caught, before, child)
                time.sleep(dice.uniform(0, 0.3))
                child.send_signal(signal.SIGKILL)
                killed += child.wait() == -signal.SIGKILL
                child.communicate()
                continue
            printed, complaint = child.communicate()
            break
        outcome = json.loads(printed.splitlines()[-1])
        verdict = judge(report(home, outcome["campaign"]), accepted(caught))
    print(f"\n{killed} x kill -9: {verdict}")
    assert killed == kills
    assert outcome["state"] == "finished", complaint
    assert outcome["audience"] == rows == verdict.sent + verdict.unknown
    assert verdict.broken == {}
    assert verdict.unknown <= kills * workers
    assert child.returncode == (5 if verdict.unknown else 0)


def _wait_for_more(folder: Path, before: int, child: subprocess.Popen[str]) -> None:
    """Until the server has accepted more than before, so that the kill falls into the middle of a send."""
    deadline = time.monotonic() + 30
    while len(accepted(folder)) <= before and child.poll() is None:
        assert time.monotonic() < deadline, "nothing was sent within 30 seconds"
        time.sleep(0.02)


def test_one_in_twelve_refused_leaves_eleven(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text('rules:\n  - {stage: rcpt, recipient: "p7@example.com", reply: "550 5.1.1 No such user"}\n')
    home, caught = tmp_path / "home", tmp_path / "sandbox"
    with sandbox(caught, "--faults", str(faults)) as port:
        campaign = write_campaign(tmp_path / "c", port, 12, workers=1)
        done = mailtui(home, "run", str(campaign), "--yes", "--json")
    assert done.returncode == 4, done.stderr
    lines = report(home, json.loads(done.stdout)["campaign"])
    verdict = judge(lines, accepted(caught))
    assert verdict.broken == {}
    assert (verdict.accepted, verdict.sent, verdict.failed) == (11, 11, 1)
    [refused] = [line for line in lines if line["state"] == "failed"]
    assert (refused["address"], refused["code"], refused["stage"]) == ("p7@example.com", 550, "rcpt")
    assert "No such user" in refused["reply"] and refused["attempts"] == 1


def test_a_554_after_the_dot_is_failed_not_sent(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text('rules:\n  - {stage: dot, nth: 3, reply: "554 5.6.0 Not this one"}\n')
    home, caught = tmp_path / "home", tmp_path / "sandbox"
    with sandbox(caught, "--faults", str(faults)) as port:
        campaign = write_campaign(tmp_path / "c", port, 8, workers=1)
        done = mailtui(home, "run", str(campaign), "--yes", "--json")
    assert done.returncode == 4, done.stderr
    lines = report(home, json.loads(done.stdout)["campaign"])
    verdict = judge(lines, accepted(caught))
    assert verdict.broken == {}
    assert (verdict.accepted, verdict.sent, verdict.failed) == (7, 7, 1)
    [refused] = [line for line in lines if line["state"] == "failed"]
    assert (refused["code"], refused["stage"], refused["enhanced"]) == (554, "dot", "5.6.0")


def test_a_lost_reply_after_the_dot_is_unknown_and_stays_so(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("rules:\n  - {stage: dot, nth: 4, action: accept_then_drop}\n")
    home, caught = tmp_path / "home", tmp_path / "sandbox"
    with sandbox(caught, "--faults", str(faults)) as port:
        campaign = write_campaign(tmp_path / "c", port, 20, workers=2)
        first = mailtui(home, "run", str(campaign), "--yes", "--json")
        again = mailtui(home, "run", str(campaign), "--yes", "--json")
    assert (first.returncode, again.returncode) == (5, 5)
    verdict = judge(report(home, json.loads(again.stdout)["campaign"]), accepted(caught))
    assert verdict.broken == {}
    assert (verdict.accepted, verdict.sent, verdict.unknown, verdict.unknown_arrived) == (20, 19, 1, 1)
