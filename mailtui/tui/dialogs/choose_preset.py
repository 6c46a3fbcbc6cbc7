"""Owns choosing a provider for a new account: which are known, their quotas, and what to know before the first mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import DataTable

from mailtui.service.account_book import Preset
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.table import Column, KeyedTable, Row
from mailtui.tui.widgets.wrapped import Line, Wrapped

_COLUMNS = (
    Column("title", "Provider"),
    Column("login", "Login", 21, least=76),
    Column("quota", "At most", 15, right=True),
)
_OWN = ""
_ALL_YOURSELF = "Another server"


class PresetDialog(ModalScreen[str | None]):
    """The name of a preset, '' for a server that none of them knows, or None."""

    AUTO_FOCUS = "#presets"
    BINDINGS: ClassVar = [
        Binding("escape,q", "leave", "Cancel"),
        Binding("enter", "choose", "Choose"),
        Binding("space", "more", "More"),
    ]
    CSS = """
    PresetDialog > .dialog { width: 92; }
    PresetDialog #presets { height: auto; max-height: 50vh; margin-top: 1; background: $surface; }
    PresetDialog #notes { height: auto; max-height: 30vh; margin: 1 0; }
    PresetDialog #note-lines { height: auto; }
    PresetDialog.-short > .dialog { padding: 0 1; max-height: 100%; }
    PresetDialog.-short #presets { margin-top: 0; }
    PresetDialog.-short #notes { height: 8; max-height: 8; margin: 0; border-top: solid $panel; }
    PresetDialog.-narrow.-short #presets { max-height: 9; }
    PresetDialog.-narrow.-short #notes { height: 7; }
    PresetDialog.-tall #notes { height: 9; }
    """

    def __init__(self, presets: Sequence[Preset]) -> None:
        super().__init__()
        self._presets = {preset.name: preset for preset in presets}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Whose server is it?", classes="title")
            yield KeyedTable(_COLUMNS, id="presets")
            with VerticalScroll(id="notes", can_focus=False):
                yield Wrapped(id="note-lines")
            yield Plain("↑↓ choose   enter goes on   space: more about it   esc closes", classes="muted")

    def on_mount(self) -> None:
        rows = {name: _row(preset) for name, preset in self._presets.items()}
        rows[_OWN] = (plain(_ALL_YOURSELF), plain(""), plain(""))
        self.query_one(KeyedTable).show(rows)

    @on(DataTable.RowHighlighted)
    def moved(self) -> None:
        key = self.query_one(KeyedTable).key
        preset = self._presets.get(key or _OWN)
        lines = (
            list(_lines(preset))
            if preset
            else [Line(plain("You know its name, port and login; nothing is filled in."))]
        )
        self.query_one(Wrapped).show_lines(lines)
        self.query_one("#notes").scroll_home(animate=False)

    def action_more(self) -> None:
        """What is said of a provider, page by page, and from the beginning again."""
        notes = self.query_one("#notes", VerticalScroll)
        if notes.scroll_offset.y < notes.max_scroll_y:
            notes.scroll_page_down(animate=False)
        else:
            notes.scroll_home(animate=False)

    @on(DataTable.RowSelected)
    def action_choose(self) -> None:
        self.dismiss(self.query_one(KeyedTable).key)

    def action_leave(self) -> None:
        self.dismiss(None)


def _row(preset: Preset) -> Row:
    login = "none" if not preset.login else "password or provider" if preset.oauth else "password"
    return plain(preset.title), plain(login, "$text-muted"), plain(_quota(preset, short=True))


def _quota(preset: Preset, *, short: bool = False) -> str:
    day = "" if preset.per_day is None else f"{preset.per_day:,} a day"
    hour = "" if preset.per_hour is None else f"{preset.per_hour:,} an hour"
    return day or hour if short else ", ".join(part for part in (hour, day) if part)


def _lines(preset: Preset) -> Iterator[Line]:
    where = f"{preset.host}:{preset.port}" if preset.host else f"a server of your own, port {preset.port}"
    yield _line("server", f"{where}, {'not encrypted' if preset.security == 'plain' else preset.security.upper()}")
    if preset.user or preset.user_hint:
        yield _line("user", preset.user or preset.user_hint)
    if preset.secret_hint:
        yield _line("password", preset.secret_hint)
    if _quota(preset):
        yield _line("at most", _quota(preset))
    for note in preset.notes:
        yield Line(plain(note, limit=400), plain("- ", "$text-muted"))
    yield _line("see", preset.page)


def _line(name: str, text: str) -> Line:
    return Line(plain(text, limit=400), plain(f"{name:<10}", "$text-muted"))
