"""retry, resolve and the rows of those who failed, as a person or a script uses them (D-03, D-04, D-15)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import StartSandbox
from tests.cli.program import Mailtui, Oracle, wait_until

LOST = "rules:\n  - {stage: dot, action: accept_then_drop, times: 4}\n"
REFUSED = 'rules:\n  - {stage: rcpt, recipient: "p[13]@*", reply: "550 5.1.1 no such user", times: 2}\n'
ALWAYS = 'rules:\n  - {stage: rcpt, recipient: "p[13]@*", reply: "550 5.1.1 =HYPERLINK(1)"}\n'


def sent(mailtui: Mailtui, campaign: Path, *, code: int) -> str:
    ended = mailtui.call("run", campaign, "--yes", "--json")
    assert ended.code == code, ended.err
    return str(json.loads(ended.out)["campaign"])


def rests(mailtui: Mailtui) -> None:
    wait_until(lambda: mailtui.runner() is None)


def lines(mailtui: Mailtui, campaign_id: str, *only: str) -> list[dict[str, object]]:
    chosen = [word for state in only for word in ("--only", state)]
    return [json.loads(line) for line in mailtui.call("report", campaign_id, "--json", *chosen).out.splitlines()]


def test_n06_after_a_row_that_was_stopped_the_advice_leads_on(mailtui: Mailtui, sandbox: Oracle) -> None:
    """The copy it was launched with would stop there again, so nobody is told to resume."""
    campaign = mailtui.campaign(150, port=sandbox.port)
    template = campaign.parent / "body.txt.j2"
    loops = "".join(f"{{% for {name} in range(90000) %}}" for name in "abc") + "{% endfor %}" * 3
    template.write_text("Hello\n{% if email.startswith('p116@') %}\n" + loops + "\n{% endif %}\n")
    ended = mailtui.call("run", campaign, "--yes")
    assert ended.code == 6, ended.err
    assert "row 117 took more than 0.5 seconds to render and was stopped at body.txt.j2:3." in ended.out
    assert "mailtui resume" not in ended.err
    assert f"mailtui run {campaign.resolve()} --top-up" in ended.err
    template.write_text("Hello, mended\n")
    again = mailtui.call("run", campaign, "--top-up", "--yes")
    assert again.code == 0, again.err
    assert sum(sandbox.accepted.values()) == 150
    assert max(sandbox.accepted.values()) == 1


def test_d03_unknown_mails_are_settled_by_a_persons_word(mailtui: Mailtui, faulty: StartSandbox) -> None:
    sandbox = faulty(LOST)
    campaign = sent(mailtui, mailtui.campaign(12, port=sandbox.port), code=5)
    status = mailtui.call("status", campaign)
    assert f"Settle it: mailtui resolve {campaign} --as sent|resend" in status.err
    assert mailtui.call("resume", campaign).code == 2
    rests(mailtui)
    unknown = lines(mailtui, campaign, "unknown")
    assert len(unknown) == 4 and sum(sandbox.accepted.values()) == 12
    asked = mailtui.call("resolve", campaign, "--as", "resend")
    assert asked.code == 2 and "4 mails would be sent again and may arrive twice" in asked.err
    one = mailtui.call("resolve", "--as", "sent", "--to", str(unknown[0]["address"]), "--json")
    assert one.code == 0, one.err
    assert json.loads(one.out)["answer"] == "1 mail settled as sent"
    assert mailtui.call("resolve", campaign, "--as", "sent", "--row", str(unknown[0]["row"])).code == 2, "it is settled"
    rest = mailtui.call("resolve", campaign, "--as", "resend", "--yes")
    assert rest.code == 0 and "3 mails to be sent again" in rest.err
    rests(mailtui)
    assert json.loads(mailtui.call("status", campaign, "--json").out)["sent"] == 12
    assert sorted(sandbox.accepted.values()) == [1] * 9 + [2] * 3
    before = {line["address"]: line["message_id"] for line in unknown}
    after = {line["address"]: line for line in lines(mailtui, campaign)}
    assert {who: after[who]["message_id"] for who in before} == before
    decisions = [after[line["address"]]["resolution"] for line in unknown]
    assert decisions == ["sent", "resend", "resend", "resend"]
    assert all(after[who]["resolved_by"] and after[who]["resolved_at"] for who in before)
    assert mailtui.call("resolve", "--as", "sent").code == 2, "there is nothing left to settle"


def test_who_failed_is_sent_to_again_also_in_a_finished_campaign(mailtui: Mailtui, faulty: StartSandbox) -> None:
    sandbox = faulty(REFUSED)
    campaign = sent(mailtui, mailtui.campaign(5, port=sandbox.port), code=4)
    assert f"Send again: mailtui retry {campaign} --only failed" in mailtui.call("status", campaign).err
    again = mailtui.call("retry", "--only", "failed", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["answer"] == "2 mails to be sent again"
    rests(mailtui)
    assert sorted(sandbox.accepted.values()) == [1] * 5
    assert mailtui.call("retry").code == 2
    nobody = mailtui.call("retry", campaign)
    assert nobody.code == 0 and "nobody is failed or deferred" in nobody.err


def test_an_address_is_corrected_once_it_is_known_that_it_may_be_used(mailtui: Mailtui, faulty: StartSandbox) -> None:
    sandbox = faulty(ALWAYS)
    path = mailtui.campaign(6, port=sandbox.port, audience={"source": "contacts.csv", "suppress": ["never.csv"]})
    (path.parent / "never.csv").write_text("email\nnever@example.com\n")
    campaign = sent(mailtui, path, code=4)
    for wrong, why in (
        ("nobody", "cannot be used as an address"),
        ("p2@example.com", "is in this campaign already (row 3, sent)"),
        ("never@EXAMPLE.com", "gets nothing: on never.csv"),
    ):
        ended = mailtui.call("retry", campaign, "--row", "2", "--address", wrong)
        assert ended.code == 2 and why in ended.err, ended.err
    for odd in (("--address", "x@example.com"), ("--row", "1", "--to", "p0@example.com"), ("--row", "1")):
        assert mailtui.call("retry", campaign, *odd).code == 2
    before = {line["row"]: line["message_id"] for line in lines(mailtui, campaign)}
    ended = mailtui.call("retry", campaign, "--to", "p1@example.com", "--address", "Right@EXAMPLE.com")
    assert ended.code == 0, ended.err
    rests(mailtui)
    assert sandbox.accepted["Right@example.com"] == 1
    [line] = [line for line in lines(mailtui, campaign) if line["row"] == 2]
    assert (line["address"], line["state"], line["corrected_from"]) == ("Right@example.com", "sent", "p1@example.com")
    assert line["message_id"] == before[2]
    text = (path.parent / "contacts.csv").read_text().replace("p1@example.com", "Right@example.com")
    (path.parent / "contacts.csv").write_text(text)
    again = mailtui.call("run", path, "--yes", "--json")
    assert json.loads(again.out)["audience"] == 6, "the corrected list adds nobody"
    assert max(sandbox.accepted.values()) == 1


def test_original_rows_of_who_failed_are_a_list_again(mailtui: Mailtui, faulty: StartSandbox) -> None:
    sandbox = faulty(ALWAYS)
    rows = ["email,first_name,city,note", *(f'p{n}@example.com,Pät{n},"Town, {n}",=1+{n}' for n in range(5))]
    campaign = sent(mailtui, mailtui.campaign(rows, port=sandbox.port), code=4)
    out = mailtui.folder / "failed.csv"
    ended = mailtui.call("report", campaign, "--only", "failed", "--format", "csv", "--original", "--out", out)
    assert ended.code == 0, ended.err
    with out.open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    assert found == [
        {
            "email": f"p{n}@example.com",
            "first_name": f"Pät{n}",
            "city": f"Town, {n}",
            "note": f"'=1+{n}",
            "error": "failed: 550 5.1.1 =HYPERLINK(1)",
        }
        for n in (1, 3)
    ]
    counted = json.loads(mailtui.call("audience", out, "--count", "--json").out)
    assert (counted["rows"], counted["matched"], counted["problems"]) == (2, 2, 0)
    again = mailtui.campaign(out.read_text("utf-8").splitlines(), port=sandbox.port, name="again")
    campaign = sent(mailtui, again, code=4)
    twice = mailtui.call("report", campaign, "--format", "csv", "--original").out
    assert twice.splitlines()[0] == "email,first_name,city,note,error"
    assert mailtui.call("report", campaign, "--original").code == 2


def test_paused_stays_paused_cancelled_refuses(mailtui: Mailtui, faulty: StartSandbox) -> None:
    sandbox = faulty(ALWAYS)
    path = mailtui.campaign(200, port=sandbox.port, dispatch={"rate": "20/s", "burst": 5})
    campaign = json.loads(mailtui.call("run", path, "--yes", "--detach", "--json").out)["campaign"]
    wait_until(lambda: len(lines(mailtui, campaign, "failed")) == 2)
    assert mailtui.call("pause").code == 0
    rests(mailtui)
    ended = mailtui.call("retry", campaign, "--only", "failed")
    assert ended.code == 0 and "2 mails to be sent again; it stays paused until you resume it" in ended.err
    rests(mailtui)
    status = json.loads(mailtui.call("status", campaign, "--json").out)
    assert (status["state"], status["failed"]) == ("paused", 0)
    changed = mailtui.call("set", "--rate", "100/s", "--workers", "2")
    assert changed.code == 0, "no id is needed for the only campaign it fits"
    assert "changed: 2 workers, 100/s" in changed.err, changed.err
    rests(mailtui)
    assert mailtui.call("cancel", "--yes").code == 0
    rests(mailtui)
    refused = mailtui.call("retry", campaign)
    assert refused.code == 2 and "cancelled and cannot be sent now" in refused.err


def test_a_row_that_became_no_mail_is_told_with_the_reason(mailtui: Mailtui, sandbox: Oracle) -> None:
    rows = ["email,first_name,city", "ann@example.com,Ann,York", "bob@example.com,Bob,Bath", "no address,Eve,York",
            "ann@example.com,Ann,York"]  # fmt: skip
    path = mailtui.campaign(rows, port=sandbox.port, audience={"source": "contacts.csv", "filter": 'city == "York"'})
    short = mailtui.call("run", path, "--yes", "--json").json["campaign"]
    for row, reason, hint in (
        (2, 'the filter left it out (city == "York")', f"mailtui audience {path} --explain 2"),
        (3, "Line 4 of the list: ", f"mailtui run {path}"),
        (4, "Line 5 of the list: ", "row 1"),
    ):
        refused = mailtui.call("retry", short, "--row", str(row))
        assert refused.code == 2 and reason in refused.err and hint in refused.err, refused.err


@pytest.mark.parametrize("command", ["retry", "resolve"])
def test_the_help_has_examples(mailtui: Mailtui, command: str) -> None:
    said = mailtui.call(command, "--help").out
    assert f"Examples:\n    mailtui {'report' if command == 'resolve' else 'retry'}" in said


def test_an_order_says_what_else_its_runner_takes_up(mailtui: Mailtui, sandbox: Oracle) -> None:
    slow = {"rate": "2/s", "burst": 1}
    ids = []
    for name in ("one", "two"):
        path = mailtui.campaign(60, port=sandbox.port, name=name, dispatch=slow)
        ids.append(json.loads(mailtui.call("run", path, "--yes", "--detach", "--json").out)["campaign"])
    mailtui.end_runner()
    ended = mailtui.call("cancel", ids[0])
    assert ended.code == 0
    assert f"the runner started for it also goes on with News two ({ids[1]})" in ended.err
