"""Owns what an editor asks about texts that nobody saved yet: what is wrong with them, and the mail they would make.

Templates are programs: the mail is made by a process of its own, which is ended when it takes too long, when it wants
too much memory, and when a newer text is asked about.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.recipient import Recipient
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.errors import ConfigError, Problem, TemplateError
from mailtui.message.html_blocks import Block
from mailtui.message.html_text import lay_out
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.source import Unsaved
from mailtui.message.tree import MessageView, describe
from mailtui.service.drafts import Draft, Known, know, read_draft
from mailtui.service.inspector import Inspector
from mailtui.service.list_answers import Superseded

PATIENCE = 10.0
"""Seconds that a mail may take to be made, the start of the process included."""
_SECRET = b"draft"
_LONG = 40_000  # characters that are looked at within some 100 ms; longer ones in a process of its own


@dataclass(frozen=True, slots=True)
class LiveMail:
    """The mail that a text makes now. `blocks` are its HTML laid out, None where it has none."""

    recipient: Recipient
    view: MessageView
    blocks: tuple[Block, ...] | None


class EditingDesk:
    """Answers from threads of the caller's; a newer question about a mail ends the one before."""

    def __init__(self, cache: Path, *, patience: float = PATIENCE) -> None:
        self._cache = cache
        self._patience = patience
        self._known: tuple[tuple[AudienceSpec, Path, int | None], Known] | None = None
        self._inspector = Inspector()
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._asked = 0

    def close(self) -> None:
        """End what is being rendered and looked at."""
        self._ticket(None)
        self._inspector.close()

    def inspect(self, campaign: Campaign, unsaved: Unsaved, *, row: int | None = None, anew: bool = False) -> Draft:
        """The message as its texts make it. The list is opened again only for another row or list, or `anew`.

        Raises `Superseded` for long texts, once newer ones are asked about.
        """
        key = (campaign.spec.audience, campaign.folder, row)
        if anew or self._known is None or self._known[0] != key:
            self._known = (key, know(campaign, self._cache, row))
        known = self._known[1]
        if _weight(campaign, unsaved) > _LONG:
            return self._inspector.inspect(campaign, unsaved, known)
        return read_draft(campaign, self._cache, unsaved=unsaved, known=known)

    def render(self, draft: Draft) -> LiveMail:
        """The mail of the draft's recipient, for a draft without mistakes.

        Raises `TemplateError` or `ConfigError` for what goes wrong, `Superseded` once another one is asked for.
        """
        assert draft.message is not None
        assert draft.first is not None
        assert draft.columns is not None
        with contextlib.ExitStack() as stack:
            ticket = self._ticket(stack.close)
            trial = TrialRenderer(
                draft.message,
                draft.columns,
                secret=_SECRET,
                date=time.time(),
                folder=draft.campaign.folder,
                file_limit=draft.campaign.spec.attachment_bytes,
            )
            overrun = threading.Event()

            def overrun_now() -> None:
                overrun.set()
                stack.close()

            timer = threading.Timer(self._patience, overrun_now)
            timer.daemon = True
            timer.start()
            try:
                stack.enter_context(trial)
                self._require(ticket)  # else it was ended before it began
                [(recipient, rendered)] = trial.render([draft.first])
            except TemplateError:
                if overrun.is_set():
                    raise TemplateError(
                        f"The mail was not made within {self._patience:g} seconds",
                        hint="Is there a loop in the templates that never ends, or one inside another?",
                    ) from None
                self._require(ticket)
                raise
            finally:
                timer.cancel()
        self._require(ticket)
        return _laid_out(recipient, rendered)

    def _ticket(self, end: Callable[[], None] | None) -> int:
        with self._lock:
            former, self._end = self._end, end
            self._asked += 1
            ticket = self._asked
        if former is not None:
            former()
        return ticket

    def _require(self, ticket: int) -> None:
        if ticket != self._asked:
            raise Superseded


def _weight(campaign: Campaign, unsaved: Unsaved) -> int:
    """How many characters there are about to look at."""
    bodies = [campaign.spec.text, campaign.spec.page[1] if campaign.spec.page is not None else None]
    on_disk = [campaign.folder / name for name in bodies if name]
    return sum(map(len, unsaved.values())) + sum(path.stat().st_size for path in on_disk if path.is_file())


def _laid_out(recipient: Recipient, rendered: RenderedMessage | RenderProblem) -> LiveMail:
    if isinstance(rendered, RenderProblem):
        raise ConfigError(
            f"Row {recipient.row} ({recipient.address}) cannot be rendered",
            [Problem(rendered.place, rendered.reason)],
        )
    view = describe(rendered.data)
    return LiveMail(recipient, view, None if view.html is None else tuple(lay_out(view.html)))
