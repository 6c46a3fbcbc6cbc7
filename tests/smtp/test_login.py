"""Logging in: which way is taken, that it is taken once, and the bytes of each (C-04, C-08, R-05, F-09, F-10)."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Any

import pytest

from mailtui.kit.hidden import HIDDEN, shapes_of
from mailtui.smtp.connect import NotConnected, connect
from mailtui.smtp.credential import Credential, Kind
from mailtui.smtp.endpoint import AuthMethod, Endpoint, Security, TokenGrant
from mailtui.smtp.login import choose
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.probe import Prober
from mailtui.smtp.sasl import Login, OAuthBearer
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.transcript import Transcript
from mailtui.smtp.verdict import Kind as Fate
from mailtui.smtp.verdict import Stage, judge
from mailtui.smtp.watched import Step as Shown
from tests.servers.scripted import Close, Expect, Send, Silence, Step, scripted_peer

QUICK = Timeouts(connect=2.0, greeting=3.0, command=0.3)
ANNA = "anna@sender.example"
PASSWORD = Credential.password("pä$$ wörd")
TOKEN = Credential.token("ya29.short-token")
ALL = ("plain", "login", "cram-md5", "xoauth2", "oauthbearer")


def endpoint(port: int = 587, security: Security = Security.PLAIN, **more: Any) -> Endpoint:
    return Endpoint("acme", more.pop("host", "127.0.0.1"), port, security, ANNA, helo="sender.example", **more)


def coded(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def offering(methods: bytes) -> list[Step]:
    return [Send(b"220 hi\r\n"), Expect(b"EHLO"), Send(b"250-x.test\r\n250 AUTH " + methods + b"\r\n")]


async def logged_in(credential: Credential, *moves: Step, offers: bytes, **more: Any) -> bytes:
    """Everything that was said to a server that plays these moves and takes the login."""
    async with scripted_peer([*offering(offers), *moves, Send(b"235 2.7.0 welcome\r\n"), Silence()]) as peer:
        connection = await connect(endpoint(peer.port, **more), credential, timeouts=QUICK)
        connection.transport.abort()
        return peer.received


async def refused(
    credential: Credential | None, *moves: Step, offers: bytes, **more: Any
) -> tuple[NotConnected, bytes]:
    async with scripted_peer([*offering(offers), *moves, Silence()]) as peer:
        with pytest.raises(NotConnected) as caught:
            await connect(endpoint(peer.port, **more), credential, timeouts=QUICK)
        await asyncio.sleep(0.01)
        assert caught.value.verdict.stage is Stage.AUTH
        if credential is not None:
            assert credential.secret not in repr(caught.value) + repr(caught.value.verdict)
        return caught.value, peer.received


# which way


@pytest.mark.parametrize(
    ("credential", "security", "auth", "offers", "taken"),
    [
        (PASSWORD, Security.TLS, "auto", ALL, "plain"),
        (PASSWORD, Security.STARTTLS, "auto", ("xoauth2", "cram-md5", "login"), "login"),
        (PASSWORD, Security.PLAIN, "auto", ALL, "cram-md5"),
        (PASSWORD, Security.TLS, "cram-md5", ALL, "cram-md5"),
        (TOKEN, Security.TLS, "auto", ALL, "xoauth2"),
        (TOKEN, Security.TLS, "auto", ("plain", "oauthbearer"), "oauthbearer"),
        (TOKEN, Security.TLS, "oauthbearer", ALL, "oauthbearer"),
        (PASSWORD, Security.TLS, "auto", ("gssapi", "xoauth2"), Obstacle.NO_LOGIN),
        (PASSWORD, Security.TLS, "auto", (), Obstacle.NO_LOGIN),
        (TOKEN, Security.TLS, "auto", ("plain", "login"), Obstacle.NO_LOGIN),
        (PASSWORD, Security.TLS, "login", ("plain",), Obstacle.NO_SUCH_METHOD),
        (PASSWORD, Security.TLS, "xoauth2", ALL, Obstacle.NO_SUCH_METHOD),
        (TOKEN, Security.TLS, "plain", ALL, Obstacle.NO_SUCH_METHOD),
        (TOKEN, Security.PLAIN, "auto", ALL, Obstacle.IN_CLEAR),
    ],
)
def test_what_the_server_offers_and_what_the_account_has(
    credential: Credential, security: Security, auth: str, offers: tuple[str, ...], taken: str | Obstacle
) -> None:
    to = endpoint(security=security, host="smtp.acme.test", auth=AuthMethod(auth))
    if isinstance(taken, Obstacle):
        with pytest.raises(NotConnected) as caught:
            choose(to, credential, offers)
        assert caught.value.obstacle is taken
        assert judge(caught.value.verdict).kind is Fate.HELD
    else:
        assert choose(to, credential, offers) is AuthMethod(taken)


async def test_r05_a_method_that_is_not_offered_is_not_replaced_by_another() -> None:
    error, said = await refused(PASSWORD, offers=b"PLAIN LOGIN", auth=AuthMethod.CRAM_MD5)
    assert b"AUTH" not in said
    assert "does not offer CRAM-MD5" in error.verdict.text


@pytest.mark.parametrize("method", [b"PLAIN", b"LOGIN", b"CRAM-MD5", b"XOAUTH2", b"OAUTHBEARER"])
async def test_f09_r05_a_refusal_is_not_followed_by_a_second_try_and_tells_no_secret(method: bytes) -> None:
    """Servers say back what they were told, in whatever form: none of it is in the verdict."""
    credential = TOKEN if b"OAUTH" in method else Credential.password("hunter2-hunter2")
    echo = b"535 5.7.8 no " + credential.secret.encode() + b" " + coded(f"\0{ANNA}\0{credential.secret}") + b"\r\n"
    rounds = {b"LOGIN": 2, b"CRAM-MD5": 1}.get(method, 0)
    moves: list[Step] = [Expect(b"AUTH " + method)]
    for _ in range(rounds):
        moves += [Send(b"334 " + coded("<1@x.test>") + b"\r\n"), Expect()]
    error, said = await refused(
        credential, *moves, Send(echo), offers=b"PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER",
        auth=AuthMethod(method.decode().lower()),
    )  # fmt: skip
    assert said.count(b"\r\nAUTH ") == 1
    assert (error.verdict.code, error.verdict.enhanced) == (535, "5.7.8")
    assert HIDDEN in error.verdict.text
    for shape in shapes_of(credential.secret):
        assert shape not in error.verdict.text
    assert error.obstacle is (Obstacle.TOKEN_REFUSED if credential.kind is Kind.TOKEN else None)


# the bytes


async def test_the_bytes_of_each_login() -> None:
    secret = PASSWORD.secret
    said = await logged_in(PASSWORD, Expect(b"AUTH PLAIN"), offers=b"PLAIN")
    assert said.endswith(b"AUTH PLAIN " + coded(f"\0{ANNA}\0{secret}") + b"\r\n")
    ask = (Send(b"334 VXNlcm5hbWU6\r\n"), Expect(), Send(b"334 \r\n"), Expect())
    said = await logged_in(PASSWORD, Expect(b"AUTH LOGIN\r\n"), *ask, offers=b"LOGIN")
    assert said.endswith(b"\r\n" + coded(ANNA) + b"\r\n" + coded(secret) + b"\r\n")
    # RFC 2195 section 2: the example of the standard itself
    challenge = "<1896.697170952@postoffice.reston.mci.net>"
    tim = Endpoint("acme", "127.0.0.1", 25, Security.PLAIN, "tim", helo="sender.example")
    script = [*offering(b"CRAM-MD5"), Expect(b"AUTH CRAM-MD5\r\n"), Send(b"334 " + coded(challenge) + b"\r\n")]
    async with scripted_peer([*script, Expect(), Send(b"235 ok\r\n"), Silence()]) as peer:
        to = Endpoint(tim.account, tim.host, peer.port, tim.security, tim.user, helo=tim.helo)
        connection = await connect(to, Credential.password("tanstaaftanstaaf"), timeouts=QUICK)
        connection.transport.abort()
        assert peer.received.endswith(b"\r\n" + coded("tim b913a602c7eda7a495b4e6e7334d3890") + b"\r\n")
    said = await logged_in(TOKEN, Expect(b"AUTH XOAUTH2 "), offers=b"XOAUTH2")
    assert said.endswith(b" " + coded(f"user={ANNA}\x01auth=Bearer {TOKEN.secret}\x01\x01") + b"\r\n")


async def test_rfc_7628_the_bytes_of_oauthbearer_with_a_name_that_has_to_be_escaped() -> None:
    async with scripted_peer(
        [*offering(b"OAUTHBEARER"), Expect(b"AUTH OAUTHBEARER "), Send(b"235 ok\r\n"), Silence()]
    ) as peer:
        to = Endpoint("acme", "127.0.0.1", peer.port, Security.PLAIN, "a,b=c@x.test", helo="sender.example")
        connection = await connect(to, TOKEN, timeouts=QUICK)
        connection.transport.abort()
        given = base64.b64decode(peer.received.split()[-1]).decode()
    head = f"n,a=a=2Cb=3Dc@x.test,\x01host=127.0.0.1\x01port={peer.port}"
    assert given == f"{head}\x01auth=Bearer {TOKEN.secret}\x01\x01"


async def test_rfc_4954_a_long_token_goes_on_a_line_of_its_own_and_one_that_is_too_long_nowhere() -> None:
    for length, own_line in ((250, False), (400, True), (8_000, True)):
        token = Credential.token("t" * length)
        asked = (Expect(b"AUTH XOAUTH2\r\n"), Send(b"334 \r\n"), Expect()) if own_line else (Expect(b"AUTH XOAUTH2 "),)
        said = await logged_in(token, *asked, offers=b"XOAUTH2")
        lines = said.split(b"\r\n")
        assert len(next(line for line in lines if line.startswith(b"AUTH"))) <= 510
        assert base64.b64decode(lines[-2].split()[-1]).count(b"t" * length) == 1
    error, said = await refused(Credential.token("t" * 10_000), offers=b"XOAUTH2")
    assert b"AUTH" not in said
    assert (error.obstacle, "12,288" in error.verdict.text) == (Obstacle.UNFIT_SECRET, True)


# what a server says instead


@pytest.mark.parametrize(("method", "answer"), [(b"XOAUTH2", b"\r\n"), (b"OAUTHBEARER", b"AQ==\r\n")])
async def test_c08_f10_the_error_of_a_token_is_read_and_answered_as_the_standards_say(
    method: bytes, answer: bytes
) -> None:
    error = {"status": "invalid_token", "schemes": "Bearer", "scope": f"mail of {TOKEN.secret}"}
    challenge = Send(b"334 " + coded(json.dumps(error)) + b"\r\n")
    end = Send(b"535 5.7.8 Username and Password not accepted\r\n")
    asked = Expect(b"AUTH " + method)
    caught, said = await refused(TOKEN, asked, challenge, Expect(answer), end, offers=method)
    assert said.endswith(b"\r\n" + answer)
    assert (caught.verdict.code, caught.obstacle) == (535, Obstacle.TOKEN_REFUSED)
    assert "status invalid_token" in caught.verdict.text
    assert judge(caught.verdict).kind is Fate.HELD
    # One that hangs up, or says no more, has said enough.
    for last in (Close(), Silence()):
        caught, _ = await refused(TOKEN, asked, challenge, Expect(answer), last, offers=method)
        assert (caught.verdict.code, caught.obstacle) == (334, Obstacle.TOKEN_REFUSED)
        assert "status invalid_token" in caught.verdict.text
        assert judge(caught.verdict).kind is Fate.HELD


@pytest.mark.parametrize("said", [b"[" * 20_000, b"\xff\x00", b"7", b'{"status": {"a": "\\n\\u001b"}}', b""])
def test_whatever_a_server_says_of_a_token_is_no_more_than_words(said: bytes) -> None:
    mechanism = OAuthBearer(Login("anna", "token", "x.test", 587))
    assert mechanism.answer(said) == b"\x01"
    assert mechanism.refusal.startswith("the token is refused")
    assert mechanism.refusal.isprintable()
    assert mechanism.answer(said) is None


async def test_f10_a_login_that_is_put_off_says_nothing_against_the_token() -> None:
    later = Send(b"454 4.7.0 Temporary authentication failure\r\n")
    error, _ = await refused(TOKEN, Expect(b"AUTH XOAUTH2"), later, offers=b"XOAUTH2")
    assert (error.verdict.code, error.obstacle) == (454, None)
    assert judge(error.verdict).kind is Fate.REQUEUED


async def test_f10_a_challenge_that_nobody_expects_is_given_up_with_an_asterisk() -> None:
    for challenge in (b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n", b"334 no base64!\r\n"):
        moves = (Expect(b"AUTH PLAIN"), Send(challenge), Expect(b"*\r\n"), Send(b"501 5.7.0 cancelled\r\n"))
        error, _ = await refused(PASSWORD, *moves, offers=b"PLAIN")
        assert (error.verdict.code, error.obstacle) == (334, Obstacle.ODD_CHALLENGE)
        assert judge(error.verdict).kind is Fate.HELD


async def test_f10_c04_what_is_no_reply_to_a_login_is_not_repeated_and_says_nothing_against_the_password() -> None:
    secret = Credential.password("hunter2-hunter2")
    echo = b"what is hunter2-hunter2, " + coded(f"\0{ANNA}\0{secret.secret}") + b"?\r\n"
    error, _ = await refused(secret, Expect(b"AUTH"), Send(echo), offers=b"PLAIN")
    assert error.obstacle is Obstacle.ODD_CHALLENGE
    assert judge(error.verdict).kind is Fate.HELD
    assert error.__cause__ is None
    for shape in shapes_of(secret.secret):
        assert shape not in error.verdict.text


async def test_names_and_passwords_that_no_login_can_say() -> None:
    error, said = await refused(Credential.password("a\0b"), offers=b"PLAIN")
    assert (error.obstacle, b"AUTH" in said) == (Obstacle.UNFIT_SECRET, False)
    for method in (b"PLAIN", b"LOGIN", b"CRAM-MD5"):  # a byte of another encoding, as the environment hands it over
        error, said = await refused(Credential.password("caf\udce9"), offers=method)
        assert (error.obstacle, b"AUTH" in said, error.__cause__) == (Obstacle.UNFIT_SECRET, False, None)
    error, said = await refused(Credential.token("two words\r\n"), offers=b"OAUTHBEARER")
    assert (error.obstacle, b"AUTH" in said) == (Obstacle.UNFIT_SECRET, False)
    error, said = await refused(None, offers=b"PLAIN")
    assert (error.obstacle, b"AUTH" in said) == (Obstacle.UNFIT_SECRET, False)


# nothing is shown


@pytest.mark.parametrize("method", ["cram-md5", "xoauth2", "oauthbearer"])
async def test_c04_neither_tokens_nor_proofs_are_in_transcript_steps_or_logs(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Even where the server says all of it back, decoded or not."""
    caplog.set_level(logging.DEBUG)
    credential = (
        Credential.password("hunter2-hunter2") if method == "cram-md5" else Credential.token("ya29." + "x" * 40)
    )

    async def serve(talk: Any) -> None:
        await talk.play_some(offering(method.upper().encode()))
        line = (await talk.line()).split()
        if method == "cram-md5":
            await talk.send(b"334 " + coded("<1@x.test>") + b"\r\n")
            line = (await talk.line()).split()
        given = line[-1]
        plain = base64.b64decode(given).replace(b"\x01", b" ")
        await talk.send(b"535-5.7.8 you said " + given + b"\r\n535 5.7.8 which is " + plain + b"\r\n")
        await talk.rest()

    transcript, told = Transcript(), list[Shown]()
    transcript.hide(credential.secret)
    async with scripted_peer(serve, strict=False) as peer:
        probe = await Prober(endpoint(peer.port), QUICK, transcript, told.append).run(credential)
        secrets = {peer.received.split()[-1].decode()}
    secrets |= {base64.b64decode(word).decode().split()[-1].strip("\x01") for word in set(secrets)}
    everything = " ".join([*(line.text for line in transcript.lines), *(str(step) for step in told), caplog.text])
    assert not probe.ok
    for secret in (*secrets, *shapes_of(credential.secret)):
        assert secret not in everything


def test_c04_a_credential_shows_nothing() -> None:
    for credential in (PASSWORD, TOKEN):
        assert credential.secret not in f"{credential} {credential!r} {[credential]}"
    # In base64, behind anything: three forms, one for each place that a byte can have.
    for before in ("", "a", "ab", "abc"):
        for behind in ("", "z", "zz"):
            seen = coded(f"{before}hunter2-hunter2{behind}").decode()
            assert any(shape in seen for shape in shapes_of("hunter2-hunter2"))


def test_an_endpoint_of_before_is_read_and_written_as_it_was() -> None:
    old = Endpoint("acme", "smtp.acme.test", 587, Security.STARTTLS, "anna")
    assert set(json.loads(old.to_json())) == {
        *("account", "host", "port", "security", "user", "ca", "helo", "timeouts"),
    }
    assert Endpoint.from_json(old.to_json()) == old
    new = endpoint(
        auth=AuthMethod.OAUTHBEARER,
        certificate="c.pem",
        fingerprint="ab" * 32,
        grant=TokenGrant("https://id.test/token", "me", "mail"),
    )
    again = Endpoint.from_json(new.to_json())
    assert again == new
    assert isinstance(again.auth, AuthMethod)
