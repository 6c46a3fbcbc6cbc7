"""`mailtui preview`: found, looked at first, compared, as a page and as a picture (B5)."""

from __future__ import annotations

import os
import pty
import re
import shutil
import stat
from pathlib import Path

import pytest

from tests.cli.program import Mailtui, wait_until

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "firefox", "firefox-esr"))), None)
EVIL = "\u202e"  # would turn around what stands behind it
ROWS = [
    "email,first_name,city",
    "ann@example.com,Ann,York",
    "bob@example.com,Bob,Bath",
    f"eve@example.com,{EVIL}Eve,Łódź",
    "cy@example.com,Cy,",
]


@pytest.fixture
def campaign(mailtui: Mailtui) -> Path:
    path = mailtui.campaign(ROWS, port=9, html="body.html")
    (path.parent / "body.html").write_text(
        "<h1>Hello {{ first_name }}</h1><p>From <b>{{ city|default('-', true) }}</b>."
    )
    return path


def test_b5_found_looked_at_first_and_compared(mailtui: Mailtui, campaign: Path) -> None:
    found = mailtui.call("preview", campaign, "--find", "EXAMPLE.com", "--part", "laid-out")
    assert (found.code, found.out) == (0, "Hello Ann\n\nFrom York.\n")
    assert found.err == "4 recipients with this text: row 1; the others in rows 2, 3, 4.\n"
    two = mailtui.call("preview", campaign, "--find", "y", "--part", "text")
    assert two.err == "2 recipients with this text: row 1; the other in row 4.\n"
    told = mailtui.call("preview", campaign, "--find", "bath", "--json").json
    assert (told["row"], told["find"]) == (2, {"text": "bath", "count": 1, "rows": [2]})
    nobody = mailtui.call("preview", campaign, "--find", f"{EVIL}nobody")
    assert nobody.code == 2
    assert "No recipient has" in nobody.err
    assert EVIL not in nobody.err
    narrowed = mailtui.call("preview", campaign, "--find", "example", "--filter", 'city == "Bath"', "--json").json
    assert narrowed["find"]["rows"] == [2]

    worst = mailtui.call("preview", campaign, "--worst")
    assert worst.code == 0
    assert re.search(r"blank: 1 recipient\nrow +address +why\n +4  cy@example.com  nothing in city\.\n", worst.out)
    assert EVIL not in worst.out
    as_json = mailtui.call("preview", campaign, "--worst", "--json").json
    assert [kind["count"] for kind in as_json.values()] == [4, 1, 1]
    assert as_json["longest"]["rows"][0]["row"] == 3

    differ = mailtui.call("preview", campaign, "--row", "1", "--diff", "2", "--part", "laid-out")
    assert differ.out.splitlines()[:4] == [
        "--- row 1 ann@example.com",
        "+++ row 2 bob@example.com",
        "- Hello Ann",
        "+ Hello Bob",
    ]
    changes = mailtui.call("preview", campaign, "--diff", "3", "--json").json
    assert changes["part"] == "text"
    assert changes["changes"][-1] == {"left": "news from York.", "right": "news from Łódź."}
    hostile = mailtui.call("preview", campaign, "--diff", "3", "--part", "source").out
    assert EVIL not in hostile
    same = mailtui.call("preview", campaign, "--diff", "1")
    assert "Both are the same." in same.err
    campaign.write_text(re.sub("(?m)^text:.*$", "text: false", campaign.read_text()))
    assert mailtui.call("preview", campaign, "--diff", "2").out.splitlines()[2:4] == ["- Hello Ann", "+ Hello Bob"]
    assert "This mail has no plain text part." in mailtui.call("preview", campaign, "--diff", "2", "--part", "text").out


def test_b5_mistakes_of_a_command_are_told(mailtui: Mailtui, campaign: Path) -> None:
    for options, said in (
        (["--row", "1", "--to", "ann@example.com"], "--row and --to do not go together"),
        (["--worst", "--open"], "--open and --worst do not go together"),
        (["--diff", "9"], "There is no row 9"),
        (["--diff", "2", "--part", "html"], "--diff compares what is seen"),
        (["--find", ""], "--find takes a text"),
        (["--open"], "--open keeps its page until enter is pressed"),
    ):
        ended = mailtui.call("preview", campaign, *options)
        assert (ended.code, ended.out) == (2, ""), options
        assert said in ended.err
    missing = mailtui.call("preview", campaign, "--picture", "p.png", "--json", env={"PATH": "/nowhere"})
    assert (missing.code, missing.json["error"]) == (2, "A picture of a mail is drawn by a browser, and none was found")


def test_b5_a_page_is_there_until_enter_is_pressed(mailtui: Mailtui, campaign: Path) -> None:
    ours, theirs = pty.openpty()
    process = mailtui.start(
        "preview", campaign, "--open", env={"SSH_CONNECTION": "x"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    said = ""
    try:
        while "enter takes it away" not in said:
            said += os.read(ours, 4096).decode()
        assert "This is a session over SSH" in said
        [page] = mailtui.home.pages.rglob("*.html")
        assert str(page) in said.replace("\r\n", "")
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
        os.write(ours, b"\n")
        wait_until(lambda: process.poll() is not None)
        assert (process.returncode, page.exists()) == (0, False)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Firefox here")
def test_b5_a_picture_is_a_private_file_and_overwrites_nothing(mailtui: Mailtui, campaign: Path) -> None:
    drawn = mailtui.call("preview", campaign, "--row", "2", "--picture", "p.png", "--json")
    path = mailtui.folder / "p.png"
    assert drawn.json == {"row": 2, "picture": "p.png", "bytes": path.stat().st_size}
    assert path.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(mailtui.home.pages.iterdir()) == []
    path.write_bytes(b"mine")
    again = mailtui.call("preview", campaign, "--picture", "p.png")
    assert (again.code, path.read_bytes()) == (2, b"mine")
    assert "p.png is there already" in again.err
