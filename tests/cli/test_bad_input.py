"""What a person gets wrong: an exit code, a sentence that says where, and a hint; never a traceback, never a mail."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import StartSandbox
from tests.cli.program import Ended, Mailtui, Oracle, wait_until
from tests.servers.aiosmtpd_server import USER, Authority, Security, aiosmtpd_server
from tests.servers.programs import free_port

INLINE = {"host": "127.0.0.1", "port": 9, "security": "plain"}


def told(ended: Ended, code: int, *parts: str) -> None:
    """The error is this, in sentences, with nothing on stdout."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert ended.err.startswith("mailtui: ")
    assert "Traceback" not in ended.err
    first = ended.err.splitlines()[0]
    assert first.endswith((".", "?", "!", ":")), first
    for part in parts:
        assert part in ended.err, ended.err


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"audience": {"source": "nope.csv"}}, ["no list nope.csv", "campaign.yaml:7:12: audience.source"]),
        ({"audience": {"source": "contcts.csv"}}, ["Did you mean contacts.csv?"]),
        ({"audience": {"source": "."}}, ["is a folder", "audience.source"]),
        ({"audience": {"source": "contacts.csv", "address": "mail"}}, ["audience.address", "mail"]),
        (
            {"audience": {"source": "contacts.csv", "filter": "citty == 1"}},
            ["campaign.yaml:7:38: audience.filter", "no column citty. Did you mean city?"],
        ),
        (
            {"audience": {"source": "contacts.csv", "filter": "city =="}},
            ["campaign.yaml:7:38: audience.filter", "the filter ends"],
        ),
        (
            {"audience": {"source": "contacts.csv", "filter": {"op": "EQ", "field": "citty", "value": "x"}}},
            ["audience.filter", "Did you mean city?"],
        ),
        ({"audience": {"source": "contacts.csv", "suppress": ["no.csv"]}}, ["no list no.csv", "audience.suppress.0"]),
        ({"subject": "{{ first_nam }}"}, ["campaign.yaml:4:1: subject, character 4", "Did you mean first_name?"]),
        ({"subject": "{{ first_name"}, ["campaign.yaml:4:1: subject"]),
        ({"text": "bdy.txt.j2"}, ["campaign.yaml:5:1: text", "bdy.txt.j2"]),
        ({"form": "x"}, ["campaign.yaml:8:1: form: this key is not known. Did you mean from?"]),
        ({"dispatch": {"workers": "lots"}}, ["campaign.yaml:8:12: dispatch.workers", "'lots'"]),
        ({"dispatch": {"rate": "10"}}, ["dispatch.rate", "10/s"]),
        ({"attachments": ["a.pdf"]}, ["campaign.yaml:8:15: attachments.0: a.pdf is not there.", "must lie in"]),
        ({"dispatch": {"limits": {"rate": "1/s"}}}, ["dispatch.limits: rate: that is said in dispatch: itself"]),
        ({"schedule": {"at": "soon"}}, ["campaign.yaml:8:", "schedule.at", "no date and time"]),
        ({"schedule": {"at": "2099-12-01 09:00", "timezone": "Europe/Berln"}}, ["Did you mean Europe/Berlin?"]),
        ({"smtp": None}, ["which server to send through"]),
        ({"smtp": None, "account": "nobody"}, ["account: There is no account nobody", "settings.yaml"]),
        ({"account": "x"}, ["account and smtp are given together"]),
        ({"smtp": {**INLINE, "user": "u"}}, ["a login does not belong in a campaign file (user)"]),
        ({"smtp": {**INLINE, "host": "mail.example.org"}}, ["everything readable", "allow_plain: true"]),
        ({"smtp": {**INLINE, "security": "ssl"}}, ["smtp.security: should be 'tls', 'starttls' or 'plain'; got 'ssl'"]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_campaign_file(mailtui: Mailtui, changes: dict[str, Any], parts: list[str]) -> None:
    campaign = mailtui.campaign(2, port=9, **changes)
    told(mailtui.call("run", campaign, "--yes"), 3, *parts)
    assert not mailtui.home.data.exists()


def test_several_mistakes_are_told_at_once_in_the_order_of_the_file(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(2, port=9, schedule="x", dispatch={"workrs": 1, "limits": {"rte": "1/s"}}, nme="y")
    ended = mailtui.call("check", campaign)
    told(ended, 3)
    lines = [int(line.split(":")[1]) for line in ended.err.splitlines() if "campaign.yaml:" in line]
    assert lines == [8, 9, 9, 10]


def test_a_mistake_in_a_template_file_is_told_by_line_and_column(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(2, port=9)
    body = campaign.with_name("body.txt.j2")
    body.write_text("Dear {{ first_name }},\n  {% if city %}\nbye\n")
    told(mailtui.call("check", campaign), 3, "body.txt.j2:")
    body.write_text("one\ntwo {{ cty }}\n")
    told(mailtui.call("check", campaign), 3, "body.txt.j2:2:8: the list has no column cty. Did you mean city?")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty"]),
        ("a,b\n1,2\n", ["no column with mail addresses", "Its columns: a, b"]),
        ("email,first_name,city\n", ["has column names and no row"]),
        ("PK\x03\x04rest", ["damaged or cut off"]),
    ],
)
def test_a_list_that_is_none(mailtui: Mailtui, text: str, parts: list[str]) -> None:
    campaign = mailtui.campaign(2, port=9)
    campaign.with_name("contacts.csv").write_text(text)
    told(mailtui.call("run", campaign, "--yes"), 3, *parts)


def test_a_filter_that_matches_nobody_stops_the_launch(mailtui: Mailtui) -> None:
    ended = mailtui.call("run", mailtui.campaign(2, port=9), "--yes", "--filter", 'city == "Nowhere"')
    assert (ended.code, ended.out) == (3, "")
    assert "There is nobody to send to: the filter matches nobody." in ended.err
    assert "Nothing was sent." in ended.err
    assert not mailtui.home.data.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (["run", "nope.yaml"], 3, ["There is no file nope.yaml"]),
        (["run", "c/campain.yaml"], 3, ["Looked for campain.yaml in /", "/c\n", "Did you mean campaign.yaml?"]),
        (["audience", "c/contcts.csv"], 3, ["Looked for contcts.csv in /", "/c\n", "Did you mean contacts.csv?"]),
        (["run", "c/contacts.csv"], 2, ["is a list, not a campaign"]),
        (["run", "."], 3, ["is a folder"]),
        (["run", "c", "--filter", "citty == 1"], 3, ["--filter: the list has no column citty. Did you mean city?"]),
        (["run", "c", "--filter", "city =="], 3, ["--filter:8"]),
        (["audience", "c/contacts.csv", "--filter", "city =="], 3, ["The filter cannot be read"]),
        (["run", "c", "--workers", "300"], 2, ["300 is out of bounds; it goes from 1 to 256."]),
        (["run", "c", "--workers", "many"], 2, ["'many' is no whole number."]),
        (["report", "--only", "faild"], 2, ["There is no state faild. Did you mean failed?"]),
        (["audience", "nope.csv"], 3, ["There is no list nope.csv"]),
        (["audience", "\udcff.csv"], 3, ["There is no list"]),
        (["audience", "c", "--explain", "99"], 2, ["There is no row 99"]),
        (["preview", "c", "--row", "99"], 2, ["There is no row 99"]),
        (["preview", "c", "--to", "x@y.test"], 2, ["x@y.test is not in contacts.csv"]),
        (["test", "c", "--to", "me"], 2, ["me is not a mail address"]),
        (["run", "c", "--rate", "10"], 2, ["'10' is no rate. Did you mean 10/s?", "See: mailtui run --help"]),
        (["run", "c", "--workers", "0"], 2, ["--workers"]),
        (["run", "c", "--new", "--top-up"], 2, ["contradict each other"]),
        (["run", "c"], 2, ["2 mails would be sent", "--yes"]),
        (["run"], 2, ["Missing argument 'CAMPAIGN'"]),
        (["frobnicate"], 2, ["There is no command frobnicate.", "mailtui --help"]),
        (["c/campaign.yaml"], 2, ["no command c/campaign.yaml. To send it: mailtui run c/campaign.yaml"]),
        (["c"], 2, ["no command c. To send it: mailtui run c"]),
        (["c/contacts.csv"], 2, ["To look at it as a list: mailtui audience c/contacts.csv"]),
        (["reprot"], 2, ["Did you mean report?"]),
        (["report"], 2, ["Nothing has been launched"]),
        (["status", "zzz"], 2, ["There is no campaign zzz", "mailtui list"]),
        (["report", "zzz", "--out", "left-behind.csv"], 2, ["There is no campaign zzz"]),
        (["pause", "zzz"], 2, ["There is no campaign zzz"]),
        (["set", "zzz"], 2, ["Nothing was given to change"]),
        (["list", "--outbox", "foo"], 2, ["foo names no outbox"]),
        (["list", "--outbox", "postgresql://u:hunter2@h/db"], 2, ["SQLite file only"]),
        (["list", "--outbox", "sqlite:////proc/none/x.db"], 1, ["cannot be opened"]),
        (["list", "--outbox", "sqlite:////tmp"], 1, ["The outbox /tmp cannot be opened", "Is a directory"]),
        (["render", "c", "--out", "/proc/none/x.mbox"], 2, ["cannot be written"]),
        (["render", "c", "--out", "/proc/none/x"], 2, ["cannot be written"]),
        (["sandbox", "--faults", "none.yaml", "--port", "0"], 3, ["There is no file none.yaml"]),
        (["init", "c"], 2, ["is not empty"]),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_carried_out(
    mailtui: Mailtui, sandbox: Oracle, arguments: list[str], code: int, parts: list[str]
) -> None:
    mailtui.campaign(2, port=sandbox.port)
    ended = mailtui.call(*arguments)
    told(ended, code, *parts)
    assert "hunter2" not in ended.err
    assert not (mailtui.folder / "left-behind.csv").exists()
    as_json = mailtui.call(*arguments, "--json")
    assert as_json.code == code
    assert as_json.json["exit_code"] == code
    assert as_json.json["error"]
    assert sandbox.accepted == {}


def test_no_terminal_and_no_command(mailtui: Mailtui) -> None:
    ended = mailtui.run()
    assert (ended.code, ended.out) == (2, "")
    assert "mailtui run CAMPAIGN" in ended.err


def test_an_ambiguous_id(mailtui: Mailtui, sandbox: Oracle) -> None:
    """With more campaigns than letters, two share their first one."""
    path = mailtui.campaign(1, port=sandbox.port)
    ids: list[str] = []
    while len({name[0] for name in ids}) == len(ids):
        ids.append(mailtui.call("run", path, "--yes", "--new", "--json").json["campaign"])
    ended = mailtui.call("status", ids[-1][0])
    told(ended, 2, "could be any of 2 campaigns", "one more character", ids[-1])
    assert mailtui.call("status", ids[-1], "--json").json["campaign"] == ids[-1]


def test_a_damaged_outbox_is_left_as_it_is(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port)
    mailtui.home.data.mkdir(parents=True)
    mailtui.home.outbox_file.write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    before = mailtui.home.outbox_file.read_bytes()
    for command in (["list"], ["run", str(campaign), "--yes"], ["run", str(campaign), "--yes", "--detach"]):
        told(mailtui.call(*command), 1, "is not a readable outbox")
    assert mailtui.home.outbox_file.read_bytes() == before
    assert sandbox.accepted == {}


def test_a_wrong_password_pauses_after_one_try_and_the_right_one_goes_on(
    mailtui: Mailtui, authority: Authority, tmp_path: Path
) -> None:
    with aiosmtpd_server(authority, security=Security.STARTTLS, auth=True) as server:
        ca = authority.write_pem(tmp_path / "ca.pem")
        mailtui.home.config.mkdir(parents=True)
        account = {"host": "127.0.0.1", "port": server.port, "security": "starttls", "user": USER, "ca": str(ca)}
        mailtui.home.settings_file.write_text(f"accounts: {json.dumps({'acme': account})}\n")
        campaign = mailtui.campaign(3, port=9, smtp=None, account="acme", **{"from": f"Anna <{USER}>"})
        told(mailtui.call("run", campaign, "--yes"), 3, "needs its password", "MAILTUI_PASSWORD_ACME")
        assert not mailtui.home.data.exists(), "nothing is launched that could not be sent"

        refused = mailtui.call("run", campaign, "--yes", "--json", env={"MAILTUI_PASSWORD_ACME": "hunter2-wrong"})
        assert (refused.code, refused.json["state"], refused.json["queued"]) == (6, "paused", 3)
        assert "535" in refused.json["reason"]
        assert 1 <= len(server.keeper.logins) <= 2
        tested = mailtui.call(
            "test", campaign, "--to", "me@acme.test", "--json", env={"MAILTUI_PASSWORD_ACME": "hunter2-wrong"}
        )
        assert (tested.code, tested.json["code"]) == (6, 535)
        assert tested.json["advice"].rstrip(".") in refused.json["reason"], "the same explanation"
        from tests.servers.aiosmtpd_server import PASSWORD

        right = mailtui.call("run", campaign, "--yes", "--json", env={"MAILTUI_PASSWORD_ACME": PASSWORD})
        assert (right.code, right.json["sent"]) == (0, 3), right.err
        assert {taken.user for taken in server.taken} == {USER}
        assert all(taken.secured for taken in server.taken)
    found = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in (b"hunter2-wrong", PASSWORD.encode()))
    ]
    assert found == [], "a password is in a file"


