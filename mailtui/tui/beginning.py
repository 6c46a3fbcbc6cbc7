"""Owns bringing about what was agreed to in the review: a launch, at once or for a time to come, or a campaign that is
sent again and again; and going where it is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.errors import MailtuiError
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import Again, Launch
from mailtui.service.terms import show_people
from mailtui.service.workbench import Superseded
from mailtui.tui.dialogs.password import launching_password
from mailtui.tui.room import Room
from mailtui.tui.text import tell
from mailtui.tui.ways_on import after_start
from mailtui.tui.widgets.launching import Launching
from mailtui.tui.widgets.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Begun:
    """What was launched, or for what recurs what is to be told of it."""

    launch: Launch | None
    told: str = ""


async def bring_about(room: Room, plan: LaunchPlan, again: Again) -> Begun | None:
    """Do what was agreed to; None where something stood in the way, which is said on the screen."""
    line, launch, recurrence = room.query_one(Launching), None, ""
    try:
        await launching_password(room.app, room.service, plan)
        if plan.recurs:
            recurrence = await line.recur(room.service, plan)
            return Begun(None, await line.wait_for_its_times(room.service, plan, recurrence))
        launch = await line.launch(room.bench, plan, again)
        await line.begin(room.service, launch)
    except Superseded:
        return None
    except MailtuiError as error:
        room.query_one(Trouble).tell(error, after=after_start(error, launch, recurs=bool(recurrence)))
        return None
    finally:
        line.done()
    return Begun(launch)


async def show_begun(room: Room, begun: Begun) -> None:
    """Go where it is seen: to the board, or to what is to come."""
    launch = begun.launch
    if launch is None:
        tell(room.app, begun.told)
        await room.app.switch_mode("scheduled")
        return
    if not launch.is_new:
        who = f"{show_people(launch.added, launch.copies)} added" if launch.added else "nobody on the list is new"
        tell(room.app, f"{launch.campaign.name} was launched before: {who}.")
    view = await room.ask(lambda: room.service.view(launch.campaign.id))
    if view is None or view.begins_at is None:
        await room.show_campaign("board", launch.campaign.id)
        return
    tell(room.app, f"{view.name} {view.begins}.")
    await room.app.switch_mode("scheduled")
