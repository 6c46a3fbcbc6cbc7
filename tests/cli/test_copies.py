"""B-01, D-05, F-01: copies from the campaign file to the server's log, and what a person reads and does about them."""

from __future__ import annotations

import email.policy
import json
from email import message_from_bytes
from pathlib import Path
from typing import Any

from tests.cli.conftest import StartSandbox
from tests.cli.program import Mailtui, Oracle
from tests.cli.test_second_chance import lines, rests

LIST = [
    "email,first_name,city,team",
    'ann@example.com,Zoë,Rome,"Jörg Böß <joerg@example.org>; ""Doe, J."" <doe@example.org>"',
    "bob@example.com,Bob,Oslo,",
]
REFUSED = 'rules:\n  - {stage: rcpt, recipient: "boss@*", reply: "550 5.1.1 no such user", times: 2}\n'


def copied(mailtui: Mailtui, port: int, **keys: Any) -> Path:
    audience = {"source": "contacts.csv", "columns": {"cc": "team"}}
    return mailtui.campaign(LIST, port=port, audience=audience, bcc=["{{ city }} <boss@example.org>"], **keys)


def received(oracle: Oracle) -> dict[tuple[str, str], bytes]:
    """By whom it went to, and whose name is in To: the message as the server took it."""
    found: dict[tuple[str, str], bytes] = {}
    box = (oracle.sandbox.folder / "messages.mbox").read_bytes()
    for line in (oracle.sandbox.folder / "accepted.jsonl").read_text().splitlines()[oracle.mark :]:
        entry = json.loads(line)
        data = box[entry["offset"] : entry["offset"] + entry["length"]].partition(b"\n")[2]
        found[entry["rcpt_to"][0], str(message_from_bytes(data)["To"])] = data
    assert len(found) == sum(oracle.accepted.values()), "nobody got one twice"
    return found


def test_b01_a_copy_has_the_bytes_of_the_recipients_mail(mailtui: Mailtui, sandbox: Oracle) -> None:
    path = copied(mailtui, sandbox.port)
    ended = mailtui.call("run", path, "--yes", "--json")
    assert ended.code == 0, ended.err
    came = json.loads(ended.out)
    assert (came["audience"], came["copies"], came["sent"]) == (6, 4, 6)
    assert (came["planned"]["new"], came["planned"]["copies"]) == (2, 4)
    mails = received(sandbox)
    ann, bob = mails["ann@example.com", "ann@example.com"], mails["bob@example.com", "bob@example.com"]
    for who in ("joerg@example.org", "doe@example.org", "boss@example.org"):
        assert mails.pop((who, "ann@example.com")) == ann
    assert mails.pop(("boss@example.org", "bob@example.com")) == bob and len(mails) == 2
    read = message_from_bytes(ann, policy=email.policy.default)
    assert str(read["Cc"]) == 'Jörg Böß <joerg@example.org>, "Doe, J." <doe@example.org>'
    assert (read["Bcc"], b"boss" in ann, message_from_bytes(bob)["Cc"]) == (None, False, None)
    # Told to people, and in files.
    said = mailtui.call("status", came["campaign"]).out
    assert "audience              6  2 recipients and 4 copies" in said
    report = {(line["address"], line["copy_of"]): line for line in lines(mailtui, came["campaign"])}
    assert len(report) == 6
    boss, own = report["boss@example.org", "ann@example.com"], report["ann@example.com", None]
    assert (boss["row"], boss["message_id"]) == (1, read["Message-ID"]) == (own["row"], own["message_id"])
    text = mailtui.call("report", came["campaign"], "--only", "sent").out
    assert "(a copy of the mail to ann@example.com)" in text
    originals = mailtui.call("report", came["campaign"], "--original", "--format", "csv").out
    assert len(originals.splitlines()) == 3, "each row of the list once"
    shown = mailtui.call("preview", path)
    assert "Copies of it go to joerg@example.org, doe@example.org, boss@example.org." in shown.err
    assert mailtui.call("run", path, "--yes").code == 0 and sum(sandbox.accepted.values()) == 6


def test_d15_copies_are_tried_again_settled_and_corrected_like_others(mailtui: Mailtui, faulty: StartSandbox) -> None:
    sandbox = faulty(REFUSED)
    path = copied(mailtui, sandbox.port)
    ended = mailtui.call("run", path, "--yes", "--json")
    assert ended.code == 4, ended.err
    campaign = str(ended.json["campaign"])
    failed = lines(mailtui, campaign, "failed")
    assert [(line["address"], line["copy_of"]) for line in failed] == [
        ("boss@example.org", "ann@example.com"),
        ("boss@example.org", "bob@example.com"),
    ]
    for wrong, why in (
        (("--to", "boss@example.org"), "of the mail to bob@example.com\n  Say of whose mail: --copy-of ADDRESS"),
        (("--to", "boss@example.org", "--copy-of", "joerg@example.org"), "has no copy to boss@example.org of a mail"),
        (("--row", "1", "--copy-of", "ann@example.com"), "Add --to ADDRESS"),
        (("--row", "1"), "ann@example.com (row 1) is sent"),
    ):
        ended = mailtui.call("retry", campaign, *wrong)
        assert ended.code == 2 and why in ended.err, ended.err
    one = ("--to", "boss@example.org", "--copy-of", "ann@example.com")
    (path.parent / "body.txt.j2").write_text("Changed since\n")
    (path.parent / "contacts.csv").write_text("\n".join([*LIST, "cy@example.com,Cy,Bern,"]) + "\n")
    assert mailtui.call("run", path, "--yes", "--top-up").code == 4
    taken = mailtui.call("retry", campaign, *one, "--address", "doe@example.org")
    assert taken.code == 2 and "is in this campaign already" in taken.err
    ended = mailtui.call("retry", campaign, *one, "--address", "chief@example.org")
    assert ended.code == 0, ended.err
    rests(mailtui)
    mails = received(sandbox)
    assert mails["chief@example.org", "ann@example.com"] == mails["ann@example.com", "ann@example.com"]
    assert b"Changed since" in mails["boss@example.org", "cy@example.com"]
    assert mailtui.call("suppress", "add", "bob@example.com").code == 0
    again = mailtui.call("retry", campaign, "--only", "failed")
    assert "1 on the suppression list, where nothing is sent" in again.err
    rests(mailtui)
    [left] = lines(mailtui, campaign, "suppressed")
    assert str(left["reason"]).startswith("a copy of a mail to bob@example.com, who gets none: ")
