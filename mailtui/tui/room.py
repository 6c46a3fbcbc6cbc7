"""Owns what every screen has: the line at the top, the footer, and asking the service without freezing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.facade import Service
from mailtui.service.lists import freshness
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.actions import needs
from mailtui.tui.memory import settle
from mailtui.tui.text import tell
from mailtui.tui.widgets.key_bar import KeyBar
from mailtui.tui.widgets.where import Where

Value = TypeVar("Value")

ROOMS = (
    "home",
    "audience",
    "rules",
    "message",
    "preview",
    "review",
    "board",
    "report",
    "suppression",
    "accounts",
    "scheduled",
)


class House(Protocol):
    """What rooms know of the app they are in."""

    demo: int | None
    """The port of the demo's sandbox on this machine, when this is the demo."""
    watched: str
    """The id of the launched campaign that board and report are about; empty for the newest."""


class Room(Screen[None]):
    """One of the app's screens. A subclass sets `ROOM` and `HELP`, and yields its body.

    Its `on_…` handlers run beside the ones here, not instead of them: Textual calls those of every class.
    """

    ROOM: ClassVar[str] = ""
    HELP: ClassVar[str] = ""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__()
        self.service = service
        self.bench = bench
        self.entered = False
        """Whether it has been shown, and so has its widgets."""

    def compose(self) -> ComposeResult:
        yield Where(ROOMS, self.ROOM)
        yield from self.body()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """The screen's own widgets."""
        return ()

    def on_mount(self) -> None:
        self.show_where()
        self.call_after_refresh(settle)

    def on_screen_resume(self) -> None:
        self.entered = True
        self.show_where()

    async def opened(self) -> None:
        """A campaign or list was opened while this screen is shown; screens that show it override this."""
        self.show_where()

    def show_where(self) -> None:
        """The top line: which campaign or list is open, and which room of the house this is."""
        campaign, opened = self.bench.campaign, self.bench.open_list
        of_list = "mailtui" if opened is None else opened.name if opened.sheet else Path(opened.name).name
        name = of_list if campaign is None else campaign.name
        if opened is not None and opened.sheet is not None:
            name += f", {freshness(opened.sheet, datetime.now().astimezone())}"
        self.query_one(Where).tell(name)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The end of a worker that nobody waits for: what it stumbled over is shown, and a defect ends the app."""
        if not self.app.is_running:
            return  # the app is closing, and this worker looked for widgets that are gone already
        error = failure_of(event)
        if error is not None:
            self.complain(error)

    @property
    def house(self) -> House:
        return cast(House, self.app)

    @property
    def to_sandbox(self) -> bool:
        """Whether the open campaign goes to the demo's sandbox, and so to nobody."""
        server = None if self.bench.campaign is None else self.bench.campaign.spec.smtp
        return server is not None and server.port == self.house.demo and server.endpoint("").is_loopback

    @property
    def holds_back(self) -> bool:
        """Whether something here would be lost by leaving: then `let_go` asks about it."""
        return False

    async def let_go(self) -> bool:
        """Ask what becomes of what is not saved here, in a worker; whether the room may be left then."""
        return True

    def needs(self, action: str) -> str:
        """What an action takes that can do nothing now."""
        return needs(self.ROOM, action)

    async def show_campaign(self, room: str, campaign_id: str) -> None:
        """Go to the board or the report of a launched campaign."""
        self.house.watched = campaign_id
        await self.app.switch_mode(room)
        screen = self.app.screen
        if isinstance(screen, Room):
            screen.turn_to(campaign_id)

    def turn_to(self, campaign_id: str) -> None:
        """Be about this launched campaign from now on; board and report override this."""

    async def ask(self, work: Callable[[], Awaitable[Value]]) -> Value | None:
        """Await the service; its error becomes a message on this screen, and None comes back."""
        try:
            return await work()
        except Superseded:
            return None
        except MailtuiError as error:
            self.complain(error)
            return None

    def complain(self, error: MailtuiError) -> None:
        """Show an error. Screens with a place for it override this."""
        tell(self.app, f"{sentence(error.title)} {error.hint}", bad=True)


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, object]], group: str) -> None:
    """Have a worker of the node do this; one of the same group that is still at it is given up.

    The node sees in `on_worker_state_changed` how it ended.
    """
    work_of_any_kind: Any = work  # its declared type cannot be said of a bound method
    node.run_worker(work_of_any_kind, name=group, group=group, exclusive=True, exit_on_error=False)


def failure_of(event: Worker.StateChanged) -> MailtuiError | None:
    """What a worker failed with, when a person can do something about it. Raises what is a defect of ours."""
    if event.state is not WorkerState.ERROR or event.worker.error is None:
        return None
    error = event.worker.error
    if isinstance(error, MailtuiError):
        return error
    if isinstance(error, Superseded):
        return None
    raise error
