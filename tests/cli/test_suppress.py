"""`mailtui suppress`, and what it does to campaigns; the difference that a second run tells (B-04, A8, C11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Mailtui, Oracle, people
from tests.servers.programs import free_port


def _import(mailtui: Mailtui, text: str, *options: str) -> Path:
    path = mailtui.folder / "no.csv"
    path.write_text(text)
    done = mailtui.call("suppress", "import", path, *options)
    assert done.code == 0, done.err
    return path


def test_a8_entries_come_and_go_and_each_word_says_what_it_did(mailtui: Mailtui) -> None:
    assert "Nobody is on the suppression list." in mailtui.call("suppress", "list").err
    added = mailtui.call("suppress", "add", "Ann@Example.org", "@example.com", "--reason", "asked by mail")
    assert (added.code, added.err) == (0, "2 entries added to the suppression list.\n")
    again = mailtui.call("suppress", "add", "ann@example.org", "bob@example.org", "--json").json
    assert again == {"new": 1, "known": 1, "list": None}
    assert mailtui.call("suppress", "add", "ann@example.org", "--list", "news").code == 0
    lines = mailtui.call("suppress", "list").out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ann@example.org", "everybody"], ["@example.com", "everybody"],
        ["bob@example.org", "everybody"], ["ann@example.org", "news"],
    ]  # fmt: skip
    assert lines[0].endswith("asked by mail")
    found = mailtui.call("suppress", "list", "--search", "ANN", "--list", "news", "--json").lines
    assert [(entry["address"], entry["list"], entry["campaign"]) for entry in found] == [
        ("ann@example.org", "news", None)
    ]
    assert "Did you mean news?" in mailtui.call("suppress", "list", "--list", "nws").err
    gone = mailtui.call("suppress", "remove", "ANN@example.org", "zoe@example.com")
    assert gone.code == 0
    assert "1 entry taken off the suppression list." in gone.err
    assert "zoe@example.com was not on it." in gone.err
    assert "ann@example.org still gets nothing: on the suppression list of news since" in gone.err
    assert "zoe@example.com still gets nothing: all of example.com is on the suppression list" in gone.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "ann@"], "cannot be put on the list"),
        (["add", "a@example.org", "--list", "o ther"], "cannot be the name of a list"),
        (["remove", "ann@example.org"], "Nobody of these is on the suppression list"),
        (["import", "missing.csv"], "There is no list missing.csv"),
        (["export", "--out", "x.csv", "--json"], "--json goes to stdout"),
        (["add"], "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_changed(mailtui: Mailtui, words: list[str], said: str) -> None:
    done = mailtui.call("suppress", *words)
    assert done.code in (2, 3), done.err
    assert said in done.err
    assert mailtui.call("suppress", "list").out == ""


def test_a8_what_is_exported_is_imported_again(mailtui: Mailtui) -> None:
    text = (
        'email,reason\nann@example.org,asked\nnobody,\n"Bob <b@example.org>",\n@example.com,"a, b"\n=1+1@example.org,\n'
    )
    path = mailtui.folder / "no.csv"
    path.write_text(text)
    done = mailtui.call("suppress", "import", path, "--problems")
    assert "5 rows" in done.err and "4 new on the suppression list" in done.err
    assert "1 row without a usable address" in done.err
    assert done.out == "line 3: There is no @-sign.   nobody,\n"
    told = mailtui.call("suppress", "import", path, "--list", "news", "--reason", "all of it", "--json").json
    assert (told["rows"], told["new"], told["known"], told["problems"]) == (5, 4, 0, 1)
    assert told["address_column"] == "email"
    out = mailtui.folder / "out.csv"
    assert mailtui.call("suppress", "export", "--out", out, "--list", "news").code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert "'=1+1@example.org,news,all of it" in out.read_text(), "no formula for a spreadsheet"
    again = mailtui.call("suppress", "import", path).err
    assert "See them: run it again with --problems; it adds nobody twice" in again
    everybody = mailtui.call("suppress", "export").out
    assert everybody.splitlines()[0] == "address,list,reason,source,added_by,added_at"
    known = mailtui.call("suppress", "import", out, "--list", "news", "--json").json
    assert (known["new"], known["known"], known["problems"]) == (0, 4, 0)
    taken = mailtui.call("suppress", "export", "--out", out)
    assert taken.code == 2 and "exists already" in taken.err


def test_a8_a_list_is_read_as_one_says(mailtui: Mailtui) -> None:
    _import(mailtui, "@example.com\n@example.net\n", "--header", "none", "--address", "column_1")
    _import(mailtui, "who;mail\nx,y@example.org;J\xf6rg@example.org\n", "--delimiter", "semicolon", "--address", "mail")
    entries = [line.split()[0] for line in mailtui.call("suppress", "list").out.splitlines()]
    assert entries == ["@example.com", "@example.net", "j\xf6rg@example.org"]


def test_b04_c11_the_suppressed_get_nothing_and_a_second_run_tells_what_has_changed(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    _import(mailtui, "email\nP0@example.com\n", "--reason", "asked by mail")
    assert mailtui.call("suppress", "add", "p1@example.com", "--list", "news").code == 0
    assert mailtui.call("suppress", "add", "p2@example.com", "--list", "other").code == 0
    audience = {"source": "contacts.csv", "list": "news"}
    rows = people(10)
    first = mailtui.call("run", mailtui.campaign(rows, port=sandbox.port, audience=audience), "--yes", "--json")
    assert first.code == 0, first.err
    assert (first.json["sent"], first.json["suppressed"], first.json["audience"]) == (8, 2, 10)
    assert first.json["planned"]["new"] == 8
    said = mailtui.call("report", "--only", "suppressed").out
    assert "on the suppression list since" in said and "asked by mail" in said
    assert "on the suppression list of news since" in said
    lines = {line["address"]: line for line in mailtui.call("report", "--format", "jsonl").lines}
    assert lines["p0@example.com"]["reason"].endswith(": asked by mail")
    assert mailtui.call("suppress", "add", "q2@example.org").code == 0
    new = [f"q{n}@example.org,Quinn,York" for n in range(1, 4)]
    second = mailtui.run(
        "run", mailtui.campaign([*rows[:1], *rows[3:], *new], port=sandbox.port, audience=audience), "--yes", "--json"
    )
    assert second.code == 0, second.err
    planned = second.json["planned"]
    assert (planned["new"], planned["first_new"]) == (2, ["q1@example.org", "q3@example.org"])
    assert (planned["new_suppressed"], planned["gone_sent"], planned["gone_other"]) == (1, 0, 2)
    assert (second.json["sent"], second.json["suppressed"]) == (10, 3)
    assert sandbox.accepted.total() == 10
    assert not {"p0@example.com", "p1@example.com", "q2@example.org"} & sandbox.accepted.keys()
    nobody = mailtui.call(
        "run", mailtui.campaign([*rows[:1], *rows[3:], *new], port=sandbox.port, audience=audience), "--yes"
    )
    assert "Everybody on the list has it already, but for 3 suppressed; nothing was sent." in nobody.err
    third = mailtui.call("retry", "--to", "p5@example.com", "--address", "q2@example.org")
    assert third.code == 2


def test_a_list_that_is_nearly_called_like_another_one_is_pointed_out(mailtui: Mailtui) -> None:
    """A slip in the name would let them go on getting the mail they asked to be left alone by."""
    near = "That list is new; there is another one called newsletter."
    (mailtui.folder / "gone.csv").write_text("email\nzoe@example.com\n")
    assert "That list" not in mailtui.call("suppress", "add", "@example.net", "--list", "newsletter").err
    assert near in mailtui.call("suppress", "import", "gone.csv", "--list", "newslettr").err
    assert near not in mailtui.call("suppress", "add", "ann@example.com", "--list", "newslettr").err
    assert near in mailtui.call("suppress", "add", "@example.org", "--list", "newsleter").err
    refused = mailtui.call("suppress", "remove", "@example.org")
    assert (refused.code, "@example.org is on that of newsleter." in refused.err) == (2, True)


def test_b04_a_paused_campaign_says_that_not_all_who_wait_get_it(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(3, port=free_port())
    held = mailtui.call("run", campaign, "--yes", "--json", env={"MAILTUI_TIME_SCALE": "0.02"})
    assert (held.code, held.json["state"], held.json["suppression_grew"]) == (6, "paused", False)
    assert mailtui.call("suppress", "add", "p1@example.com").code == 0
    assert mailtui.call("status", "--json").json["suppression_grew"] is True
    said = "Who is on the suppression list by now gets nothing."
    assert said in mailtui.call("status").out
    assert "1 recipient suppressed: nothing is sent there" in mailtui.call("check", campaign).out
