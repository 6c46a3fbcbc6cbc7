"""Owns what every screen has: the line at the top, the footer, and asking the service without freezing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from mailtui.errors import MailtuiError
from mailtui.service.facade import Service
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.text import Plain, joined, plain, tell

Value = TypeVar("Value")

ROOMS = ("home", "audience", "rules", "message", "preview", "review", "board", "report")
_TITLES = {"audience": "list", "board": "sending"}


class Room(Screen[None]):
    """One of the app's eight screens. A subclass sets `ROOM` and `HELP`, and yields its body."""

    ROOM: ClassVar[str] = ""
    HELP: ClassVar[str] = ""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__()
        self.service = service
        self.bench = bench

    def compose(self) -> ComposeResult:
        yield Plain(id="where")
        yield from self.body()
        yield Footer(compact=True)

    def body(self) -> Iterable[Widget]:
        """The screen's own widgets."""
        return ()

    def on_mount(self) -> None:
        self.show_where()

    def on_screen_resume(self) -> None:
        self.show_where()

    async def opened(self) -> None:
        """A campaign or list was opened while this screen is shown; screens that show it override this."""
        self.show_where()

    def show_where(self) -> None:
        """The top line: which campaign, and which room of the house this is."""
        campaign, opened = self.bench.campaign, self.bench.open_list
        name = campaign.name if campaign is not None else opened.name if opened is not None else "mailtui"
        wide = self.app.size.width >= 100
        rooms = [
            joined(
                plain(str(number), "bold $accent" if room == self.ROOM else "$accent"),
                plain(
                    f"{' ' if wide else ''}{_TITLES.get(room, room)}",
                    "bold $foreground" if room == self.ROOM else "$text-muted",
                ),
            )
            for number, room in enumerate(ROOMS, 1)
        ]
        taken = sum(len(room.plain) for room in rooms) + (len(rooms) + 1) * (2 if wide else 1)
        width = max(8, self.app.size.width - taken - 4)
        tabs = joined(*rooms, separator="  " if wide else " ")
        self.query_one("#where", Plain).show(joined(plain(name, "bold", limit=width), tabs, separator="  "))

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
        tell(self.app, f"{error.title}. {error.hint}", bad=True)
