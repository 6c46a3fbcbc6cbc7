"""`mailtui test`: one row's mail to an address of one's own. It never reaches the audience."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common, password_option
from mailtui.cli.transcript import show_transcript, transcript_option, transcript_to_json
from mailtui.errors import ExitCode
from mailtui.kit.safe_text import safe_text
from mailtui.service.accounts import Transcript
from mailtui.service.advice import for_nobody
from mailtui.service.facade import Service
from mailtui.service.testmail import send_test


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Where the test goes.")
@click.option("--row", type=Whole(1), metavar="N", help="Whose data to use; left out: the first recipient's.")
@click.option("--mark", is_flag=True, help="Begin its subject with [Test].")
@transcript_option
@password_option
@common
def test(
    campaign: Path, address: str, row: int | None, mark: bool, transcript: bool, *, service: Service, as_json: bool
) -> ExitCode:
    """Send one row's mail to an address of yours, through the campaign's server. Nobody on the list gets anything.

    It is that row's mail with its attachments and its Cc line; who is named there gets nothing either.
    """
    loaded = service.campaigns.load(campaign)
    heard = Transcript() if transcript else None
    verdict = asyncio.run(send_test(service, loaded, address, row, marked=mark, transcript=heard))
    if heard is not None and not as_json:
        show_transcript(heard.lines)
    if as_json:
        output.json_line(
            {
                "to": address,
                "sent": verdict.sent,
                "stage": verdict.stage,
                "code": verdict.code,
                "reply": verdict.text,
                "advice": verdict.advice,
                **({} if heard is None else {"transcript": transcript_to_json(heard.lines)}),
            }
        )
    elif verdict.sent:
        output.data(safe_text(f"Sent to {address}. The server said: {verdict.code} {verdict.text}"))
    else:
        said = f"{verdict.code} {verdict.text}" if verdict.code is not None else verdict.text
        output.say(f"Not sent to {address}. At {verdict.stage}: {safe_text(said)}")
        hint = for_nobody(verdict.endpoint, verdict.text, str(loaded.path))
        for line in filter(None, (verdict.advice, hint)):
            output.say(f"  {line}")
    return verdict.exit_code
