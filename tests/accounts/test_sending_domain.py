"""What is found about the domain that mail is sent from (B-01), asked of a name server on loopback with its zones."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mailtui.accounts.domain import spf
from mailtui.accounts.domain.check import Sender, check_sender
from mailtui.accounts.domain.names import Names
from mailtui.audience.mx.servers import parse_server
from mailtui.errors import UsageError
from mailtui.message.preflight import Finding
from mailtui.service.sending_domain import require_selector
from tests.servers.name_server import NameServer, name_server

SENDER = Sender("acme.example", "acme.example", host="smtp.acme.example", selectors=("s1",), mails=100)
KEY = base64.b64encode(bytes(294)).decode()
GOOD = {
    "acme.example": {"MX": ["10 mx.acme.example."], "TXT": ['"v=spf1 a:smtp.acme.example -all"', '"site=1"']},
    "smtp.acme.example": {"A": ["192.0.2.7"]},
    "s1._domainkey.acme.example": {"TXT": [f'"v=DKIM1; k=rsa; p={KEY[:200]}" "{KEY[200:]}"']},
    "_dmarc.acme.example": {"TXT": ['"v=DMARC1; p=reject; rua=mailto:d@acme.example"']},
}


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server() as running:
        running.records = {name: dict(kinds) for name, kinds in GOOD.items()}
        yield running


@pytest.mark.parametrize("name", ["", "a b", "g\u00e4rten", "a..b", "s1._domainkey.acme.test", "*", "-", "x" * 64])
def test_b01_what_is_no_selector_is_not_looked_up(name: str) -> None:
    with pytest.raises(UsageError):
        require_selector(name)
    assert require_selector("s1") == "s1"


def look(server: NameServer, sender: Sender = SENDER, *, seconds: float = 20.0) -> dict[str, Finding]:
    found = check_sender(sender, servers=(parse_server(server.setting),), seconds=seconds)
    return {finding.code: finding for finding in found}


def serious(found: dict[str, Finding]) -> dict[str, str]:
    return {code: finding.severity for code, finding in found.items() if finding.severity != "note"}


def txt(record: str) -> dict[str, list[str]]:
    return {"TXT": [f'"{record}"'], "MX": ["10 mx.acme.example."]}


def test_b01_a_domain_that_is_set_up_well(server: NameServer) -> None:
    found = look(server)
    assert serious(found) == {}
    assert set(found) == {"spf-covers", "dkim-key", "dmarc-policy", "sender-mx"}
    assert "192.0.2.7" in found["spf-covers"].message
    assert {name for name in server.names() if not name.endswith("acme.example")} == set(), "of its own domain only"


@pytest.mark.parametrize(
    ("record", "code", "severity", "hint"),
    [
        ("", "spf-missing", "warning", 'acme.example. TXT "v=spf1 ip4:192.0.2.7 ~all"'),
        ("v=spf1 ip4:192.0.2.0/24", "spf-open", "warning", '"v=spf1 ip4:192.0.2.0/24 ~all"'),
        ("v=spf1 ip4:192.0.2.0/24 ?all", "spf-open", "warning", '"v=spf1 ip4:192.0.2.0/24 ~all"'),
        ("v=spf1 +all", "spf-open", "error", '"v=spf1 ~all"'),
        ("v=spf1 ip4:192.0.2.999 -all", "spf-syntax", "error", "It reads: v=spf1"),
        ("v=spf1 ipv4:192.0.2.7 -all", "spf-syntax", "error", ""),
        ("v=spf1 include:gone.example -all", "spf-broken", "error", ""),
        ("v=spf1 include:acme.example -all", "spf-broken", "error", ""),
        ("v=spf1 a:g1.example a:g2.example a:g3.example a -all", "spf-voids", "error", ""),
        ("v=spf1 " + " ".join(["a:smtp.acme.example"] * 11) + " -all", "spf-lookups", "error", ""),
        (
            "v=spf1 ip4:198.51.100.0/24 -all",
            "spf-not-covered",
            "warning",
            '"v=spf1 ip4:192.0.2.7 ip4:198.51.100.0/24 -all"',
        ),
        ("v=spf1 exists:%{i}.acme.example -all", "spf-server-unknown", "note", ""),
        ("v=spf1 a -all " + " ".join(["a:smtp.acme.example"] * 11), "spf-not-covered", "warning", ""),
    ],
)
def test_b01_spf(server: NameServer, record: str, code: str, severity: str, hint: str) -> None:
    server.records["acme.example"] = txt(record) if record else {"MX": ["10 mx.acme.example."]}
    found = look(server)
    assert found[code].severity == severity
    assert hint in found[code].hint
    assert set(serious(found)) <= {code}


def test_b01_two_spf_records_are_made_one(server: NameServer) -> None:
    server.records["acme.example"]["TXT"] = ['"v=spf1 a -all"', '"v=spf1 include:x.example ~all"', '"v=spf10"']
    found = look(server)["spf-several"]
    assert (found.severity, "2 SPF records" in found.message) == ("error", True)
    assert '"v=spf1 a include:x.example ~all"' in found.hint


def test_b01_includes_are_followed_and_counted(server: NameServer) -> None:
    server.records["acme.example"] = txt("v=spf1 include:one.example redirect=two.example")
    server.records["one.example"] = txt("v=spf1 " + " ".join(["mx:acme.example"] * 4) + " ?all")
    server.records["two.example"] = txt("v=spf1 " + " ".join(["a:smtp.acme.example"] * 5) + " -all")
    found = look(server)["spf-lookups"]
    assert "takes 11 lookups" in found.message


@pytest.mark.parametrize(
    ("record", "code", "severity"),
    [
        (None, "dkim-missing", "warning"),
        ("v=DKIM1; p=", "dkim-broken", "error"),
        ("v=DKIM1; p=AAAA%%", "dkim-broken", "error"),
        (f"v=DKIM1; p={base64.b64encode(bytes(94)).decode()}", "dkim-broken", "error"),
        (f"v=DKIM1; p={base64.b64encode(bytes(162)).decode()}", "dkim-short", "note"),
        (f"k=ed25519; p={base64.b64encode(bytes(32)).decode()}", "dkim-key", "note"),
        (f"v=DKIM1; t=y; k=ed25519; p={base64.b64encode(bytes(32)).decode()}", "dkim-test", "warning"),
    ],
)
def test_b01_dkim(server: NameServer, record: str | None, code: str, severity: str) -> None:
    name = "s1._domainkey.acme.example"
    server.records.pop(name)
    if record is not None:
        server.records[name] = txt(record)
    found = look(server)
    assert found[code].severity == severity
    assert set(serious(found)) <= {code}


def test_b01_without_a_selector_it_is_said_that_nobody_can_know(server: NameServer) -> None:
    found = look(server, replace(SENDER, selectors=()))["dkim-unknown"]
    assert found.severity == "note"
    assert "--selector NAME" in found.hint


@pytest.mark.parametrize(
    ("record", "code", "severity"),
    [
        (None, "dmarc-missing", "warning"),
        ("v=DMARC1; rua=mailto:d@acme.example", "dmarc-broken", "error"),
        ("v=DMARC1; p=rejcet", "dmarc-broken", "error"),
        ("v=DMARC1; p=none; rua=mailto:d@acme.example", "dmarc-none", "note"),
        ("v=DMARC1; p=reject; pct=20; rua=mailto:d@acme.example", "dmarc-share", "note"),
        ("v=DMARC1; p=reject", "dmarc-no-reports", "note"),
    ],
)
def test_b01_dmarc(server: NameServer, record: str | None, code: str, severity: str) -> None:
    server.records.pop("_dmarc.acme.example")
    if record is not None:
        server.records["_dmarc.acme.example"] = txt(record)
    found = look(server)
    assert found[code].severity == severity
    assert set(serious(found)) <= {code}


def test_b01_a_policy_of_the_organisation_holds_for_what_is_below_it(server: NameServer) -> None:
    server.records["_dmarc.acme.example"] = txt("v=DMARC1; p=reject; sp=none; rua=mailto:d@acme.example")
    server.records["news.acme.example"] = txt("v=spf1 a:smtp.acme.example -all")
    found = look(server, replace(SENDER, domain="news.acme.example", envelope="news.acme.example", selectors=()))
    assert "DMARC of acme.example: none for news.acme.example" in found["dmarc-policy"].message
    assert "dmarc-none" in found


def test_b01_a_registry_with_a_policy_is_nobodys_organisation(server: NameServer) -> None:
    server.records |= {
        "_dmarc.gov.example": txt("v=DMARC1; p=reject; sp=none; psd=y; rua=mailto:d@gov.example"),
        "_dmarc.town.gov.example": txt("v=DMARC1; p=reject; rua=mailto:d@gov.example"),
        "town.gov.example": txt("v=spf1 a:smtp.acme.example -all"),
    }
    town = replace(SENDER, domain="town.gov.example", envelope="news.town.gov.example", selectors=())
    assert "dmarc-misaligned" not in look(server, town)
    assert "dmarc-misaligned" in look(server, replace(town, envelope="county.gov.example"))


def test_b01_a_server_that_does_not_know_the_public_dns_is_not_believed(server: NameServer) -> None:
    server.public = False
    server.records = {}
    assert set(look(server)) == {"dns-unknown"}


@pytest.mark.parametrize(
    ("mode", "envelope", "misaligned"),
    [("r", "bounces.acme.example", False), ("s", "bounces.acme.example", True), ("r", "provider.example", True)],
)
def test_b01_alignment(server: NameServer, mode: str, envelope: str, misaligned: bool) -> None:
    server.records["_dmarc.acme.example"] = txt(f"v=DMARC1; p=reject; aspf={mode}; rua=mailto:d@acme.example")
    server.records[envelope] = txt("v=spf1 a:smtp.acme.example -all")
    assert ("dmarc-misaligned" in look(server, replace(SENDER, envelope=envelope))) is misaligned


def test_b01_a_domain_that_takes_no_mail(server: NameServer) -> None:
    server.records["acme.example"]["MX"] = ["0 ."]
    server.records["shy.example"] = {"TXT": ['"x"']}
    same = look(server, replace(SENDER, reply_to="acme.example"))["sender-no-mail"]
    assert "of From" in same.message
    both = check_sender(replace(SENDER, reply_to="shy.example"), servers=(parse_server(server.setting),))
    assert [(one.severity, one.message.split(",")[0]) for one in both if one.code == "sender-no-mail"] == [
        ("error", "acme.example"),
        ("warning", "shy.example"),
    ]
    gone = look(server, replace(SENDER, domain="gone.example"))["sender-domain"]
    assert gone.severity == "error"


def test_b01_free_mailboxes_and_many_mails(server: NameServer) -> None:
    server.records |= {"gmail.com": txt("v=spf1 -all"), "_dmarc.gmail.com": txt("v=DMARC1; p=none")}
    gmail = replace(SENDER, domain="gmail.com", envelope="gmail.com", selectors=(), mails=5_000)
    found = look(server, gmail)
    assert found["free-mailbox"].severity == "warning"
    assert found["bulk-sender"].severity == "note"
    assert "free-mailbox" not in look(server, replace(gmail, host="smtp.gmail.com"))
    assert "bulk-sender" not in look(server, replace(gmail, mails=4_999))


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.1", "[::1]", "", "nowhere.example"])
def test_b01_of_a_server_inside_nobody_knows_where_its_mail_leaves(server: NameServer, host: str) -> None:
    assert look(server, replace(SENDER, host=host))["spf-server-unknown"].severity == "note"


@pytest.mark.parametrize("fault", ["servfail", "silent"])
def test_b01_what_the_dns_does_not_answer_is_held_against_nobody(server: NameServer, fault: str) -> None:
    server.faults = dict.fromkeys(GOOD, fault)
    began = time.monotonic()
    found = check_sender(SENDER, servers=(parse_server(server.setting),), seconds=0.5)
    assert time.monotonic() - began < 10
    assert {finding.code for finding in found} == {"dns-unknown"}
    assert len(found) == 4
    assert all("could not be looked up" in finding.message for finding in found)


def test_b01_without_a_network_everything_is_a_note() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    found = check_sender(SENDER, servers=(("127.0.0.1", port),), seconds=1.0)
    assert {finding.severity for finding in found} == {"note"}


@pytest.mark.parametrize(
    ("record", "address", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.9", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "198.51.100.9", "fail"),
        ("v=spf1 ip6:2001:db8::/32 ~all", "2001:db8::1", "pass"),
        ("v=spf1 ip6:2001:db8::/32 ~all", "192.0.2.9", "softfail"),
        ("v=spf1 a:smtp.acme.example/24 -all", "192.0.2.200", "pass"),
        ("v=spf1 mx -all", "192.0.2.25", "pass"),
        ("v=spf1 -ip4:192.0.2.9 +all", "192.0.2.9", "fail"),
        ("v=spf1 include:inner.example -all", "203.0.113.1", "pass"),
        ("v=spf1 include:inner.example ?all", "203.0.113.2", "neutral"),
        ("v=spf1 redirect=inner.example", "203.0.113.2", "fail"),
        ("v=spf1 a:smtp.acme.example", "203.0.113.2", "neutral"),
        ("v=spf1 include:none.example -all", "203.0.113.2", "permerror"),
        ("v=spf1 include:broken.example -all", "203.0.113.2", "temperror"),
        ("v=spf1 " + "a:smtp.acme.example " * 10 + "-all", "203.0.113.2", "fail"),
        ("v=spf1 " + "a:smtp.acme.example " * 11 + "-all", "203.0.113.2", "permerror"),
        ("v=spf1 a:g1.example a:g2.example -all", "203.0.113.2", "fail"),
        ("v=spf1 a:g1.example a:g2.example a:g3.example -all", "203.0.113.2", "permerror"),
        ("v=spf1 include:acme.example -all", "203.0.113.2", "permerror"),
        ("v=spf1 exists:%{i}.x.example -all", "203.0.113.2", "unknown"),
        ("v=spf1 ip4:203.0.113.2 exists:%{i}.x.example -all", "203.0.113.2", "pass"),
        ("", "203.0.113.2", "none"),
    ],
)
def test_b01_check_host_by_rfc_7208(server: NameServer, record: str, address: str, result: str) -> None:
    server.records["acme.example"] = txt(record)
    server.records["mx.acme.example"] = {"A": ["192.0.2.25"]}
    server.records["inner.example"] = txt("v=spf1 ip4:203.0.113.1 -all")
    server.records["none.example"] = {"TXT": ['"x"']}
    server.faults = {"broken.example": "servfail"}

    async def run() -> spf.Result:
        return await spf.check_host(
            Names((parse_server(server.setting),)), ipaddress.ip_address(address), "acme.example"
        )

    assert asyncio.run(run()) == result
