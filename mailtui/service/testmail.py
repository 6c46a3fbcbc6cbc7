"""Owns the test mail: one row's message, to an address that is not on the list, outside the outbox.

It is the mail as its recipient gets it, attachments and Cc line among it; only To names whom it goes to. The envelope
has that one address: who is named in Cc or Bcc gets nothing. Each test has a Message-ID of its own, since mail programs
show one of those that share theirs.
"""

from __future__ import annotations

import dataclasses
import secrets
import time
from dataclasses import dataclass
from functools import partial

from mailtui.audience.address import AddressError, parse_address
from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.dispatch.encoding import SentEncoding
from mailtui.errors import ConfigError, ExitCode, Problem, UsageError
from mailtui.kit.words import sentence
from mailtui.message.compose import CompiledMessage
from mailtui.message.conventions import with_types
from mailtui.message.folder import Folder
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.service.facade import Service
from mailtui.service.signing import Signature, signer_of
from mailtui.smtp.connect import NotConnected, connect
from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.gear import best_gear
from mailtui.smtp.job import Job
from mailtui.smtp.oneshot import send_one
from mailtui.smtp.probe import campaign_gear
from mailtui.smtp.timeouts import time_scale
from mailtui.smtp.transcript import Transcript, tapped
from mailtui.smtp.verdict import Kind, Verdict, judge
from mailtui.smtp.watched import WatchedClient

_EXITS = {
    Kind.SENT: ExitCode.DONE,
    Kind.UNKNOWN: ExitCode.SOME_UNKNOWN,
    Kind.HELD: ExitCode.PAUSED,
    Kind.REQUEUED: ExitCode.PAUSED,  # the mail's own fate was not at stake
}
"""For all others the server refused the mail itself."""

MARK = "[Test] "
"""What the subject of a test begins with, where that is wanted."""


@dataclass(frozen=True, slots=True)
class TestVerdict:
    """What became of the test: where the last word fell, and what it was (`code` None when nothing was said).

    `exit_code` is what a campaign would come to by the same word, `endpoint` the server: of several accounts that of
    the one whose From the mail has. `advice` is what a person can do about it.
    """

    sent: bool
    stage: str
    code: int | None
    text: str
    exit_code: ExitCode
    endpoint: Endpoint
    advice: str = ""


async def send_test(
    service: Service,
    campaign: Campaign,
    to: str,
    row: int | None,
    *,
    marked: bool = False,
    transcript: Transcript | None = None,
) -> TestVerdict:
    """Send one row's mail to `to`, its subject `marked` as a test's; what is said and heard goes into `transcript`.

    Raises what is wrong with the campaign, the address or the account.
    """
    try:
        address = parse_address(to)
    except AddressError as error:
        raise UsageError(f"{to} is not a mail address", detail=str(error)) from None
    shown = service.previews.of(campaign, row=row)
    endpoint = service.campaigns.carrier(campaign, shown.message.sender)
    credential = await service.credential(endpoint)
    signature = Signature(await signer_of(service, campaign))
    compiled, recipient = _compiled(service, campaign, shown.recipient, marked=marked)
    timeouts = endpoint.timeouts.scaled(time_scale(service.environ))
    if transcript is not None and credential is not None:
        transcript.hide(credential.secret)
    try:
        if transcript is None:
            connection = await connect(endpoint, credential, timeouts=timeouts)
        else:
            watched = partial(WatchedClient, transcript=transcript)
            connection = tapped(await connect(endpoint, credential, timeouts=timeouts, make_client=watched), transcript)
            window = campaign.spec.dispatch.window
            transcript.note(campaign_gear(best_gear(connection.capabilities, window)))
    except NotConnected as error:
        return _verdict(error.verdict, endpoint, unreachable=True)
    encoding = SentEncoding.for_server(connection.capabilities).of_mails(signed=signature.signer is not None)
    folder = Folder(campaign.folder, limit=campaign.spec.attachment_bytes)
    message = _rendered(compiled, dataclasses.replace(recipient, address=address.text), folder, encoding)
    if isinstance(message, RenderProblem):
        connection.transport.abort()
        raise ConfigError(f"Row {recipient.row} cannot be rendered", [Problem(message.place, message.reason)])
    job = Job(message.sender, address.text, signature.of(message).data, connection.capabilities, None)
    return _verdict(await send_one(connection, job, timeouts), endpoint)


def _compiled(
    service: Service, campaign: Campaign, recipient: Recipient, *, marked: bool
) -> tuple[CompiledMessage, Recipient]:
    """The message, and the recipient's row, which may have a subject of its own."""
    with service.campaigns.open_audience(campaign) as audience:
        source = with_types(campaign.read_message(), audience.understanding)
        columns = audience.columns
    if marked:
        source = dataclasses.replace(source, subject=source.subject and MARK + source.subject)
        own = dict(source.columns).get("subject", "")
        if recipient.fields.get(own, "").strip():
            fields = {**recipient.fields, own: MARK + recipient.fields[own]}
            recipient = dataclasses.replace(recipient, fields=fields, rows=(fields, *recipient.rows[1:]))
    return campaign.compile(source, columns, secret=secrets.token_bytes(16)), recipient


def _rendered(
    message: CompiledMessage, recipient: Recipient, folder: Folder, encoding: SentEncoding
) -> RenderedMessage | RenderProblem:
    brought = message.extras(recipient)
    if isinstance(brought, RenderProblem):
        return brought
    return message.render(
        recipient,
        date=time.time(),
        encoding=encoding.transfer,
        smtputf8=encoding.smtputf8,
        files=folder.files(brought),
    )


def exit_code_of(verdict: Verdict, *, unreachable: bool) -> ExitCode:
    """What a campaign would come to by a last word; `unreachable`: no message had a part in it."""
    return ExitCode.PAUSED if unreachable else _EXITS.get(judge(verdict).kind, ExitCode.SOME_FAILED)


def _verdict(verdict: Verdict, endpoint: Endpoint, *, unreachable: bool = False) -> TestVerdict:
    outcome = judge(verdict)
    code = exit_code_of(verdict, unreachable=unreachable)
    return TestVerdict(
        outcome.kind is Kind.SENT,
        str(verdict.stage),
        verdict.code,
        verdict.text,
        code,
        endpoint,
        sentence(outcome.advice),
    )
