"""Owns trying out a server: the way to it step by step, what it allows, and a message through it where one is given.

Nothing is sent but with a message. What cannot be had is told with a sentence on what to do about it.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiosmtplib

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.certificate import certificate_facts
from mailtui.smtp.client import reply_of
from mailtui.smtp.connect import Connection, NotConnected, connect
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.gear import MAX_WINDOW, Gear, GearChoice, best_gear
from mailtui.smtp.job import Job
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.oneshot import send_one
from mailtui.smtp.remedies import remedy
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.tls import NO_CERTIFICATE, OtherFingerprint
from mailtui.smtp.transcript import Transcript, tapped
from mailtui.smtp.verdict import Kind, Stage, Verdict, judge
from mailtui.smtp.watched import Fact, Step, StepName, WatchedClient

MakeJob = Callable[[Capabilities], Job]
"""Makes a message for a server that can do this."""

_AT_STAGE = {Stage.TLS: StepName.TLS, Stage.AUTH: StepName.LOGIN, Stage.GREETING: StepName.GREETING}
_ASCII_ONLY = "takes no address with letters beyond ASCII: it does not offer SMTPUTF8"

_ABOUT_CERTIFICATE = frozenset(
    {
        Obstacle.EXPIRED,
        Obstacle.NOT_YET_VALID,
        Obstacle.WRONG_NAME,
        Obstacle.SELF_SIGNED,
        Obstacle.UNKNOWN_AUTHORITY,
        Obstacle.WEAK_CERTIFICATE,
        Obstacle.OTHER_FINGERPRINT,
    }
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sender and a recipient to ask about, bare addresses."""

    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of it. `verdict` is the last word: of what failed, or of the message; None when there was neither.
    `capabilities` are what the server offers, None where it was not got as far; `obstacle` names what stood in the way
    of a session, where it has a name.
    """

    steps: tuple[Step, ...]
    choice: GearChoice | None
    verdict: Verdict | None
    capabilities: Capabilities | None = None
    obstacle: Obstacle | None = None

    @property
    def ok(self) -> bool:
        """Whether every step was taken."""
        return all(step.ok for step in self.steps)


class Prober:
    """Tries one server out once; `tell` hears of each step as soon as it is over."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts, transcript: Transcript, tell: Callable[[Step], None]):
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._transcript = transcript
        self._tell = tell
        self._steps: list[Step] = []
        self._client: WatchedClient | None = None

    async def run(
        self,
        credential: Credential | None,
        *,
        window: int = 1,
        envelope: Envelope | None = None,
        job: MakeJob | None = None,
    ) -> Probe:
        """Take every step; with `envelope` ask whether the server would take a mail like that, which is none yet; with
        `job` send that message too.
        """
        try:
            connection = await connect(
                self._endpoint, credential, timeouts=self._timeouts, make_client=self._make_client
            )
        except NotConnected as error:
            await self._failed(error)
            return self._came_to(error.verdict, obstacle=error.obstacle)
        client = self._client
        assert client is not None
        if client.open_step is StepName.LOGIN:
            client.done(self._login_text(client))
        choice = best_gear(connection.capabilities, window)
        self._transcript.note(campaign_gear(choice))
        self._heard(_gear_step(connection.capabilities, choice, window))
        refusal = None if envelope is None else await self._ask(client, envelope, connection.capabilities)
        if job is None or refusal is not None:
            await self._leave(client)
            return self._came_to(refusal, choice, connection.capabilities)
        verdict = await self._send(connection, job)
        return self._came_to(verdict, choice, connection.capabilities)

    async def up_to_login(self) -> None:
        """Take the steps that need nobody to log in, and leave."""
        nobody = dataclasses.replace(self._endpoint, user="")
        try:
            await connect(nobody, None, timeouts=self._timeouts, make_client=self._make_client)
        except NotConnected as error:
            await self._failed(error)
            return
        assert self._client is not None
        await self._leave(self._client)

    def _came_to(
        self,
        verdict: Verdict | None,
        choice: GearChoice | None = None,
        capabilities: Capabilities | None = None,
        obstacle: Obstacle | None = None,
    ) -> Probe:
        if verdict is not None:
            verdict = dataclasses.replace(verdict, text=self._transcript.redacted(verdict.text))
        return Probe(tuple(self._steps), choice, verdict, capabilities, obstacle)

    def _make_client(self, **options: Any) -> WatchedClient:
        self._client = WatchedClient(transcript=self._transcript, tell=self._heard, **options)
        self._client.before_tls = self._endpoint.security is Security.STARTTLS
        return self._client

    def _heard(self, step: Step) -> None:
        if step.name is StepName.EHLO and step.ok and self._client is not None:
            if self._client.before_tls:
                step = dataclasses.replace(step, text=f"{step.text} before TLS")
            else:
                step = dataclasses.replace(step, facts=_what_it_allows(self._client.extensions))
        redacted = self._transcript.redacted
        facts = tuple((redacted(name), redacted(value)) for name, value in step.facts)
        step = dataclasses.replace(step, text=redacted(step.text), facts=facts)
        self._steps.append(step)
        self._tell(step)

    async def _failed(self, error: NotConnected) -> None:
        verdict, client = error.verdict, self._client
        name = client.open_step if client is not None else None
        spent = client.spent if client is not None and name is not None else None
        name = name or _AT_STAGE.get(verdict.stage, StepName.CONNECT)
        if not self._transcript.lines or verdict.text not in self._transcript.lines[-1].text:
            self._transcript.note(verdict.text)  # what the server said stands there already
        facts = await self._shown(error) if error.obstacle in _ABOUT_CERTIFICATE else ()
        advice = remedy(name, verdict, self._endpoint, error.obstacle)
        self._heard(Step(name, False, spent, str(verdict), facts, advice))  # noqa: FBT003 - Step's own form

    async def _shown(self, error: NotConnected) -> tuple[Fact, ...]:
        """What stands in a certificate that was not accepted. OpenSSL keeps none of it, so the server is asked to show
        it again, to somebody who accepts none and says nothing inside TLS.
        """
        if (seen := _other_of(error)) is not None:
            return certificate_facts(seen.shown)
        # Our own certificate is not for somebody who may be in between.
        looking = dataclasses.replace(self._endpoint, fingerprint=NO_CERTIFICATE, user="", certificate="", key="")
        brief = dataclasses.replace(self._timeouts, greeting=self._timeouts.connect)  # of both, it is the whole limit
        self._transcript.note("connecting once more, to read the certificate")
        try:
            connection = await connect(looking, None, timeouts=brief)
        except NotConnected as again:
            found = _other_of(again)
            return () if found is None else certificate_facts(found.shown)
        connection.transport.abort()
        return ()

    def _login_text(self, client: WatchedClient) -> str:
        secured = "" if self._endpoint.security is not Security.PLAIN else ", unprotected on the way"
        offered = ", ".join(
            dict.fromkeys(client.server_auth_methods)
        ).upper()  # some say AUTH= besides, for old clients
        return f"as {self._endpoint.user} with {client.method}{secured}; the server offers {offered}"

    async def _ask(self, client: WatchedClient, envelope: Envelope, capabilities: Capabilities) -> Verdict | None:
        """Name a sender and a recipient, and take both back; what the server had against them."""
        ascii_only = envelope.sender.isascii() and envelope.recipient.isascii()
        utf8 = " SMTPUTF8" if capabilities.smtputf8 and not ascii_only else ""
        commands = (
            (StepName.SENDER, Stage.MAIL, f"MAIL FROM:<{envelope.sender}>{utf8}", f"may send as {envelope.sender}"),
            (StepName.RECIPIENT, Stage.RCPT, f"RCPT TO:<{envelope.recipient}>", f"may write to {envelope.recipient}"),
        )
        refusal = None
        for name, stage, command, meaning in commands:
            client.begin(name)
            if command.isascii() or capabilities.smtputf8:
                reply = await self._said(client, stage, command)
            else:
                reply = Verdict.silence(stage, f"{self._endpoint} {_ASCII_ONLY}")
            if reply.code is None or reply.code // 100 != 2:
                refusal = reply
                advice = remedy(name, reply, self._endpoint)
                self._heard(Step(name, False, client.spent, str(reply), advice=advice))  # noqa: FBT003 - Step's own form
                break
            client.done(f"{meaning}: {reply}")
        if client.is_connected:
            await self._said(client, Stage.RSET, "RSET")
        return refusal

    async def _said(self, client: WatchedClient, stage: Stage, command: str) -> Verdict:
        try:
            code, text = await client.execute_command(command.encode())
        except (aiosmtplib.SMTPException, OSError) as error:
            if isinstance(error, aiosmtplib.SMTPResponseException):
                text = "said something that is no reply of a mail server"
            else:
                text = "did not answer in time" if isinstance(error, TimeoutError) else "closed the connection"
            self._transcript.note(f"{self._endpoint} {text}")
            return Verdict.silence(stage, f"{self._endpoint} {text}")
        return Verdict.of(stage, reply_of(code, text))

    async def _leave(self, client: WatchedClient) -> None:
        """Say goodbye; a server that does not answer has said everything that was asked."""
        if not client.is_connected:
            return
        try:
            async with asyncio.timeout(self._timeouts.quit):
                await client.quit()
        except (aiosmtplib.SMTPException, OSError) as error:
            self._transcript.note(f"no answer to QUIT: {error}")
        finally:
            client.close()

    async def _send(self, connection: Connection, make_job: MakeJob) -> Verdict:
        began = asyncio.get_running_loop().time()
        job = make_job(connection.capabilities)
        verdict = await send_one(tapped(connection, self._transcript), job, self._timeouts)
        spent = asyncio.get_running_loop().time() - began
        sent = judge(verdict).kind is Kind.SENT
        text = f"the server took it: {verdict}" if sent else f"not sent, at {verdict.stage}: {verdict}"
        advice = "" if sent else remedy(StepName.MAIL, verdict, self._endpoint)
        self._heard(Step(StepName.MAIL, sent, spent, text, advice=advice))
        return verdict


