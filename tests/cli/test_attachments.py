"""B3, M-12: files and images from the campaign file to the server's log, and what a person reads about them."""

from __future__ import annotations

import email.policy
import json
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.cli.conftest import StartSandbox
from tests.cli.program import ROOT, Mailtui, Oracle, wait_until
from tests.cli.test_second_chance import lines, rests
from tests.message.test_images import PNG

LIST = [
    "email,first_name,city,invoice,more",
    "ann@example.com,Zoë,Rome,1,",
    'bob@example.com,Bob,Oslo,2,"more/a b.csv; more/größe.txt"',
    "cy@example.com,Cy,Bonn,,",
]
KEYS: dict[str, Any] = {
    "attachments": [
        "terms.pdf",
        {
            "path": "{% if invoice %}invoices/{{ invoice }}.pdf{% endif %}",
            "name": "Rechnung Nr. {{ invoice }} – Zoë.pdf",
        },
    ],
    "audience": {"source": "contacts.csv", "columns": {"attachment": "more"}},
    "html": "page.html",
}
REFUSED = 'rules:\n  - {stage: rcpt, recipient: "[ab]*", reply: "550 5.1.1 no such user", times: 2}\n'


def with_files(mailtui: Mailtui, port: int, **keys: Any) -> Path:
    path = mailtui.campaign(LIST, port=port, **{**KEYS, **keys})
    folder = path.parent
    for name in ("invoices", "more", "img"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "terms.pdf").write_bytes(b"%PDF-1.7 terms\0\xff")
    for number in (1, 2):
        (folder / "invoices" / f"{number}.pdf").write_bytes(b"%PDF-1.7 invoice " + bytes([number]) * 3_000)
    (folder / "more" / "a b.csv").write_text("a,b\n")
    (folder / "more" / "größe.txt").write_bytes("Größe\n".encode("utf-16"))
    (folder / "img" / "logo.png").write_bytes(PNG)
    (folder / "page.html").write_text('<p>Dear {{ first_name }}<img src="img/logo.png" alt="Acme"></p>')
    return path


