"""Owns logging in: which way to take, of those that the server offers and the secret fits, and taking it once.

A login that was refused is not tried another way: every try counts at the server, and a second one with the same
secret has never been taken (RFC 4954 section 4).
"""

from __future__ import annotations

from collections.abc import Sequence

import aiosmtplib

from mailtui.smtp.client import reply_of
from mailtui.smtp.credential import Credential, Kind
from mailtui.smtp.endpoint import AuthMethod, Endpoint, Security
from mailtui.smtp.obstacle import NotConnected, Obstacle
from mailtui.smtp.replies import Reply
from mailtui.smtp.sasl import MECHANISMS, Bearer, Login, Mechanism, UnfitSecret, decoded, encoded
from mailtui.smtp.verdict import Stage, Verdict

_TOKEN_METHODS = (AuthMethod.XOAUTH2, AuthMethod.OAUTHBEARER)
_PASSWORD_METHODS = (AuthMethod.PLAIN, AuthMethod.LOGIN, AuthMethod.CRAM_MD5)
_IN_CLEAR = (AuthMethod.CRAM_MD5, AuthMethod.PLAIN, AuthMethod.LOGIN)
_LONGEST_COMMAND = 510  # octets without CR LF (RFC 5321 section 4.5.3.1.4); a longer response goes on a line of its own
_LONGEST_RESPONSE = 12_286  # octets without CR LF that every server has to have room for (RFC 4954 section 4)
_MOST_CHALLENGES = 4
_CONTINUE, _TAKEN, _NO = 334, 235, 5


def choose(endpoint: Endpoint, credential: Credential, offered: Sequence[str]) -> AuthMethod:
    """The way to log in, of those offered (in small letters). Raises `NotConnected` where there is none."""
    is_token = credential.kind is Kind.TOKEN
    if is_token and endpoint.security is Security.PLAIN and not endpoint.is_loopback:
        raise _given_up(
            Obstacle.IN_CLEAR, "an access token is not said over a connection that is not encrypted (RFC 6750)"
        )
    in_clear = endpoint.security is Security.PLAIN
    fitting = _TOKEN_METHODS if is_token else _IN_CLEAR if in_clear else _PASSWORD_METHODS
    wanted = fitting if endpoint.auth is AuthMethod.AUTO else (endpoint.auth,)
    for method in wanted:
        if method.value in offered and method in fitting:
            return method
    offers = ", ".join(offered).upper() or "no login at all"
    if endpoint.auth is AuthMethod.AUTO:
        what = "no login with a token" if is_token else "no login with a password that mailtui knows"
        raise _given_up(Obstacle.NO_LOGIN, f"{endpoint} offers {what} ({offers})")
    if endpoint.auth not in fitting:
        text = f"{endpoint.auth.upper()} is no way to log in with {credential}"
    else:
        text = f"{endpoint} does not offer {endpoint.auth.upper()}, which the account asks for ({offers})"
    raise _given_up(Obstacle.NO_SUCH_METHOD, text)


async def log_in(client: aiosmtplib.SMTP, endpoint: Endpoint, credential: Credential | None) -> None:
    """Log in once. Raises `NotConnected` where the server says no or there is no way to, and what `client` raises."""
    if credential is None:
        raise _given_up(Obstacle.UNFIT_SECRET, f"there is nothing to log in to {endpoint} with")
    method = choose(endpoint, credential, client.server_auth_methods)
    login = Login(endpoint.user, credential.secret, endpoint.host.strip("[]"), endpoint.port)
    try:
        mechanism = MECHANISMS[method](login)
        reply = await _converse(client, method, mechanism)
    except UnfitSecret as error:
        raise _given_up(Obstacle.UNFIT_SECRET, str(error)) from None
    if reply.code == _TAKEN:
        return
    text = credential.kept_out_of(reply.text)
    if isinstance(mechanism, Bearer) and mechanism.refusal:
        refusal = credential.kept_out_of(mechanism.refusal)
        verdict = Verdict.of(Stage.AUTH, Reply(reply.code, f"{text} ({refusal})".strip()))
        raise NotConnected(verdict, Obstacle.TOKEN_REFUSED)
    verdict = Verdict.of(Stage.AUTH, Reply(reply.code, text))
    if reply.code == _CONTINUE:
        raise NotConnected(verdict, Obstacle.ODD_CHALLENGE)
    for_good = credential.kind is Kind.TOKEN and reply.code // 100 == _NO  # a token that can be had anew
    raise NotConnected(verdict, Obstacle.TOKEN_REFUSED if for_good else None)


async def _converse(client: aiosmtplib.SMTP, method: AuthMethod, mechanism: Mechanism) -> Reply:
    """Say AUTH and answer the challenges; the reply that ends it, or the challenge that nobody expected."""
    command = [b"AUTH", method.upper().encode()]
    initial = mechanism.initial()
    if initial is not None:
        response = _fitting(initial) or b"="
        if len(b" ".join([*command, response])) <= _LONGEST_COMMAND:
            command.append(response)
            initial = None
    reply = await _said(client, *command)
    for _ in range(_MOST_CHALLENGES):
        if reply.code != _CONTINUE:
            return reply
        if initial is not None:
            answer, initial = initial, None
        else:
            challenge = decoded(reply.text)
            given = None if challenge is None else mechanism.answer(challenge)
            if given is None:
                break
            answer = given
        reply = await _said(client, _fitting(answer), silence=reply if _is_refused(mechanism) else None)
    if reply.code == _CONTINUE:
        await _said(client, b"*", silence=reply)  # RFC 4954 section 4: gives the exchange up
        return Reply(_CONTINUE, "the server asked for something else in the middle of the login")
    return reply


def _is_refused(mechanism: Mechanism) -> bool:
    return isinstance(mechanism, Bearer) and bool(mechanism.refusal)


async def _said(client: aiosmtplib.SMTP, *words: bytes, silence: Reply | None = None) -> Reply:
    """Say a line and hear its reply; `silence` stands for one that does not come, where all is known already."""
    try:
        response = await client.execute_command(*words)
    except (TimeoutError, aiosmtplib.SMTPException) as error:
        if silence is None and isinstance(error, aiosmtplib.SMTPResponseException):
            # What it was is not repeated, nor kept as the cause: the secret may be in it, in whatever form.
            raise _given_up(
                Obstacle.ODD_CHALLENGE, "the server answered the login with something that is no reply"
            ) from None
        if silence is None:
            raise
        return Reply(silence.code, "")
    return reply_of(response.code, response.message)


def _fitting(response: bytes) -> bytes:
    line = encoded(response)
    if len(line) > _LONGEST_RESPONSE:
        raise UnfitSecret(f"the answer to the login is {len(line):,} bytes long; servers take 12,288")
    return line


def _given_up(obstacle: Obstacle, text: str) -> NotConnected:
    """The login ends before the server has heard all of it: nothing is said against user and password."""
    return NotConnected(Verdict(Stage.AUTH, None, None, text, unasked=True), obstacle)