def _other_of(error: NotConnected) -> OtherFingerprint | None:
    """The certificate that was shown instead of the pinned one, in what led to an error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OtherFingerprint):
        cause = cause.__cause__
    return cause


def campaign_gear(choice: GearChoice) -> str:
    """How a campaign would be sent over this connection, for a transcript."""
    return f"a campaign would be sent in the gear {choice.gear}, window {choice.window}: {choice.why}"


def _gear_step(capabilities: Capabilities, choice: GearChoice, window: int) -> Step:
    """Which gear a campaign would use, and what a window could add."""
    wider = best_gear(capabilities, MAX_WINDOW)
    if window > 1:
        room = f"{choice.window} under way on each connection" if choice.gear is Gear.CHUNKED else f"1, not {window}"
    elif wider.gear is Gear.CHUNKED:
        room = f"1; up to {MAX_WINDOW} are possible, since the server offers CHUNKING"
    elif not capabilities.crossing:
        room = "1; no more are possible at servers such as Dovecot"
    else:
        lacks = "PIPELINING" if not capabilities.pipelining else "CHUNKING"
        room = f"1; no more are possible, since the server offers no {lacks}"
    return Step(StepName.GEAR, True, None, f"{choice.gear}: {choice.why}", (("window", room),))  # noqa: FBT003


def _what_it_allows(extensions: Mapping[str, str]) -> tuple[Fact, ...]:
    """Each extension of the server's, and what mailtui does with it."""
    facts = []
    for name, parameters in extensions.items():
        spoken = f"{name.upper()} {parameters}".strip() if name not in ("auth", "size") else name.upper()
        facts.append((spoken, _MEANINGS.get(name, "")))
        if name == "size":
            limit = parameters.strip()
            meaning = (
                f"mails up to {int(limit):,} bytes"
                if limit.isascii() and limit.isdecimal() and int(limit)
                else "no limit told"
            )
            facts[-1] = (spoken, meaning)
        elif name == "auth":
            facts[-1] = (spoken, f"login with {parameters.strip().replace(' ', ', ')}")
    return tuple((name, meaning or "not used") for name, meaning in facts)


_MEANINGS = {
    "pipelining": "several commands at once: one round trip a mail",
    "chunking": "a window above 1: several mails under way at once",
    "8bitmime": "texts go as they are, not encoded",
    "smtputf8": "addresses with letters beyond ASCII",
    "enhancedstatuscodes": "replies say more exactly what is wrong",
    "starttls": "encryption on request",
}
