"""Owns getting a person's word for a launch: for whom it is, where that is open, and the number of mails, typed."""

from __future__ import annotations

from typing import Any

from textual.app import App

from mailtui.service.facade import Service
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import Again
from mailtui.service.scheduled_rows import replaced
from mailtui.service.workbench import Workbench
from mailtui.tui.dialogs.changed import ChangedDialog
from mailtui.tui.dialogs.confirm_start import ConfirmStartDialog
from mailtui.tui.text import tell
from mailtui.tui.widgets.plan_facts import Question, facts, mails, where_to
from mailtui.tui.widgets.plan_times import where_and_when


async def agree(
    app: App[Any],
    service: Service,
    bench: Workbench,
    plan: LaunchPlan,
    question: Question | None,
    *,
    to_sandbox: bool,
) -> tuple[LaunchPlan, Again] | None:
    """The plan, and what it means for an earlier launch, where that is the `question`; None when nobody wants it.

    Raises what stands in the way.
    """
    again = Again.ASK
    if question is not None:
        choice = await app.push_screen_wait(ChangedDialog(question))
        if choice is not None:
            plan, again = await bench.forecast(plan, choice), choice
    meant = question is None or again is not Again.ASK
    if meant and mails(plan):  # with none, what was launched before is only to be brought to its end
        where = where_and_when(plan, where_to(plan, to_sandbox=to_sandbox))
        later = plan.waits or plan.recurs
        rows = await service.scheduled.rows() if plan.recurs else []
        earlier = replaced(rows, plan.campaign.name, plan.campaign.path)
        lines = facts(plan, paced=True, until_now="" if earlier is None else earlier.words)
        dialog = ConfirmStartDialog(mails(plan), lines, where=where, later=later)
        meant = await app.push_screen_wait(dialog)
    if not meant:
        tell(app, "Nothing was sent.")
        return None
    return plan, again
