"""`mailtui accounts`, transcripts and the window, as a person uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Mailtui, Oracle, wait_until
from tests.servers.aiosmtpd_server import PASSWORD, USER, AiosmtpdServer, Authority, Security, aiosmtpd_server
from tests.servers.programs import free_port


@pytest.fixture
def office(mailtui: Mailtui, authority: Authority, tmp_path: Path) -> Iterator[AiosmtpdServer]:
    """A server with STARTTLS and a login, as the account office; gone is one where nobody listens."""
    with aiosmtpd_server(authority, security=Security.STARTTLS, auth=True) as server:
        ca = authority.write_pem(tmp_path / "ca.pem")
        office = {"host": "localhost", "port": server.port, "security": "starttls", "user": USER, "ca": str(ca)}
        gone = {"host": "127.0.0.1", "port": free_port(), "security": "plain"}
        mailtui.home.config.mkdir(parents=True)
        mailtui.home.settings_file.write_text(json.dumps({"accounts": {"office": office, "gone": gone}}))
        mailtui.environ["MAILTUI_TIME_SCALE"] = "1"
        yield server


def test_accounts_are_listed_with_where_they_are_written(mailtui: Mailtui, office: AiosmtpdServer) -> None:
    listed = mailtui.call("accounts", "list")
    assert listed.code == 0
    assert f"localhost:{office.port}" in listed.out and "starttls" in listed.out and USER in listed.out
    gone, first = mailtui.call("accounts", "list", "--json").lines
    found = [line["account"] for line in mailtui.call("accounts", "list", gone["account"].upper(), "--json").lines]
    assert found == [gone["account"]]
    assert "None of the 2 accounts has these words." in mailtui.call("accounts", "list", "nowhere").err
    assert (gone["account"], first["account"], first["user"]) == ("gone", "office", USER)
    assert first["origin"].startswith(str(mailtui.home.settings_file))
    mailtui.home.settings_file.unlink()
    empty = mailtui.call("accounts", "list")
    assert (empty.code, empty.out) == (0, "")
    assert "To add one: mailtui accounts add\n" in empty.err
    assert f"Accounts stand in {mailtui.home.settings_file}, such as this one:\n\naccounts:\n  acme: {{" in empty.err
    assert mailtui.call("accounts", "list", "--json").out == mailtui.call("list", "--json").out == ""  # no lines
    mailtui.home.settings_file.write_text(empty.err.partition("\n\n")[2])
    [shown] = mailtui.call("accounts", "list", "--json").lines  # the example is one that can be taken over
    assert (shown["account"], shown["port"], shown["security"]) == ("acme", 587, "starttls")
    assert shown["host"] == "smtp.example.com" and shown["user"] == "news@example.com"


def test_an_account_is_tried_out_step_by_step_and_nothing_is_sent(mailtui: Mailtui, office: AiosmtpdServer) -> None:
    mailtui.environ["MAILTUI_PASSWORD_OFFICE"] = PASSWORD
    tried = mailtui.call("accounts", "test", "office", "--transcript")
    assert tried.code == 0
    assert [line.split()[1] for line in tried.out.splitlines() if line.startswith("ok ")] == [
        *("name", "connect", "greeting", "ehlo", "tls", "ehlo", "login", "gear", "sender", "recipient")
    ]
    assert "days left" in tried.out
    assert "lockstep: the server offers no PIPELINING" in tried.out
    assert "> AUTH PLAIN (hidden)" in tried.out
    assert "< 235" in tried.out
    assert PASSWORD not in tried.out + tried.err
    assert office.taken == []
    seen = mailtui.call("accounts", "test", "office", "--json", "--transcript").json
    assert (seen["ok"], seen["to"], seen["gear"]["gear"]) == (True, None, "lockstep")
    assert seen["steps"][4]["facts"]["names"] == "localhost, 127.0.0.1"
    assert seen["transcript"][-1]["text"].startswith("221")
    assert "transcript" not in mailtui.call("accounts", "test", "office", "--json").json


def test_a_mail_is_sent_only_to_whom_it_is_asked_for(mailtui: Mailtui, office: AiosmtpdServer) -> None:
    mailtui.environ["MAILTUI_PASSWORD_OFFICE"] = PASSWORD
    assert mailtui.call("accounts", "test", "office", "--to", "no address").code == 2
    assert office.taken == []
    sent = mailtui.call("accounts", "test", "office", "--to", "me@example.test")
    assert (sent.code, "the server took it: 250" in sent.out) == (0, True)
    [taken] = office.taken
    assert (taken.mail_from, taken.rcpt_to) == (USER, ("me@example.test",))
    assert b"mailtui tries out office" in taken.content
    office.keeper.refuse = {"*": "550 5.1.1 no such user"}
    refused = mailtui.call("accounts", "test", "office", "--to", "me@example.test", "--json")
    assert (refused.code, refused.json["ok"], refused.json["code"]) == (4, False, 550)


def test_what_cannot_be_had_says_why_and_what_to_do(mailtui: Mailtui, office: AiosmtpdServer) -> None:
    missing = mailtui.call("accounts", "test", "office")
    assert (missing.code, "MAILTUI_PASSWORD_OFFICE" in missing.err) == (3, True)
    assert "ok     tls" in missing.out and "ok     ehlo" in missing.out, "the way up to the login is gone all the same"
    mailtui.environ["MAILTUI_PASSWORD_OFFICE"] = "wrong"
    refused = mailtui.call("accounts", "test", "office", "--transcript")
    assert refused.code == 6
    assert refused.out.splitlines()[-1].endswith(
        "- login failed: nothing more was tried, and no connection is left open"
    )
    assert refused.err == "Nothing can be sent through office as it is.\n"
    assert "FAILED login" in refused.out and "many providers want a password made for programs" in refused.out
    gone = mailtui.call("accounts", "test", "gone", "--json")
    assert (gone.code, gone.json["ok"], gone.json["gear"]) == (6, False, None)
    assert "No program listens" in gone.json["steps"][-1]["advice"]
    unknown = mailtui.call("accounts", "test", "offise")
    assert (unknown.code, "Did you mean office?" in unknown.err) == (3, True)
    assert mailtui.call("accounts", "test", "nowhere.yaml").code == 3


def test_the_server_of_a_campaign_file_is_tried_out_with_its_window(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port, dispatch={"window": 8})
    for target in (campaign, campaign.parent):
        tried = mailtui.call("accounts", "test", target)
        assert tried.code == 0
        assert "chunked: window 8 asked for, and the server offers CHUNKING" in tried.out
        assert "8 under way on each connection" in tried.out
    assert not sandbox.accepted
    sent = mailtui.call("test", campaign, "--to", "me@example.test", "--transcript")
    assert sent.code == 0
    assert "a campaign would be sent in the gear chunked, window 8" in sent.out
    assert "> RCPT TO:<…@example.test>" in sent.out
    assert "me@example.test" not in sent.out.partition("Sent to")[0]
    shown = mailtui.call("test", campaign, "--to", "me@example.test", "--transcript", "--json").json
    assert [line["text"] for line in shown["transcript"] if line["direction"] == "said"][-1] == "QUIT"
    assert sandbox.accepted == {"me@example.test": 2}


def test_a_window_is_chosen_shown_and_changed_while_it_runs(mailtui: Mailtui, sandbox: Oracle) -> None:
    mailtui.environ["MAILTUI_TIME_SCALE"] = "1"
    campaign = mailtui.campaign(600, port=sandbox.port, dispatch={"window": 4, "rate": "40/s", "workers": 2})
    short = mailtui.call("run", campaign, "--yes", "--detach", "--window", "8").out.strip()

    def gear() -> str:
        return str(mailtui.call("status", short, "--json").json["gear"])

    wait_until(lambda: gear() == "chunked: window 8 asked for, and the server offers CHUNKING", 30)
    status = mailtui.call("status", short, "--json").json
    assert {(worker["gear"], worker["window"]) for worker in status["workers"]} == {("chunked", 8)}
    rows = mailtui.call("status", short).out.splitlines()
    [sent] = [row for row in rows if row.startswith("  sent")]
    assert f"{'  gear':<{len(sent)}}  chunked: window 8 asked for, and the server offers CHUNKING" in rows  # as remarks
    changed = mailtui.call("set", short, "--window", "1")
    assert (changed.code, "changed: a window of 1" in changed.err) == (0, True)
    wait_until(lambda: gear() == "cross: the server offers PIPELINING", 30)
    for nonsense in ("0", "65", "many"):
        assert mailtui.call("set", short, "--window", nonsense).code == 2
        assert mailtui.call("run", campaign, "--window", nonsense).code == 2
    assert mailtui.call("cancel", short, "--yes").code == 0
    through = mailtui.call("run", mailtui.campaign(20, port=sandbox.port, name="through"), "--yes")
    assert (through.code, "  gear" in through.out) == (0, False)  # it has no connections any more
