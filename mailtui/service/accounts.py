"""Owns trying a server out, an account's or a campaign's, without sending anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from mailtui.audience.address import Address, AddressError, parse_address, parse_mailbox
from mailtui.campaign.campaign import Campaign
from mailtui.errors import ExitCode, SecretMissing, UsageError
from mailtui.kit import journal
from mailtui.service.account_tests import LastTest, note_test
from mailtui.service.campaigns import is_campaign
from mailtui.service.facade import Service
from mailtui.service.signing import signer_of_account
from mailtui.service.testmail import exit_code_of
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.gear import GearChoice
from mailtui.smtp.job import Job
from mailtui.smtp.probe import Envelope, Probe, Prober
from mailtui.smtp.timeouts import time_scale
from mailtui.smtp.transcript import Direction, Line, Transcript
from mailtui.smtp.watched import Step, StepName

__all__ = [
    "Direction",
    "GearChoice",
    "Line",
    "Server",
    "Step",
    "Transcript",
    "Trial",
    "server_of",
    "server_of_campaign",
    "try_out",
]


@dataclass(frozen=True, slots=True)
class Server:
    """What is to be tried out. `window` is the one that a campaign asks for; `sender` the bare address that mails come
    from: the campaign's, else the account's first, else its user; empty where none of them is one.
    """

    endpoint: Endpoint
    window: int = 1
    sender: str = ""

    @property
    def name(self) -> str:
        """What people call it: the account, or the server of a campaign file that names none."""
        inline = self.endpoint.account.startswith("inline:")
        return str(self.endpoint) if inline else self.endpoint.account


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a server out."""

    server: Server
    probe: Probe
    transcript: tuple[Line, ...]
    sent_to: str = ""

    @property
    def login_refused(self) -> bool:
        """Whether the server would not have this user with this password."""
        last = self.probe.steps[-1]
        return last.name is StepName.LOGIN and not last.ok

    @property
    def exit_code(self) -> ExitCode:
        """What a campaign would come to by the same last word."""
        if self.probe.ok or self.probe.verdict is None:
            return ExitCode.DONE
        return exit_code_of(self.probe.verdict, unreachable=self.probe.choice is None)

    @property
    def failure(self) -> str:
        """What a test that failed comes to, in a sentence."""
        if self.probe.choice is None:
            return f"Nothing can be sent through {self.server.name} as it is."
        return "The mail was not sent." if self.sent_to else "The server would not take such a mail; none was sent."

    def to_json(self) -> dict[str, Any]:
        endpoint, probe = self.server.endpoint, self.probe
        choice = None if probe.choice is None else {**asdict(probe.choice), "gear": str(probe.choice.gear)}
        return {
            **_server_as_json(self.server.name, endpoint),
            "ok": probe.ok,
            "steps": [
                {
                    "step": str(step.name),
                    "ok": step.ok,
                    "seconds": None if step.seconds is None else round(step.seconds, 6),
                    "text": step.text,
                    "facts": dict(step.facts),
                    "advice": step.advice,
                }
                for step in probe.steps
            ],
            "obstacle": None if probe.obstacle is None else str(probe.obstacle),
            "gear": choice,
            "to": self.sent_to or None,
            "code": None if probe.verdict is None else probe.verdict.code,
            "reply": None if probe.verdict is None else probe.verdict.text,
        }


def _server_as_json(name: str, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "account": name,
        "host": endpoint.host,
        "port": endpoint.port,
        "security": str(endpoint.security),
        "user": endpoint.user,
    }


def server_of(service: Service, target: str) -> Server:
    """The server of an account, or of a campaign file or its folder.

    Raises `AccountError` for an account there is not, and what is wrong with a campaign file.
    """
    if target in service.settings.spec.accounts or not is_campaign(target):
        endpoint = service.settings.endpoint(target)
        return Server(endpoint, sender=_sender_of(service, endpoint))
    return server_of_campaign(service, service.campaigns.load(Path(target)))


