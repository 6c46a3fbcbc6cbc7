"""Ctrl-C, SIGTERM, kill -9, detached runners: nobody mailed twice, nobody lost, and the person is told what to do."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import time
from pathlib import Path

import pytest

from tests.cli.program import Mailtui, Oracle, wait_until

SLOW = {"rate": "100/s", "workers": 4}


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)], ids=["ctrl-c", "sigterm"]
)
def test_a_first_interruption_pauses_and_resuming_sends_the_rest(
    mailtui: Mailtui, sandbox: Oracle, number: signal.Signals
) -> None:
    campaign = mailtui.campaign(150, port=sandbox.port, dispatch=SLOW)
    running = mailtui.start("run", campaign, "--yes")
    wait_until(lambda: sandbox.accepted.total() > 10)
    running.send_signal(number)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130, (out, err)
    assert "paused" in out.splitlines()[0]
    short = out.split()[2]
    assert f"mailtui resume {short}" in err
    assert sandbox.accepted.total() < 150
    status = mailtui.call("status", short, "--json").json
    assert (status["state"], status["in_flight"], status["claimed"], status["unknown"]) == ("paused", 0, 0, 0)
    assert status["sent"] == sandbox.accepted.total()

    assert mailtui.run("resume", short).code == 0
    done = mailtui.run("status", short, "--follow", "--json")
    assert (done.code, done.json["sent"]) == (0, 150)
    assert sandbox.accepted == {f"p{n}@example.com": 1 for n in range(150)}


def test_a_second_interruption_drops_connections_at_once(mailtui: Mailtui, faulty: object) -> None:
    box: Oracle = faulty("rules:\n  - {stage: dot, seconds: 30}\n")  # type: ignore[operator]
    campaign = mailtui.campaign(20, port=box.port, dispatch={"workers": 3})
    running = mailtui.start("run", campaign, "--yes", "--json", env={"MAILTUI_TIME_SCALE": "1"})
    wait_until(
        lambda: mailtui.home.outbox_file.exists() and mailtui.call("status", "--json").json.get("in_flight") == 3
    )
    running.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert running.poll() is None, "the first one waits for what is under way"
    started = time.monotonic()
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert running.returncode == 130
    view = json.loads(out)
    assert (view["state"], view["unknown"], view["queued"]) == ("paused", 3, 17)


@pytest.mark.parametrize("rows", [400])
def test_kill_nine_again_and_again(mailtui: Mailtui, sandbox: Oracle, rows: int) -> None:
    dice = random.Random(4)
    campaign = mailtui.campaign(rows, port=sandbox.port, dispatch={"rate": "250/s", "burst": 10, "workers": 4})
    for kill in range(3):
        before = sandbox.accepted.total()
        running = mailtui.start("run", campaign, "--yes", "--json")
        while sandbox.accepted.total() <= before + 20:
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.2))
        running.kill()
        running.communicate()
        status = mailtui.call("status", "--json").json
        assert status["lost"] is True, f"after kill {kill}"
    done = mailtui.run("run", campaign, "--yes", "--json")
    view = done.json
    assert view["state"] == "finished"
    assert max(sandbox.accepted.values()) == 1, "somebody was mailed twice"
    report = mailtui.call("report", "--json").lines
    sent = {line["address"] for line in report if line["state"] == "sent"}
    unknown = {line["address"] for line in report if line["state"] == "unknown"}
    assert len(sent) + len(unknown) == rows
    assert sent <= set(sandbox.accepted), "something counts as sent that was never accepted"
    assert set(sandbox.accepted) <= sent | unknown
    assert len(unknown) <= 3 * 4, "at most one message a connection is in doubt"
    assert done.code == (5 if unknown else 0)


def test_detached_from_launch_to_end(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(120, port=sandbox.port, dispatch={"rate": "4/s", "workers": 2})
    secret = "hunter2-canary"
    launched = mailtui.run("run", campaign, "--yes", "--detach", env={"MAILTUI_PASSWORD_ACME": secret})
    assert (launched.code, launched.err) == (0, "")
    short = launched.out.strip()
    pid = mailtui.runner()
    assert pid
    if Path("/proc").is_dir():
        assert secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        assert secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    [log] = mailtui.home.logs.iterdir()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600

    paused = mailtui.run("pause", short, "--json")
    assert (paused.code, paused.json["answer"]) == (0, "pausing")
    wait_until(lambda: mailtui.call("status", short, "--json").json["state"] == "paused")
    wait_until(lambda: mailtui.runner() is None)
    quiet = sandbox.accepted.total()
    time.sleep(0.3)
    assert sandbox.accepted.total() == quiet < 120

    changed = mailtui.run("set", short, "--rate", "30/s", "--workers", "3", "--json")
    assert (changed.code, changed.json["answer"]) == (0, "changed")
    assert mailtui.run("resume", short).code == 0
    wait_until(lambda: len(mailtui.call("status", short, "--json").json["workers"]) == 3)
    watched = mailtui.run("run", campaign, "--yes", "--json")
    assert (watched.code, watched.json["campaign"], watched.json["sent"]) == (0, short, 120)
    assert sandbox.accepted == {f"p{n}@example.com": 1 for n in range(120)}
    wait_until(lambda: mailtui.runner() is None)
    assert {json.loads(line)["level"] for line in log.read_text().splitlines()} == {"info"}


def test_cancelling_a_detached_campaign(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(200, port=sandbox.port, dispatch={"rate": "40/s", "workers": 2})
    short = mailtui.run("run", campaign, "--yes", "--detach").out.strip()
    wait_until(lambda: sandbox.accepted.total() > 3)
    assert mailtui.run("cancel", short).code == 0
    ended = mailtui.run("status", short, "--follow", "--json")
    assert (ended.code, ended.json["state"]) == (130, "cancelled")
    assert ended.json["sent"] == sandbox.accepted.total()
    assert ended.json["sent"] + ended.json["cancelled"] == 200
    refused = mailtui.run("run", campaign, "--yes")
    assert (refused.code, "--new" in refused.err) == (2, True)
    sent, left = ended.json["sent"], ended.json["cancelled"]
    assert f"was cancelled ({short}): {sent} had got it, {left} had not" in refused.err
    way = next(line for line in refused.err.splitlines() if "report" in line and "rest.csv" in line)
    assert mailtui.call(*way.split()[1:]).code == 0
    (mailtui.folder / "rest.csv").replace(campaign.with_name("rest.csv"))
    campaign.write_text(campaign.read_text().replace("contacts.csv", "rest.csv").replace("40/s", "999/s"))
    rest = mailtui.run("run", campaign, "--yes", "--new", "--json")
    assert (rest.code, rest.json["sent"]) == (0, left)
    assert sandbox.accepted == {f"p{n}@example.com": 1 for n in range(200)}, "the rest, and nobody twice"


def test_a_killed_runner_is_lost_and_resume_goes_on(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(150, port=sandbox.port, dispatch={"rate": "60/s", "workers": 2})
    short = mailtui.run("run", campaign, "--yes", "--detach").out.strip()
    follower = mailtui.start("status", short, "--follow", "--json")
    wait_until(lambda: sandbox.accepted.total() > 10)
    pid = mailtui.runner()
    assert pid
    os.kill(pid, signal.SIGKILL)
    out, _ = follower.communicate(timeout=10)
    assert (follower.returncode, json.loads(out)["lost"]) == (1, True)
    status = mailtui.call("status", short)
    assert "its runner is gone" in status.out
    assert f"mailtui resume {short}" in status.err
    assert "lost" in mailtui.call("list").out
    assert mailtui.call("doctor").code == 3
    assert mailtui.run("resume", short).code == 0
    done = mailtui.run("status", short, "--follow", "--json")
    assert done.code in (0, 5)
    assert done.json["sent"] + done.json["unknown"] == 150
    assert done.json["unknown"] <= 2
    assert max(sandbox.accepted.values()) == 1


def test_a_watching_run_takes_over_from_a_runner_that_dies(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(120, port=sandbox.port, dispatch={"rate": "60/s", "workers": 2})
    assert mailtui.run("run", campaign, "--yes", "--detach").code == 0
    watching = mailtui.start("run", campaign, "--yes", "--json")
    wait_until(lambda: sandbox.accepted.total() > 30)
    pid = mailtui.runner()
    assert pid
    os.kill(pid, signal.SIGKILL)
    out, err = watching.communicate(timeout=30)
    view = json.loads(out)
    assert view["state"] == "finished", (out, err)
    assert view["sent"] + view["unknown"] == 120
    assert watching.returncode == (5 if view["unknown"] else 0)
    assert max(sandbox.accepted.values()) == 1


def test_watching_without_a_terminal_lets_it_run_on(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(300, port=sandbox.port, dispatch={"rate": "10/s"})
    short = mailtui.run("run", campaign, "--yes", "--detach").out.strip()
    follower = mailtui.start("status", short, "--follow", "--plain")
    assert follower.stderr is not None
    assert " of 300 sent" in follower.stderr.readline()
    follower.send_signal(signal.SIGINT)
    _, err = follower.communicate(timeout=10)
    assert follower.returncode == 130
    assert f"mailtui status {short} --follow" in err and f"mailtui pause {short}" in err
    before = sandbox.accepted.total()
    wait_until(lambda: sandbox.accepted.total() > before + 3)
