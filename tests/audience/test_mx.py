"""Whether the domains of a list take mail (A5), asked of a name server on loopback."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.audience.mx import check
from mailtui.audience.mx.check import check_domains
from mailtui.audience.mx.known import KnownDomains
from mailtui.audience.mx.servers import parse_server
from mailtui.audience.mx.verdict import DomainVerdict, Found
from tests.servers.name_server import NameServer, name_server


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server() as running:
        yield running


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "mx.db"


def verdicts(server: NameServer, known: Path, *domains: str) -> dict[str, str]:
    found = check_domains(dict.fromkeys(domains, 1), servers=(parse_server(server.setting),), known=known)
    return {row.domain: row.verdict for row in found}


def test_a5_what_takes_mail_and_what_does_not(server: NameServer, known: Path) -> None:
    server.records = {
        "mx.example": {"MX": ["10 mail.example.", "20 other.example."]},
        "a.example": {"A": ["192.0.2.1"]},
        "aaaa.example": {"AAAA": ["2001:db8::1"]},
        "null.example": {"MX": ["0 ."], "A": ["192.0.2.1"]},
        "nothing.example": {"TXT": ["hello"]},
        "xn--bcher-kva.example": {"MX": ["10 mail.example."]},
        "long.example": {"MX": ["10 mail.example."]},
    }
    server.faults = {"broken.example": "servfail", "long.example": "truncated"}
    assert verdicts(server, known, *server.records, "gone.example", "broken.example", "printer.local") == {
        "mx.example": "ok",
        "a.example": "ok",
        "aaaa.example": "ok",
        "null.example": "no_mail",
        "nothing.example": "no_mail",
        "xn--bcher-kva.example": "ok",
        "long.example": "ok",
        "gone.example": "no_such_domain",
        "broken.example": "unknown",
        "printer.local": "unknown",
    }
    assert ("long.example", "MX", "tcp") in server.asked
    assert "printer.local" not in server.names()


def test_a5_a_silent_server_is_held_against_nobody(
    server: NameServer, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailtui.audience.mx.lookup.SECONDS", 0.5)
    server.faults = {"silent.example": "silent"}
    [found] = check_domains({"silent.example": 3}, servers=(parse_server(server.setting),), known=known)
    assert found == DomainVerdict("silent.example", 3, "unknown", "no name server answered in time")


def test_a5_a_server_that_knows_nothing_of_the_public_dns_is_not_believed(server: NameServer, known: Path) -> None:
    server.records = {"inside.example": {"MX": ["10 mail.example."]}}
    server.public = False
    assert verdicts(server, known, "inside.example", "o1.example", "o2.example") == {
        "inside.example": "ok",
        "o1.example": "unknown",
        "o2.example": "unknown",
    }
    server.public = True
    assert verdicts(server, known, "o1.example") == {"o1.example": "no_such_domain"}, "nothing of it was remembered"


def test_a5_what_was_found_out_is_remembered_while_it_holds(server: NameServer, known: Path) -> None:
    server.records = {"mx.example": {"MX": ["10 mail.example."]}}
    server.faults = {"broken.example": "servfail"}
    first = verdicts(server, known, "mx.example", "gone.example", "broken.example")
    server.asked.clear()
    assert verdicts(server, known, "mx.example", "gone.example", "broken.example") == first
    assert set(server.names()) == {"broken.example"}, "what is unknown is asked again"
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    with KnownDomains(known) as memory:
        found = memory.find(["mx.example", "gone.example"])
        assert 7_000 < found["mx.example"].lasts <= 7_200
        memory.keep({"brief.example": Found("ok", "it has an MX record", 0.01)})
        time.sleep(0.02)
        assert memory.find(["brief.example"]) == {}
        assert 800 < found["gone.example"].lasts <= 900, "the SOA record says how long"
    known.write_bytes(b"no database at all" * 100)
    assert verdicts(server, known, "mx.example") == {"mx.example": "ok"}


def test_a5_ages_stay_within_bounds(server: NameServer, known: Path) -> None:
    server.records = {"mx.example": {"MX": ["10 mail.example."]}}
    server.ttl, server.minimum = 1, 1
    verdicts(server, known, "mx.example", "gone.example")
    server.records["week.example"] = server.records["mx.example"]
    server.ttl = 604_800
    verdicts(server, known, "week.example")
    with KnownDomains(known) as memory:
        lasts = {
            name: found.lasts for name, found in memory.find(["mx.example", "gone.example", "week.example"]).items()
        }
    assert lasts == {
        "mx.example": pytest.approx(3_600, abs=60),
        "gone.example": pytest.approx(300, abs=60),
        "week.example": pytest.approx(86_400, abs=60),
    }


def test_a5_many_are_asked_at_a_time_and_progress_is_told(server: NameServer, known: Path) -> None:
    domains = {f"d{number}.example": number for number in range(120)}
    server.records = {name: {"MX": ["10 mail.example."]} for name in domains}
    server.delay = 0.2
    heard: list[tuple[int, int]] = []
    began = time.monotonic()
    found = check_domains(
        domains,
        servers=(parse_server(server.setting),),
        known=known,
        progress=lambda done, total: heard.append((done, total)),
    )
    assert {row.verdict for row in found} == {"ok"}
    assert [row.recipients for row in found] == sorted(domains.values(), reverse=True)
    assert time.monotonic() - began < 120 * 0.2 / 2, "one after the other they would take 24 seconds"
    assert heard[0] == (0, 120) and heard[-1] == (120, 120)
    assert heard == sorted(heard)


def test_a5_it_ends_when_a_person_has_enough_and_what_is_known_stays(
    server: NameServer, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "AT_ONCE", 5)
    server.delay = 0.1
    domains = dict.fromkeys((f"d{number}.example" for number in range(2_000)), 1)

    class Enough(Exception):
        pass

    def progress(done: int, _total: int) -> None:
        if done >= 10:
            raise Enough

    before = threading.active_count()
    began = time.monotonic()
    with pytest.raises(Enough):
        check_domains(domains, servers=(parse_server(server.setting),), known=known, progress=progress)
    assert time.monotonic() - began < 20
    with KnownDomains(known) as memory:
        assert 10 <= len(memory.find(domains)) < 200
    while threading.active_count() > before + 5 and time.monotonic() - began < 30:
        time.sleep(0.05)


def test_a5_the_time_is_bounded(server: NameServer, known: Path) -> None:
    server.faults = {f"d{number}.example": "silent" for number in range(200)}
    began = time.monotonic()
    found = check_domains(
        dict.fromkeys(server.faults, 1), servers=(parse_server(server.setting),), known=known, seconds=0.5
    )
    assert time.monotonic() - began < 10
    assert {(row.verdict, row.reason) for row in found} == {("unknown", "there was no time to ask")}


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)
def test_name_servers_of_the_settings(text: str, server: tuple[str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["dns.example", "192.0.2.1:x", "192.0.2.1:70000", "", "[::1"])
def test_what_is_no_name_server(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address|no port"):
        parse_server(text)
