"""`mailtui suppress verify`: whose a token is that a mail brought, and what is said of every other (B-02, B-03)."""

from __future__ import annotations

import mailbox
import re
from typing import Any

from tests.cli.program import Ended, Mailtui, Oracle, people

_LINK = re.compile(r"<https://acme\.test/leave\?(v1\.[^>]+)>")


def _tokens(sandbox: Oracle) -> dict[str, str]:
    """By address, what the mails that arrived have in their List-Unsubscribe."""
    found = {}
    for mail in mailbox.mbox(sandbox.sandbox.folder / "messages.mbox", create=False):
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
    assert mailtui.run("run", path, "--yes").code == 0
    # Somebody is put in before them: the row's number is that of another one from now on.
    (path.parent / "contacts.csv").write_text("\n".join([header, "zoe@example.org,Zoe,York", *rows]))
    second = mailtui.run("run", path, "--yes", "--json")
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
