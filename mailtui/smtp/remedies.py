"""Owns what a person can do about a step on the way to a server that failed."""

from __future__ import annotations

from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.verdict import Verdict, judge
from mailtui.smtp.watched import StepName

_PORTS = "The usual ports are 465 for tls, 587 for starttls and 25 for plain."


def remedy(step: StepName, verdict: Verdict, endpoint: Endpoint) -> str:
    """A sentence for a step that failed with these words; empty where nothing is known that helps."""
    said = verdict.text.lower()
    if step is StepName.NAME:
        return "Check how host: is spelt, and whether this machine has a network."
    if step is StepName.CONNECT:
        if "refused" in said:
            return f"No program listens at that port: check port:, and that the server runs. {_PORTS}"
        return f"Check host: and port:, and whether a firewall on the way lets nobody through. {_PORTS}"
    if step is StepName.TLS:
        return _about_tls(verdict, endpoint)
    if step is StepName.GREETING and verdict.code is None:
        other = (
            " If it expects TLS from the first byte: security: tls." if endpoint.security is not Security.TLS else ""
        )
        return f"Something listens there and does not speak as a mail server does: check port:.{other}"
    if step is StepName.LOGIN and verdict.code is not None and verdict.code != 504:
        return _login(verdict, endpoint)
    if step is StepName.LOGIN:
        return "Ask the operator which login the server takes; often it is offered only after TLS, or at another port."
    advice = judge(verdict).advice
    return f"{advice[:1].upper()}{advice[1:]}." if advice else ""


def _about_tls(verdict: Verdict, endpoint: Endpoint) -> str:
    said = verdict.text.lower()
    if "does not offer starttls" in said:
        return "Use security: tls (usually port 465), or ask the operator; nothing is sent without encryption."
    if "expired" in said:
        return "Its operator has to renew the certificate; see that this machine's clock is right, too."
    if "hostname mismatch" in said or "ip address mismatch" in said:
        return "Write host: as it stands in the certificate; behind another name may be another server."
    if "self-signed" in said or "unable to get" in said:
        return "If it is a private authority's: name its PEM file with ca:. Otherwise somebody may be in between."
    if "cannot be read" in said:
        return "Correct ca:, which names the PEM file."
    if endpoint.security is Security.TLS:
        return f"The port may speak TLS only after STARTTLS, or not at all: check security: and port:. {_PORTS}"
    return "The server's TLS is broken or too old (1.2 is the least that is spoken): ask its operator."


def _login(verdict: Verdict, endpoint: Endpoint) -> str:
    if verdict.code is not None and verdict.code // 100 == 4:
        return "The server cannot check it now; try again in some minutes."
    return (
        f"Check user: ({endpoint.user}) and the password; many providers want a password made for programs, "
        "or that SMTP is switched on for the account."
    )
