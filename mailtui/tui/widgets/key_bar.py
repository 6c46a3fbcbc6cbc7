"""Owns the line at the bottom: the keys of a screen, as many of them as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer

_PALETTE = "-command-palette"
_IMPOSSIBLE = "-disabled"
_LAST_TO_GO = ("help", "quit")


class _Key(Protocol):
    """What Textual's footer says of one key."""

    key: str
    key_display: str
    action: str
    description: str


class KeyBar(Footer):
    """Keys are shown as a whole or not at all: where room is short, those go first that can do nothing now, and help
    and leaving go last.

    A click on a greyed key says why it is grey, as pressing it does.
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._keys: tuple[object, ...] = ()
        """What is shown of the screen's keys now."""

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """A screen tells its keys when it is entered. On a busy machine that is before this line listens, and no other
        word would come: it stayed empty.
        """
        if not self.children:
            self.screen.refresh_bindings()

    async def recompose(self) -> None:
        """Build the line anew where the keys are other ones; it is asked to at every move of the focus.

        Textual draws and lays out nothing while this lasts, on whichever screen, and what came meanwhile waits for
        the next event of the screen that is seen. Where that rests this may be a long time: it is asked to look now.
        """
        keys = tuple(
            (key.binding, key.enabled, key.tooltip) for key in self.screen.active_bindings.values() if key.binding.show
        )
        if self.children and keys == self._keys:
            return
        self._keys = keys
        await super().recompose()
        if self.app.screen_stack:
            self.app.screen.check_idle()

    def on_resize(self, event: events.Resize) -> None:
        self._fit(list(self.children), event.size.width)

    def compose(self) -> ComposeResult:
        keys = list(super().compose())
        self._fit(keys, self.size.width or self.app.size.width)
        yield from keys

    def _fit(self, keys: Sequence[Widget], width: int) -> None:
        """Hide what there is no room for; the palette's key always stays."""
        palette = [key for key in keys if key.has_class(_PALETTE)]
        others = [key for key in keys if key not in palette]
        fitting = _fitting(others, width - sum(map(_width, palette)))
        for key in others:
            key.display = key in fitting

    def on_click(self, event: events.Click) -> None:
        clicked, _ = self.screen.get_widget_at(int(event.screen_x), int(event.screen_y))
        if clicked.has_class(_IMPOSSIBLE):
            self.app.simulate_key(cast(_Key, clicked).key)


def _fitting(keys: Iterable[Widget], room: int) -> list[Widget]:
    """Those that fit, in their order."""
    kept = list(keys)
    while kept and sum(map(_width, kept)) > room:
        greyed = [key for key in kept if key.has_class(_IMPOSSIBLE)]
        others = [key for key in kept if cast(_Key, key).action not in _LAST_TO_GO]
        kept.remove((greyed or others or kept)[-1])
    return kept


def _width(widget: Widget) -> int:
    """The columns a key takes: itself, its word, and the blanks after both."""
    key = cast(_Key, widget)
    return cell_len(key.key_display) + cell_len(key.description) + 2
