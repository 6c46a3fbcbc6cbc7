"""Owns getting a person's word for a launch: for whom it is, where that is open, and the number of mails, typed."""

from __future__ import annotations

from typing import Any

from textual.app import App

from mailtui.service.facade import LaunchPlan
from mailtui.service.lists import Again, MessageChanged, WasCancelled
from mailtui.service.workbench import Workbench
from mailtui.tui.dialogs.changed import ChangedDialog
from mailtui.tui.dialogs.confirm_start import ConfirmStartDialog
from mailtui.tui.text import tell
from mailtui.tui.widgets.plan_facts import facts, mails, some_mails


async def agree(
    app: App[Any], bench: Workbench, plan: LaunchPlan, *, to_sandbox: bool
) -> tuple[LaunchPlan, Again] | None:
    """The plan, counted anew at this moment, and what it means for an earlier launch; None when nothing is to be sent.

    Raises what stands in the way.
    """
    known = await _for_whom(app, bench, plan)
    if known is None:
        tell(app, "Nothing was sent.")
        return None
    plan, again = known
    if not some_mails(plan):
        tell(app, "Nobody is left who would get a mail; nothing was sent.")
        return None
    if mails(plan):  # otherwise what was launched is only to be brought to its end
        dialog = ConfirmStartDialog(mails(plan), facts(plan, paced=True), to_sandbox=to_sandbox)
        if not await app.push_screen_wait(dialog):
            tell(app, "Nothing was sent.")
            return None
    return plan, again


async def _for_whom(app: App[Any], bench: Workbench, plan: LaunchPlan) -> tuple[LaunchPlan, Again] | None:
    again = Again.ASK
    while True:
        try:
            return await bench.forecast(plan, again), again
        except (MessageChanged, WasCancelled) as error:
            question = error
        choice = await app.push_screen_wait(ChangedDialog(question))
        if choice is None:
            return None
        again = choice