@pytest.mark.parametrize("way", ["resume", pytest.param("run", marks=pytest.mark.long), "corrected"])
def test_a_closed_port_pauses_and_loses_nothing(mailtui: Mailtui, faulty: StartSandbox, way: str) -> None:
    port = free_port()
    campaign = mailtui.campaign(3, port=port)
    started = time.monotonic()
    refused = mailtui.run(
        "run", campaign, "--yes", "--json", env={"MAILTUI_TIME_SCALE": "1" if way == "run" else "0.02"}
    )
    assert time.monotonic() - started < 15
    assert (refused.code, refused.json["state"], refused.json["queued"]) == (6, "paused", 3)
    assert "connection refused" in refused.json["reason"]
    advice = f"Start a sandbox with: mailtui sandbox --port {port}, or correct smtp: in {campaign}"
    assert advice in mailtui.call("status").err
    tested = mailtui.call("test", campaign, "--to", "me@example.com")
    assert tested.code == 6 and advice in tested.err
    box = faulty(port=0 if way == "corrected" else port)
    if way == "resume":
        resumed = mailtui.call("resume", refused.json["campaign"], "--json")
        assert resumed.code == 0
        done = mailtui.call("status", "--follow", "--json")
    else:
        if way == "corrected":
            campaign.write_text(campaign.read_text().replace(str(port), str(box.port)))
        done = mailtui.call("run", campaign, "--yes", "--json")
    assert (done.code, done.json["campaign"], done.json["sent"]) == (0, refused.json["campaign"], 3), done
    assert box.accepted == {f"p{n}@example.com": 1 for n in range(3)}


