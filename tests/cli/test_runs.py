"""Runs and the orders they take: who works, who waits, what is shown on the way, and who may read what is written."""

from __future__ import annotations

import json
import os
import stat
import time
from datetime import datetime

from mailtui.kit.durations import show_moment
from tests.cli.conftest import StartSandbox
from tests.cli.program import Mailtui, Oracle, wait_until

ROWS = ["email,first_name,city", "ann@example.com,Ann,York", "bob@example.com,Bob,Bath", "no address,Eve,York",
        "ann@example.com,Ann,York"]  # fmt: skip


def test_without_an_id_an_order_is_for_the_only_campaign_it_fits(mailtui: Mailtui, sandbox: Oracle) -> None:
    none = mailtui.call("pause")
    assert (none.code, "There is no campaign to pause at the moment" in none.err) == (2, True)
    slow = {"rate": "10/s", "workers": 1}
    first, second = (
        mailtui.call("run", mailtui.campaign(300, port=sandbox.port, name=name, dispatch=slow), "--yes", "--detach")
        for name in ("first", "second")
    )
    which = mailtui.call("pause")
    assert which.code == 2
    assert f"{first.out.strip()}  running  News first" in which.err
    assert f"{second.out.strip()}  running  News second" in which.err
    rate = mailtui.call("set", "--rate", "5 / s", "--json")
    assert rate.json["hint"] == f"For example: mailtui set {second.out.strip()} --rate '5 / s' --json"
    paced = mailtui.call("set", second.out.strip(), "--pace", "per_hour=500", "--pace", "batch=100,10m", "--json")
    assert paced.json["answer"] == "changed"
    batched = mailtui.call("set", second.out.strip(), "--pace", "batch=1,1h", "--json")
    assert batched.json["answer"] == "changed"
    wait_until(lambda: mailtui.call("status", second.out.strip(), "--json").json["note"] == "batch of 1 sent")
    assert "note    batch of 1 sent" in mailtui.call("status", second.out.strip()).out
    wrong = mailtui.call("set", second.out.strip(), "--pace", "per_hour=soon")
    assert (wrong.code, "per_hour should be a whole number; got 'soon'" in wrong.err) == (2, True)
    assert mailtui.call("cancel", first.out.strip()).code == 0
    wait_until(lambda: mailtui.call("status", first.out.strip(), "--json").json["state"] == "cancelled")
    assert mailtui.call("pause", "--json").json["campaign"] == second.out.strip()
    wait_until(lambda: mailtui.call("status", second.out.strip(), "--json").json["state"] == "paused")
    resumed = mailtui.call("resume")
    assert resumed.code == 0, resumed.err
    assert f"It goes on in the background. Watch it: mailtui status {second.out.strip()} --follow" in resumed.err
    unsaid = mailtui.call("cancel")
    assert unsaid.code == 2 and f"mailtui cancel {second.out.strip()}" in unsaid.err
    assert mailtui.call("status", second.out.strip(), "--json").json["state"] == "running"
    assert mailtui.call("cancel", "--yes").code == 0


def test_whoever_is_deferred_is_shown_with_the_next_try(mailtui: Mailtui, faulty: StartSandbox) -> None:
    box = faulty('rules:\n  - {stage: rcpt, recipient: "p1@*", raw: "451 4.3.0 later\\r\\n"}\n')
    mailtui.environ["MAILTUI_TIME_SCALE"] = "1"
    campaign = mailtui.campaign(3, port=box.port)
    short = mailtui.call("run", campaign, "--yes", "--detach").out.strip()
    wait_until(lambda: mailtui.call("status", short, "--json").json["deferred"])
    due = datetime.fromisoformat(mailtui.call("status", short, "--json").json["next_try"])
    assert 0 < due.timestamp() - time.time() < 3_600
    moment = f"next try at {show_moment(due.timestamp())}"
    status = mailtui.call("status", short)
    assert moment in status.out and f"mailtui retry {short} --only deferred" in status.err
    assert moment in mailtui.call("report", short, "--only", "deferred").out
    assert mailtui.call("report", short, "--only", "deferred", "--json").lines[0]["next_try"] == due.isoformat()
    follower = mailtui.start("status", short, "--follow", "--plain")
    assert follower.stderr is not None
    assert f"1 deferred, {moment}" in follower.stderr.readline()
    follower.kill()
    follower.communicate()
    assert mailtui.call("cancel", short).code == 0


