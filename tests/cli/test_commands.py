"""Every command's happy path: data on stdout, nothing on stderr without a terminal, and the documented shapes."""

from __future__ import annotations

import csv
import json
import mailbox
import os
import signal
import stat
from pathlib import Path

import pytest

from mailtui import __version__
from mailtui.sandbox.process import find_sandbox
from tests.cli.conftest import StartSandbox
from tests.cli.program import Mailtui, Oracle

STATES = (
    "queued", "claimed", "in_flight", "sent", "failed", "deferred", "unknown", "suppressed", "skipped", "cancelled",
    "expired",
)  # fmt: skip
RUN_KEYS = {"campaign", "state", "audience", "seconds", "send_seconds", *STATES}
ROWS = ["email,first_name,city", "ann@example.com,Ann,York", "bob@example.com,Bob,Bath", "no address,Eve,York",
        "ann@example.com,Ann,York"]  # fmt: skip


def test_a_campaign_from_first_look_to_report(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(ROWS, port=sandbox.port)

    counted = mailtui.call("audience", campaign, "--count", "--json", "--full")
    assert counted.json == {
        "rows": 4,
        "valid": 3,
        "duplicates": 1,
        "problems": 1,
        "matched": 4,
        "recipients": 2,
        "excluded": 0,
        "grouped": 0,
        "remarkable": 0,
        "flagged": {"role": 0, "disposable": 0, "bad_domain": 0},
    }
    assert mailtui.call("audience", "c/contacts.csv", "--count", "--json").json == {
        "rows": 4,
        "matched": 4,
        "problems": 1,
    }
    listed = mailtui.call("audience", campaign, "--json", "--limit", "1").json
    assert listed["recipients"] == [
        {
            "row": 1,
            "address": "ann@example.com",
            "fields": {"email": "ann@example.com", "first_name": "Ann", "city": "York"},
        }
    ]
    problems = mailtui.call("audience", campaign, "--problems", "--json").lines
    assert [(item["line"], item["kind"]) for item in problems] == [(4, "bad_address"), (5, "duplicate")]
    explained = mailtui.call("audience", campaign, "--filter", 'city == "York"', "--explain", "2")
    assert (explained.code, explained.err) == (0, "")
    assert "Row 2 (line 3) is out" in explained.out
    assert "it is 'Bath'" in explained.out

    checked = mailtui.call("check", campaign, "--json")
    assert (checked.code, checked.err) == (0, "")
    assert (checked.json["rendered"], checked.json["errors"]) == (2, 0)
    assert {item["code"] for item in checked.json["findings"]} == {"bad-rows", "duplicates", "special-domain"}
    assert checked.json["flagged"] == counted.json["flagged"]
    assert checked.json["warnings"] == 1 and all("hint" in item for item in checked.json["findings"])
    assert mailtui.call("check", campaign, "--strict").code == 3
    shown = mailtui.call("preview", campaign, "--to", "BOB@EXAMPLE.COM".lower())
    assert "Subject: Bob, news" in shown.out
    assert "news from Bath." in shown.out
    assert sandbox.accepted == {}, "looking sends nothing"

    sent = mailtui.call("run", campaign, "--yes", "--json")
    assert (sent.code, sent.err) == (0, "")
    assert set(sent.json) >= RUN_KEYS
    assert (sent.json["state"], sent.json["sent"], sent.json["audience"]) == ("finished", 2, 2)
    assert sum(sent.json[state] for state in STATES) == sent.json["audience"]
    assert sandbox.accepted == {"ann@example.com": 1, "bob@example.com": 1}
    again = mailtui.call("run", campaign, "--yes", "--json")
    assert (again.code, again.json["campaign"], again.err) == (0, sent.json["campaign"], "")
    said = mailtui.call("run", campaign, "--yes")
    assert said.code == 0 and said.err.endswith("\nEverybody on the list has it already; nothing was sent.\n")
    assert sandbox.accepted.total() == 2, "running it again sends nothing twice"

    short = sent.json["campaign"][:3]
    status = mailtui.call("status", short, "--json").json
    assert set(status) >= RUN_KEYS | {"rate", "eta_seconds", "workers"}
    assert [item["campaign"] for item in mailtui.call("list", "--json").lines] == [sent.json["campaign"]]
    report = mailtui.call("report", short, "--format", "jsonl")
    assert report.err == ""
    assert [line["address"] for line in report.lines] == ["ann@example.com", "bob@example.com"]
    assert set(report.lines[0]) >= {"address", "state", "code", "reply", "attempts", "message_id", "row"}
    assert (report.lines[0]["state"], report.lines[0]["code"], report.lines[0]["row"]) == ("sent", 250, 1)
    assert mailtui.call("report", short, "--json").out == report.out
    assert "not in the audience" in mailtui.call("report", short).out
    nobody = mailtui.call("report", short, "--only", "failed")
    assert (nobody.code, nobody.out, nobody.err) == (0, "", "News c: nobody is failed.\n")

    written = mailtui.call("report", short, "--format", "csv", "--out", "r.csv")
    assert (written.code, written.out, written.err) == (0, "", "")
    path = mailtui.folder / "r.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as stream:
        assert [row["state"] for row in csv.DictReader(stream)] == ["sent", "sent"]
    refused = mailtui.call("report", short, "--out", "r.csv")
    assert (refused.code, "exists already" in refused.err) == (2, True)


def test_a_row_that_gets_no_mail_is_shown_with_the_way_to_see_why(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(ROWS, port=9, audience={"source": "contacts.csv", "filter": 'city == "York"'})
    shown = mailtui.call("preview", campaign, "--row", "2")
    assert (shown.code, "Subject: Bob, news" in shown.out) == (0, True)
    command = shown.err.partition("See why: mailtui ")[2].split()
    assert "Row 2 (line 3) is out" in mailtui.call(*command).out
    assert mailtui.call("preview", campaign, "--row", "1").err == ""
    assert mailtui.call("preview", campaign, "--row", "2", "--json").json["matched"] is False


def test_addresses_that_differ_in_capital_letters_are_two_and_said_so(mailtui: Mailtui) -> None:
    rows = ["email,first_name,city", "zoe@example.com,Zoe,York", "Ann@example.com,Ann,Bath", "ZOE@EXAMPLE.com,Zoe,York",
            "Zoe@example.com,Zoe,Bath", "ANN@example.com,Ann,York", "zoe@Example.com,Zoe,York",
            "BOB@example.com,Bob,York"]  # fmt: skip
    campaign = mailtui.campaign(rows, port=9)
    found = {item["code"]: item for item in mailtui.call("check", campaign, "--json").json["findings"]}
    alike = found["capital-letters"]
    assert (alike["severity"], alike["rows"], alike["count"]) == ("warning", [1, 2, 3, 4, 5], 5)
    said = "5 addresses differ from another one only in capital letters; both get a mail"
    assert alike["message"] == said and found["duplicates"]
    assert f"{said} (rows 1, 2, 3, 4, 5)" in mailtui.call("audience", campaign).out
    bath = mailtui.call("audience", campaign, "--filter", 'city == "Bath"')
    assert "capital letters" not in bath.out, "of each only one is in"
    york = mailtui.call("check", campaign, "--filter", 'city == "York"', "--json").json["findings"]
    assert [item["rows"] for item in york if item["code"] == "capital-letters"] == [[1, 3]]


def test_a_list_is_shown_with_every_filter_that_narrows_it(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(ROWS, port=9, audience={"source": "contacts.csv", "filter": 'city == "York"'})
    shown = mailtui.call("audience", campaign, "--filter", 'first_name == "Ann"')
    assert f'filter       city == "York"   ({campaign})' in shown.out
    assert 'and          first_name == "Ann"   (--filter)' in shown.out
    assert "filter" not in mailtui.call("audience", "c/contacts.csv").out


def test_rendering_writes_what_would_be_sent_and_connects_to_nobody(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(ROWS, port=9)  # nothing listens there
    boxed = mailtui.call("render", campaign, "--out", "all.mbox", "--json")
    assert boxed.json == {"rendered": 2, "copies": 0, "suppressed": 0, "failed": 0, "out": "all.mbox"}
    subjects = [message["subject"] for message in mailbox.mbox(mailtui.folder / "all.mbox")]
    assert subjects == ["Ann, news", "Bob, news"]
    assert mailtui.call("render", campaign, "--out", "mails").code == 0
    files = sorted((mailtui.folder / "mails").iterdir())
    assert [path.name for path in files] == ["000001-ann@example.com.eml", "000002-bob@example.com.eml"]
    for path in (mailtui.folder / "all.mbox", mailtui.folder / "mails", *files):
        assert path.stat().st_mode & 0o077 == 0, "people's data is for its owner only"
    assert mailtui.call("render", campaign, "--out", "mails").code == 2
    assert mailtui.call("render", campaign, "--out", "all.mbox").code == 2
    piped = mailtui.call("render", campaign, "--out", "-")
    assert (piped.out.count("\nSubject: "), piped.err) == (2, "")
    dry = mailtui.call("run", campaign, "--dry-run", "--json")
    assert (dry.code, dry.json["rendered"]) == (0, 2)
    assert not mailtui.home.outbox_file.exists(), "a dry run launches nothing"


def test_a_test_mail_goes_to_its_address_and_to_nobody_on_the_list(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(ROWS, port=sandbox.port)
    tested = mailtui.run("test", campaign, "--to", "me@acme.test", "--row", "2", "--json")
    assert (tested.code, tested.err) == (0, "")
    assert (tested.json["sent"], tested.json["code"]) == (True, 250)
    assert sandbox.accepted == {"me@acme.test": 1}
    assert not mailtui.home.outbox_file.exists()


def test_a_test_mail_that_is_refused_itself_is_no_trouble_of_the_server(mailtui: Mailtui, faulty: StartSandbox) -> None:
    box = faulty('rules:\n  - {stage: rcpt, recipient: "me@*", raw: "550 5.1.1 gone\\r\\n"}\n')
    tested = mailtui.call("test", mailtui.campaign(2, port=box.port), "--to", "me@acme.test")
    assert (tested.code, tested.out) == (4, "") and "550 5.1.1 gone" in tested.err


def test_init_writes_a_campaign_that_can_be_sent(mailtui: Mailtui, sandbox: Oracle) -> None:
    made = mailtui.run("init", "mine", "--json")
    assert made.code == 0
    campaign = mailtui.folder / "mine" / "campaign.yaml"
    assert str(Path("mine") / "campaign.yaml") in made.json["files"]
    campaign.write_text(campaign.read_text().replace("2525", str(sandbox.port)))
    assert mailtui.call("check", "mine").code == 0
    sent = mailtui.call("run", "mine", "--yes", "--json")
    assert (sent.code, sent.json["state"]) == (0, "finished")
    assert sandbox.accepted.total() == sent.json["audience"] > 0
    assert mailtui.run("init", "mine").code == 2


def test_the_demo_needs_nothing_and_touches_nothing_of_the_users(mailtui: Mailtui) -> None:
    shown = mailtui.run("demo", "--rows", "20", "--json")
    assert shown.code == 0, shown.err
    assert shown.json["sent"] == shown.json["audience"] > 0
    assert not mailtui.home.data.exists()
    box = find_sandbox(mailtui.home.state / "demo" / "sandbox")
    again = mailtui.run("demo", "--headless")
    assert again.code == 0
    assert "nothing leaves it" in again.out
    other = find_sandbox(mailtui.home.state / "demo" / "sandbox")
    assert box is not None
    assert other is not None
    assert box.pid != other.pid, "the former one is ended"
    os.kill(other.pid, signal.SIGTERM)


def test_sandbox_catches_and_says_where(mailtui: Mailtui) -> None:
    process = mailtui.start("sandbox", "--port", "0", "--folder", "caught", "--json")
    assert process.stdout is not None
    where = json.loads(process.stdout.readline())
    campaign = mailtui.campaign(3, port=where["port"])
    assert mailtui.call("run", campaign, "--yes").code == 0
    second = mailtui.run("sandbox", "--port", str(where["port"]), "--folder", "other")
    assert second.code == 2
    assert str(where["port"]) in second.err
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert len(mailbox.mbox(mailtui.folder / "caught" / "messages.mbox")) == 3


def test_doctor_and_schema(mailtui: Mailtui) -> None:
    found = mailtui.call("doctor", "--json", env={"MAILTUI_CHECKS__SAMPLE": "9"})
    assert (found.code, found.err) == (0, "")
    assert {item["name"] for item in found.json["findings"]} >= {"sqlite", "outbox", "runner", "keyring", "folders"}
    origins = {item["key"]: item["origin"] for item in found.json["settings"]}
    assert origins["checks.sample"] == "environment variable MAILTUI_CHECKS__SAMPLE"
    assert not mailtui.home.data.exists(), "looking makes nothing"
    schema = mailtui.call("schema").json
    assert schema["properties"]["audience"]
    assert schema["additionalProperties"] is False
    parts = schema["$defs"]
    assert {"at", "every", "cron", "timezone", "window", "missed"} <= parts["ScheduleSpec"]["properties"].keys()
    assert parts["Missed"]["enum"] == ["ask", "send", "skip"]
    assert {"from", "to", "days"} == parts["WindowSpec"]["properties"].keys()
    assert parts["DispatchSpec"]["properties"]["limits"]
    of_domain = parts["CampaignLimitsSpec"]["properties"]["per_domain"]["additionalProperties"]
    assert {"type": "string"} in of_domain["anyOf"], "a rate alone"
    assert mailtui.call("schema", "--json").json == schema


@pytest.mark.parametrize("command", ["audience", "check", "run"])
def test_help_and_plain_words(mailtui: Mailtui, command: str) -> None:
    shown = mailtui.call(command, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "INTEGER RANGE" not in shown.out
    assert "<=x" not in shown.out


def test_a_reader_that_goes_away_is_no_error(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(4_000, port=sandbox.port)
    assert mailtui.call("run", campaign, "--yes").code == 0
    for command in (
        ["report", "--format", "csv"],
        ["report", "--json"],
        ["audience", str(campaign), "--limit", "4000"],
    ):
        writer = mailtui.start(*command)
        assert writer.stdout is not None
        assert writer.stdout.readline()
        writer.stdout.close()
        assert writer.wait(30) == 0
        assert writer.stderr is not None
        assert writer.stderr.read() == ""


def test_the_status_of_an_empty_outbox_is_a_sentence(mailtui: Mailtui) -> None:
    empty = mailtui.call("status")
    assert (empty.code, empty.out, "Nothing has been launched" in empty.err) == (0, "", True)
    assert mailtui.call("status", "--json").json == {"campaign": None}
    assert mailtui.call("status", "abc").code == 2


def test_version(mailtui: Mailtui) -> None:
    assert mailtui.call("--version").out == f"mailtui {__version__}\n"


def test_init_makes_a_campaign_of_a_mailmerge_template(mailtui: Mailtui) -> None:
    old = mailtui.folder / "old"
    old.mkdir()
    (old / "template.txt").write_text("TO: {{email}}\nFROM: me@acme.test\nSUBJECT: Hi\nDATE: now\n\nHello {{ nmae }}\n")
    (old / "people.csv").write_text("email,name\nbob@list.test,Bob\n")
    assert mailtui.call("init", "new", "--from", "old/template.txt").code == 2
    made = mailtui.call("init", "new", "--from", "old/template.txt", "--list", "old/people.csv", "--json")
    assert made.code == 3
    assert [(found["file"], found["line"]) for found in made.json["remarks"]] == [("template.txt", 4), (None, None)]
    assert "nmae" in made.json["mistakes"][0]["message"] and "name" in made.json["mistakes"][0]["hint"]
