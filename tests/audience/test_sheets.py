"""Google Sheets as lists (A3), against a server on loopback that answers as Google's do."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from mailtui.audience.audience import open_audience
from mailtui.audience.reach import Reach
from mailtui.audience.reading import Reading, read, understand
from mailtui.audience.sheets.google import Google, Patience, Unreachable
from mailtui.audience.sheets.link import SheetLink, parse_link
from mailtui.audience.sheets.sheets import Sheets
from mailtui.audience.source import Source, find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from tests.servers.google import READER, Fault, GoogleServer, Grid, Spreadsheet, google_server

ID = "1AbC-dEf_0123456789012345678901234567890123"
LINK = f"https://docs.google.com/spreadsheets/d/{ID}/edit"
ROWS = [["email", "name", "postcode"], ["ann@example.com", "Ann", "01067"], ["bo@example.com", "Bö, the 2nd\nson", "7"]]
QUICK = Patience(silence=5, total=20, tries=3, pause=0.01, longest_pause=2)

Cells = list[list[str]]


@pytest.fixture(scope="module")
def running() -> Iterator[GoogleServer]:
    with google_server() as server:
        yield server


@pytest.fixture
def google(running: GoogleServer) -> GoogleServer:
    running.books = {ID: Spreadsheet("Spring", [Grid(0, "Guests", ROWS), Grid(7, "Ann's", [["mail"], ["a@b.test"]])])}
    running.asked.clear()
    running.faults.clear()
    running.on_page, running.pages, running.grant = None, 0, ""
    running.api_disabled = False
    running.revoked_tokens.clear()
    return running


@pytest.fixture
def public(google: GoogleServer) -> GoogleServer:
    google.books[ID].public = True
    return google


@pytest.fixture
def private(google: GoogleServer) -> GoogleServer:
    google.books[ID].readers.add(READER)
    return google


Fetch = Callable[..., tuple[Source, Reading, list[tuple[int, Any]]]]


@pytest.fixture
def where(running: GoogleServer, tmp_path: Path) -> Google:
    url = running.url
    return Google(tmp_path / "sheets", docs_url=url, sheets_url=url, token_url=f"{url}/token", patience=QUICK)


@pytest.fixture
def keyed(where: Google, running: GoogleServer, tmp_path: Path) -> Google:
    return replace(where, service_account=running.write_key(tmp_path / "key.json"))


def fetch(google: Google | Sheets, link: str = LINK, **options: Any) -> tuple[Source, Reading, list[tuple[int, Any]]]:
    """The list behind a link: where it was put, how it is read, its rows with their numbers."""
    sheets = google if isinstance(google, Sheets) else Sheets(google)
    spec = AudienceSpec(source=link, **options)
    source = find_source(spec, Path(), sheets=sheets)
    try:
        reading = understand(source, spec)
        return source, reading, list(read(source, reading))
    finally:
        source.discard()


def refused(google: Google | Sheets, link: str = LINK, **options: Any) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        fetch(google, link, **options)
    return caught.value


# links


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (LINK, SheetLink(ID)),
        (f"{LINK}#gid=7", SheetLink(ID, 7)),
        (f"{LINK}?gid=7#gid=9", SheetLink(ID, 9)),
        (f"{LINK}?usp=sharing", SheetLink(ID)),
        (f"docs.google.com/spreadsheets/d/{ID}", SheetLink(ID)),
        (f"https://docs.google.com/spreadsheets/u/1/d/{ID}/edit#gid=0", SheetLink(ID, 0)),
        (f"https://docs.google.com/a/acme.test/spreadsheets/d/{ID}/edit", SheetLink(ID)),
        (f"https://docs.google.com/spreadsheets/d/{ID}/export?format=csv&gid=3", SheetLink(ID, 3)),
        (
            "https://docs.google.com/spreadsheets/d/e/2PACX-1v_x/pubhtml?gid=5&single=true",
            SheetLink("2PACX-1v_x", 5, published=True),
        ),
        (f"https://spreadsheets.google.com/ccc?key={ID}&hl=en", SheetLink(ID)),
        (f"{LINK}#gid=0&range=a3:f", SheetLink(ID, 0, cells="A3:F")),
        (f"{LINK}#gid=0&range=B7", SheetLink(ID, 0)),
    ],
)
def test_a3_links(text: str, link: SheetLink) -> None:
    assert parse_link(text) == link


@pytest.mark.parametrize(
    "text",
    [
        "https://docs.google.com/document/d/1AbC/edit",
        "https://drive.google.com/file/d/1AbC/view",
        "https://example.com/list.csv",
        "https://docs.google.com.example.com/spreadsheets/d/1AbC/edit",
        "http://[::1/spreadsheets/d/1AbC",
    ],
)
def test_a3_other_links_say_what_to_do(text: str, where: Google, google: GoogleServer) -> None:
    assert refused(where, text).hint
    assert google.asked == []


# public sheets


def test_a3_public_by_link(public: GoogleServer, where: Google) -> None:
    source, reading, rows = fetch(where)
    assert rows == [(2, ROWS[1]), (3, ROWS[2])]
    assert reading.columns == ("email", "name", "postcode")
    assert reading.understanding.address_column.value == "email"
    assert reading.understanding.unit == "row"
    assert source.name == "Spring - Guests"
    assert public.paths == [f"/spreadsheets/d/{ID}/export", f"/content/{ID}/0"]
    for _, headers in public.asked:
        assert headers.keys() <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert headers["user-agent"] == "mailtui"


def test_a3_the_tab_of_the_link_and_published_ones(public: GoogleServer, where: Google) -> None:
    assert fetch(where, f"{LINK}#gid=7")[2] == [(2, ["a@b.test"])]
    public.books[ID].public, public.books[ID].published = False, "2PACX-1v_x"
    assert fetch(where, "https://docs.google.com/spreadsheets/d/e/2PACX-1v_x/pubhtml?gid=7")[2] == [(2, ["a@b.test"])]
    assert "number 9" in refused(where, f"{LINK.replace(ID, 'e/2PACX-1v_x')}?gid=9").title
    public.books[ID].published = ""
    assert "published no more" in refused(where, "https://docs.google.com/spreadsheets/d/e/2PACX-1v_x/pub").title


def test_a3_a_range_and_a_title_block(public: GoogleServer, where: Google) -> None:
    public.books[ID].tabs[0].rows = [
        ["Guests of spring"],
        [],
        ["", "email", "name", "x"],
        ["", "a@b.test", "A", "no"],
        [],
        ["", "c@d.test"],
    ]
    _, reading, rows = fetch(where, range="B3:C")
    assert reading.columns == ("email", "name")
    assert rows == [(4, ["a@b.test", "A"]), (6, ["c@d.test", ""])]
    _, reading, rows = fetch(where)
    assert reading.columns == ("column_1", "email", "name", "x")
    assert [row for row, _ in rows] == [4, 6]
    assert any("Row 1 stands above the column names" in note for note in reading.understanding.notes)


def test_a3_not_public_says_how_to_open_it(google: GoogleServer, where: Google) -> None:
    error = refused(where)
    assert error.title == "The sheet is not open to everybody with the link"
    assert "Anyone with the link" in error.hint and "service_account" in error.hint
    assert not any("ServiceLogin" in path for path in google.paths), "the page to log in is not asked for"
    assert list((where.copies).glob("*")) == []


def test_a3_what_is_no_csv_is_explained(public: GoogleServer, where: Google) -> None:
    page = Fault(200, b"<!DOCTYPE html><html>Sorry, unable to open the file</html>", [("Content-Type", "text/html")])
    public.fail("/content/", page)
    assert refused(where).title == "A web page came in place of the sheet"
    public.fail("/export", Fault(401, b""))
    assert refused(where).title == "The sheet is not open to everybody with the link"
    assert refused(where, LINK.replace("1AbC", "9XyZ")).title == "Google has no such sheet"
    public.books[ID].tabs[0].rows = [["", ""], [""]]
    assert refused(where).title == "The sheet is empty"


def test_a3_passing_trouble_is_tried_again(public: GoogleServer, where: Google) -> None:
    public.fail("/export", Fault(429, b"", [("Retry-After", "1")]), Fault(503, b"busy"))
    began = time.monotonic()
    assert len(fetch(where)[2]) == 2
    assert time.monotonic() - began >= 1.0
    assert len([path for path in public.paths if path.endswith("/export")]) == 3


def test_a3_a_body_that_is_cut_off_is_fetched_again(public: GoogleServer, where: Google) -> None:
    body = b"email\na@b.test\nc@d.test\n"
    public.fail("/content/", Fault(200, body, [("Content-Type", "text/csv")], cut=12))
    assert len(fetch(where)[2]) == 2, "what came first is not believed"
    chunked = [("Content-Type", "text/csv"), ("Transfer-Encoding", "chunked")]
    public.fail("/content/", *[Fault(200, b"18\r\nemail\na@b", chunked)] * 3)
    error = refused(replace(where, copies=where.copies / "other"))
    assert isinstance(error, Unreachable)
    assert "cut off, tried 3 times" in error.detail


def test_a3_errors_of_the_server_end_after_a_while(public: GoogleServer, where: Google) -> None:
    public.fail("/export", *[Fault(500)] * 3)
    error = refused(where)
    assert error.title == "Google Sheets cannot be reached"
    assert "Google answered 500, tried 3 times" in error.detail
    public.fail("/export", Fault(429, b"", [("Retry-After", "3600")]))
    began = time.monotonic()
    assert "429" in refused(where).detail
    assert time.monotonic() - began < 5, "nobody waits an hour"


def test_a3_slow_and_silent_servers(public: GoogleServer, where: Google) -> None:
    silent = replace(where, patience=replace(QUICK, silence=0.3, broken_tries=1))
    public.fail("/export", Fault(200, silence=2.0))
    assert "no answer in time" in refused(silent).detail
    slow = replace(where, patience=replace(QUICK, total=0.5, broken_tries=1))
    public.fail("/content/", Fault(200, b"email\n" * 400, [("Content-Type", "text/csv")], drip=0.01))
    assert "not all of it came" in refused(slow).detail


def test_a3_a_huge_body_is_not_taken(public: GoogleServer, where: Google) -> None:
    small = replace(where, patience=replace(QUICK, bytes=1_000))
    public.fail("/content/", Fault(200, b"a" * 100_000, [("Content-Type", "text/csv")]))
    assert refused(small).title == "The sheet is larger than mailtui takes"
    assert list(where.copies.glob("*")) == []


def test_a3_redirects_lead_only_to_google(public: GoogleServer, where: Google) -> None:
    public.fail("/export", Fault(307, b"", [("Location", "https://evil.example/steal")]))
    assert refused(where).detail == "https://evil.example"
    public.fail("/export", Fault(307, b"", [("Location", "http://docs.google.com/plain")]))
    assert refused(where).detail == "http://docs.google.com"
    public.fail("/export", Fault(307, b"", [("Location", "https://accounts.google.com/v3/signin/identifier")]))
    assert refused(where).title == "The sheet is not open to everybody with the link"
    public.fail("/", *[Fault(307, b"", [("Location", "/again")])] * 30)
    assert "in circles" in refused(where).title


def test_a3_loopback_answers_only_where_the_settings_name_it(public: GoogleServer, where: Google) -> None:
    from mailtui.audience.sheets.web import Web

    public.asked.clear()
    with pytest.raises(AudienceError, match="leads away from Google"):
        Web(where, "https://docs.google.com").ask(
            f"{public.url}/spreadsheets/d/{ID}/export", lambda answer: answer.read()
        )
    assert public.asked == []


def test_a3_nobody_there(where: Google) -> None:
    error = refused(replace(where, docs_url="http://127.0.0.1:9"))
    assert isinstance(error, Unreachable)
    assert "refused" in error.detail


def test_a3_waiting_can_be_ended(public: GoogleServer, where: Google) -> None:
    class Enough(Exception):
        pass

    def heard() -> None:
        raise Enough

    public.fail("/export", Fault(503), Fault(503))
    with pytest.raises(Enough):
        Sheets(where).find(AudienceSpec(source=LINK), None, heard)


# private sheets


def test_a3_private_by_service_account(private: GoogleServer, keyed: Google) -> None:
    source, reading, rows = fetch(keyed)
    assert rows == [(2, ROWS[1]), (3, ROWS[2])], "text as it is seen: zeros in front stay"
    assert reading.columns == ("email", "name", "postcode")
    assert source.name == "Spring - Guests"
    for path, headers in private.asked:
        assert headers["user-agent"] == "mailtui"
        assert "x-goog-api-client" not in headers
        assert ("authorization" in headers) == path.startswith("/v4/")
    [page] = [path for path, _ in private.asked if "batchGet" in path]
    assert "majorDimension=ROWS" in page and "valueRenderOption=FORMATTED_VALUE" in page


def test_a3_public_and_private_read_the_same(private: GoogleServer, keyed: Google) -> None:
    one = fetch(keyed)
    private.books[ID].public = True
    other = fetch(replace(keyed, copies=keyed.copies / "other"))
    assert (one[0].identity, one[0].name, one[2]) == (other[0].identity, other[0].name, other[2])


def test_a3_tabs_by_name_by_number_and_by_link(private: GoogleServer, keyed: Google) -> None:
    only = [(2, ["a@b.test"])]
    assert fetch(keyed, sheet="Ann's")[2] == fetch(keyed, sheet=2)[2] == fetch(keyed, f"{LINK}#gid=7")[2] == only
    error = refused(keyed, sheet="Guest")
    assert (error.title, error.hint) == ("Spring has no tab 'Guest'", "Did you mean Guests?")
    assert "It has 2: Guests, Ann's." in refused(keyed, sheet=3).hint
    assert "number 9" in refused(keyed, f"{LINK}#gid=9").title
    assert "copy the link" in refused(replace(keyed, service_account=None), sheet="Guests").hint


def test_a3_a_range_of_a_private_sheet(private: GoogleServer, keyed: Google) -> None:
    private.books[ID].tabs[0].size = (1_000, 26)
    assert fetch(keyed, range="A1:B2")[2] == [(2, ["ann@example.com", "Ann"])]
    assert fetch(keyed, range="A")[2] == [(2, ROWS[1]), (3, ROWS[2])]


def test_a3_long_lists_come_in_pages(private: GoogleServer, keyed: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailtui.audience.sheets.api.CELLS_A_PAGE", 400)
    rows = [["email", "n"], *([f"a{number}@b.test", str(number)] for number in range(700))]
    rows[300:320] = [[] for _ in range(20)]
    private.books[ID].tabs[0] = Grid(0, "Guests", rows, (1_500, 2))
    found = fetch(keyed)[2]
    assert found == [(number, row) for number, row in enumerate(rows, start=1) if row and number > 1]
    assert private.pages == 8


@pytest.mark.parametrize("change", ["row in", "row out", "column in", "renamed"])
def test_a3_rows_that_move_between_pages_are_noticed(
    private: GoogleServer, keyed: Google, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr("mailtui.audience.sheets.api.CELLS_A_PAGE", 100)
    rows = [["email", "n"], *([f"a{number}@b.test", str(number)] for number in range(200))]
    private.books[ID].tabs[0].rows = rows

    def disturb(page: int) -> None:
        if page == 2:
            now = [list(row) for row in rows]
            if change == "row in":
                now.insert(20, ["new@b.test", "x"])
            elif change == "row out":
                del now[20]
            elif change == "column in":
                now = [["", *row] for row in now]
            else:
                now[0][1] = "number"
            private.books[ID].tabs[0].rows = now

    private.on_page = disturb
    _, reading, found = fetch(keyed)
    assert "Somebody changed the sheet while it was read, so it was read again." in reading.understanding.notes
    assert [cells for _, cells in found] == [
        row + [""] * (len(reading.columns) - len(row)) for row in private.books[ID].tabs[0].rows[1:]
    ]


def test_a3_a_sheet_that_never_rests_is_not_believed(
    private: GoogleServer, keyed: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailtui.audience.sheets.api.CELLS_A_PAGE", 100)
    tab = private.books[ID].tabs[0]
    tab.rows = [["email"], *([f"a{number}@b.test"] for number in range(300))]
    private.on_page = lambda page: tab.rows.insert(20, [f"new{page}@b.test"])
    assert refused(keyed).title == "The sheet is being changed all the time"


def test_a3_refusals_of_the_api_say_what_to_do(google: GoogleServer, keyed: Google, tmp_path: Path) -> None:
    error = refused(keyed)
    assert error.hint == f"Share the sheet with {READER}, as a viewer."
    google.api_disabled = True
    assert "Enable it in the Google Cloud console" in refused(keyed).hint
    google.api_disabled = False
    assert "no such sheet" in refused(keyed, LINK.replace("1AbC", "9XyZ")).title
    google.books[ID].readers.add(READER)
    old = {"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "This operation is not supported"}}
    google.fail("/v4/", Fault(400, json.dumps(old).encode()))
    assert "Excel file" in refused(keyed).title
    google.fail("/v4/", Fault(200, b"<html>"))
    assert "something else than a sheet" in refused(keyed).title


def test_a3_an_access_token_that_ran_out_is_renewed(private: GoogleServer, keyed: Google) -> None:
    private.fail("batchGet", Fault(401, b"{}"))
    before = private.tokens
    assert len(fetch(keyed)[2]) == 2
    assert private.tokens == before + 2


def test_a3_a_token_is_not_handed_on_to_another_host(private: GoogleServer, keyed: Google) -> None:
    private.fail("/v4/", Fault(307, b"", [("Location", f"{private.content_url}/elsewhere")]))
    refused(keyed)
    asked = {path: headers for path, headers in private.asked if "/v4/" in path or path == "/elsewhere"}
    assert ["authorization" in headers for headers in asked.values()] == [True, False]


def test_a3_a_quota_that_is_used_up_is_waited_for(private: GoogleServer, keyed: Google) -> None:
    body = json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded"}}).encode()
    private.fail("batchGet", Fault(429, body), Fault(429, body))
    assert len(fetch(keyed)[2]) == 2


def test_a3_revoked_keys_and_wrong_clocks(private: GoogleServer, keyed: Google, tmp_path: Path) -> None:
    private.grant = "Invalid JWT Signature."
    error = refused(keyed)
    assert error.title == f"Google lets {READER} in no more"
    assert "revoked" in error.hint
    private.grant = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    assert "clock" in refused(keyed).hint
    private.grant = ""
    stranger = GoogleServer(key=rsa.generate_private_key(65537, 1024))
    other = replace(keyed, service_account=stranger.write_key(tmp_path / "other.json"))
    assert "Invalid JWT Signature." in refused(other).detail


def test_a3_what_is_no_key(private: GoogleServer, keyed: Google, tmp_path: Path) -> None:
    def told(key: Path) -> str:
        return refused(replace(keyed, service_account=key)).detail

    assert "No such file" in told(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("hello", encoding="utf-8")
    assert "no JSON" in told(tmp_path / "text.json")
    assert "authorized_user" in told(private.write_key(tmp_path / "user.json", type="authorized_user"))
    assert "private_key missing" in told(private.write_key(tmp_path / "half.json", private_key=None))
    assert told(private.write_key(tmp_path / "bad.json", private_key="-----BEGIN PRIVATE KEY-----\nAA\n-----END"))


# columns that change


@pytest.fixture
def drifting(public: GoogleServer, where: Google) -> Callable[..., tuple[Source, Reading, list[tuple[int, Any]]]]:
    """Fetches the sheet, changes it, and fetches it anew in another process, as far as `Sheets` can tell."""

    def drift(rows: Cells, **options: Any) -> tuple[Source, Reading, list[tuple[int, Any]]]:
        public.books[ID].tabs[0].rows = ROWS
        fetch(where)
        public.books[ID].tabs[0].rows = rows
        return fetch(where, **options)

    return drift


def test_a3_columns_that_changed_are_told(drifting: Fetch) -> None:
    notes = drifting([["email", "name", "plz"], *ROWS[1:]])[1].understanding.notes
    assert any("gone: postcode; new: plz." in note for note in notes)
    notes = drifting([["name", "email", "postcode"], *([row[1], row[0], row[2]] for row in ROWS[1:])])[
        1
    ].understanding.notes
    assert any("stand in another order" in note for note in notes)
    assert drifting([*ROWS, ["new@example.com", "New", "1"]])[1].understanding.notes == ()
    notes = drifting([["email", "NAME", "postcode"], *ROWS[1:]], filter="name == 'Ann'")[1].understanding.notes
    assert [note.partition(": ")[2] for note in notes] == ["name is NAME."]


def test_a3_another_column_is_not_taken_for_the_addresses(drifting: Fetch, where: Google, public: GoogleServer) -> None:
    rows = [["manager_email", "name", "mail_new"], ["boss@example.com", "Ann", "ann@example.com"]]
    for _ in range(2):  # asking twice does not make it right
        with pytest.raises(AudienceError) as caught:
            drifting(rows)
        assert caught.value.title == "The sheet has no column email any more, which had the addresses"
        assert "gone: email" in caught.value.detail and "new: manager_email, mail_new" in caught.value.detail
        public.books[ID].tabs[0].rows = rows
        assert "which had the addresses" in refused(where).title
    assert drifting(rows, address="mail_new")[1].understanding.address_column.value == "mail_new"


def test_a3_a_new_column_is_not_taken_for_the_addresses_either(public: GoogleServer, where: Google) -> None:
    public.books[ID].tabs[0].rows = [["contact", "name"], ["ann@example.com", "Ann"]]
    fetch(where)
    public.books[ID].tabs[0].rows = [["contact", "email"], ["ann@example.com", "boss@example.com"]]
    error = refused(where)
    assert error.title == "The addresses would come from the column email, and came from contact before"
    assert "gone: name; new: email" in error.detail and "{address: contact}" in error.hint
    assert fetch(where, address="contact")[1].understanding.address_column.value == "contact"


def test_a3_a_column_of_the_filter_that_is_gone(drifting: Fetch) -> None:
    with pytest.raises(AudienceError, match="no column postcode any more, which the filter names"):
        drifting([row[:2] for row in ROWS], filter="postcode == '7' or name == 'Ann'")
    assert len(drifting([row[:2] for row in ROWS], filter="name == 'Ann'")[2]) == 2


def test_a3_what_was_told_of_a_sheet_is_not_its_index_s(public: GoogleServer, where: Google, tmp_path: Path) -> None:
    """Cells that were there before are read from the index of then; what became of them since is told all the same."""

    def notes(rows: Cells) -> tuple[str, ...]:
        public.books[ID].tabs[0].rows = rows
        spec = AudienceSpec(source=LINK)
        with open_audience(spec, folder=tmp_path, cache=tmp_path / "cache", reach=Reach(None, where)) as audience:
            return audience.understanding.notes

    changed = [["email", "name", "plz"], *ROWS[1:]]
    assert [len(notes(rows)) for rows in (ROWS, changed, changed, ROWS)] == [0, 1, 0, 1]


# copies


def test_a3_one_process_sees_one_state(public: GoogleServer, where: Google) -> None:
    sheets = Sheets(where)
    first = fetch(sheets)
    public.books[ID].tabs[0].rows = [*ROWS, ["new@example.com", "New", "1"]]
    threads = [threading.Thread(target=fetch, args=(sheets,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = fetch(sheets)
    assert again[0].identity == first[0].identity and len(again[2]) == 2
    assert len(public.asked) == 2
    later = fetch(where)
    assert later[0].identity != first[0].identity and len(later[2]) == 3
    assert "It is a Google sheet" in refused(where, format="csv").detail


def test_a3_without_google_a_copy_is_used_only_when_a_person_says_so(public: GoogleServer, where: Google) -> None:
    gone = replace(where, docs_url="http://127.0.0.1:9")
    assert "There is no copy of the sheet yet" in refused(gone, offline=True).title
    assert "--offline" not in refused(gone).hint
    fetched = fetch(where)[0]
    error = refused(gone)
    assert error.title == "Google Sheets cannot be reached"
    assert "There is a copy from" in error.hint and "today" in error.hint and "--offline" in error.hint
    source, _, rows = fetch(gone, offline=True)
    assert (source.identity, len(rows)) == (fetched.identity, 2)
    assert source.sheet is not None and source.sheet.offline
    assert abs(source.sheet.fetched_at - time.time()) < 60


def test_a3_copies_are_private_and_whole(public: GoogleServer, where: Google, tmp_path: Path) -> None:
    fetch(where)
    public.books[ID].tabs[0].rows = ROWS[:2]
    fetch(where)
    files = sorted(where.copies.iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600] * len(files)
    assert stat.S_IMODE(where.copies.stat().st_mode) == 0o700
    assert {path.suffix for path in files} == {".csv", ".json"}
    assert len(list(where.copies.glob("*.csv"))) == 2, "who reads the one before has an hour"
    told = next(path for path in files if path.suffix == ".json")
    other = told.with_stem("other")
    other.write_bytes(told.read_bytes())
    os.utime(other, (0, time.time() - 91 * 86_400))
    fetch(where)
    assert told.exists() and not other.exists(), "nobody asked for it in a long time"
    told.write_bytes(told.read_bytes()[:20])
    assert "no copy" in refused(where, offline=True).title


def test_a3_who_reads_a_copy_keeps_it_while_the_next_one_comes(
    public: GoogleServer, where: Google, tmp_path: Path
) -> None:
    spec = AudienceSpec(source=LINK)
    source = Sheets(where).find(spec, tmp_path / "spool")
    reading = understand(source, spec)
    public.books[ID].tabs[0].rows = [*ROWS, ["new@example.com", "New", "1"]]
    assert len(fetch(where)[2]) == 3
    assert len(list(read(source, reading))) == 2
    source.discard()
    assert not source.path.exists() and list(where.copies.glob("*.csv"))


def test_a3_nothing_of_this_is_loaded_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("email\na@b.test\n", encoding="utf-8")
    code = (
        "import sys\nfrom pathlib import Path\nfrom mailtui.audience.sheets.google import Google\n"
        "from mailtui.audience.sheets.sheets import Sheets\nfrom mailtui.audience.source import find_source\n"
        "from mailtui.audience.spec import AudienceSpec\n"
        "find_source(AudienceSpec(source='list.csv'), Path(), sheets=Sheets(Google(Path('copies'))))\n"
        "print(*[name for name in ('urllib.request', 'http.client', 'ssl', 'google.auth') if name in sys.modules])"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.split(), done.returncode) == ([], 0), done.stderr


def test_a3_a_copy_is_there_or_not(public: GoogleServer, where: Google) -> None:
    sheets = Sheets(where)
    spec = AudienceSpec(source=LINK)
    assert not sheets.holds(spec)
    fetch(sheets)
    assert sheets.holds(spec) and Sheets(where).holds(spec)
    assert not sheets.holds(AudienceSpec(source=f"{LINK}#gid=7"))