def test_what_is_written_is_readable_by_its_owner_only(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port)
    process = mailtui.start("run", campaign, "--yes", preexec_fn=lambda: os.umask(0))
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    wrong = [path for path in mailtui.home.config.parent.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert wrong == []
    assert mailtui.home.outbox_file.exists()


def test_a_runner_in_the_foreground_works_until_it_is_told_to_leave(mailtui: Mailtui, sandbox: Oracle) -> None:
    runner = mailtui.start("runner", "--json")
    assert runner.stdout is not None
    assert json.loads(runner.stdout.readline())["pid"] == runner.pid
    second = mailtui.run("runner")
    assert second.code == 2
    assert f"process {runner.pid}" in second.err
    launched = mailtui.call("run", mailtui.campaign(5, port=sandbox.port), "--yes", "--json")
    assert (launched.code, launched.json["sent"]) == (0, 5)
    assert runner.poll() is None
    runner.terminate()
    assert runner.wait(10) == 0
    assert mailtui.run("runner", "--until-idle").code == 0


def test_a_list_from_a_pipe(mailtui: Mailtui, sandbox: Oracle) -> None:
    text = "\n".join(ROWS) + "\n"
    assert mailtui.run("audience", "-", "--count", "--json", stdin=text).json["rows"] == 4
    campaign = mailtui.campaign(0, port=sandbox.port, audience={"source": "-"})
    sent = mailtui.run("run", campaign, "--yes", "--json", stdin=text)
    assert (sent.code, sent.json["sent"]) == (0, 2), sent.err
    assert not list(mailtui.home.audiences.glob(".*.tmp")), "the copy of what was piped in is gone"


def test_progress_is_for_terminals_and_problems_for_everybody(mailtui: Mailtui, faulty: StartSandbox) -> None:
    box = faulty("rules:\n  - {stage: rcpt, recipient: 'p1@*', reply: 550 5.1.1 No such user}\n")
    ended = mailtui.call("run", mailtui.campaign(3, port=box.port), "--yes")
    assert ended.code == 4
    assert "550 5.1.1 No such user" in ended.out
    id = ended.out.split()[2]
    assert ended.err.splitlines() == [
        f"Who failed, and why: mailtui report {id} --only failed. Send again: mailtui retry {id} --only failed"
    ]


def test_two_runs_at_once_are_one_campaign(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(300, port=sandbox.port)
    both = [mailtui.start("run", campaign, "--yes", "--json") for _ in range(2)]
    ends = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    views = [json.loads(out) for out, _ in ends]
    assert len({view["campaign"] for view in views}) == 1
    assert {view["sent"] for view in views} == {300}
    assert set(sandbox.accepted.values()) == {1}
    assert sandbox.accepted.total() == 300


def test_a_second_campaign_waits_for_the_run_that_has_the_outbox_and_then_goes_out(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    first = mailtui.campaign(40, port=sandbox.port, name="first", dispatch={"rate": "1/s"})
    second = mailtui.campaign(5, port=sandbox.port, name="second")
    running = mailtui.start("run", first, "--yes")
    wait_until(mailtui.runner)
    [sent_first] = [row["campaign"] for row in mailtui.call("list", "--json").lines]
    later = mailtui.start("run", second, "--yes", "--json")
    assert later.stderr is not None
    assert "Waiting for process" in later.stderr.readline()
    assert mailtui.call("set", sent_first, "--rate", "1000/s").code == 0
    assert running.wait(60) == 0
    out, err = later.communicate(timeout=60)
    assert later.returncode == 0, (out, err)
    assert json.loads(out)["sent"] == 5
    assert sandbox.accepted.total() == 45
    for stream in (running.stdout, running.stderr):
        assert stream is not None
        stream.close()
