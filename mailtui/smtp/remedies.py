"""Owns what a person can do about a step on the way to a server that failed."""

from __future__ import annotations

from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.verdict import Stage, Verdict, judge
from mailtui.smtp.watched import StepName

_PORTS = "The usual ports are 465 for tls, 587 for starttls and 25 for plain."
_CATCHER = "To have one that catches mail and delivers nothing: mailtui sandbox."
_PIN = "or, when you know that the certificate is right, pin it with fingerprint:."
_REACHING = (StepName.NAME, StepName.CONNECT, StepName.GREETING, StepName.LOGIN)

_REMEDIES = {
    Obstacle.EXPIRED: "Its operator has to renew the certificate; see that this machine's clock is right, too.",
    Obstacle.NOT_YET_VALID: "See that this machine's clock is right; else its operator has to correct the certificate.",
    Obstacle.WRONG_NAME: "Write host: as it stands in the certificate; behind another name may be another server.",
    Obstacle.SELF_SIGNED: (
        f"If it is your own: name its PEM file with ca:, {_PIN} Otherwise somebody may be in between."
    ),
    Obstacle.UNKNOWN_AUTHORITY: (
        f"If the authority is a private one: name its PEM file with ca:, {_PIN} Otherwise somebody may be in between."
    ),
    Obstacle.WEAK_CERTIFICATE: "Its operator has to replace the certificate.",
    Obstacle.OTHER_FINGERPRINT: (
        "Ask the operator whether the certificate was renewed, and only then write the new one in fingerprint:. "
        "Otherwise somebody may be in between."
    ),
    Obstacle.TOO_OLD: "TLS 1.2 is the least that is spoken: its operator has to bring the server up to date.",
    Obstacle.NO_CIPHER: "Its operator has to bring the server's TLS up to date, or wants a client certificate.",
    Obstacle.BROKEN_TLS: "The server's TLS is broken: ask its operator.",
    Obstacle.CERTIFICATE_WANTED: "Name your certificate's PEM file with certificate:, and its key with key:.",
    Obstacle.CERTIFICATE_REFUSED: "Ask the operator which certificate the server takes; yours may have expired.",
    Obstacle.UNREADABLE_CA: "Correct ca:, which names a PEM file with the authorities to trust.",
    Obstacle.UNREADABLE_CERTIFICATE: "Correct certificate:, which names a PEM file.",
    Obstacle.UNREADABLE_KEY: "Correct key:, which names a PEM file without a passphrase; chmod 600 protects it.",
    Obstacle.NOT_OFFERED: (
        "Use security: tls (usually port 465), or ask the operator; nothing is sent without encryption."
    ),
    Obstacle.STARTTLS_REFUSED: (
        "Try again later, or use security: tls (usually port 465); nothing is sent without encryption."
    ),
    Obstacle.INJECTED: "Do not send from this network: try from another, and ask the server's operator.",
    Obstacle.UNFIT_SECRET: "Store the password anew, as one line of text: mailtui accounts password.",
    Obstacle.IN_CLEAR: "Use security: tls or starttls.",
    Obstacle.TOKEN_REFUSED: (
        "Log in again: mailtui accounts login; and see that the login's scope lets programs send mail, for this user:."
    ),
    Obstacle.ODD_CHALLENGE: "Set auth: to another way to log in that the server offers.",
}


def remedy(step: StepName, verdict: Verdict, endpoint: Endpoint, obstacle: Obstacle | None = None) -> str:
    """A sentence for a step that failed with these words; empty where nothing is known that helps."""
    if obstacle in _REMEDIES:
        return _REMEDIES[obstacle]
    if obstacle is Obstacle.HUNG_UP and verdict.stage in (Stage.GREETING, Stage.EHLO):
        return "Try again later; if it wants a client certificate, name its PEM file with certificate:."
    if obstacle in (Obstacle.NOT_TLS, Obstacle.HUNG_UP, Obstacle.STALLED):
        return _about_handshake(obstacle, endpoint)
    if obstacle in (Obstacle.NO_LOGIN, Obstacle.NO_SUCH_METHOD):
        return _about_methods(obstacle, endpoint)
    if step in _REACHING:
        return _on_the_way(step, verdict, endpoint)
    advice = judge(verdict).advice
    if advice:
        return f"{advice[:1].upper()}{advice[1:]}."
    return _about_envelope(step, verdict)


def _on_the_way(step: StepName, verdict: Verdict, endpoint: Endpoint) -> str:
    if step is StepName.NAME:
        return "Check how host: is spelt, and whether this machine has a network."
    if step is StepName.CONNECT:
        if "refused" in verdict.text.lower():
            ways = f"{_CATCHER} {_PORTS}" if endpoint.is_loopback else _PORTS
            return f"No program listens at that port: check port:, and that the server runs. {ways}"
        return f"Check host: and port:, and whether a firewall on the way lets nobody through. {_PORTS}"
    if step is StepName.GREETING:
        if verdict.code is not None:
            return "The server takes nobody from here now: try again later, or ask its operator."
        other = (
            " If it expects TLS from the first byte: security: tls." if endpoint.security is not Security.TLS else ""
        )
        return f"Something listens there and does not speak as a mail server does: check port:.{other}"
    return _about_login(verdict, endpoint)


def _about_handshake(obstacle: Obstacle, endpoint: Endpoint) -> str:
    if obstacle is Obstacle.NOT_TLS and endpoint.security is Security.STARTTLS:
        return "The server's STARTTLS is broken, or somebody is in between: ask its operator."
    if endpoint.security is Security.TLS:
        return f"The port may speak TLS only after STARTTLS, or not at all: check security: and port:. {_PORTS}"
    return "The server's TLS is broken or too old (1.2 is the least that is spoken): ask its operator."


def _about_methods(obstacle: Obstacle, endpoint: Endpoint) -> str:
    if obstacle is Obstacle.NO_SUCH_METHOD:
        return "Correct auth:, or leave it out, so that the best way that is offered is taken."
    where = "" if endpoint.security is not Security.PLAIN else " only after TLS: try security: starttls, or"
    return f"Ask the operator which login the server takes; often it is offered{where or ''} at another port."


def _about_login(verdict: Verdict, endpoint: Endpoint) -> str:
    if verdict.code is None:
        return "Try again in some minutes; if it stays so, ask the operator."
    if verdict.code // 100 == 4:
        return "The server cannot check it now; try again in some minutes."
    return (
        f"Check user: ({endpoint.user}) and the password; many providers want a password made for programs, "
        "or that SMTP is switched on for the account."
    )


def _about_envelope(step: StepName, verdict: Verdict) -> str:
    if step not in (StepName.SENDER, StepName.RECIPIENT):
        return ""
    if verdict.code is None:
        return "Try again in some minutes; if it stays so, ask the operator."
    if verdict.code // 100 == 4:
        return "The server puts it off; a campaign would try again by itself."
    if step is StepName.SENDER:
        return "See which addresses this account may send as: from: in the campaign and in the account."
    return "See that the address is right; another can be tried: --to ADDRESS."
