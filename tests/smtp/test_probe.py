"""Trying a server out: every step is told, a failure with what to do, and nothing secret is ever in a transcript."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mailtui.kit.hidden import HIDDEN
from mailtui.sandbox.faults import Action, FaultRule, Faults
from mailtui.sandbox.faults import Stage as FaultStage
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.connect import connect
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.gear import Gear, GearChoice
from mailtui.smtp.job import Job
from mailtui.smtp.opening import open_session
from mailtui.smtp.probe import Envelope, Probe, Prober
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.transcript import Direction, Transcript, tapped
from mailtui.smtp.watched import Step, StepName
from tests.servers.aiosmtpd_server import PASSWORD, USER, Authority, aiosmtpd_server
from tests.servers.aiosmtpd_server import Security as ServerSecurity
from tests.servers.programs import free_port
from tests.servers.scripted import Close, Expect, Send, Silence, scripted_peer
from tests.servers.scripted import Step as Move
from tests.smtp.bench import Owner, job, message

QUICK = Timeouts(connect=5.0, greeting=1.0, command=5.0, data=5.0, block=5.0, dot=5.0, quit=0.2)
KINDS = {kind: ServerSecurity(kind.value) for kind in Security}


def endpoint(port: int, security: Security = Security.PLAIN, *, host: str = "localhost", **more: Any) -> Endpoint:
    return Endpoint("acme", host, port, security, helo="sender.example", **more)


async def tried(
    to: Endpoint, password: str | None = None, *, timeouts: Timeouts = QUICK, **more: Any
) -> tuple[Probe, Transcript]:
    """Try it out; what was told on the way is what came of it."""
    transcript, told = Transcript(), list[Step]()
    if password:
        transcript.hide(password)
    probe = await Prober(to, timeouts, transcript, told.append).run(
        Credential.password(password) if password else None, **more
    )
    assert tuple(told) == probe.steps
    return probe, transcript


def names(probe: Probe) -> list[str]:
    return [str(step.name) for step in probe.steps]


def spoken(transcript: Transcript, direction: Direction) -> list[str]:
    return [line.text for line in transcript.lines if line.direction is direction]


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> str:
    return str(authority.write_pem(tmp_path / "ca.pem"))


@pytest.mark.parametrize(
    ("security", "way"),
    [
        (Security.TLS, ["name", "connect", "tls", "greeting", "ehlo", "login", "gear"]),
        (Security.STARTTLS, ["name", "connect", "greeting", "ehlo", "tls", "ehlo", "login", "gear"]),
    ],
)
async def test_the_whole_way_with_tls_and_a_login(
    authority: Authority, ca: str, security: Security, way: list[str]
) -> None:
    with aiosmtpd_server(authority, security=KINDS[security], auth=True) as server:
        probe, transcript = await tried(endpoint(server.port, security, user=USER, ca=ca), PASSWORD)
        assert server.taken == []  # nothing is sent unasked
    assert probe.ok
    assert names(probe) == way
    steps = {step.name: step for step in probe.steps}
    facts = dict(steps[StepName.TLS].facts)
    assert facts["protocol"].startswith("TLSv1.")
    assert facts["names"] == "localhost, 127.0.0.1"
    assert "Testing CA" in facts["issuer"]
    assert "days left" in facts["valid until"]
    assert f"as {USER} with PLAIN" in steps[StepName.LOGIN].text
    offered = dict(steps[StepName.EHLO].facts)
    assert offered["SIZE"] == "mails up to 33,554,432 bytes"
    assert offered["HELP"] == "not used"
    assert probe.choice == GearChoice(Gear.LOCKSTEP, 1, "the server offers no PIPELINING")
    assert all(step.seconds is not None for step in probe.steps[:-1])
    assert f"AUTH PLAIN {HIDDEN}" in spoken(transcript, Direction.SAID)
    assert spoken(transcript, Direction.SAID)[-1] == "QUIT"
    assert any("gear lockstep" in text for text in spoken(transcript, Direction.NOTED))
    assert ("STARTTLS" in spoken(transcript, Direction.SAID)) == (security is Security.STARTTLS)


async def test_the_chain_is_named_up_to_who_is_trusted(authority: Authority, ca: str) -> None:
    between = authority.ca.create_child_ca()
    with aiosmtpd_server(Authority(between), security=ServerSecurity.TLS) as server:
        probe, _ = await tried(endpoint(server.port, Security.TLS, ca=ca))
    facts = dict(next(step for step in probe.steps if step.name is StepName.TLS).facts)
    assert facts["chain"].count("Testing CA") == 2
    assert facts["chain"].startswith(f"{facts['issuer']} (until 3000-01-01), signed by ")


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_wrong_password_is_told_with_what_to_do(authority: Authority, ca: str, security: Security) -> None:
    with aiosmtpd_server(authority, security=KINDS[security], auth=True) as server:
        probe, _ = await tried(endpoint(server.port, security, user=USER, ca=ca), "wrong")
    last = probe.steps[-1]
    assert (last.name, last.ok) == (StepName.LOGIN, False)
    assert "535 5.7.8" in last.text
    assert USER in last.advice and "the password" in last.advice
    assert probe.choice is None


async def test_what_fails_is_told_at_its_step(authority: Authority, ca: str) -> None:
    closed, _ = await tried(endpoint(free_port()))
    assert (names(closed)[-1], "connection refused" in closed.steps[-1].text) == ("connect", True)
    assert "No program listens" in closed.steps[-1].advice
    assert "delivers nothing: mailtui sandbox" in closed.steps[-1].advice
    nowhere, _ = await tried(endpoint(25, host="nothing.invalid"))
    assert names(nowhere) == ["name"]
    assert "host:" in nowhere.steps[-1].advice
    with aiosmtpd_server(authority, security=ServerSecurity.TLS) as server:
        stranger, _ = await tried(endpoint(server.port, Security.TLS))
        assert (names(stranger)[-1], "ca:" in stranger.steps[-1].advice) == ("tls", True)
        soon = dataclasses.replace(QUICK, greeting=0.5)
        waiting, _ = await tried(endpoint(server.port, Security.STARTTLS, ca=ca), timeouts=soon)
        assert (names(waiting)[-1], "security: tls" in waiting.steps[-1].advice) == ("greeting", True)
    with aiosmtpd_server(authority) as server:
        bare, _ = await tried(endpoint(server.port, Security.STARTTLS, ca=ca))
        assert (names(bare)[-1], "does not offer STARTTLS" in bare.steps[-1].text) == ("tls", True)
        early, _ = await tried(endpoint(server.port, Security.TLS, ca=ca))
        assert (names(early)[-1], "STARTTLS" in early.steps[-1].advice) == ("tls", True)
    unreadable, _ = await tried(endpoint(25, Security.TLS, ca="/nowhere/ca.pem"))
    assert (names(unreadable), "ca:" in unreadable.steps[-1].advice) == (["tls"], True)


@pytest.mark.parametrize("method", [b"PLAIN", b"LOGIN", b"CRAM-MD5"])
async def test_nothing_of_a_login_is_in_the_transcript_even_if_the_server_says_it_back(method: bytes) -> None:
    secret = "hunter2-hunter2"
    coded = base64.b64encode(secret.encode())
    rounds = {b"PLAIN": 0, b"LOGIN": 1, b"CRAM-MD5": 1}[method]
    script: list[Move] = [
        Send(b"220 hi\r\n"),
        Expect(b"EHLO"),
        Send(b"250-x.test\r\n250 AUTH %b\r\n" % method),
        Expect(b"AUTH"),
    ]
    for _ in range(rounds):
        script += [Send(b"334 " + coded + b"\r\n"), Expect(b"")]
    script += [Send(b"535 5.7.8 not " + secret.encode() + b" or " + coded + b" of me@x.test\r\n"), Silence()]
    async with scripted_peer(script, strict=False) as peer:
        probe, transcript = await tried(endpoint(peer.port, user="me@x.test"), secret)
        received = peer.received
    assert b"AUTH " + method in received
    everything = " ".join([*(line.text for line in transcript.lines), *(step.text for step in probe.steps)])
    assert "hunter2" not in everything
    assert coded.decode() not in everything
    for word in received.split():  # what was said after AUTH
        if len(word) > 12 and word not in (b"sender.example",):
            assert word.decode() not in everything
    assert "me@x.test" not in " ".join(line.text for line in transcript.lines)
    assert f"535 5.7.8 not {HIDDEN} or {HIDDEN} of …@x.test" in spoken(transcript, Direction.HEARD)


async def test_a_window_is_what_chunking_allows_and_a_mail_goes_only_when_asked_for(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "box") as server:
        wide, _ = await tried(endpoint(server.port), window=8)
        assert wide.choice == GearChoice(Gear.CHUNKED, 8, "window 8 asked for, and the server offers CHUNKING")
        narrow, _ = await tried(endpoint(server.port))
        assert narrow.choice is not None and narrow.choice.gear is Gear.CROSS
        assert "up to 64" in dict(narrow.steps[-1].facts)["window"]
        assert server.counters.accepted == 0
        data = b"Subject: hi\r\n\r\nAUTH of nobody\r\n.dot\r\n"
        sent, transcript = await tried(
            endpoint(server.port), job=lambda able: Job("news@acme.test", "me@x.test", data, able, None)
        )
        assert server.counters.accepted == 1
    assert (sent.ok, sent.steps[-1].name) == (True, StepName.MAIL)
    said = spoken(transcript, Direction.SAID)
    assert [text.split(" ")[0] for text in said] == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert said[2] == "RCPT TO:<…@x.test>"
    assert any("bytes of message, and the dot" in text for text in spoken(transcript, Direction.NOTED))


ASKED = Envelope("news@acme.test", "me@x.test")


async def asked(folder: Path, *rules: FaultRule, envelope: Envelope = ASKED) -> tuple[Probe, Transcript, list[str]]:
    """What came of naming sender and recipient, and the verbs that were said; nothing was sent."""
    async with SandboxServer(folder, faults=Faults(rules)) as server:
        probe, transcript = await tried(endpoint(server.port), envelope=envelope)
        assert server.counters.accepted == 0
        assert not {b"DATA", b"BDAT"} & set(server.counters.commands)
    return probe, transcript, [text.split(" ")[0] for text in spoken(transcript, Direction.SAID)]


async def test_a_sender_and_a_recipient_are_named_and_taken_back(tmp_path: Path) -> None:
    probe, transcript, verbs = await asked(tmp_path / "box")
    assert (probe.ok, probe.verdict) == (True, None)
    assert names(probe)[-3:] == ["gear", "sender", "recipient"]
    assert [step.text for step in probe.steps[-2:]] == [
        "may send as news@acme.test: 250 2.1.0 Ok",
        "may write to me@x.test: 250 2.1.5 Ok",
    ]
    assert verbs == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]
    assert "MAIL FROM:<…@acme.test>" in spoken(transcript, Direction.SAID)
    _, _, verbs = await asked(tmp_path / "utf8", envelope=Envelope("grüße@acme.test", "me@x.test"))
    assert verbs == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]


async def test_what_a_server_says_back_of_a_password_or_cannot_be_told_at_all_is_in_no_verdict() -> None:
    offers: list[Move] = [
        Send(b"220 h\xef\r\n"),
        Expect(b"EHLO"),
        Send(b"250-x\xef\r\n250-AUTH PLAIN\r\n250-\xef\r\n250 AUTH=PLAIN\r\n"),
    ]
    login: list[Move] = [Expect(b"AUTH"), Send(b"235 ok\r\n")]
    refusal: list[Move] = [
        Expect(b"MAIL"),
        Send(b"550 not with caf\xe9 hunter2-hunter2\r\n"),
        Expect(b"RSET"),
        Send(b"250 ok\r\n"),
    ]
    async with scripted_peer([*offers, *login, *refusal, Close()], strict=False) as peer:
        to = endpoint(peer.port, user="anna")
        probe, transcript = await tried(to, "hunter2-hunter2", envelope=ASKED)
    shown = [step.text for step in probe.steps] + [name for step in probe.steps for name, _ in step.facts]
    assert "".join(
        [*shown, *(line.text for line in transcript.lines)]
    ).encode()  # no half of a character, as JSON has it
    assert probe.verdict is not None
    assert probe.verdict.text == r"not with caf\xe9 (hidden)"
    assert "the server offers PLAIN" in next(step.text for step in probe.steps if step.name is StepName.LOGIN)
    assert "PLAIN, PLAIN" not in str(probe.steps[-3].text)
    taken: list[Move] = [Expect(b"MAIL"), Send(b"250 ok\r\n")]
    for before, envelope in (
        (list[Move](), Envelope("grüße@acme.test", "me@x.test")),
        (taken, Envelope("me@x.test", "grüße@acme.test")),
    ):
        moves = [*offers[:2], Send(b"250 x.test\r\n"), *before, Expect(b"RSET"), Send(b"250 ok\r\n"), Close()]
        async with scripted_peer(moves, strict=False) as peer:
            probe, _ = await tried(endpoint(peer.port), envelope=envelope)
            assert "grüße".encode() not in peer.received
        assert "does not offer SMTPUTF8" in probe.steps[-1].text


@pytest.mark.parametrize(
    ("rule", "step", "said", "advice"),
    [
        (
            FaultRule(FaultStage.MAIL, Action.REPLY, b"550 5.7.60 not owned by user\r\n"),
            "sender",
            "5.7.60",
            "From address",
        ),
        (FaultRule(FaultStage.RCPT, Action.REPLY, b"550 5.1.1 no such user\r\n"), "recipient", "5.1.1", "--to ADDRESS"),
        (FaultRule(FaultStage.RCPT, Action.REPLY, b"451 4.7.1 later\r\n"), "recipient", "4.7.1", "try again by itself"),
        (FaultRule(FaultStage.MAIL, Action.REPLY, b"451 4.3.0 later\r\n"), "sender", "4.3.0", "try again by itself"),
        (FaultRule(FaultStage.MAIL, Action.REPLY, b"what?\r\n"), "sender", "no reply of a mail", "some minutes"),
        (FaultRule(FaultStage.RCPT, Action.DROP), "recipient", "closed the connection", "some minutes"),
    ],
)
async def test_what_a_server_has_against_them_is_the_last_step(
    tmp_path: Path, rule: FaultRule, step: str, said: str, advice: str
) -> None:
    probe, _, verbs = await asked(tmp_path / "box", rule)
    last = probe.steps[-1]
    assert (str(last.name), last.ok, said in last.text, advice in last.advice) == (step, False, True, True), last
    assert probe.verdict is not None
    assert probe.choice is not None
    closed = rule.action is Action.DROP
    assert verbs[-1] == ("RCPT" if closed else "QUIT")
    assert ("RSET" in verbs) == (not closed)


@pytest.mark.parametrize("gear", list(Gear))
async def test_a_tapped_connection_sends_the_same_in_every_gear(tmp_path: Path, gear: Gear) -> None:
    """The tap tells commands from messages, however they are written together, and changes no byte."""
    bodies = [message(number) + b"RCPT TO:<nobody@x.test>\r\n.\r\nQUIT\r\n" for number in range(5)]
    async with SandboxServer(tmp_path / "box") as server:
        transcript = Transcript()
        connection = tapped(await connect(endpoint(server.port), None, timeouts=QUICK), transcript)
        owner = Owner([job(number, data=body) for number, body in enumerate(bodies)], finish=True)
        session = open_session(owner, connection.capabilities, GearChoice(gear, 3), QUICK)
        owner.session = session
        session.start(connection.transport)
        await owner.wait_ended(20)
        assert [owner.outcome(number) for number in range(5)] == ["settled 250"] * 5
        assert server.counters.accepted == 5
    said = [text.split(" ")[0] for text in spoken(transcript, Direction.SAID)]
    assert (said.count("MAIL"), said.count("RCPT"), said.count("QUIT")) == (5, 5, 1)
    assert len([text for text in spoken(transcript, Direction.NOTED) if "bytes of message" in text]) == 5
    assert "nobody@" not in str(transcript.lines)
