"""Owns how far a send has come: its bar, the totals by state, its pace, and what it is doing now."""

from __future__ import annotations

import time
from collections import deque

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Sparkline

from mailtui.kit.durations import show_duration, show_moment
from mailtui.kit.words import counted, sentence
from mailtui.service.advice import how_on, sooner_by_key
from mailtui.service.pace import pace_in_words, plan_of
from mailtui.service.views import CampaignView
from mailtui.tui.states import campaign_look, is_live, last_heard, totals_content
from mailtui.tui.text import Plain, from_home, joined, plain
from mailtui.tui.widgets.account_lines import account_lines

_FULL_WIDTH = ("head", "totals", "accounts", "meters", "doing", "gear")
_TRUST_AFTER = 5.0  # seconds before which a rate says nothing
_CURVE = 240  # values kept; a minute at the pace at which a board is drawn


class SendProgress(Vertical):
    """Shows one view after another."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._texts: dict[str, Content] = {}
        self._rates: deque[float] = deque(maxlen=_CURVE)
        self._shown: tuple[CampaignView, str] | None = None

    def compose(self) -> ComposeResult:
        yield Plain(id="head")
        with Horizontal(id="bar"):
            yield ProgressBar(show_eta=False, id="done")
            yield Plain(id="count")
        yield Plain(id="totals")
        yield Plain(id="accounts")
        yield Plain(id="meters")
        with Horizontal(id="pace"):
            yield Plain(id="rate")
            yield Sparkline(id="curve")
        yield Plain(id="doing")
        yield Plain(id="gear")

    def forget(self) -> None:
        """Another campaign comes: its curve begins anew."""
        self._rates.clear()

    def show(self, view: CampaignView, *, asking: str = "") -> None:
        """Show how a campaign stands; `asking` is what its runner is being asked to do."""
        self._shown = (view, asking)
        if not self.size.width:
            return  # it is drawn when it knows how wide it is
        counts = view.counts
        look = campaign_look(view)
        times = show_duration(view.send_seconds) if view.send_seconds else ""
        name = plain(view.name, "bold", limit=max(12, self.size.width - 40))
        self._set("#head", joined(name, look.content, plain(view.id, "$text-muted"), times, separator="   "))
        self.query_one("#done", ProgressBar).update(total=max(1, counts.total), progress=counts.settled)
        self._set("#count", plain(f"{counts.settled:,} of {counts.total:,}"))
        self._set("#totals", totals_content(view, self.size.width - 2))
        self.query_one("#accounts").display = bool(view.accounts)
        self._set("#accounts", account_lines(view))
        meters = meter_lines(view)
        self.query_one("#meters").display = bool(meters.plain)
        self._set("#meters", meters)
        self._show_pace(view)
        # One that cannot write answers no order either: why is said, not that it is being asked.
        told = asking and not view.silence
        self._set("#doing", plain(f"… {asking}", "$text-accent") if told else doing(view))
        # Its line stays also where there is nothing to say, so that nothing moves when there is.
        self._set("#gear", plain(f"Gear {view.gear}.", "$text-muted") if view.gear and is_live(view) else plain(""))

    def on_resize(self, _: events.Resize) -> None:
        if self._shown is not None:
            view, asking = self._shown
            self.show(view, asking=asking)

    def _show_pace(self, view: CampaignView) -> None:
        plan = plan_of(view)
        limit = f"limit {pace_in_words(plan)}" if plan.rate is not None or plan.limits else "no limit"
        crew = counted(plan.workers, "worker")
        if not view.active or view.lost:
            lasting = view.send_seconds >= _TRUST_AFTER and view.counts.sent > 1
            average = view.counts.sent / view.send_seconds if lasting else 0.0
            said = f"{average:,.1f}/s on average" if average else ""
        elif view.live is None:
            said = ""
        elif view.send_seconds < _TRUST_AFTER:
            said = "measuring its pace"
        else:
            left = f", {show_duration(view.eta_seconds)} left" if view.eta_seconds is not None and view.at_work else ""
            said = f"{view.rate:,.1f}/s{left}"
        self._set("#rate", joined(*[plain(text) for text in (said, limit, crew) if text], separator="   "))
        if is_live(view):
            self._rates.append(view.rate)
        curve = self.query_one("#curve", Sparkline)
        curve.visible = len(self._rates) > 1
        curve.data = [0.0, *self._rates]  # drawn from zero up, not from the lowest

    def _set(self, name: str, text: Content) -> None:
        """Show a text; the screen is laid out anew only when it takes another room than the one before."""
        before = self._texts.get(name)
        if before is not None and before.is_same(text):
            return
        self._texts[name] = text
        place = self.query_one(name, Plain)
        place.show(text, same_size=before is not None and _room(before, place) == _room(text, place))


def _room(text: Content, place: Plain) -> tuple[int, ...]:
    lengths = [line.cell_length for line in text.split("\n")]
    fits = place.size.width >= max(lengths) and place.id in _FULL_WIDTH
    return (len(lengths),) if fits else tuple(lengths)


def meter_lines(view: CampaignView) -> Content:
    """What the runner says of what is counted and of the pace that servers let it have, a line each; else nothing."""
    meters = view.live.meters if view.live is not None and is_live(view) else ()
    lines = []
    for one in meters:
        until = "" if one.until is None else f", until {time.strftime('%H:%M:%S', time.localtime(one.until))}"
        style = "" if one.until is None else "$text-warning"
        lines.append(joined(plain(f"~ {one.meter}: ", "$text-muted"), plain(f"{one.said}{until}", style, limit=200)))
    return joined(*lines, separator="\n")


def _held(view: CampaignView) -> str:
    """What has no mail begin now, and until when; empty where nothing does."""
    meters = view.live.meters if view.live is not None else ()
    last = max((one for one in meters if one.until is not None), key=lambda one: one.until or 0, default=None)
    if last is None or last.until is None or last.until <= view.seen_at:
        return ""
    return f"Waits for {last.meter}, {last.said}: goes on at {show_moment(last.until)}."


def doing(view: CampaignView) -> Content:
    """One line: what is going on, or why nothing is."""
    look = campaign_look(view)
    busy = sum(1 for worker in view.workers if worker.recipient)
    if view.lost:
        text = f"Nothing sends it any more; last heard of its runner at {last_heard(view)}. r goes on."
    elif view.silence:
        text = from_home(view.silence)
    elif view.state == "pausing":
        text = f"Pausing: {busy} finishing." if busy else "Pausing."
    elif view.state == "cancelling":
        text = f"Cancelling: {busy} finishing, nobody else gets a mail." if busy else "Cancelling."
    elif view.begins:
        text = f"It {view.begins}. S is where that can be changed, and it can be sent now."
    elif view.state == "paused":
        text = (
            f"Paused because {sentence(view.reason)} {how_on(view.campaign)}" if view.reason else "Paused. r goes on."
        )
        if view.resumes:
            key = sooner_by_key(view.reason) if view.runner is not None else "r starts one."
            text = f"Paused because {sentence(view.reason)} It {view.resumes}. {key}".rstrip()
        text = f"{text} {view.some_suppressed}".rstrip()
    elif view.state in ("finished", "cancelled"):
        text = "Done. enter shows what became of every recipient."
    elif view.note:
        until = f" It {view.waits}." if view.waits else ""
        return plain(f"{sentence(view.note[:1].upper() + view.note[1:])}{until}", "$text-warning")
    elif view.live is not None and view.live.next_due is not None and not view.at_work:
        at = time.strftime("%H:%M:%S", time.localtime(view.live.next_due))
        text = f"Nobody is left but {counted(view.counts.deferred, 'deferred mail')}; the next try is at {at}."
    elif not (busy or view.rate) and (held := _held(view)):
        return plain(held, "$text-warning")
    elif view.live is None and view.snapshot is not None:
        text = f"No word from process {view.runner} since {last_heard(view)}."
    elif view.live is None:
        text = f"Waiting for process {view.runner} to take it up."
    else:
        return plain(f"Sent by process {view.runner}, which goes on when the app is closed.", "$text-muted")
    return plain(text, look.style)
