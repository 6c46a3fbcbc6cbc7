"""`mailtui retry`: send again what failed, or waits for its next attempt."""

from __future__ import annotations

import asyncio

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common, password_option
from mailtui.cli.orders import chosen, tell
from mailtui.errors import UsageError
from mailtui.service.facade import Service
from mailtui.service.orders import Retried
from mailtui.service.views import CampaignView

_EXAMPLES = """\b
Examples:
  mailtui retry 2xfj2vpz --only failed
  mailtui retry --row 17
  mailtui retry --row 17 --address ann@example.org
  mailtui retry --to an@example.org --address ann@example.org
"""


@click.command(epilog=_EXAMPLES)
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option("--only", type=click.Choice(["failed", "deferred"]), help="Not both, but only these.")
@click.option("--row", type=Whole(1), metavar="N", help="Only this row of the list.")
@click.option("--to", metavar="ADDRESS", help="Only the recipient with this address.")
@click.option("--copy-of", metavar="ADDRESS", help="With --to: the copy that goes there of this recipient's mail.")
@click.option("--address", metavar="NEW", help="Send the one that --row or --to names to this address from now on.")
@password_option
@common
def retry(
    campaign_id: str | None,
    only: Retried | None,
    row: int | None,
    to: str | None,
    copy_of: str | None,
    address: str | None,
    *,
    service: Service,
    as_json: bool,
) -> None:
    """Send again, at once, what failed and what waits for its next attempt; in the background.

    Nobody of them has got the mail, except perhaps who was unknown and had it sent again: the report says so. What is
    unknown is not touched: mailtui resolve is for that. Without ID it is the only campaign in which somebody can be
    tried again.
    """
    if row is not None and to is not None:
        raise UsageError("Name the recipient by --row or by --to, not by both")
    if copy_of is not None and to is None:
        raise UsageError("--copy-of says of whose mail it is a copy, not who gets it", hint="Add --to ADDRESS.")
    if address is not None and row is None and to is None:
        raise UsageError("An address alone does not say whose it is", hint="Add --row N, or --to with the old address.")

    async def give() -> tuple[str, CampaignView]:
        view = await chosen(service, campaign_id, _can_retry)
        named = row is not None or to is not None
        one = await service.orders.find(view, row=row, to=to, copy_of=copy_of) if named else None
        answer = await service.orders.retry(view, only=only, delivery=one, address=address)
        return answer, await service.view(view.id)

    answer, view = asyncio.run(give())
    tell(view, answer, as_json=as_json)
    if not as_json and view.active:
        output.say(f"Watch it: mailtui status {view.id} --follow")


def _can_retry(view: CampaignView) -> bool:
    return view.state in ("running", "pausing", "paused", "finished") and bool(
        view.counts.failed or view.counts.deferred
    )
