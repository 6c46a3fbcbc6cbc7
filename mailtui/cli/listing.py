"""`mailtui list`: the campaigns of the outbox."""

from __future__ import annotations

import asyncio
import time

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.kit.durations import show_moment
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView

NOTHING_LAUNCHED = "Nothing has been launched from this outbox yet. Try the sample campaign: mailtui demo"


@click.command(name="list")
@click.option(
    "--search", metavar="TEXT", default="", help="Only those that meet all words: name, id, file, list, state, day."
)
@common
def list_campaigns(search: str, *, service: Service, as_json: bool) -> None:
    """List the campaigns of the outbox, the oldest first."""
    views, no_runner = asyncio.run(_looked(service, search))
    if as_json:
        for view in views:
            output.json_line(view.to_json())
        return
    if no_runner:
        output.say(no_runner)
    if not views:
        output.say(f"No campaign meets all of: {search}" if search else NOTHING_LAUNCHED)
        return
    rows = [
        [
            view.id,
            "lost" if view.lost else f"{view.state}{_until(view)}",
            f"{view.counts.sent:,}",
            f"{view.counts.failed:,}",
            f"{view.counts.unknown:,}",
            f"{view.counts.total:,}",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(view.campaign.launched_at or view.campaign.created_at)),
            view.name,
        ]
        for view in views
    ]
    headings = ["id", "state", "sent", "failed", "unknown", "audience", "launched", "name"]
    output.table(headings, rows, right=[2, 3, 4, 5], spare=[6])
    drafts = [view.id for view in views if view.state == "draft"]
    if drafts:
        output.note("A draft is a launch that is under way, or was interrupted: nothing of it was sent.")
        output.note(f"The next launch throws away what was interrupted, and so does: mailtui cancel {drafts[-1]}")
    hurt = [view.id for view in views if view.counts.failed or view.counts.unknown]
    if hurt:
        output.note(f"What can be done about failed and unknown: mailtui status {hurt[-1]}")


async def _looked(service: Service, search: str) -> tuple[list[CampaignView], str]:
    return await service.views(search), await service.scheduled.no_runner()


def _until(view: CampaignView) -> str:
    """When one that is paused goes on by itself, or one that is scheduled begins."""
    if view.begins_at is not None:
        return f" for {show_moment(view.begins_at)}"
    return f" until {show_moment(view.resume_at)}" if view.resume_at is not None else ""
