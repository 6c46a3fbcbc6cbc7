"""F-51 to F-55 with a whole list: a protection that cannot be had pauses the campaign before a byte of the login."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.gear import Gear
from mailtui.smtp.verdict import Stage
from tests.dispatch.bench import House
from tests.faults.matrix import HASTE
from tests.faults.server import FaultServer, Strike, said
from tests.servers.certificates import OTHER_NAMES, Authority
from tests.servers.openssl import only, self_signed, tls_peer
from tests.servers.scripted import Close, ScriptedPeer, Send, Silence, Step, Talk, scripted_peer

SIZE = 6


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(path))
    return str(path)


async def password(account: str) -> str:
    return "secret"


async def launch(house: House, port: int, ca: str, security: Security) -> Campaign:
    to = Endpoint("acme", "localhost", port, security, user="anna", ca=ca)
    return await house.launch(SIZE, port, SendPlan(workers=1), to=to)


async def is_held(house: House, campaign: Campaign, server: FaultServer, peer: ScriptedPeer) -> str:
    """Paused before anybody was told a secret or an address; the reason."""
    now = await house.reader.campaign(campaign.id)
    assert (now.state, now.held) == (CampaignState.PAUSED, True)
    assert (await house.counts(campaign)).queued == SIZE
    assert {row.attempts for row in (await house.rows(campaign)).values()} == {0}
    assert server.logins == 0
    assert not server.accepted
    for word in (b"AUTH", b"MAIL", b"secret", b"c2VjcmV0"):
        assert word not in peer.received
    return now.reason


async def goes_on(house: House, campaign: Campaign, server: FaultServer) -> None:
    """Once the server is well, everybody gets it, with the login said inside TLS only."""
    server.heal()
    await house.order(campaign, OrderKind.RESUME)
    await house.send(secrets=password)
    assert (await house.counts(campaign)).sent == SIZE
    assert {server.accepted[row] for row in await house.rows(campaign)} == {1}
    assert server.logins
    assert not server.login_in_clear


async def test_f51_c05_without_starttls_the_campaign_pauses_and_says_no_login(
    house: House, authority: Authority, ca: str
) -> None:
    server = FaultServer(Gear.CROSS, users=True)
    async with scripted_peer(server, strict=False) as peer:
        campaign = await launch(house, peer.port, ca, Security.STARTTLS)
        await house.send(secrets=password)
        assert "does not offer STARTTLS" in await is_held(house, campaign, server, peer)
        server.tls = authority.server().context
        await goes_on(house, campaign, server)


@pytest.mark.parametrize(
    "answer",
    [
        said(b"454 4.7.0 TLS not available for now"),
        said(b"502 5.5.1 what?"),
        said(b"354 go on"),
        said(b"250 ok"),
        (*said(b"220 ready", b"nonsense", b"250 hi"), Silence()),
        (Send(b"220 ready\r\n"), Send(b"220 ready\r\n"), Close()),
        (Send(b"what?\r\n"), Silence()),
        (Close(),),
    ],
    ids=["454", "502", "354", "250", "garbage", "twice", "no code", "closed"],
)
async def test_f52_c05_an_odd_answer_to_starttls_is_never_taken_for_leave_to_go_on_in_clear(
    house: House, authority: Authority, ca: str, answer: tuple[Step, ...]
) -> None:
    strike = Strike(Stage.TLS, answer, after=0, times=None)
    server = FaultServer(Gear.CROSS, (strike,), users=True, tls=authority.server().context)
    async with scripted_peer(server, strict=False) as peer:
        campaign = await launch(house, peer.port, ca, Security.STARTTLS)
        await house.send(scale=HASTE, secrets=password)
        assert await is_held(house, campaign, server, peer)
        assert server.struck
        if answer[0] == Send(b"454 4.7.0 TLS not available for now\r\n"):  # one stands for all
            await goes_on(house, campaign, server)


async def test_f53_c06_what_is_injected_behind_the_leave_to_begin_tls_is_not_believed(
    house: House, authority: Authority, ca: str
) -> None:
    """Nor is anything said to whoever injected it: the connection ends before the handshake."""
    injected = said(b"220 ready", b"250-fault.example", b"250-PIPELINING", b"250 SIZE 10")
    server = FaultServer(
        Gear.LOCKSTEP,
        (Strike(Stage.TLS, injected, effect=True, after=0, times=None),),
        users=True,
        tls=authority.server().context,
    )
    async with scripted_peer(server, strict=False) as peer:
        campaign = await launch(house, peer.port, ca, Security.STARTTLS)
        await house.send(secrets=password)
        assert "somebody may be in between" in await is_held(house, campaign, server, peer)


def _good(authority: Authority) -> ssl.SSLContext:
    return authority.server().context


def _expired(authority: Authority) -> ssl.SSLContext:
    return authority.server(expired=True).context


def _other_name(authority: Authority) -> ssl.SSLContext:
    return authority.server(*OTHER_NAMES).context


def _stranger(authority: Authority) -> ssl.SSLContext:
    return Authority().server().context


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize(
    ("context", "why"),
    [
        (_expired, "has expired"),
        (_other_name, "is for another name than localhost"),
        (_stranger, "signed by an authority that is not trusted in"),
    ],
)
async def test_f54_n10_c07_a_certificate_or_version_that_proves_nothing_pauses_with_its_own_reason(
    house: House,
    authority: Authority,
    ca: str,
    security: Security,
    context: Callable[[Authority], ssl.SSLContext],
    why: str,
) -> None:
    bad = context(authority)
    server = FaultServer(Gear.CROSS, users=True, tls=bad if security is Security.STARTTLS else None)
    implicit = bad if security is Security.TLS else None
    async with scripted_peer(server, strict=False, context=implicit) as peer:
        campaign = await launch(house, peer.port, ca, security)
        await house.send(secrets=password)
        reason = await is_held(house, campaign, server, peer)
        assert why.lower() in reason.lower()
        if security is Security.STARTTLS and "expired" in why:  # one stands for all
            server.tls = _good(authority)
            await goes_on(house, campaign, server)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("fault", ["self-signed", "1.0", "1.1"])
async def test_f54_n10_c07_openssl_itself_shows_what_nobody_should_accept(
    house: House, authority: Authority, ca: str, security: Security, fault: str, tmp_path: Path
) -> None:
    if fault == "self-signed":
        context, _ = self_signed(tmp_path)
    else:
        version = ssl.TLSVersion.TLSv1 if fault == "1.0" else ssl.TLSVersion.TLSv1_1
        context = only(_good(authority), version)
    with tls_peer(context, implicit=security is Security.TLS) as peer:
        campaign = await launch(house, peer.port, ca, security)
        await house.send(secrets=password)
        now = await house.reader.campaign(campaign.id)
        assert (now.state, now.held) == (CampaignState.PAUSED, True)
        assert ("is self-signed" if fault == "self-signed" else "versions of TLS older than 1.2") in now.reason
        assert peer.secured == []
        assert {line[:4] for line in peer.clear} == ({b"EHLO", b"STAR"} if security is Security.STARTTLS else set())


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_f54_n10_a_handshake_that_stalls_pauses_too(
    house: House, authority: Authority, ca: str, security: Security
) -> None:
    stage = Stage.TLS if security is Security.STARTTLS else Stage.GREETING
    deed = (Send(b"220 ready\r\n"), Silence()) if security is Security.STARTTLS else (Silence(),)
    server = FaultServer(
        Gear.CROSS, (Strike(stage, deed, after=0, times=None),), users=True, tls=authority.server().context
    )
    async with scripted_peer(server, strict=False) as peer:
        campaign = await launch(house, peer.port, ca, security)
        await house.send(scale=HASTE, secrets=password)
        await is_held(house, campaign, server, peer)


@pytest.mark.parametrize("gear", [Gear.LOCKSTEP, Gear.CROSS])
async def test_f55_a_connection_cut_inside_tls_after_the_dot_leaves_one_in_doubt(
    house: House, authority: Authority, ca: str, gear: Gear
) -> None:
    async def cut(talk: Talk) -> None:
        talk.writer.transport.abort()  # no close_notify

    server = FaultServer(gear, (Strike(Stage.DOT, cut, after=2),), users=True)
    async with scripted_peer(server, strict=False, context=_good(authority)) as peer:
        campaign = await launch(house, peer.port, ca, Security.TLS)
        for _ in range(2):
            await house.send(secrets=password)
            counts = await house.counts(campaign)
            assert (counts.sent, counts.unknown) == (SIZE - 1, 1)
        assert max(server.ended.values()) == 1
        [(_, doubtful)] = server.struck
        assert (await house.rows(campaign))[doubtful].state == "unknown"
