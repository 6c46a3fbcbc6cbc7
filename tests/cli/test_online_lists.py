"""`mailtui audience` and campaigns with the network: Google sheets, whether domains take mail, and a person's lists."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from tests.cli.program import Mailtui, Oracle
from tests.servers.google import READER, Fault, GoogleServer, Grid, Spreadsheet, google_server
from tests.servers.name_server import NameServer, name_server

ID = "1AbC-dEf_0123456789012345678901234567890123"
LINK = f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0"
ROWS = [["email", "first_name", "city"], ["ann@example.com", "Ann", "York"], ["bo@example.com", "Bo", "Bath"]]


@pytest.fixture
def google(mailtui: Mailtui) -> Iterator[GoogleServer]:
    with google_server() as server:
        server.books = {ID: Spreadsheet("Spring", [Grid(0, "Guests", ROWS)], public=True)}
        mailtui.environ |= {
            "MAILTUI_GOOGLE__DOCS_URL": server.url,
            "MAILTUI_GOOGLE__SHEETS_URL": server.url,
            "MAILTUI_GOOGLE__TOKEN_URL": f"{server.url}/token",
        }
        yield server


@pytest.fixture
def names(mailtui: Mailtui) -> Iterator[NameServer]:
    with name_server() as server:
        server.records = {"example.com": {"MX": ["10 mail.example.com."]}, "null.example": {"MX": ["0 ."]}}
        server.faults = {"broken.example": "servfail"}
        mailtui.environ["MAILTUI_DNS__SERVERS"] = f"['{server.setting}']"
        yield server


def test_a3_a_public_sheet_by_its_link(mailtui: Mailtui, google: GoogleServer) -> None:
    shown = mailtui.call("audience", LINK)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[0] == "Spring - Guests"
    assert shown.out.splitlines()[1].startswith("  as of ") and shown.out.splitlines()[1].endswith(" today")
    listed = mailtui.call("audience", LINK, "--json").json
    assert [item["address"] for item in listed["recipients"]] == ["ann@example.com", "bo@example.com"]
    assert listed["sheet"]["offline"] is False
    assert mailtui.call("audience", LINK, "--count", "--json").json["rows"] == 2


def test_a3_a_copy_only_when_a_person_says_so(mailtui: Mailtui, google: GoogleServer) -> None:
    assert mailtui.call("audience", LINK, "--count").code == 0
    google.fail("/export", Fault(503, b"", [("Retry-After", "3600")]))
    refused = mailtui.call("audience", LINK, "--count")
    assert refused.code == 3
    assert "cannot be reached" in refused.err and "To use it: --offline" in refused.err
    copy = mailtui.call("audience", LINK, "--offline", env={"MAILTUI_GOOGLE__DOCS_URL": "http://127.0.0.1:9"})
    assert copy.code == 0 and "copy from less than a minute ago" in copy.out


def test_a3_a_campaign_to_a_private_sheet(mailtui: Mailtui, google: GoogleServer, sandbox: Oracle) -> None:
    google.books[ID].public = False
    google.books[ID].readers.add(READER)
    campaign = mailtui.campaign(0, port=sandbox.port, audience={"source": LINK, "sheet": "Guests"})
    refused = mailtui.call("check", campaign)
    assert refused.code == 3 and "tab of a public sheet" in refused.err
    key = google.write_key(mailtui.folder / "key.json")
    mailtui.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(key)
    assert mailtui.call("check", campaign).code == 0
    google.asked.clear()
    sent = mailtui.call("run", campaign, "--yes", "--json")
    assert (sent.code, sent.json["sent"]) == (0, 2), sent.err
    assert len([path for path in google.paths if path.endswith("batchGet")]) == 1, "one state from prepare to launch"
    google.books[ID].readers.clear()
    refused = mailtui.call("check", campaign)
    assert refused.code == 3 and f"Share the sheet with {READER}" in refused.err


def test_a5_which_domains_take_mail(mailtui: Mailtui, names: NameServer) -> None:
    people = [
        "ann@example.com",
        "bo@example.com",
        "c@null.example",
        "d@gone.example",
        "e@gone.example",
        "f@broken.example",
    ]
    (mailtui.folder / "list.csv").write_text("\n".join(["email", *people, "no address"]) + "\n", "utf-8")
    shown = mailtui.call("audience", "list.csv", "--mx")
    assert (shown.code, shown.err) == (0, "")
    assert [line.split()[:2] for line in shown.out.splitlines()[1:4]] == [
        ["2", "gone.example"],
        ["1", "null.example"],
        ["1", "broken.example"],
    ]
    assert "4 domains: 1 take mail, 2 take none (3 recipients), 1 unknown" in shown.out
    lines = mailtui.call("audience", "list.csv", "--mx", "--json").lines
    assert {line["domain"]: (line["verdict"], line["recipients"]) for line in lines} == {
        "example.com": ("ok", 2),
        "gone.example": ("no_such_domain", 2),
        "null.example": ("no_mail", 1),
        "broken.example": ("unknown", 1),
    }
    assert mailtui.call("audience", "list.csv", "--mx", "--count").code == 2, "one of the two would say nothing"
    saved = mailtui.call("audience", "list.csv", "--mx", "--problems", "--out", "bad.csv")
    assert saved.code == 0, saved.err
    with (mailtui.folder / "bad.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["line"], row["kind"], row["text"]) for row in rows] == [
        ("4", "no_mail", "c@null.example"),
        ("5", "no_mail", "d@gone.example"),
        ("6", "no_mail", "e@gone.example"),
    ]


def test_a5_nothing_is_asked_without_mx(mailtui: Mailtui, names: NameServer, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(3, port=sandbox.port)
    assert mailtui.call("audience", campaign).code == mailtui.call("check", campaign).code == 0
    assert names.asked == []


def test_a5_own_lists_are_read_and_their_mistakes_told(mailtui: Mailtui, sandbox: Oracle) -> None:
    lists = mailtui.home.lists
    lists.mkdir(parents=True)
    (lists / "role.txt").write_text("werkstatt\n", "utf-8")
    campaign = mailtui.campaign(["email,first_name,city", "werkstatt@acme.test,W,York"], port=sandbox.port)
    assert mailtui.call("audience", campaign, "--count", "--full", "--json").json["flagged"]["role"] == 1
    checked = mailtui.call("check", campaign)
    assert "1 recipient has the address of a task" in checked.out + checked.err
    assert "exclude: [role]" in checked.out + checked.err
    doctor = mailtui.call("doctor")
    assert f"{lists / 'role.txt'} (1 entry)" in doctor.out
    (lists / "role.txt").write_text("a@b\n", "utf-8")
    refused = mailtui.call("audience", campaign, "--count", "--full")
    assert refused.code == 3 and f"{lists / 'role.txt'}:1" in refused.err
    assert mailtui.call("doctor").code != 0


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MAILTUI_GOOGLE__DOCS_URL", "http://docs.example", "https://"),
        ("MAILTUI_DNS__SERVERS", "[dns.example]", "no address of a name server"),
    ],
)
def test_settings_of_the_network(mailtui: Mailtui, variable: str, value: str, said: str) -> None:
    refused = mailtui.call("list", env={variable: value})
    assert refused.code == 3 and said in refused.err and variable in refused.err