def server_of_campaign(service: Service, campaign: Campaign) -> Server:
    """The server that a campaign is sent through. Raises `ConfigError` where it names none."""
    spec = campaign.spec
    sender = spec.sender if spec.sender and "{" not in spec.sender else ""
    endpoint = service.campaigns.endpoint(campaign)
    return Server(endpoint, spec.dispatch.window, _bare(sender) or _sender_of(service, endpoint))


def _sender_of(service: Service, endpoint: Endpoint) -> str:
    """The address that an account sends as."""
    spec = service.settings.spec.accounts.get(endpoint.account)
    senders = [sender for sender in (spec.senders if spec is not None else ()) if sender[:1] != "@"]
    return next((bare for text in (*senders, endpoint.user) if (bare := _bare(text))), "")


def _bare(text: str) -> str:
    """The address in a text, as the wire has it; empty where there is none."""
    try:
        return parse_mailbox(text).address.text
    except AddressError:
        return ""


async def try_out(
    service: Service,
    server: Server,
    *,
    to: str | None = None,
    tell: Callable[[Step], None] = lambda _: None,
    up_to_login: bool = False,
) -> Trial:
    """Go the whole way to a server, telling each step, up to naming a sender and a recipient; with `to`, send a mail
    there that says what it is. Without, the recipient is the sender, and nothing is sent.

    Raises `SecretMissing` for a password that is not there, with `up_to_login` once the steps before are taken,
    `AccountError` for a key to sign that mail with, `UsageError` for an address that is none.
    """
    recipient = None if to is None else _address(to)
    endpoint, transcript = server.endpoint, Transcript()
    prober = Prober(endpoint, endpoint.timeouts.scaled(time_scale(service.environ)), transcript, tell)
    try:
        credential = await service.credential(endpoint)
    except SecretMissing:
        if up_to_login:
            await prober.up_to_login()
        raise
    if credential is not None:
        transcript.hide(credential.secret)
    signer = None if recipient is None else await signer_of_account(service, endpoint.account)

    sender = server.sender or ("" if recipient is None else recipient.text)
    envelope = Envelope(sender, sender if recipient is None else recipient.text) if sender else None

    def job(capabilities: Capabilities) -> Job:
        assert recipient is not None
        data = _message(sender, recipient.text, server.name)
        signed = data if signer is None else signer.signed(data, sender)
        return Job(sender, recipient.text, signed, capabilities, None)

    probe = await prober.run(
        credential,
        window=server.window,
        envelope=envelope,
        job=None if recipient is None else job,
    )
    if not probe.ok:
        transcript.note(f"{probe.steps[-1].name} failed: nothing more was tried, and no connection is left open")
    trial = Trial(server, probe, tuple(transcript.lines), "" if recipient is None else recipient.text)
    if server.name in service.settings.spec.accounts:
        try:
            await asyncio.to_thread(note_test, service.settings.home, server.name, _note_of(trial))
        except OSError as error:  # what the test found is as good without the note
            journal.warn("an account's test could not be kept", error=str(error))
    return trial


def _note_of(trial: Trial) -> LastTest:
    """What is kept of a test: its last step, and what the server said of the size of mails."""
    last, capabilities = trial.probe.steps[-1], trial.probe.capabilities
    size = capabilities.size if capabilities is not None and capabilities.size_known else None
    return LastTest(time.time(), trial.probe.ok, str(last.name), last.text, size, str(trial.server.endpoint))


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise UsageError(f"{text} is not a mail address", detail=str(error)) from None


def _message(sender: str, to: str, name: str) -> bytes:
    """A mail that says what it is."""
    message = EmailMessage(policy=SMTP.clone(utf8=not (sender.isascii() and to.isascii())))
    message["From"], message["To"] = sender, to
    message["Subject"] = f"mailtui tries out {name}"
    message["Date"] = formatdate(time.time(), localtime=True)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message.set_content(f"This mail was sent to try out {name}.\nIf you can read it, mail goes out through it.\n")
    return message.as_bytes()
