"""Every way in which TLS fails has its name, and nothing is said before it stands: C-05 to C-07, N-10, F-51 to F-54."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mailtui.smtp.certificate import certificate_facts
from mailtui.smtp.connect import Connection, NotConnected, connect
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.probe import Prober
from mailtui.smtp.remedies import remedy
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.tls import fingerprint_of, with_colons
from mailtui.smtp.transcript import Transcript
from mailtui.smtp.verdict import Kind, Stage, Verdict, judge
from mailtui.smtp.watched import Step, StepName
from tests.servers.certificates import OTHER_NAMES, Authority
from tests.servers.openssl import TlsPeer, only, self_signed, tls_peer
from tests.servers.scripted import Close, Expect, Send, Silence, Talk, scripted_peer
from tests.servers.scripted import Step as Move

SECURED = (Security.TLS, Security.STARTTLS)
PATIENT = Timeouts()
BRIEF = Timeouts(connect=0.3, greeting=0.5, command=0.3)


class Bench:
    """An authority that is trusted, and the files of an account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.ca = str(folder / "ca.pem")
        self.authority.ca.cert_pem.write_to_path(self.ca)
        # For when the certificate is for a client.
        leaf = self.authority.issue("client.test")
        self.certificate, self.key = str(folder / "client.pem"), str(folder / "client.key")
        leaf.cert_chain_pems[0].write_to_path(self.certificate)
        leaf.private_key_pem.write_to_path(self.key)

    def context(self, *names: str, **more: Any) -> ssl.SSLContext:
        return self.authority.server(*names, **more).context

    def endpoint(self, port: int, security: Security, **more: Any) -> Endpoint:
        given = {"user": "anna", "ca": self.ca, "helo": "sender.example", **more}
        return Endpoint("acme", "localhost", port, security, **given)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("tls"))


async def refused(to: Endpoint, timeouts: Timeouts = PATIENT) -> NotConnected:
    with pytest.raises(NotConnected) as caught:
        await connect(to, Credential.password("secret-secret"), timeouts=timeouts)
    assert "secret" not in str(caught.value)
    return caught.value


async def leave(connection: Connection) -> None:
    connection.transport.abort()
    await asyncio.sleep(0.01)  # so that it is gone when the server's thread is waited for


def wanting_certificates(bench: Bench, version: ssl.TLSVersion, *, of: Authority | None = None) -> ssl.SSLContext:
    context = only(bench.context(), version)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=(of or bench.authority).ca.cert_pem.bytes().decode())
    return context


FAULTS: dict[str, tuple[Callable[[Bench], ssl.SSLContext], Obstacle, str]] = {
    "expired": (lambda bench: bench.context(expired=True), Obstacle.EXPIRED, "has expired"),
    "not yet": (
        lambda bench: self_signed(bench.folder, begins_in=timedelta(days=9))[0],
        Obstacle.SELF_SIGNED,  # OpenSSL asks for the signature first
        "is self-signed",
    ),
    "wrong name": (
        lambda bench: bench.context(*OTHER_NAMES),
        Obstacle.WRONG_NAME,
        "is for another name than localhost",
    ),
    "self-signed": (lambda bench: self_signed(bench.folder)[0], Obstacle.SELF_SIGNED, "is self-signed"),
    "stranger": (
        lambda _: Authority().server().context,
        Obstacle.UNKNOWN_AUTHORITY,
        "authority that is not trusted in",
    ),
    "1.0": (lambda bench: only(bench.context(), ssl.TLSVersion.TLSv1), Obstacle.TOO_OLD, "older than 1.2"),
    "1.1": (lambda bench: only(bench.context(), ssl.TLSVersion.TLSv1_1), Obstacle.TOO_OLD, "older than 1.2"),
    "certificate wanted, 1.2": (
        lambda bench: wanting_certificates(bench, ssl.TLSVersion.TLSv1_2),
        Obstacle.NO_CIPHER,  # one alert stands for both before TLS 1.3
        "or it wants a client certificate",
    ),
    "certificate wanted, 1.3": (
        lambda bench: wanting_certificates(bench, ssl.TLSVersion.TLSv1_3),
        Obstacle.CERTIFICATE_WANTED,
        "wants to see a client certificate",
    ),
}


@pytest.mark.parametrize("security", SECURED)
@pytest.mark.parametrize("fault", FAULTS)
async def test_c07_n10_f54_each_has_its_name_and_no_login_is_said(bench: Bench, security: Security, fault: str) -> None:
    make, obstacle, text = FAULTS[fault]
    with tls_peer(make(bench), implicit=security is Security.TLS) as peer:
        to = bench.endpoint(peer.port, security)
        error = await refused(to)
        assert peer.logins == 0
        assert not [line for line in peer.clear if line[:4].upper() in (b"AUTH", b"MAIL", b"DATA")]
    assert (error.obstacle, error.verdict.stage) == (obstacle, Stage.TLS)
    assert text in error.verdict.text
    assert judge(error.verdict).kind is Kind.HELD
    assert remedy(StepName.TLS, error.verdict, to, error.obstacle)


