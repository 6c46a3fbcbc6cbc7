"""Mails are signed on their way (D6): what arrives over the wire verifies, and without a key nobody gets anything."""

from __future__ import annotations

import asyncio
import json
import mailbox
import resource
from pathlib import Path
from typing import Any

import pytest

from mailtui.message.dkim import DkimKeyProblem
from mailtui.message.dkim_key import make_key, read_signing_key
from mailtui.service.facade import Service
from mailtui.service.lists import Again
from tests.cli.program import Mailtui, Oracle
from tests.message.dkim_oracle import verifies
from tests.servers.name_server import name_server
from tests.servers.secret_service import UNLOCKED, needs_secret_service, session


def settings(mailtui: Mailtui, port: int, **account: Any) -> None:
    """One account, which signs by the key in key.pem unless it says otherwise."""
    signing = {"selector": "s1", "key": "key.pem"}
    server = {"host": "127.0.0.1", "port": port, "security": "plain", "dkim": signing}
    write_settings(mailtui, {"acme": {**server, **account}})


def write_settings(mailtui: Mailtui, accounts: dict[str, Any]) -> None:
    file = mailtui.home.settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"accounts": accounts}))
    file.chmod(0o600)


def give_key(mailtui: Mailtui, kind: str = "ed25519", mode: int = 0o600) -> str:
    """Put a key into key.pem; its record."""
    pem = make_key(kind)
    file = mailtui.home.settings_file.with_name("key.pem")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pem)
    file.chmod(mode)
    return read_signing_key(pem).record


def signed_campaign(mailtui: Mailtui, rows: int, **keys: Any) -> Path:
    return mailtui.campaign(rows, port=0, smtp=None, account="acme", **keys)


HTML = "<html><body>\n.dots\n..\n<p>  Gr\u00fc\u00dfe,\t{{ first_name }}  </p>\n\n\n</body></html>\n\n\n"


def test_d6_what_arrives_over_the_wire_verifies(mailtui: Mailtui, sandbox: Oracle) -> None:
    """Lines that begin with dots, blanks at the ends of lines, files and copies."""
    record = give_key(mailtui, "rsa")
    settings(mailtui, sandbox.port)
    path = signed_campaign(
        mailtui,
        2,
        html="body.html.j2",
        attachments=["terms.txt"],
        bcc=["archive@example.org"],
        unsubscribe={"url": "https://acme.test/u/{{ token }}", "one_click": True},
        headers=None,
    )
    (path.parent / "body.html.j2").write_text(HTML, "utf-8")
    (path.parent / "terms.txt").write_text("From now on\n.all\n..is free.   \n")
    ran = mailtui.call("run", path, "--yes", "--json")
    assert ran.code == 0, ran.err
    assert len(sandbox.entries) == 4
    for command in (("test", path), ("accounts", "test", "acme")):
        tested = mailtui.call(*command, "--to", "me@acme.test")
        assert tested.code == 0, tested.err
    assert len(sandbox.entries) == 6
    for entry in sandbox.entries:
        mail = sandbox.bytes_of(entry)
        assert mail.startswith(b"DKIM-Signature: v=1; ")
        assert mail.isascii(), "a relay that encodes it anew breaks its signature (RFC 6376 section 5.3)"
        listed = b"".join(mail[: mail.index(b"bh=")].split())
        assert (b"list-unsubscribe-post:list-unsubscribe-post" in listed) is (b"\r\nList-Unsubscribe-Post:" in mail)
        asked: list[bytes] = []
        assert verifies(mail, record, asked=asked)
        assert asked == [b"s1._domainkey.acme.test."]
    _look_beforehand(mailtui, path, sandbox.port)


