"""`mailtui check --dns`: the sender's domain, asked of a name server on loopback, when a person wants it (B-01)."""

from __future__ import annotations

from tests.cli.program import Mailtui
from tests.servers.name_server import name_server


def test_b01_the_dns_is_asked_about_the_senders_domain_and_no_other(mailtui: Mailtui) -> None:
    path = mailtui.campaign(
        3, port=9, smtp={"host": "127.0.0.1", "port": 9, "security": "plain", "dkim_selector": "s1"}
    )
    with name_server() as server:
        server.records = {
            "acme.test": {"MX": ["10 mx.acme.test."], "TXT": ['"v=spf1 ip4:192.0.2.7 +all"']},
            "s1._domainkey.acme.test": {"TXT": ['"v=DKIM1; p="']},
            "_dmarc.acme.test": {"TXT": ['"v=DMARC1; p=none; rua=mailto:d@acme.test"']},
        }
        mailtui.environ["MAILTUI_DNS__SERVERS"] = f"['{server.setting}']"
        asked = mailtui.call("check", path, "--dns", "--selector", "s2", "--json")
    assert asked.code == 3, asked.err
    codes = {(item["severity"], item["code"]) for item in asked.json["findings"]}
    assert codes >= {
        ("error", "spf-open"),
        ("error", "dkim-broken"),
        ("warning", "dkim-missing"),
        ("note", "dmarc-none"),
        ("note", "sender-mx"),
    }
    hints = {item["code"]: item["hint"] for item in asked.json["findings"]}
    assert 'acme.test. TXT "v=spf1 ip4:192.0.2.7 ~all"' in hints["spf-open"]
    names = {name for name, _, _ in server.asked}
    assert names == {"acme.test", "_dmarc.acme.test", "s1._domainkey.acme.test", "s2._domainkey.acme.test"}
    assert asked.json["errors"] == 2


def test_b01_without_a_mail_and_without_an_answer_there_is_a_note(mailtui: Mailtui) -> None:
    path = mailtui.campaign(2, port=9)
    with name_server() as server:
        server.faults = dict.fromkeys(("acme.test", "_dmarc.acme.test"), "servfail")
        mailtui.environ["MAILTUI_DNS__SERVERS"] = f"['{server.setting}']"
        found = mailtui.call("check", path, "--dns")
        assert found.code == 0, found.out
        assert "could not be looked up" in found.out
        (path.parent / "body.txt.j2").write_text("{{ first_name / 0 }}")
        broken = mailtui.call("check", path, "--dns", "--json")
    assert broken.code == 3
    assert "was not asked about" in str([item["message"] for item in broken.json["findings"]])