async def test_c07_a_certificate_that_is_not_valid_yet(bench: Bench) -> None:
    context, der = self_signed(bench.folder, begins_in=timedelta(days=9))
    own = bench.folder / "own.pem"
    own.write_text(ssl.DER_cert_to_PEM_cert(der))
    with tls_peer(context, implicit=True) as peer:
        error = await refused(bench.endpoint(peer.port, Security.TLS, ca=str(own)))
    assert (error.obstacle, "is not valid yet" in error.verdict.text) == (Obstacle.NOT_YET_VALID, True)


@pytest.mark.parametrize("security", SECURED)
async def test_c07_a_pinned_fingerprint_lets_that_certificate_through_and_no_other(
    bench: Bench, security: Security
) -> None:
    context, der = self_signed(bench.folder)
    pinned = hashlib.sha256(der).hexdigest()
    assert fingerprint_of(der) == pinned
    with tls_peer(context, implicit=security is Security.TLS) as peer:
        to = bench.endpoint(peer.port, security, ca="", fingerprint=pinned)
        connection = await connect(to, Credential.password("secret-secret"), timeouts=PATIENT)
        await leave(connection)
        assert peer.logins == 1
    # A good certificate by a trusted authority is another one all the same.
    with tls_peer(bench.context(), implicit=security is Security.TLS) as peer:
        error = await refused(bench.endpoint(peer.port, security, fingerprint=pinned))
        assert (peer.logins, peer.secured) == (0, [])
    assert error.obstacle is Obstacle.OTHER_FINGERPRINT
    assert with_colons(pinned) not in error.verdict.text
    assert error.verdict.text.count(":") > 31  # the one that was seen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_c07_a_client_certificate_is_shown_and_one_of_a_stranger_is_refused(
    bench: Bench, version: ssl.TLSVersion
) -> None:
    own = {"certificate": bench.certificate, "key": bench.key}
    with tls_peer(wanting_certificates(bench, version), implicit=True) as peer:
        connection = await connect(
            bench.endpoint(peer.port, Security.TLS, **own), Credential.password("x"), timeouts=PATIENT
        )
        await leave(connection)
        assert peer.logins == 1
        assert peer.shown == [ssl.PEM_cert_to_DER_cert(Path(bench.certificate).read_text())]
    with tls_peer(wanting_certificates(bench, version, of=Authority()), implicit=True) as peer:
        error = await refused(bench.endpoint(peer.port, Security.TLS, **own))
    assert error.obstacle is Obstacle.CERTIFICATE_REFUSED
    assert "does not take our client certificate" in error.verdict.text


@pytest.mark.parametrize("trust", [{"fingerprint": "ab" * 32}, {"ca": ""}], ids=["pinned", "by authority"])
async def test_c07_a_stranger_is_not_shown_our_own_certificate(bench: Bench, trust: dict[str, str]) -> None:
    """Before TLS 1.3 it goes over the wire in clear. Nor is it shown when a refused certificate is looked at again."""
    with tls_peer(wanting_certificates(bench, ssl.TLSVersion.TLSv1_2), implicit=True) as peer:
        to = bench.endpoint(
            peer.port, Security.TLS, **{"certificate": bench.certificate, "key": bench.key, **trust}
        )  # fmt: skip
        probe = await Prober(to, PATIENT, Transcript(), lambda _: None).run(Credential.password("secret-secret"))
        assert peer.shown == []
    assert probe.obstacle in (Obstacle.OTHER_FINGERPRINT, Obstacle.UNKNOWN_AUTHORITY)
    assert "localhost" in dict(probe.steps[-1].facts)["names"]


