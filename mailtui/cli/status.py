"""`mailtui status`: how a campaign stands, once or until it rests."""

from __future__ import annotations

import asyncio

import click

from mailtui.cli import output, sending, watching
from mailtui.cli.listing import NOTHING_LAUNCHED
from mailtui.cli.options import common
from mailtui.errors import ExitCode
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView


@click.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option("--follow", is_flag=True, help="Watch until it has come to rest; the exit code is then that of run.")
@click.option("--plain", is_flag=True, help="With --follow: a line of text for each change, for screen readers.")
@common
def status(campaign_id: str | None, follow: bool, plain: bool, *, service: Service, as_json: bool) -> ExitCode:
    """Show how a campaign stands: the one with this id (its beginning is enough), or the newest."""
    return asyncio.run(_status(service, campaign_id, follow=follow, plain=plain, as_json=as_json))


async def _status(service: Service, campaign_id: str | None, *, follow: bool, plain: bool, as_json: bool) -> ExitCode:
    if not campaign_id and not await service.views():
        if as_json:
            output.json_line({"campaign": None})
        output.say(NOTHING_LAUNCHED)
        return ExitCode.DONE
    view = await find(service, campaign_id)
    if not follow:
        await watching.print_outcome(service, view, as_json=as_json)
        return ExitCode.DONE
    if (view.active or view.awaited) and not view.lost:
        view = await sending.watch(service, view.id, plain=plain)
    await watching.print_outcome(service, view, as_json=as_json)
    return view.exit_code


async def find(service: Service, campaign_id: str | None) -> CampaignView:
    """The campaign with this id, or the newest."""
    return await (service.newest() if not campaign_id else service.view(campaign_id))
