"""Owns looking at mails before anything is sent: whose, in which views, how two differ, and which ones to look at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mailtui.audience.audience import Audience
from mailtui.audience.comparing import fold
from mailtui.audience.recipient import Recipient
from mailtui.audience.views import RowView
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.errors import AudienceError, ConfigError, Problem, TemplateError, UsageError
from mailtui.message.conventions import with_types
from mailtui.message.differences import Pair, Piece, differences
from mailtui.message.frozen import MessageSource
from mailtui.message.html_blocks import Block, Kind
from mailtui.message.html_text import lay_out
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.tree import FileView, MessageView, describe
from mailtui.message.worst import Oddity, OddRow, OddRows, WorstRows
from mailtui.service.campaigns import PREVIEW_SECRET, CampaignDesk, trial_of
from mailtui.service.signing import HEADER, signed_at_hand

__all__ = [
    "NO_TEXT",
    "VIEWS",
    "Campaign",
    "FileView",
    "Found",
    "MessageView",
    "OddRow",
    "OddRows",
    "Oddity",
    "Pair",
    "Piece",
    "Preview",
    "PreviewDesk",
    "Told",
    "differences_of",
    "find_worst",
    "lines_of",
    "search_recipients",
]

VIEWS = ("laid out", "text", "headers", "tree", "source")
"""The ways to look at a mail, by their names on a screen."""

Told = Callable[[int, int], None]
"""Hears how many rows of a list were looked at, and how many there are; what it raises ends that."""

NO_TEXT = "This mail has no plain text part."

_TOLD_EVERY = 2_000  # recipients, some ten milliseconds: as long as it takes at most to be ended
_KEPT_SECONDS = 90.0
_RULE = 40


@dataclass(frozen=True, slots=True)
class Preview:
    """One recipient's mail as it would be sent.

    `matched` is False for a row that the filter leaves out; `left_out` says why one that it lets in has no mail of its
    own: its address stands in an earlier row, or is of a kind that is excluded.
    """

    recipient: Recipient
    message: RenderedMessage
    view: MessageView
    matched: bool = True
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The recipients who have a text in any cell: the rows they stand in, in order."""

    text: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Child:
    """A process that renders one message for lists with some columns, with the files of a folder up to a limit, to be
    signed or not.
    """

    wanted: tuple[MessageSource, tuple[str, ...], Path, int, bool]
    renderer: TrialRenderer
    life: ExitStack


class PreviewDesk:
    """Renders the mails that are looked at.

    Starting a process takes a hundred times as long as rendering a mail in it. So the one that rendered the last mail
    is kept for the next one of the same message, and let go a while after nobody asked.
    """

    def __init__(self, desk: CampaignDesk) -> None:
        self._desk = desk
        self._kept: _Child | None = None
        self._busy: list[ExitStack] = []
        self._closings = 0
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def close(self) -> None:
        """Let the process go, and end what is being rendered: a template may never end, and whoever leaves waits."""
        with self._lock:
            self._closings += 1
            busy, self._busy = self._busy, []
        for life in busy:
            life.close()
        self._keep(None)

    def of(self, campaign: Campaign, *, row: int | None = None, to: str | None = None) -> Preview:
        """One recipient's mail: by row, by address, or the first. Raises `UsageError` for one who gets none,
        `TemplateError` for one that takes too long or too much.
        """
        closings = self._closings
        with self._desk.open_audience(campaign) as audience:
            recipient, asked = _pick(audience, row, to)
            columns, understanding = audience.columns, audience.understanding
        source = with_types(campaign.read_message(), understanding)
        with self._child(campaign, source, columns, closings) as renderer:
            [(_, rendered)] = renderer.render([recipient])
        if isinstance(rendered, RenderProblem):
            raise ConfigError(
                f"Row {recipient.row} ({recipient.address}) cannot be rendered",
                [Problem(rendered.place, rendered.reason)],
                hint="The other rows may be fine: mailtui check shows which are not",
            )
        rendered, unsigned = signed_at_hand(self._desk.signing(campaign), rendered)
        view = describe(rendered.data)
        if unsigned:
            view = replace(view, headers=((HEADER, unsigned), *view.headers))
        if asked is None:
            return Preview(recipient, rendered, view)
        left_out = asked.problem.reason if asked.matched and asked.problem is not None else ""
        return Preview(recipient, rendered, view, asked.matched, left_out)

    def worst(self, campaign: Campaign, told: Told | None = None) -> tuple[OddRows, ...]:
        """The recipients of a campaign who stand out most. Raises what stands in the way of reading list or message."""
        with self._desk.open_audience(campaign) as audience:
            return find_worst(audience, campaign, told)

    def find(self, campaign: Campaign, text: str, told: Told | None = None) -> Found:
        """The recipients of a campaign who have a text in any cell."""
        with self._desk.open_audience(campaign) as audience:
            return search_recipients(audience, text, told)

    @contextmanager
    def _child(
        self, campaign: Campaign, source: MessageSource, columns: tuple[str, ...], closings: int
    ) -> Iterator[TrialRenderer]:
        """The process that is kept, when it is for this message, else a new one; it is kept unless it broke."""
        child = self._take()
        signed = self._desk.signing(campaign) is not None
        wanted = (source, columns, campaign.folder, campaign.spec.attachment_bytes, signed)
        if child is not None and child.wanted != wanted:
            child.life.close()
            child = None
        if child is None:
            campaign.compile(source, columns, secret=PREVIEW_SECRET)  # for its errors, which need no child
            life = ExitStack()
            child = _Child(wanted, life.enter_context(trial_of(campaign, source, columns, signed=signed)), life)
        with self._lock:
            if closings == self._closings:
                self._busy.append(child.life)
        try:
            self._require_wanted(closings)
            yield child.renderer
        except BaseException:
            child.life.close()
            self._require_wanted(closings)
            raise
        finally:
            with self._lock:
                if child.life in self._busy:
                    self._busy.remove(child.life)
        self._require_wanted(closings)
        self._keep(child)

    def _require_wanted(self, closings: int) -> None:
        if closings != self._closings:
            raise TemplateError("Nobody waits for this mail any more")

    def _take(self) -> _Child | None:
        """Nobody else has it meanwhile: two mails asked for at once are rendered by two."""
        with self._lock:
            child, self._kept = self._kept, None
            if self._timer is not None:
                self._timer.cancel()
            return child

    def _keep(self, child: _Child | None) -> None:
        former = self._take()
        with self._lock:
            if child is not None:
                self._kept = child
                self._timer = threading.Timer(_KEPT_SECONDS, self._keep, [None])
                self._timer.daemon = True
                self._timer.start()
        if former is not None:
            former.life.close()