def _look_beforehand(mailtui: Mailtui, path: Path, port: int) -> None:
    """Rendered files and a preview are signed as a launch signs, where the key is at hand."""
    written = mailtui.call("render", path, "--out", mailtui.folder / "out.mbox", "--json")
    assert "unsigned" not in written.json
    assert [("s=s1" in str(mail["DKIM-Signature"])) for mail in mailbox.mbox(mailtui.folder / "out.mbox")] == [True] * 4
    assert (mailtui.folder / "out.mbox").read_bytes().isascii()
    shown = mailtui.call("preview", path, "--part", "headers")
    assert shown.out.startswith("DKIM-Signature: v=1; a=rsa-sha256; ")
    # A key of the keyring is not asked for to look at a mail; a dry run does without, and says so.
    settings(mailtui, port, dkim={"selector": "s1"})
    shown = mailtui.call("preview", path, "--part", "headers")
    assert "made when it is sent, by the key of s1._domainkey.acme.test in the keyring" in shown.out
    dry = mailtui.call("run", path, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert "keyring" in dry.json["unsigned"]


def test_d6_without_a_key_nothing_is_launched(mailtui: Mailtui, sandbox: Oracle) -> None:
    path = signed_campaign(mailtui, 3)
    key = mailtui.home.settings_file.with_name("key.pem")
    settings(mailtui, sandbox.port)
    for sentence, mode, text in (
        ("No such file", None, ""),
        ("chmod 600", 0o640, "-----BEGIN PRIVATE KEY-----"),
        ("no PEM text", 0o600, ""),
    ):
        if mode is not None:
            key.write_text(text)
            key.chmod(mode)
        refused = mailtui.call("run", path, "--yes")
        assert refused.code == 3, refused.err
        assert sentence in refused.err
    checked = mailtui.call("check", path, "--json")
    assert (checked.code, "dkim-no-key" in checked.out) == (3, True)
    settings(mailtui, sandbox.port, dkim={"selector": "s1"})
    refused = mailtui.call("run", path, "--yes")
    assert refused.code == 3
    assert "keyring" in refused.err
    assert mailtui.call("list", "--json").out == ""
    assert not sandbox.entries


def test_d6_a_check_says_by_which_key_and_whether_it_counts(mailtui: Mailtui) -> None:
    record = give_key(mailtui)
    settings(mailtui, 9)
    leave = {"url": "https://acme.test/u/{{ token }}", "one_click": True}
    path = signed_campaign(mailtui, 2, unsubscribe=leave, headers=None)
    found = {item["code"]: item for item in mailtui.call("check", path, "--json").json["findings"]}
    assert "s1._domainkey.acme.test" in found["dkim-signed"]["message"]
    assert not {"one-click-signed", "dkim-misaligned"} & set(found)
    settings(mailtui, 9, dkim={"selector": "s1", "key": "key.pem", "domain": "other.test"})
    found = {item["code"]: item for item in mailtui.call("check", path, "--json").json["findings"]}
    assert found["dkim-misaligned"]["severity"] == "warning"
    settings(mailtui, 9, dkim={"selector": "s1", "key": "key.pem", "domain": "mail.acme.test"})
    found = {item["code"]: item for item in mailtui.call("check", path, "--json").json["findings"]}
    assert found["dkim-misaligned"]["severity"] == "note", "it counts where nobody asks for more (adkim=s)"
    settings(mailtui, 9)
    other = read_signing_key(make_key("ed25519")).record
    with name_server() as server:
        mailtui.environ["MAILTUI_DNS__SERVERS"] = f"['{server.setting}']"
        for published, code, exit_code in (
            (record, "dkim-key", 0),
            ("", "dkim-missing", 3),
            (other, "dkim-mismatch", 3),
        ):
            server.records = {"s1._domainkey.acme.test": {"TXT": [f'"{published}"']}} if published else {}
            asked = mailtui.call("accounts", "dkim", "acme", "--domain", "acme.test", "--dns", "--json")
            assert (asked.code, asked.json["dns"]["code"]) == (exit_code, code), asked.out
        checked = mailtui.call("check", path, "--dns", "--json")
        assert "dkim-mismatch" in {item["code"] for item in checked.json["findings"]}


def test_d6_a_key_is_made_and_its_record_can_be_pasted(mailtui: Mailtui) -> None:
    settings(mailtui, 9, dkim=None, **{"from": ["Acme <news@acme.test>"]})
    refused = mailtui.call("accounts", "dkim", "acme", "--make", "rsa")
    assert (refused.code, "--file" in refused.err) == (3, True)  # no keyring here
    assert mailtui.call("accounts", "dkim", "acme").code == 2
    made = mailtui.call("accounts", "dkim", "acme", "--make", "rsa", "--file", "new.pem", "--selector", "s9", "--json")
    assert made.code == 0, made.err
    assert made.json["name"] == "s9._domainkey.acme.test"
    assert "".join(made.json["strings"]) == made.json["record"]
    assert all(len(text) <= 255 for text in made.json["strings"])
    file = mailtui.folder / "new.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_signing_key(file.read_bytes()).record == made.json["record"]
    shown = mailtui.call("accounts", "dkim", "acme")
    assert shown.out.startswith('s9._domainkey.acme.test. IN TXT "v=DKIM1; k=rsa; p=')
    # Nobody's key is replaced unasked, and the former one's record stays good: another selector.
    again = ("accounts", "dkim", "acme", "--make", "ed25519", "--file", "other.pem", "--json")
    assert mailtui.call(*again).code == 2
    replaced = mailtui.call(*again, "--yes")
    assert replaced.json["selector"] not in ("s9", "")
    assert mailtui.call(*again, "--yes").code == 2  # a file is not overwritten
    # Where there is no room for it, no part of a key is left, which would be in the way of the next one.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        full = mailtui.call(*again[:-2], "third.pem", "--yes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (full.code, "third.pem cannot be written: File too large" in full.err) == (2, True)
    assert not (mailtui.folder / "third.pem").exists()
    lost = mailtui.call("accounts", "dkim", "acme", "--make", "ed25519", "--yes", "--file", "~nobody-here/k.pem")
    assert (lost.code, "do not know Ed25519 yet" in lost.err) == (0, True), lost.err


def test_d6_a_key_that_campaigns_are_signed_by_is_not_replaced(mailtui: Mailtui) -> None:
    give_key(mailtui)
    settings(mailtui, 9, **{"from": ["news@acme.test"]})
    path = signed_campaign(mailtui, 2)
    with Service.open(mailtui.environment()) as service:
        plan = service.prepare(service.campaigns.load(path), plan={})
        asyncio.run(service.launch(plan, again=Again.ASK, progress=lambda _: None))
        handed_over = asyncio.run(service.secrets_of(plan.members))
    key = mailtui.home.settings_file.with_name("key.pem")
    assert handed_over == {"acme dkim": key.read_text()}, "a runner in the background need not find it by itself"
    refused = mailtui.call("accounts", "dkim", "acme", "--make", "ed25519", "--file", "new.pem", "--yes")
    assert (refused.code, "1 campaign not over yet" in refused.err) == (2, True)
    assert not (mailtui.folder / "new.pem").exists()
    # Whatever became of it: nothing is signed by a key that the DNS does not have under the name it was launched with.
    give_key(mailtui)
    with Service.open(mailtui.environment()) as service:
        (launched,) = asyncio.run(service.reader.campaigns())
        with pytest.raises(DkimKeyProblem, match="another one than when the campaign was launched"):
            asyncio.run(service.secret_for(launched))
    key.unlink()
    made = mailtui.call("accounts", "dkim", "acme", "--make", "ed25519", "--file", "new.pem", "--json")
    assert made.code == 0, made.err
    with Service.open(mailtui.environment()) as service:
        plan = service.prepare(service.campaigns.load(path), plan={})
        again = asyncio.run(service.launch(plan, again=Again.TOP_UP, progress=lambda _: None))
        asyncio.run(service.secrets_of(plan.members))
        assert again.orders, "it is to be signed by the new key from now on"


@needs_secret_service
@pytest.mark.long
def test_d6_a_key_in_a_real_keyring_signs(mailtui: Mailtui, sandbox: Oracle) -> None:
    settings(mailtui, sandbox.port, dkim=None, **{"from": ["news@acme.test"]})
    with session(UNLOCKED) as environ:
        mailtui.environ |= {**environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
        made = mailtui.call("accounts", "dkim", "acme", "--make", "rsa", "--json").json
        assert made["kept"] == "keyring"
        ran = mailtui.call("run", signed_campaign(mailtui, 1), "--yes")
        assert ran.code == 0, ran.err
    assert "PRIVATE" not in mailtui.home.settings_file.read_text()
    (entry,) = sandbox.entries
    assert verifies(sandbox.bytes_of(entry), made["record"])


def test_c9_accounts_that_sign_differently_are_refused(mailtui: Mailtui) -> None:
    give_key(mailtui)
    server = {"host": "127.0.0.1", "port": 9, "security": "plain", "dkim": {"selector": "s1", "key": "key.pem"}}
    write_settings(mailtui, {"acme": server, "backup": {**server, "dkim": None}})
    path = mailtui.campaign(2, port=0, smtp=None, accounts=["acme", "backup"])
    refused = mailtui.call("run", path, "--yes")
    assert (refused.code, "signs its mails (DKIM) otherwise" in refused.err) == (3, True)
    other = mailtui.home.settings_file.with_name("other.pem")
    other.write_bytes(make_key("ed25519"))
    other.chmod(0o600)
    write_settings(mailtui, {"acme": server, "backup": {**server, "dkim": {"selector": "s1", "key": "other.pem"}}})
    refused = mailtui.call("run", path, "--yes")
    assert (refused.code, "acme and backup sign by different keys" in refused.err) == (3, True)


def test_b6_mails_larger_than_the_server_takes_are_told_beforehand(mailtui: Mailtui, sandbox: Oracle) -> None:
    """What the last test of an account heard counts: for whole mails, and for large files of rows' own."""
    settings(mailtui, sandbox.port, dkim=None)
    path = signed_campaign(
        mailtui, 0, audience={"source": "contacts.csv", "columns": {"attachment": "file"}}, attachments=["big.bin"]
    )
    (path.parent / "contacts.csv").write_text(
        "email,first_name,city,file\na@example.com,A,X,\nb@example.com,B,Y,own.bin\n", "utf-8"
    )
    (path.parent / "big.bin").write_bytes(bytes(1000))
    (path.parent / "own.bin").write_bytes(bytes(40_000))
    file = mailtui.home.state / "account-tests.json"
    file.mkdir(parents=True)
    assert mailtui.call("accounts", "test", "acme").code == 0, "a test counts whether its note can be kept or not"
    file.rmdir()
    assert mailtui.call("accounts", "test", "acme").code == 0
    kept = json.loads(file.read_text())
    for size, expected in ((50_000, [[2]]), (1_500, [[1, 2], [2]])):
        kept["acme"]["size"] = size
        file.write_text(json.dumps(kept))
        found = mailtui.call("check", path, "--json").json["findings"]
        assert sorted(item["rows"] for item in found if item["code"] == "too-large") == expected, size
    # What is known of another server says nothing of this one.
    settings(mailtui, sandbox.port + 1, dkim=None)
    found = mailtui.call("check", path, "--json").json["findings"]
    assert not [item for item in found if item["code"] == "too-large"]
