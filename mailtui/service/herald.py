"""Owns how a runner tells others: webhooks by what the settings say now, and the desktop of whoever runs it.

The settings are read anew each time, since it is rare: a webhook whose address was wrong is reached once it is right.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.notices import Told
from mailtui.errors import ConfigError, MailtuiError, WebhookSecretMissing
from mailtui.kit.journal import note
from mailtui.kit.paths import Home
from mailtui.kit.safe_text import safe_text
from mailtui.outbox.notices import Event, Happening, harmless
from mailtui.outbox.records import Counts
from mailtui.outbox.timed_records import Notice

if TYPE_CHECKING:
    from mailtui.kit.yaml_file import Loc

LONG = 30.0
"""Seconds after which somebody may have turned to something else, and is told without having asked for it."""
_LAST_WORDS = 3.0


class OwnHerald:
    """Tells by what the settings of whoever runs this say. Satisfies `dispatch.notices.Herald`."""

    def __init__(self, environ: Mapping[str, str], secrets: SecretSource, *, scale: float) -> None:
        self._environ = environ
        self._secrets = secrets
        self._scale = scale
        self._showing: set[asyncio.Task[None]] = set()

    def show(self, happening: Happening) -> None:
        """Show on the desktop that a campaign has ended, or waits for somebody."""
        if _matters(happening):
            campaign = happening.campaign
            began = campaign.launched_at or happening.at
            worth = happening.event is not Event.FINISHED or happening.at - began >= LONG
            self._begin(campaign.name, in_short(happening.event, happening.counts, happening.reason), worth=worth)

    def show_missed(self, name: str, reason: str) -> None:
        """Show on the desktop that nothing came of a recurring campaign's time."""
        self._begin(name, safe_text(f"Not sent: {harmless(reason)}.", limit=200), worth=True)

    def _begin(self, name: str, text: str, *, worth: bool) -> None:
        if sys.platform == "darwin" or os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
            task = asyncio.create_task(self._show(name, text, worth=worth), name="desktop")
            self._showing.add(task)
            task.add_done_callback(self._showing.discard)

    async def _show(self, name: str, text: str, *, worth: bool) -> None:
        """Where the settings want it, or say nothing and it is `worth` it."""
        from mailtui.report import desktop  # most runners live where there is none

        try:
            wanted = await asyncio.to_thread(self._read, ("notify", "desktop"))
        except MailtuiError:
            wanted = None  # whoever has settings with mistakes in them is told elsewhere
        if wanted is False or (wanted is not True and not (worth and desktop.is_local(self._environ))):
            return
        problem = await desktop.show(safe_text(name, limit=60), text, self._environ)
        note("shown on the desktop", name=name, problem=problem)

    async def settle(self) -> None:
        """Let what is to be shown be shown before the process ends."""
        if self._showing:
            await asyncio.wait(self._showing, timeout=_LAST_WORDS)

    async def post(self, notice: Notice) -> Told:
        """Post it once, to where the settings have this webhook now."""
        from mailtui.report.webhook import Posting, post  # costs what HTTP needs, and most runners post nothing

        try:
            webhook = await asyncio.to_thread(self._read, ("webhooks", notice.target))
            if webhook is None:
                return Told(taken=False, said="it is not in the settings any more", final=True)
            url = _address_in(webhook)
            secret = await self._secrets.webhook_secret(notice.target)
            answer = await post(Posting(url, secret, notice.id, notice.body), scale=self._scale)
        except WebhookSecretMissing:
            return Told(taken=False, said="its secret was not found")
        except MailtuiError as error:
            return Told(taken=False, said=error.title)
        except ValueError as error:  # a secret that is none
            return Told(taken=False, said=str(error))
        said = f"{answer.said}: it wants to hear nothing any more" if answer.gone else answer.said
        return Told(answer.taken, said, final=answer.gone, retry_after=answer.retry_after)

    def _read(self, loc: Loc) -> Any:
        """What the settings say there, as it is written. Their whole model would take half a second to load, and keep
        mails waiting for that long.
        """
        from mailtui.service.settings_layers import at, read_layers  # most runners need none

        return at(read_layers(self._environ, Home.find(self._environ)).data, loc)


def _address_in(webhook: Any) -> str:
    """Where a webhook of the settings is. Raises `ConfigError`, which does not say it: a path may be secret."""
    from mailtui.report.addresses import safe_url  # most runners need none

    url = webhook.get("url") if isinstance(webhook, Mapping) else None
    with contextlib.suppress(ValueError):
        if isinstance(url, str):
            return safe_url(url)
    raise ConfigError("its address in the settings cannot be posted to")


def is_worth_a_ring(wanted: bool | None, waited: float, *, looks: bool) -> bool:
    """Whether a terminal rings at the end: as the settings say (`notify: terminal`), else where somebody waited for
    long, or no longer `looks`.
    """
    return (waited >= LONG or not looks) if wanted is None else wanted


def in_short(event: str, counts: Counts, reason: str = "") -> str:
    """What became of a campaign, in one line without anybody's address."""
    parts = [f"{counts.sent:,} sent"]
    parts += [
        f"{number:,} {name}" for name, number in (("failed", counts.failed), ("unknown", counts.unknown)) if number
    ]
    because = f": {harmless(reason)}" if reason else ""
    first = {"finished": "Finished", "missed": "Not sent"}.get(event, event.capitalize())
    return safe_text(
        f"{first}{because}. {', '.join(parts)}." if because else f"{first}: {', '.join(parts)}.", limit=200
    )


def _matters(happening: Happening) -> bool:
    """Whether a person wants to know who is not looking: it has ended by itself, or waits for somebody."""
    waits = happening.event is Event.PAUSED and happening.held and happening.resume_at is None
    return waits or happening.event in (Event.FINISHED, Event.MISSED)