def received(oracle: Oracle) -> dict[str, EmailMessage]:
    found = {}
    for entry in oracle.entries:
        read = message_from_bytes(oracle.bytes_of(entry), policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        found[entry["rcpt_to"][0]] = read
    return found


def files_of(mail: EmailMessage) -> dict[str | None, bytes]:
    return {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}  # type: ignore[misc]


def test_b3_everybody_gets_the_files_that_are_theirs(mailtui: Mailtui, sandbox: Oracle) -> None:
    path = with_files(mailtui, sandbox.port, dispatch={"render_processes": 1})
    ended = mailtui.call("run", path, "--yes", "--json")
    assert ended.code == 0, ended.err
    mails = received(sandbox)
    terms = b"%PDF-1.7 terms\0\xff"
    assert files_of(mails["ann@example.com"]) == {
        "terms.pdf": terms,
        "Rechnung Nr. 1 – Zoë.pdf": b"%PDF-1.7 invoice " + b"\1" * 3_000,
    }
    assert files_of(mails["bob@example.com"]) == {
        "terms.pdf": terms,
        "Rechnung Nr. 2 – Zoë.pdf": b"%PDF-1.7 invoice " + b"\2" * 3_000,
        "a b.csv": b"a,b\n",
        "größe.txt": "Größe\n".encode("utf-16"),
    }
    assert files_of(mails["cy@example.com"]) == {"terms.pdf": terms}, "a blank path is no attachment"
    page = mails["cy@example.com"].get_body(preferencelist=("related", "html"))
    assert isinstance(page, EmailMessage)
    html, image = page.iter_parts()
    assert f'<img src="cid:{image["Content-ID"].strip("<>")}"' in html.get_content()
    assert image.get_payload(decode=True) == PNG
    # The same in a preview and a dry run.
    shown = mailtui.call("preview", path, "--to", "bob@example.com", "--part", "tree").out
    assert "└─ text/plain  base64  14 bytes  größe.txt" in shown
    assert mailtui.call("render", path, "--out", mailtui.folder / "out").code == 0
    [bob] = [one for one in (mailtui.folder / "out").rglob("*.eml") if b"bob@example.com" in one.read_bytes()]
    read = message_from_bytes(bob.read_bytes(), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert files_of(read) == files_of(mails["bob@example.com"])


def test_m12_a_changed_file_fails_its_recipient_alone_and_a_retry_has_the_same_bytes(
    mailtui: Mailtui, faulty: StartSandbox
) -> None:
    sandbox = faulty(REFUSED)
    path = with_files(mailtui, sandbox.port)
    ended = mailtui.call("run", path, "--yes", "--json")
    campaign = json.loads(ended.out)["campaign"]
    assert len(lines(mailtui, campaign, "failed")) == 2
    (path.parent / "invoices" / "1.pdf").write_bytes(b"%PDF-1.7 another")
    (path.parent / "terms.pdf").write_bytes(b"changed, and frozen before")
    assert mailtui.call("retry", campaign, "--only", "failed").code == 0
    wait_until(lambda: len(lines(mailtui, campaign, "failed")) == 1)
    rests(mailtui)
    mails = received(sandbox)
    assert files_of(mails["bob@example.com"])["terms.pdf"] == b"%PDF-1.7 terms\0\xff"
    assert len(files_of(mails["bob@example.com"])) == 4
    [failed] = lines(mailtui, campaign, "failed")
    assert failed["address"] == "ann@example.com"
    assert "attachment changed: Rechnung Nr. 1 – Zoë.pdf" in json.dumps(failed, ensure_ascii=False)
    # A changed message cannot give those who wait other files.
    text = path.read_text().replace("invoices/{{ invoice }}", "bills/{{ invoice }}")
    path.write_text(text)
    (path.parent / "invoices").rename(path.parent / "bills")
    ended = mailtui.call("run", path, "--yes", "--top-up")
    assert ended.code == 2
    assert "other attachments of its recipients' own" in ended.err
    assert "--new" in ended.err


def test_m12_b6_what_is_wrong_with_files_is_told_before_the_first_mail(mailtui: Mailtui, sandbox: Oracle) -> None:
    path = with_files(mailtui, sandbox.port, attachment_limit=1)
    folder = path.parent
    rows = [
        "dee@example.com,Dee,Bern,../../../etc/passwd%00,",
        "eve@example.com,Eve,Genf,9,",
        "fay@example.com,Fay,Kyiv,8,",
    ]
    rows += [
        "gus@example.com,Gus,Graz,,/etc/passwd",
        "hal@example.com,Hal,Ulm,,empty.txt",
        "ida@example.com,Ida,Linz,,big",
    ]
    (folder / "contacts.csv").write_text("\n".join([*LIST, *rows]) + "\n")
    (folder / "empty.txt").touch()
    (folder / "big").write_bytes(bytes(1024 * 1024 - 10))
    ended = mailtui.call("check", path, "--json")
    assert ended.code == 3
    told = {(item["code"], item["message"]): item["rows"] for item in ended.json["findings"]}
    assert told["attachment", "the attachment invoices/9.pdf is not there, and 1 other"] == [5, 6]
    assert [rows for (code, text), rows in told.items() if "outside" in text] == [[4, 7]]
    assert told["attachment-empty", "empty.txt has nothing in it"] == [8]
    assert told["attachments-too-large", "the files of a mail come to 1.0 MB, more than the 1 MB allowed"] == [9]
    assert mailtui.call("run", path, "--yes").code == 3
    assert not sandbox.accepted


def test_b3_the_sample_campaign_has_files_of_every_kind_and_a_blank_path_is_no_finding(mailtui: Mailtui) -> None:
    sample = ROOT / "sample_data" / "invoices"
    ended = mailtui.call("check", sample, "--json")
    assert ended.code == 0
    assert {item["code"] for item in ended.json["findings"]} == {"special-domain"}
    tree = mailtui.call("preview", sample, "--row", "2", "--part", "tree").out
    for name in ("leaf.png", "terms.txt", "Acme Garden – invoice 1002.pdf", "citrus – zitrus.txt", "roses.txt"):
        assert name in tree
    assert "multipart/related" in tree
    assert "invoice" not in mailtui.call("preview", sample, "--row", "4", "--part", "tree").out