def small_files() -> None:
    """No file of this process may grow beyond 300 kB: what a full disk is like, without one."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_no_room_at_launch_is_told_and_run_again_goes_through(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2_000, port=sandbox.port)
    mailtui.call("audience", campaign, "--count", "--full")  # the index has room
    full = mailtui.run("run", campaign, "--yes", preexec_fn=small_files)
    told(full, 1, "no room left", "run the same command again")
    assert sandbox.accepted == {}
    done = mailtui.call("run", campaign, "--yes", "--json")
    assert (done.code, done.json["sent"]) == (0, 2_000)
    assert set(sandbox.accepted.values()) == {1}


@pytest.fixture
def small_disk(mailtui: Mailtui) -> Any:
    """A disk of 24 MB for the outbox, where this system lets us mount one."""
    disk = mailtui.folder / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    mailtui.environ.pop("MAILTUI_OUTBOX", None)
    wait_until(lambda: subprocess.run(["umount", disk], capture_output=True, check=False).returncode == 0)


def test_a_disk_that_fills_in_the_middle_of_a_send(mailtui: Mailtui, sandbox: Oracle, small_disk: Path) -> None:
    campaign = mailtui.campaign(600, port=sandbox.port, dispatch={"rate": "200/s", "workers": 4})
    mailtui.environ["MAILTUI_OUTBOX"] = f"sqlite:///{small_disk}/outbox.db"
    sending = mailtui.start("run", campaign, "--yes", "--json", env={"MAILTUI_TIME_SCALE": "0.1"})
    wait_until(lambda: sandbox.accepted.total() > 40)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        try:
            while stream.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    wait_until(lambda: sending.poll() is not None or sandbox.accepted.total() < 600, 5)
    before = sandbox.accepted.total()
    time.sleep(0.5)
    during = sandbox.accepted.total()
    assert during - before < 200, "without room for marks, nothing goes on"
    ballast.unlink()
    out, err = sending.communicate(timeout=30)
    assert "Traceback" not in err
    if sending.returncode != 0:
        done = mailtui.call("run", campaign, "--yes", "--json")
        assert done.code in (0, 5), done
        out = done.out
    view = json.loads(out.splitlines()[-1])
    assert view["state"] == "finished"
    assert max(sandbox.accepted.values()) == 1, "somebody was mailed twice"
    assert view["sent"] + view["unknown"] == 600
    assert view["unknown"] <= 4


def test_a_second_runner_is_told_who_has_the_outbox(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(30, port=sandbox.port, dispatch={"rate": "1/s"})
    first = mailtui.start("run", campaign, "--yes")
    wait_until(mailtui.runner)
    told(mailtui.run("runner"), 2, f"process {first.pid}")
    assert mailtui.call("set", mailtui.call("status", "--json").json["campaign"], "--rate", "1000/s").code == 0
    assert first.wait(60) == 0
    first.communicate()


def test_text_from_strangers_acts_on_no_terminal(mailtui: Mailtui, faulty: StartSandbox) -> None:
    """Names, cells, replies and file names with escape sequences in them, on stdout and stderr of every command."""
    box = faulty(
        'rules:\n  - {stage: rcpt, recipient: "p2@*", raw: "550 5.1.1 \\x1b]0;PWNED\\x07 \\x9b31m gone\\r\\n"}\n'
    )
    evil = "\u202eevil\x9b31m\x7f"
    rows = ["email,first_name,city", f"p1@example.com,{evil},York", f"p2@example.com,B,{evil}", f"b{evil}d,C,York"]
    campaign = mailtui.campaign(rows, port=box.port, name="c", audience={"source": "contacts.csv"})
    text = campaign.read_text().replace('"News c"', '"News \\u202e \\u009b31m"')
    campaign.write_text(text.replace("{{ first_name }}, news", "news"))
    body = campaign.with_name("body.txt.j2")
    body.write_text("Dear {{ first_name }} of {{ city }}\n")
    outputs = [mailtui.call("run", campaign, "--yes")]
    file = str(campaign)
    commands = [
        *(["status"], ["report"], ["report", "--json"], ["list"], ["list", "--json"], ["report", "--only", "failed"]),
        *(["audience", file], ["audience", file, "--json"], ["audience", file, "--problems"]),
        *(["audience", file, "--explain", "1"], ["preview", file], ["preview", file, "--json"], ["check", file]),
        *(["preview", file, "--part", "source"], ["status", "--json"], ["status", evil], ["audience", f"{evil}.csv"]),
    ]
    outputs += [mailtui.call(*command) for command in commands]
    assert outputs[0].code == 4
    for ended in outputs:
        bad = [c for c in ended.out + ended.err if c in "\u202e\x7f\x07\x1b" or "\x80" <= c <= "\x9f"]
        assert bad == [], ended


def test_a_home_that_cannot_be_made(mailtui: Mailtui) -> None:
    file = mailtui.folder / "file"
    file.write_text("")
    told(
        mailtui.call("run", mailtui.campaign(1, port=9), "--yes", env={"MAILTUI_HOME": str(file / "x")}),
        3,
        "MAILTUI_HOME",
    )
    told(mailtui.call("list", env={"MAILTUI_HOME": str(file / "x")}), 1, "cannot be opened")
    assert os.listdir(mailtui.folder).count("file") == 1
