"""What strangers wrote, through the whole program to a real server: one message each, to the address that was checked.

The judge is the server's record: the bytes it was sent, the recipients it was given.
"""

from __future__ import annotations

import csv
import json
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from mailtui.sandbox.capture import message_of, read_captured
from tests.proof.checker import mailtui, report
from tests.proof.test_exactly_once import sandbox

SMUGGLED = "MAIL FROM:<evil@example.net>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
ENDS = ("\n.\n", "\n.\r\n", "\n.\r", "\r.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\n", "\r\n.\r\n", "\r\n\0.\r\n")
"""What some server or other has taken for the end of a message (CVE-2023-51764 to 51766)."""

CAMPAIGN = """name: Hostile
smtp: {{host: 127.0.0.1, port: {port}, security: plain}}
from: "News <news@acme.test>"
subject: "Hello {{{{ subject }}}}"
text: body.txt.j2
html: body.html.j2
headers: {{X-Note: "{{{{ note }}}}"}}
audience: {{source: list.csv, address: email}}
"""


def write(folder: Path, port: int, rows: list[dict[str, str]]) -> Path:
    folder.mkdir()
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["email", "subject", "note", "body"], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "body.txt.j2").write_text("Dear reader,\n{{ body | default('-') }}\nend\n")
    (folder / "body.html.j2").write_text("<p>Dear reader,</p>\n<p>{{ body | default('-') }}</p>\n")
    path = folder / "campaign.yaml"
    path.write_text(CAMPAIGN.format(port=port))
    return path