def test_a_certificate_that_nobody_can_read_has_its_fingerprint_all_the_same(bench: Bench) -> None:
    der = ssl.PEM_cert_to_DER_cert(Path(bench.certificate).read_text())
    for odd in (der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01", 1), der[:40], b"what?"):
        assert odd != der
        [(_, said), (_, fingerprint)] = certificate_facts([odd])
        assert (said, fingerprint) == ("it cannot be read", with_colons(fingerprint_of(odd)))


def _files(bench: Bench) -> Iterator[tuple[dict[str, str], Obstacle, str]]:
    empty, locked = bench.folder / "empty.pem", bench.folder / "locked.key"
    empty.write_text("nothing\n")
    other = bench.folder / "other.key"
    bench.authority.issue("other.test").private_key_pem.write_to_path(str(other))
    locked.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    certificate = bench.certificate
    yield {"ca": "/nowhere/ca.pem"}, Obstacle.UNREADABLE_CA, "No such file"
    yield {"ca": str(empty)}, Obstacle.UNREADABLE_CA, "no certificate in PEM form"
    yield {"certificate": "/nowhere/c.pem"}, Obstacle.UNREADABLE_CERTIFICATE, "/nowhere/c.pem cannot be read: No such"
    yield {"certificate": str(empty)}, Obstacle.UNREADABLE_CERTIFICATE, "no client certificate with its key"
    yield {"certificate": certificate, "key": "/nowhere/k"}, Obstacle.UNREADABLE_KEY, "/nowhere/k cannot be read"
    yield {"certificate": certificate, "key": str(other)}, Obstacle.UNREADABLE_KEY, "is not the one of"
    yield {"certificate": certificate, "key": str(locked)}, Obstacle.UNREADABLE_KEY, "passphrase"


def test_there_is_something_to_do_about_every_obstacle() -> None:
    for obstacle in Obstacle:
        at = Stage.AUTH if "method" in obstacle or "token" in obstacle or "login" in obstacle else Stage.TLS
        for security in Security:
            to = Endpoint("acme", "smtp.acme.test", 587, security, "anna")
            step = StepName.LOGIN if at is Stage.AUTH else StepName.TLS
            advice = remedy(step, Verdict.silence(at, "why"), to, obstacle)
            assert advice.endswith("."), obstacle


async def test_files_that_cannot_be_used_are_told_by_name_before_anybody_is_called(bench: Bench) -> None:
    for changed, obstacle, text in _files(bench):
        to = bench.endpoint(25, Security.TLS, **changed)
        error = await refused(to)
        assert (error.obstacle, text in error.verdict.text) == (obstacle, True), error.verdict.text
        advice = remedy(StepName.TLS, error.verdict, to, error.obstacle)
        assert next(iter(changed if len(changed) == 1 else ["key"])) in advice


HELLO: list[Move] = [
    Send(b"220 hi\r\n"),
    Expect(b"EHLO"),
    Send(b"250-x.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"),
    Expect(b"STARTTLS"),
]
ANSWERS: dict[str, tuple[list[Move], Obstacle, str]] = {
    "454": ([Send(b"454 4.7.0 not now\r\n"), Silence()], Obstacle.STARTTLS_REFUSED, "not now"),
    "502": ([Send(b"502 what\r\n"), Silence()], Obstacle.STARTTLS_REFUSED, "what"),
    "354": ([Send(b"354 go\r\n"), Silence()], Obstacle.STARTTLS_REFUSED, "go"),
    "250": ([Send(b"250 ok\r\n"), Silence()], Obstacle.STARTTLS_REFUSED, "ok"),
    "injected": ([Send(b"220 ready\r\n250 AUTH PLAIN\r\n"), Silence()], Obstacle.INJECTED, "in between"),
    "injected a moment later": (
        [Send(b"220 ready\r\n250-x.test\r\n250 AUTH PLAIN\r\n", chunk=11, pause=0.05), Silence()],
        Obstacle.NOT_TLS,
        "goes on in clear",
    ),
    "nothing": ([Send(b"220 ready\r\n"), Silence()], Obstacle.STALLED, "did not finish the TLS handshake"),
    "closed": ([Send(b"220 ready\r\n"), Close()], Obstacle.HUNG_UP, "hung up in the TLS handshake"),
    "closed at once": ([Close()], Obstacle.HUNG_UP, "hung up"),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_c05_c06_f52_f53_each_odd_answer_to_starttls_has_its_name(bench: Bench, answer: str) -> None:
    moves, obstacle, text = ANSWERS[answer]
    async with scripted_peer([*HELLO, *moves], strict=False) as peer:
        to = bench.endpoint(peer.port, Security.STARTTLS)
        error = await refused(to, BRIEF)
        for word in (b"AUTH", b"MAIL", b"c2VjcmV0"):
            assert word not in peer.received
    assert (error.obstacle, error.verdict.stage) == (obstacle, Stage.TLS)
    assert text in error.verdict.text
    assert remedy(StepName.TLS, error.verdict, to, error.obstacle)


@pytest.mark.parametrize(
    ("moves", "obstacle"),
    [
        ([Send(b"220 hi\r\n"), Silence()], Obstacle.NOT_TLS),
        ([Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Silence()], Obstacle.NOT_TLS),
        ([Silence()], Obstacle.STALLED),
        ([Close()], Obstacle.HUNG_UP),
    ],
    ids=["clear", "a web server", "silence", "closed"],
)
async def test_n10_what_answers_tls_from_the_first_byte_with_something_else(
    bench: Bench, moves: list[Move], obstacle: Obstacle
) -> None:
    async with scripted_peer(moves, strict=False) as peer:
        error = await refused(bench.endpoint(peer.port, Security.TLS), BRIEF)
        assert b"EHLO" not in peer.received
    assert error.obstacle is obstacle


@pytest.mark.parametrize(
    ("moves", "kind", "text"),
    [
        ([Send(b"421 4.7.0 too busy\r\n"), Silence()], Kind.REQUEUED, "too busy"),
        ([Send(b"450 4.7.0 wait\r\n"), Silence()], Kind.REQUEUED, "wait"),
        ([Send(b"554 caf\xe9\r\n"), Silence()], Kind.HELD, r"caf\xe9"),
        ([Send(b"what?\r\n"), Silence()], Kind.REQUEUED, "what?"),
        ([Close()], Kind.REQUEUED, "right after the TLS handshake"),
        ([Silence()], Kind.REQUEUED, "did not answer in time"),
    ],
)
async def test_f04_what_is_said_inside_tls_instead_of_a_greeting_is_no_trouble_with_tls(
    bench: Bench, moves: list[Move], kind: Kind, text: str
) -> None:
    """A server that is busy for a moment would else pause the campaign as one whose protection cannot be had."""
    async with scripted_peer(moves, strict=False, context=bench.context()) as peer:
        to = bench.endpoint(peer.port, Security.TLS)
        error = await refused(to, BRIEF)
    assert (error.verdict.stage, judge(error.verdict).kind) == (Stage.GREETING, kind)
    assert error.obstacle in (None, Obstacle.HUNG_UP)
    assert text in error.verdict.text
    assert "STARTTLS" not in remedy(StepName.GREETING, error.verdict, to, error.obstacle)


async def test_n10_what_breaks_inside_tls_is_the_connections_trouble(bench: Bench) -> None:
    async def garble(talk: Talk) -> None:
        await talk.send(b"220 hi\r\n")
        await talk.line()
        os.write(talk.writer.get_extra_info("socket").fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))  # no record
        await talk.rest()

    async with scripted_peer(garble, strict=False, context=bench.context()) as peer:
        error = await refused(bench.endpoint(peer.port, Security.TLS))
    assert (error.verdict.stage, judge(error.verdict).kind) == (Stage.EHLO, Kind.REQUEUED)
    assert "TLS with localhost" in error.verdict.text


@pytest.mark.parametrize("security", SECURED)
async def test_c07_a_name_with_its_last_dot_is_the_same_name(
    bench: Bench, security: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    context = bench.context("smtp.acme.test")
    context.sni_callback = lambda _, name, __: asked.append(name)
    with tls_peer(context, implicit=security is Security.TLS) as peer:
        place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
        to = dataclasses.replace(bench.endpoint(peer.port, security), host="smtp.acme.test.")
        await leave(await connect(to, Credential.password("x"), timeouts=PATIENT))
        assert asked == ["smtp.acme.test"]


@pytest.mark.parametrize("security", SECURED)
async def test_a_certificate_that_was_refused_is_shown_in_the_test_of_the_account(
    bench: Bench, security: Security
) -> None:
    async def tried(context: ssl.SSLContext, **more: Any) -> tuple[dict[str, str], TlsPeer]:
        told: list[Step] = []
        with tls_peer(context, implicit=security is Security.TLS) as peer:
            to = bench.endpoint(peer.port, security, **more)
            probe = await Prober(to, PATIENT, Transcript(), told.append).run(Credential.password("secret-secret"))
            assert (probe.ok, peer.logins, peer.secured) == (False, 0, [])
        assert told[-1].name is StepName.TLS
        return dict(told[-1].facts), peer

    facts, _ = await tried(bench.context(*OTHER_NAMES))
    assert facts["names"] == OTHER_NAMES[0]
    facts, _ = await tried(bench.context(expired=True))
    assert "days ago" in facts["valid until"]
    context, der = self_signed(bench.folder)
    facts, _ = await tried(context)
    assert facts["fingerprint"] == with_colons(fingerprint_of(der))
    facts, _ = await tried(context, fingerprint="ab" * 32)
    assert facts["fingerprint"] == with_colons(fingerprint_of(der))
    told: list[Step] = []
    with tls_peer(context, implicit=security is Security.TLS) as peer:
        to = bench.endpoint(peer.port, security, fingerprint=fingerprint_of(der))
        assert (await Prober(to, PATIENT, Transcript(), told.append).run(Credential.password("x"))).ok
    step = next(step for step in told if step.name is StepName.TLS)
    assert "the certificate is the pinned one" in step.text
    assert dict(step.facts)["names"] == "localhost"
