"""Owns a launch as it is seen: how far the writing into the outbox is, then the runner taking it up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import ProgressBar

from mailtui.service.facade import Service
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import Again, Launch
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.text import Plain, plain


class Launching(Vertical):
    """Hidden unless something is being launched."""

    DEFAULT_CSS = """
    Launching {
        height: auto;
        padding: 0 1;
        background: $surface;
        display: none;
        & > ProgressBar { width: 1fr; }
        & Bar { width: 1fr; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._gone = False

    def compose(self) -> Iterable[Widget]:
        yield Plain(id="launching-what")
        yield ProgressBar(show_eta=False)

    def on_unmount(self) -> None:
        self._gone = True

    async def launch(self, bench: Workbench, plan: LaunchPlan, again: Again) -> Launch:
        """Freeze the campaign, showing how far it is. Raises what stands in the way."""
        loop = asyncio.get_running_loop()
        total = plan.counts.recipients
        self._say("Writing the recipients into the outbox …", 0, total)

        def show(done: int) -> None:
            if not self._gone:
                self._say(f"Writing the recipients into the outbox: {done:,} of {total:,}", done, total)

        def heard(done: int) -> None:
            """In the thread that launches. One whose app is closed ends there, a draft that the next launch drops."""
            if self._gone:
                raise Superseded
            with contextlib.suppress(RuntimeError):  # the app has just been closed
                loop.call_soon_threadsafe(show, done)

        return await bench.launch(plan, again, heard)

    async def begin(self, service: Service, launch: Launch) -> None:
        """See that a runner sends it; returns once one does. Raises what stands in the way."""
        self._say("Starting the runner …", None, None)
        secrets = await service.secrets_of(launch.members)
        await service.start_runner(secrets, leave=launch.campaign.id)
        for order in launch.orders:
            await service.orders.obeyed(order, secrets)
        await service.orders.taken_up(launch.campaign.id, secrets)

    async def recur(self, service: Service, plan: LaunchPlan) -> str:
        """Put into the outbox what is sent again and again; its id. Raises what stands in the way."""
        self._say("Beginning it …", None, None)
        return (await service.scheduled.recur(plan)).recurrence.id

    async def wait_for_its_times(self, service: Service, plan: LaunchPlan, recurrence: str) -> str:
        """Have a runner wait for the times of what is sent again and again; what to tell of it. Raises what stands in
        the way.
        """
        await service.start_runner(await service.secrets_of(plan.members))
        row = await service.scheduled.row(recurrence)
        return f"{row.name} goes out {row.words}. Next: {row.due}."

    def done(self) -> None:
        """Nothing is being launched any more."""
        self.display = False

    def _say(self, what: str, done: int | None, total: int | None) -> None:
        self.display = True
        self.query_one("#launching-what", Plain).show(plain(what, "bold"))
        self.query_one(ProgressBar).update(total=total, progress=done or 0)
