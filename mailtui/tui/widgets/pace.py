"""Owns the four fields of how fast to send: rate, burst, workers, window."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from mailtui.service.launching import LaunchPlan
from mailtui.service.terms import MAX_WINDOW, MAX_WORKERS, parse_rate, show_rate, what_a_window_means
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.safe_input import SafeInput

_NO_LIMIT = "no limit"


class Pace(Vertical):
    """For one launch only; the campaign file stays as it is."""

    DEFAULT_CSS = """
    Pace {
        height: auto;
        & > Horizontal { height: 1; }
        & Horizontal > Plain { width: auto; margin-right: 1; color: $text-muted; }
        & Input { width: 10; height: 1; border: none; padding: 0 1; margin-right: 1; background: $surface; }
        & Input:focus { border: none; background: $block-cursor-blurred-background; }
        & #pace-burst { width: 7; }
        & #pace-workers { width: 6; }
        & #pace-window { width: 5; }
        & > .means { color: $text-muted; height: auto; }
        & > .wrong { color: $text-error; height: auto; }
    }
    """

    class Changed(Message):
        """What is typed has changed; it may be nonsense yet."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.problem = ""
        """Why what is typed is no pace; empty when it is one."""
        self._typed: dict[str, object] = {}

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Plain("rate")
            yield SafeInput(id="pace-rate", placeholder=_NO_LIMIT, max_length=12)
            yield Plain("burst")
            yield SafeInput(id="pace-burst", restrict=r"[0-9]*", max_length=6)
            yield Plain("workers")
            yield SafeInput(id="pace-workers", restrict=r"[0-9]*", max_length=4)
            yield Plain("window")
            yield SafeInput(id="pace-window", restrict=r"[0-9]*", max_length=2)
        yield Plain(classes="means")
        yield Plain(classes="wrong")

    def fill(self, plan: LaunchPlan) -> None:
        """Take over what the campaign says."""
        rate = plan.plan.rate
        with self.prevent(Input.Changed):
            self.query_one("#pace-rate", Input).value = "" if rate is None else show_rate(rate)
            self.query_one("#pace-burst", Input).value = str(plan.plan.burst)
            self.query_one("#pace-workers", Input).value = str(plan.plan.workers)
            self.query_one("#pace-window", Input).value = str(plan.plan.window)
        self._read()

    @property
    def arguments(self) -> dict[str, object]:
        """What is typed, as a plan takes it."""
        return dict(self._typed)

    @property
    def window(self) -> int | None:
        """The window that is typed; None where that is none."""
        text = self.query_one("#pace-window", Input).value
        return int(text) if text.isdecimal() and 1 <= int(text) <= MAX_WINDOW else None

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        self._read()
        self.post_message(self.Changed())

    def _read(self) -> None:
        self._typed, self.problem, window = {}, "", 1
        rate = self.query_one("#pace-rate", Input).value.strip()
        try:
            self._typed["rate"] = parse_rate(rate) if rate else None
            self._typed["burst"] = self._number("burst", 1_000_000)
            self._typed["workers"] = self._number("workers", MAX_WORKERS)
            window = self._typed["window"] = self._number("window", MAX_WINDOW)
        except ValueError as error:
            self.problem = str(error)
        means = self.query_one(".means", Plain)
        means.show(what_a_window_means(window))
        means.display = window > 1 and not self.problem
        wrong = self.query_one(".wrong", Plain)
        wrong.show(plain(f"× {self.problem}", limit=200))
        wrong.display = bool(self.problem)

    def _number(self, name: str, most: int) -> int:
        text = self.query_one(f"#pace-{name}", Input).value
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise ValueError(f"{name} is a number from 1 to {most:,}")
        return int(text)
