"""What a file is shows in its bytes: packed lists, standard input in every format, and files that are no lists."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path

import apsw
import pytest

from mailtui.audience import packed
from mailtui.audience.audience import open_audience
from mailtui.audience.counting import count_stream
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from tests.audience.conftest import Opener
from tests.audience.test_workbooks import PEOPLE, workbook

CSV = b"email,name\na@example.com,Ann\nb@example.com,Bob\n"


def database(folder: Path) -> bytes:
    path = folder / "made"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t (email, name); INSERT INTO t VALUES ('a@example.com', 'Ann')")
    connection.execute("INSERT INTO t VALUES ('b@example.com', 'Bob')")
    connection.close()
    return path.read_bytes()


def every_format(folder: Path) -> dict[str, bytes]:
    record = b'{"email": "a@example.com", "name": "Ann"}', b'{"email": "b@example.com", "name": "Bob"}'
    return {
        "csv": CSV,
        "xlsx": workbook(("L", PEOPLE)),
        "json": b"[" + b", ".join(record) + b"]",
        "jsonl": b"\n".join(record),
        "sqlite": database(folder),
    }


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("format", ["csv", "xlsx", "json", "jsonl", "sqlite"])
def test_standard_input_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, *, wrapped: bool
) -> None:
    data = every_format(tmp_path)[format]
    (tmp_path / "made").unlink(missing_ok=True)
    data = gzip.compress(data) if wrapped else data

    class Piped:
        buffer = io.BytesIO(data)

    monkeypatch.setattr(sys, "stdin", Piped)
    spec = AudienceSpec(source="-")
    with open_audience(spec, folder=tmp_path, cache=tmp_path / "cache") as audience:
        assert audience.understanding.format.value == format
        assert [(one.address, one.fields["name"]) for one in audience.recipients()] == [
            ("a@example.com", "Ann"),
            ("b@example.com", "Bob"),
        ]
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".db"], "no copy is left"


def test_a_packed_list_is_read_and_its_copy_goes(opened_as: Opener, tmp_path: Path) -> None:
    audience = opened_as("list.csv.gz", gzip.compress(CSV) + b"\0" * 100)
    assert audience.counts().recipients == 2
    assert "It was packed with gzip." in audience.understanding.notes
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".db"]
    several = opened_as("list.gz", gzip.compress(CSV) + gzip.compress(b"c@example.com,Cid\n"))
    assert several.counts().recipients == 3
    lines = opened_as("list.jsonl.gz", gzip.compress(b'{"email": "a@example.com"}'))
    assert lines.understanding.format.value == "jsonl"


def test_a_packed_list_is_unpacked_once(opened_as: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened_as("list.csv.gz", gzip.compress(CSV)).size == 2
    monkeypatch.setattr(packed, "HONEST_SIZE", 0)  # nothing can be unpacked any more
    monkeypatch.setattr(packed, "HONEST_RATIO", 0)
    again = open_audience(AudienceSpec(source="list.csv.gz"), folder=tmp_path, cache=tmp_path / "cache")
    with again:
        assert again.counts().recipients == 2
        assert "It was packed with gzip." in again.understanding.notes
    with pytest.raises(AudienceError, match="unpacks to more"):
        opened_as("other.csv.gz", gzip.compress(CSV))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(b""), "list.csv.gz is empty"),
        (gzip.compress(CSV)[:-12], "cut off: its end is missing"),
        (gzip.compress(CSV)[:20] + b"\xff" * 20, "packed with gzip, and damaged"),
        (gzip.compress(gzip.compress(CSV)), "more than once"),
        (gzip.compress(CSV) + b"rubbish", "packed with gzip, and damaged"),
    ],
    ids=["empty", "cut off", "damaged", "packed twice", "rubbish behind"],  # what is packed holds the time of day
)
def test_a_packed_list_that_is_damaged_is_explained(opened_as: Opener, tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(AudienceError, match=words):
        opened_as("list.csv.gz", data)
    assert list((tmp_path / "cache").glob("*")) == []


def test_a_bomb_is_stopped_on_the_way(opened_as: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "HONEST_SIZE", 2 << 20)
    with pytest.raises(AudienceError, match="unpacks to more than 2 MiB"):
        opened_as("list.csv.gz", gzip.compress(b"x" * (3 << 20)))
    assert list((tmp_path / "cache").glob("*")) == []


NO_LISTS = {
    b"%PDF-1.7 ...": "is a PDF",
    b"BZh91AY&SY": "packed with bzip2",
    b"people.csv".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0") + CSV: "is a tar archive",
    b"\xef\xbb\xbfBEGIN:VCARD\r\n": "a file of vCards",
    b"\xfd7zXZ\0\0": "packed with xz",
    b"7z\xbc\xaf\x27\x1c\0\4": "7-Zip",
    b"Rar!\x1a\x07\x01\0": "a RAR archive",
    b"\x89PNG\r\n\x1a\n": "a picture",
    b"{\\rtf1\\ansi": "an RTF document",
    b"<html><body>Error 502</body></html>": "is a web page, saved as .csv",
    b"<?xml version='1.0'?>\n<feed/>": "an XML file",
    "<html><title>Anmelden \u2013 Z\xfcrich</title>".encode(): "Its title: Anmelden \u2013 Z\xfcrich",
    "<!doctype html><table>".encode("utf-16"): "is a web page",
}


@pytest.mark.parametrize("data", NO_LISTS, ids=list(NO_LISTS.values()))
@pytest.mark.parametrize("how", ["index", "stream"])
def test_what_is_no_list_is_called_what_it_is(tmp_path: Path, data: bytes, how: str) -> None:
    (tmp_path / "list.csv").write_bytes(data)
    spec = AudienceSpec(source="list.csv")
    with pytest.raises(AudienceError, match=NO_LISTS[data]) as caught:
        if how == "index":
            open_audience(spec, folder=tmp_path, cache=tmp_path / "cache")
        else:
            count_stream(spec, tmp_path)
    assert caught.value.hint


def test_text_that_looks_like_something_else_stays_a_table(opened: Opener) -> None:
    assert opened("<email>,name\na@example.com,Ann\n").understanding.format.value == "csv"
    assert opened("BZhandle,email\nann,a@example.com\n").understanding.format.value == "csv"
    assert opened("[email],name\na@example.com,Ann\n").understanding.format.value == "csv"
    assert opened('["email",name\na@example.com,Ann\n').understanding.format.value == "csv"


def test_a_format_that_is_given_wins_where_it_can(opened: Opener, tmp_path: Path) -> None:
    line = '{"email": "a@example.com"}'
    given = opened(line, format="jsonl").understanding.format
    assert (given.value, given.confidence) == ("jsonl", "given")
    assert opened(f"{line}\n{line.replace('a@', 'b@')}", format="csv", header=False, address="column_1").size == 2
    with pytest.raises(AudienceError, match=r"is no xlsx file\nIt is text with a record a line"):
        opened(CSV, format="xlsx")
    with pytest.raises(AudienceError, match=r"is no csv file\nIt is a SQLite file.*\nLeave the format out"):
        opened(database(tmp_path), format="csv")


def test_what_was_said_and_means_nothing_for_the_format_is_told(opened: Opener) -> None:
    notes = opened(workbook(("L", PEOPLE)), encoding="utf-8", delimiter=";", header=1).understanding.notes
    assert notes == (
        "An encoding was given; a workbook has none, so it changes nothing.",
        "A delimiter was given; a workbook has none, so it changes nothing.",
    )
    assert "offline was given, which is for Google sheets alone" in opened(CSV, offline=True).understanding.notes[0]
    assert any("A query was given" in note for note in opened(CSV, query="people").understanding.notes)
    assert opened(CSV, delimiter=",", encoding="utf-8", quote="", header=1).understanding.notes == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_with_nobody_writing_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(AudienceError, match="not a regular file"):
        count_stream(AudienceSpec(source="pipe.csv"), tmp_path)
