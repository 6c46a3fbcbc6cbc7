"""`mailtui audience`: what was understood and how to override it, problems as files, order, search, and odd filters."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import Mailtui

MESSY = """Customers 2026

E-Mail;Name;PLZ;Umsatz;Seit
a@example.com;Ann;01234;1.234,50;05/01/2026
b@example.com;Bob;80331;12,5;25/01/2026
=HYPERLINK("x");Cid;80331;3;01/02/2026
broken
a@example.com;Ann again;01234;1;01/02/2026
info@example.com;Desk;01234;7;01/02/2026
"""


@pytest.fixture
def messy(mailtui: Mailtui) -> str:
    (mailtui.folder / "messy.csv").write_text(MESSY)
    return "messy.csv"


def test_a1_what_was_understood_stands_beside_the_option_that_overrides_it(mailtui: Mailtui, messy: str) -> None:
    shown = mailtui.call("audience", messy)
    assert (shown.code, shown.err) == (0, "")
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[0] == "messy.csv"
    for start in ("--format csv", "--encoding utf-8", "--delimiter semicolon", '--quote "', "--header 3 likely"):
        assert any(line.startswith(start) for line in lines), start
    assert any(line.startswith("--address E-Mail certain") for line in lines)
    for column in ("PLZ code 01234 80331", "Umsatz number comma 1.234,50", "Seit date dmy 05/01/2026"):
        assert any(line.startswith(column) for line in lines), column
    assert "note Line 1 stands above the column names and is left out: Customers 2026" in lines
    for count in ("rows 6", "unusable 2", "duplicates 1", "recipients 3"):
        assert count in lines
    assert "flagged 1 role (leave them out: --exclude role)" in lines


def test_why_an_excluded_row_is_out_is_told_once(mailtui: Mailtui) -> None:
    (mailtui.folder / "roles.csv").write_text("email\nann@example.com\ninfo@example.com\n")
    options = ["audience", "roles.csv", "--exclude", "role"]
    assert mailtui.call(*options, "--explain", "2").out.count("is the address of a task") == 1
    [flagged] = [line for line in mailtui.call(*options).out.splitlines() if "flagged" in line]
    assert flagged.split() == ["flagged", "1", "role"]


def test_of_several_tables_with_addresses_the_option_that_names_one_is_told(mailtui: Mailtui) -> None:
    with closing(sqlite3.connect(mailtui.folder / "shop.db")) as database:
        for table in ("customers", "readers"):
            database.execute(f"CREATE TABLE {table} AS SELECT 'ann@example.com' AS email")
        database.commit()
    assert "--query customers, or audience: {query: customers}" in mailtui.call("audience", "shop.db").err


def test_a1_lines_beyond_ascii_stand_below_an_encoding_that_is_a_guess(mailtui: Mailtui) -> None:
    (mailtui.folder / "windows.csv").write_bytes("email,name\na@example.com,Zoë\n".encode("cp1252"))
    lines = [" ".join(line.split()) for line in mailtui.call("audience", "windows.csv").out.splitlines()]
    place = next(number for number, line in enumerate(lines) if line.startswith("--encoding cp1252 guess"))
    assert lines[place + 1] == "a@example.com,Zoë"


def test_a1_every_finding_can_be_overridden(mailtui: Mailtui, messy: str) -> None:
    options = ["--encoding", "cp1252", "--delimiter", "semicolon", "--quote", "none", "--header", "4"]
    told = mailtui.call("audience", messy, *options, "--address", "a@example.com", "--type", "01234=text", "--json")
    assert told.code == 0, told.err
    understood = told.json["understood"]
    values = {key: (understood[key]["value"], understood[key]["confidence"]) for key in ("encoding", "quote", "header")}
    assert values == {"encoding": ("cp1252", "given"), "quote": ("", "given"), "header": ("4", "given")}
    assert understood["columns"][0] == understood["address_column"]["value"] == "a@example.com"
    assert understood["types"][2] == {"kind": "text", "style": "", "confidence": "given", "reason": "as you said"}
    none = mailtui.call("audience", messy, "--header", "none", "--json").json
    assert (none["understood"]["header"]["value"], none["rows"]) == ("none", 8)
    grouped = mailtui.call("audience", messy, "--group", "--exclude", "role", "--count", "--full", "--json").json
    assert (grouped["recipients"], grouped["grouped"], grouped["excluded"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--delimiter", "ab"], "A delimiter is one character"),
        (["--encoding", "klingon"], "No encoding is called klingon;"),
        (["--header", "soon"], "number of the line"),
        (["--header", "99"], "No row of the list starts on line 99"),
        (["--type", "PLZ"], "is not COLUMN=TYPE"),
        (["--type", "PLZ=colour"], "number comma"),
        (["--type", "PZL=text"], "Did you mean PLZ?"),
        (["--exclude", "robots"], "role"),
        (["--address", "Mail"], "no column Mail"),
        (["--sort", "Umstaz"], "Did you mean Umsatz?"),
        (["--out", "x.csv"], "--problems"),
        (["--header", "0"], "--header 0 cannot be taken"),
        (["--type", "plz=colour"], "Column plz cannot be"),
        (["--full"], "Add --count"),
        (["--count", "--problems"], "--count and --problems are two questions"),
        (["--explain", "1", "--search", "x"], "--explain and --search are two questions"),
    ],
)
def test_a_mistaken_option_is_told(mailtui: Mailtui, messy: str, options: list[str], said: str) -> None:
    told = mailtui.call("audience", messy, *options)
    assert told.code in (2, 3)
    assert said in told.err


def test_a1_problem_rows_are_exported_with_their_original_text(mailtui: Mailtui, messy: str) -> None:
    written = mailtui.call("audience", messy, "--problems", "--out", "problems.csv")
    assert (written.code, written.out) == (0, "")
    assert written.err == "3 rows without a mail written to problems.csv.\n"
    with (mailtui.folder / "problems.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["line"], row["row"], row["kind"]) for row in rows] == [
        ("6", "3", "bad_address"),
        ("7", "4", "bad_row"),
        ("8", "5", "duplicate"),
    ]
    assert rows[0]["text"].startswith("'"), "no formula to a spreadsheet"
    assert next(csv.reader([rows[0]["text"][1:]], delimiter=";"))[:2] == ['=HYPERLINK("x")', "Cid"]
    assert rows[1]["reason"] == "it has 1 cell where there are 5 columns"
    again = mailtui.call("audience", messy, "--problems", "--out", "problems.csv")
    assert (again.code, "exists already" in again.err) == (2, True)
    assert "unusable              2" in mailtui.call("audience", messy, "--count").out, "the word that all else has"
    assert mailtui.call("audience", messy, "--problems", "--out", "-").out.startswith("line,row,kind,reason,text")
    lines = mailtui.call("audience", messy, "--problems", "--json", "--out", "problems.jsonl")
    assert lines.code == 0
    parsed = [json.loads(line) for line in (mailtui.folder / "problems.jsonl").read_text().splitlines()]
    assert [item["kind"] for item in parsed] == ["bad_address", "bad_row", "duplicate"]


def test_rows_in_another_order_and_rows_with_a_text(mailtui: Mailtui, messy: str) -> None:
    lines = mailtui.call("audience", messy, "--sort", "-Umsatz", "--json", "--limit", "2").lines
    assert [item["fields"]["Name"] for item in lines] == ["Ann", "Bob"]
    found = mailtui.call("audience", messy, "--search", "AGAIN", "--json").lines
    assert [(item["row"], item["fields"]["PLZ"]) for item in found] == [(5, "01234")]
    assert mailtui.call("audience", messy, "--search", "nowhere").out == ""


def test_a7_a_filter_that_matches_nobody_or_everybody_says_so(mailtui: Mailtui, messy: str) -> None:
    nobody = mailtui.call("audience", messy, "--filter", 'name == "Anne" and plz startsWith "0"')
    assert "The filter matches nobody." in nobody.out
    assert "Ann" in nobody.out.partition("The filter matches nobody.")[2]
    codes = mailtui.call("audience", messy, "--filter", "plz > 9999").out
    assert "PLZ is compared as text, to keep the zeros of codes; as numbers: --type PLZ=number" in codes
    assert "PLZ is" not in mailtui.call("audience", messy, "--filter", 'plz > "zz"').out
    everybody = mailtui.call("audience", messy, "--filter", "not name empty", "--json").json
    assert everybody["about_filter"].startswith("The filter leaves nobody out.")
    assert mailtui.call("audience", messy, "--filter", 'name == "Ann"', "--json").json["about_filter"] == ""


def test_nothing_is_wider_than_the_terminal(mailtui: Mailtui, tmp_path: Path) -> None:
    header = ",".join(["email", *(f"column number {number}" for number in range(60))])
    body = "".join(f"user{row}@example.com,{','.join(['some words'] * 60)}\n" for row in range(12))
    (mailtui.folder / "wide.csv").write_text(f"{header}\n{body}")
    shown = mailtui.call("audience", "wide.csv")
    assert "and 31 more columns" in shown.out
    table = shown.out[shown.out.index("\nrow ") :]
    assert max(map(len, table.splitlines())) <= 80
