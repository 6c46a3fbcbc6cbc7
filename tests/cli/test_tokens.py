"""`mailtui suppress verify`: whose a token is that a mail brought, and what is said of every other (B-02, B-03)."""

from __future__ import annotations

import email
import http.client
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.cli.program import ROOT, Ended, Mailtui, Oracle, people, wait_until
from tests.servers.programs import free_port

_LINK = re.compile(r"<https://acme\.test/leave\?(v1\.[^>]+)>")


def _tokens(sandbox: Oracle) -> dict[str, str]:
    """By address, what the mails that arrived have in their List-Unsubscribe."""
    found = {}
    for entry in sandbox.entries:
        mail = email.message_from_bytes(sandbox.bytes_of(entry))
        token = _LINK.search(str(mail["List-Unsubscribe"]))
        assert token is not None
        assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
        assert token[1] in str(mail.get_payload())
        found[str(mail["To"])] = token[1]
    return found


def _refused(done: Ended) -> str:
    assert done.code == 3, done.out
    assert done.out == ""
    assert "Nothing was changed." in done.err or "another outbox" in done.err
    return done.err


def test_b02_b03_a_token_that_was_sent_says_whose_it_is_and_nothing_else_does(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    unsubscribe = {"url": "https://acme.test/leave?{{ token }}", "one_click": True}
    keys: dict[str, Any] = {
        "unsubscribe": unsubscribe,
        "headers": None,
        "audience": {"source": "contacts.csv", "list": "news"},
    }
    header, *rows = people(3)
    path = mailtui.campaign([header, *rows], port=sandbox.port, **keys)
    (path.parent / "body.txt.j2").write_text("Dear {{ first_name }},\nleave: {{ unsubscribe_url }}\n")
    assert mailtui.call("run", path, "--yes").code == 0
    # Somebody is put in before them: the row's number is that of another one from now on.
    (path.parent / "contacts.csv").write_text("\n".join([header, "zoe@example.org,Zoe,York", *rows]))
    second = mailtui.call("run", path, "--yes", "--json")
    assert (second.code, second.json["sent"]) == (0, 4), second.err
    tokens = _tokens(sandbox)
    assert sorted(tokens) == ["p0@example.com", "p1@example.com", "p2@example.com", "zoe@example.org"]
    assert tokens["zoe@example.org"].split(".")[:3] == tokens["p0@example.com"].split(".")[:3], "the same row"

    for address, token in tokens.items():
        shown = mailtui.call("suppress", "verify", token, "--json")
        assert (shown.code, shown.json["address"], shown.json["list"]) == (0, address, "news"), shown.err
        assert shown.json["suppressed"] is None
    version, campaign, row, mac = tokens["p0@example.com"].split(".")
    other = tokens["p1@example.com"].split(".")[3]
    head = f"{version}.{campaign}"
    assert "made no such token" in _refused(mailtui.call("suppress", "verify", f"{head}.{row}.{other}", "--add"))
    assert "made no such token" in _refused(mailtui.call("suppress", "verify", f"{head}.77.{mac}", "--add"))
    assert "no whole token" in _refused(mailtui.call("suppress", "verify", f"{head}.{row}.{mac[:-1]}"))
    for elsewhere in ("zzzzzzzz", campaign[:-1]):
        unknown = mailtui.call("suppress", "verify", f"{version}.{elsewhere}.{row}.{mac}", "--add")
        assert f"There is no campaign {elsewhere} in this outbox" in _refused(unknown)
    assert "of a preview" in _refused(mailtui.call("suppress", "verify", f"{version}.preview.{row}.{mac}"))
    assert "no token has" in _refused(
        mailtui.call("suppress", "verify", f"{head}.{row}.{mac[:-1]}\N{LATIN SMALL LETTER E WITH ACUTE}")
    )
    assert mailtui.call("suppress", "list").out == ""

    left = mailtui.call("suppress", "verify", tokens["p0@example.com"], "--add")
    assert left.code == 0
    assert f"p0@example.com: row 1 of News c ({campaign}), of the list news." in left.out
    assert "1 entry added to the suppression list of news." in left.err
    again = mailtui.call("suppress", "verify", tokens["p0@example.com"], "--add", "--json").json
    assert again["added"] == 0
    assert "on the suppression list of news since" in again["suppressed"]
    [entry] = mailtui.call("suppress", "list", "--json").lines
    assert (entry["address"], entry["list"]) == ("p0@example.com", "news")
    assert entry["source"] == f"token of {campaign}, row 1"


@pytest.mark.long
def test_b03_the_endpoint_of_the_page_takes_people_off_by_its_post_and_by_nothing_else(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    unsubscribe = {"url": "https://acme.test/leave?{{ token }}", "one_click": True}
    path = mailtui.campaign(2, port=sandbox.port, unsubscribe=unsubscribe, headers=None)
    (path.parent / "body.txt.j2").write_text("{{ unsubscribe_url }}\n")
    assert mailtui.call("run", path, "--yes").code == 0
    token = _tokens(sandbox)["p0@example.com"]
    port = free_port()
    page = (ROOT / "docs" / "unsubscribe.md").read_text()
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = program.replace("8080", str(port)).replace('"mailtui", ', f'{sys.executable!r}, "-m", "mailtui", ')
    endpoint = subprocess.Popen(
        [sys.executable, "-c", program], env=mailtui.environment(), cwd=mailtui.folder, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _status(port, "GET", "/") == 404)
        assert _status(port, "GET", f"/leave/{token}") == 200
        assert mailtui.call("suppress", "list").out == "", "a look takes nobody off"
        assert _status(port, "POST", f"/leave/{token[:-22]}{token[-22:].swapcase()}") == 404
        assert mailtui.call("suppress", "list").out == ""
        assert _status(port, "POST", f"/leave/{token}") == _status(port, "POST", f"/leave/{token}") == 200
    finally:
        endpoint.kill()
        endpoint.wait()
    [entry] = mailtui.call("suppress", "list", "--json").lines
    assert entry["address"] == "p0@example.com"


def _status(port: int, method: str, path: str) -> int:
    """What the endpoint answers; 0 while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, "List-Unsubscribe=One-Click" if method == "POST" else None)
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()