def among(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows between harmless ones, where the check before sending, which looks at twenty rows spread over
    the list, does not meet them: it would refuse to send at all.
    """
    harmless = [row(1_000 + number) for number in range(440)]
    return [*harmless[:50], *rows, *harmless[50:]]


def row(number: int, **cells: str) -> dict[str, str]:
    return {"email": f"r{number}@example.com", "subject": "s", "note": "n", "body": "b"} | cells


def run(tmp_path: Path, rows: list[dict[str, str]]) -> tuple[dict[str, dict[str, str]], list[tuple[str, bytes]]]:
    """Send them; the report by address, and what the server got as (recipient, bytes)."""
    caught = tmp_path / "caught"
    with sandbox(caught) as port:
        campaign = write(tmp_path / "c", port, rows)
        done = mailtui(tmp_path / "home", "run", str(campaign), "--yes", "--json")
    assert done.returncode in (0, 4), done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    lines = {line["address"]: line for line in report(tmp_path / "home", outcome["campaign"])}
    got = [(who, message_of(caught, mail)) for mail in read_captured(caught) for who in mail.rcpt_to]
    return lines, got


@pytest.mark.parametrize("field", ["body", "subject", "note"])
def test_m03_no_cell_ends_its_own_message(tmp_path: Path, field: str) -> None:
    rows = [row(number, **{field: f"a{end}{SMUGGLED}"}) for number, end in enumerate(ENDS)]
    rows.append(row(99))
    lines, got = run(tmp_path, among(rows))
    assert len(lines) + sum("\0" in line[field] for line in rows) == 440 + len(rows), "a delivery or a bad row"
    assert lines["r99@example.com"]["state"] == "sent"
    taken = [who for who, _ in got]
    assert sorted(taken) == sorted(who for who, line in lines.items() if line["state"] == "sent")
    assert len(set(taken)) == len(taken), "one message a row"
    for _, raw in got:
        assert b"\0" not in raw
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), "every line ends in CR LF"
        assert len(message_from_bytes(raw).get_all("Subject", [])) == 1
    if field == "body":
        assert len(got) >= len(ENDS), "a line with a dot is text like any other"


def test_m01_m02_no_cell_adds_a_header(tmp_path: Path) -> None:
    tries = [
        "x\r\nBcc: evil@example.net",
        "x\nBcc: evil@example.net",
        "x\rBcc: evil@example.net",
        "x\u2028Bcc: evil@example.net",
        "x\u0085Bcc: evil@example.net",
        "x\x0bBcc: evil@example.net",
        "=?utf-8?q?hi=0ABcc:_evil@example.net?=",
        "=?utf-8?b?aGkNCkJjYzogZXZpbEBleGFtcGxlLm5ldA==?=",
        "x\r\n\r\n<h1>body</h1>",
    ]
    rows = [row(2 * at, subject=text) for at, text in enumerate(tries)]
    rows += [row(2 * at + 1, note=text) for at, text in enumerate(tries)]
    lines, got = run(tmp_path, among(rows))
    plain = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "X-Note"}
    assert len(got) == sum(line["state"] == "sent" for line in lines.values()) > 0
    for who, raw in got:
        parsed = message_from_bytes(raw)
        assert set(parsed.keys()) <= plain, f"{who}: {parsed.keys()}"
        assert len(parsed.keys()) == len(set(parsed.keys()))
        assert b"<h1>" not in raw
    number = tries.index("=?utf-8?q?hi=0ABcc:_evil@example.net?=")
    literal = dict(got)[f"r{2 * number}@example.com"]
    shown = str(make_header(decode_header(message_from_bytes(literal)["Subject"])))
    assert shown == "Hello =?utf-8?q?hi=0ABcc:_evil@example.net?=", "the reader sees those characters"


def test_d05_m06_m07_the_wire_gets_the_checked_address_and_only_that(tmp_path: Path) -> None:
    addresses = [
        "good@example.com",
        "a@example.com, c@example.net",
        "a@example.com <b@example.net>",
        "alice@example.com)bob@example.net",
        "d@example.com ORCPT=rfc822;e@example.net",
        "f@g@example.com",
        "<h@example.com>",
        "i@example.com\r\nRCPT TO:<j@example.net>",
        "  spaced@Example.COM  ",
        "SPACED@example.com",
        "spaced@EXAMPLE.com",
        "dots.and+tag@example.com",
        "dotsand@example.com",
        "zoë@example.com",
        "k@bücher.example",
    ]
    lines, got = run(tmp_path, [row(0, email=address) for address in addresses])
    wire = sorted(who for who, _ in got)
    assert wire == sorted(who for who, line in lines.items() if line["state"] == "sent")
    assert wire == sorted(
        {
            "good@example.com",
            "spaced@example.com",  # domain folded, blanks trimmed, its double dropped
            "SPACED@example.com",  # another local part is another person (RFC 5321 section 2.4)
            "dots.and+tag@example.com",
            "dotsand@example.com",
            "zoë@example.com",
            "k@xn--bcher-kva.example",
        }
    )
    for who, raw in got:
        assert len(message_from_bytes(raw).get_all("To", [])) == 1, who


def test_d17_poison_rows_fail_alone_and_by_number(tmp_path: Path) -> None:
    """The short form of 1 % poison in 10,000: rows whose subject cannot be a header."""
    _poison(tmp_path, 400)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_d17_one_percent_of_ten_thousand(tmp_path: Path) -> None:
    _poison(tmp_path, 10_000)


def _poison(tmp_path: Path, size: int) -> None:
    bad = {number for number in range(size) if number % 100 == 37}
    rows = [row(number, subject="a\nb\nBcc: x@example.net" if number in bad else "s") for number in range(size)]
    lines, got = run(tmp_path, rows)
    failed = {who: line for who, line in lines.items() if line["state"] == "failed"}
    assert set(failed) == {f"r{number}@example.com" for number in bad}
    assert {int(str(line["row"])) for line in failed.values()} == {number + 1 for number in bad}
    assert all("not rendered" in str(line["reason"]) for line in failed.values())
    assert sorted(who for who, _ in got) == sorted(f"r{n}@example.com" for n in range(size) if n not in bad)
    print(f"\n{len(bad)} poison rows of {size}: {len(failed)} failed with their row numbers, {len(got)} others sent")
