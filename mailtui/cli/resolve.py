"""`mailtui resolve`: settle what may or may not have arrived."""

from __future__ import annotations

import asyncio

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, at_terminal, common, password_option
from mailtui.cli.orders import chosen, tell
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.orders import Decision
from mailtui.service.views import CampaignView

_EXAMPLES = """\b
Examples:
  mailtui report --only unknown
  mailtui resolve 2xfj2vpz --as sent --to ann@example.org
  mailtui resolve 2xfj2vpz --as resend
"""


@click.command(epilog=_EXAMPLES)
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option(
    "--as",
    "decision",
    type=click.Choice(["sent", "resend"]),
    required=True,
    help="sent: it arrived. resend: it is to go out once more, perhaps for the second time.",
)
@click.option("--to", metavar="ADDRESS", help="Only the recipient with this address.")
@click.option("--copy-of", metavar="ADDRESS", help="With --to: the copy that goes there of this recipient's mail.")
@click.option("--row", type=Whole(1), metavar="N", help="Only this row of the list.")
@click.option("--yes", is_flag=True, help="Do not ask before a mail may go out for the second time.")
@password_option
@common
def resolve(
    campaign_id: str | None,
    decision: Decision,
    to: str | None,
    copy_of: str | None,
    row: int | None,
    yes: bool,
    *,
    service: Service,
    as_json: bool,
) -> None:
    """Settle mails whose outcome is unknown: the server's last word about them was lost.

    They may have arrived. Look for them where you can: in the server's log, in a Sent folder, by asking the
    recipient; the report has the Message-ID of each. A mail that is sent again is the same, byte for byte, with the
    same Message-ID, so that a mail program may show it once. Who decided what, and when, is in the report.
    """
    if row is not None and to is not None:
        raise UsageError("Name the recipient by --row or by --to, not by both")
    if copy_of is not None and to is None:
        raise UsageError("--copy-of says of whose mail it is a copy, not who gets it", hint="Add --to ADDRESS.")

    async def give() -> tuple[str, CampaignView]:
        view = await chosen(service, campaign_id, lambda view: view.counts.unknown > 0)
        named = row is not None or to is not None
        one = await service.orders.find(view, row=row, to=to, copy_of=copy_of) if named else None
        if decision == "resend" and not yes and view.counts.unknown:
            _confirm(view, 1 if one is not None else view.counts.unknown)
        answer = await service.orders.resolve(view, decision, one)
        return answer, await service.view(view.id)

    answer, view = asyncio.run(give())
    tell(view, answer, as_json=as_json)
    if not as_json and view.active:
        output.say(f"Watch it: mailtui status {view.id} --follow")


def _confirm(view: CampaignView, count: int) -> None:
    """Have the number of mails typed that somebody may get twice."""
    mails = counted(count, "mail")
    if not at_terminal():
        raise UsageError(
            f"{mails} would be sent again and may arrive twice, and nobody is at a terminal to confirm it",
            hint="Say --yes to send without being asked.",
        )
    output.say(f"{view.name} ({view.id}): {mails} may have arrived, and would then arrive twice.")
    typed = click.prompt(f"Type {count} to send again, anything else to stop", default="", show_default=False, err=True)
    if typed.strip().replace(",", "") != str(count):
        output.say("Nothing was sent.")
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))