def find_worst(audience: Audience, campaign: Campaign, told: Told | None = None) -> tuple[OddRows, ...]:
    """The recipients of an open list who stand out most in the columns that the campaign's message reads."""
    compiled = campaign.compile(campaign.read_message(), audience.columns, secret=PREVIEW_SECRET)
    worst = WorstRows(compiled.uses.needed(audience.columns))
    for recipient in _heard(audience, told):
        worst.feed(recipient)
    return worst.result()


def search_recipients(audience: Audience, text: str, told: Told | None = None) -> Found:
    """The recipients of an open list who have a text in any cell; upper and lower case are the same."""
    wanted = fold(text)

    def has(cells: Mapping[str, str]) -> bool:
        return wanted in fold("\n".join(cells.values()))

    found = (
        recipient.row
        for recipient in _heard(audience, told)
        if has(recipient.fields) or any(map(has, recipient.rows[1:]))
    )
    return Found(text, tuple(found))


def _heard(audience: Audience, told: Told | None) -> Iterator[Recipient]:
    """Everybody who gets a mail, while `told` hears how far it is."""
    for number, recipient in enumerate(audience.recipients(), 1):
        yield recipient
        if told is not None and number % _TOLD_EVERY == 0:
            told(recipient.row, audience.size)


def lines_of(preview: Preview, view: str) -> list[str]:
    """What a view of a mail says, line by line and not wrapped. A stranger's text: whoever shows it makes it harmless.

    A mail without HTML is laid out as its text.
    """
    mail = preview.view
    if view == "headers":
        return [f"{name}: {value}" for name, value in mail.headers]
    if view == "tree":
        return list(mail.tree)
    if view == "source":
        return mail.source.split("\n")
    if view == "laid out" and mail.html is not None:
        return [line for block in lay_out(mail.html) for line in _block_lines(block)]
    return [NO_TEXT] if mail.text is None else mail.text.split("\n")


def _block_lines(block: Block) -> Iterator[str]:
    if block.gap:
        yield ""
    edge = " " * block.indent + "| " * block.quoted
    inner = ("-" * _RULE if block.kind is Kind.RULE else block.lead + block.text).split("\n")
    yield edge + inner[0]
    for line in inner[1:]:
        yield edge + " " * len(block.lead) + line


def differences_of(left: Preview, right: Preview, view: str) -> tuple[Pair, ...]:
    """How two recipients' mails differ in a view."""
    return differences(lines_of(left, view), lines_of(right, view))


def _pick(audience: Audience, row: int | None, to: str | None) -> tuple[Recipient, RowView | None]:
    """Whose mail is asked for, and the row that was; None for the first recipient."""
    audience.require_sendable()
    if to is not None:
        view = audience.find(to)
        if view is None:
            raise UsageError(f"{to} is not in {audience.name}", hint="See the list: mailtui audience CAMPAIGN")
        return _recipient_of(audience, view), view
    if row is not None:
        view = audience.row(row)
        return _recipient_of(audience, view), view
    first = next(audience.recipients(), None)
    if first is None:
        raise AudienceError("There is nobody to send to: the filter matches no row with a usable address")
    return first, None


def _recipient_of(audience: Audience, view: RowView) -> Recipient:
    """The recipient a row stands for, also when the filter leaves it out: looking is free.

    Where rows are grouped, the one whose mail the row is part of.
    """
    row = view.with_row or view.row
    recipient = next(audience.recipients(row, row), None)
    if recipient is not None:
        return recipient
    if view.address is None:
        reason = view.problem.reason if view.problem is not None else "it has no address"
        raise UsageError(f"Row {view.row} has no mail to show: {reason}")
    return Recipient(view.address, view.row, view.address, view.fields)
