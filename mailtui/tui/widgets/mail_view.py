"""Owns showing one mail: whose it is, its envelope, and its content in four views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message

from mailtui.service.drafts import Block
from mailtui.service.lists import RowView
from mailtui.service.previews import Preview
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.mail_text import as_headers, as_text, laid_out
from mailtui.tui.widgets.wrapped import Line, Wrapped

VIEWS = ("laid out", "text", "headers", "source")
_ENVELOPE = ("From", "Subject")


class ViewName(Plain):
    """The name of a view; a click chooses it."""

    class Clicked(Message):
        """It was clicked."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def __init__(self, view: str) -> None:
        super().__init__(view)
        self.view = view

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Clicked(self.view))


class MailView(Vertical):
    """A mail, or whose there is none. What is shown stays, dimmed, until the next one has been rendered."""

    DEFAULT_CSS = """
    MailView {
        height: 1fr;
        & > #mail-position { height: 1; padding: 0 1; background: $surface; }
        & #mail-who { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & ViewName { width: auto; height: 1; margin-left: 2; color: $text-muted; }
        & ViewName:hover { color: $text-accent; }
        & ViewName.-chosen { color: $text-accent; text-style: bold underline; }
        & > #mail-note { height: auto; padding: 0 1; }
        & > #mail-envelope {
            height: auto; padding: 0 1; border-bottom: solid $panel; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > #mail-scroll { height: 1fr; padding: 0 1; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
        & #mail-content { height: auto; max-width: 100; }
        &.-waiting > #mail-envelope, &.-waiting #mail-content { opacity: 50%; }
    }
    .-narrow ViewName { margin-left: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view = VIEWS[0]
        self._pages: dict[str, Sequence[Line]] = {}
        self._who = plain("")

    def compose(self) -> ComposeResult:
        with Horizontal(id="mail-position"):
            yield Plain(id="mail-who")
            for view in VIEWS:
                yield ViewName(view)
        yield Plain(id="mail-note")
        yield Plain(id="mail-envelope")
        with VerticalScroll(id="mail-scroll"):
            yield Wrapped(id="mail-content")

    def on_mount(self) -> None:
        self.clear()

    def wait_for(self, row: int) -> None:
        """Say that another mail is on its way; `row` is 0 where it is not known yet."""
        self.add_class("-waiting")
        which = f"row {row:,}" if row else "the first recipient"
        self.query_one("#mail-who", Plain).show(plain(f"rendering {which} …", "$text-muted"))
        if not self._pages:
            self.query_one("#mail-scroll").loading = True

    def go_back(self) -> None:
        """The other mail is not coming: what was shown is shown again."""
        self.query_one("#mail-who", Plain).show(self._who)
        self._show_page()

    def show_mail(self, about: RowView, mail: Preview, blocks: Iterable[Block] | None, note: str) -> None:
        """Show a mail; `blocks` are its HTML laid out, `note` what to say about where in the list this is."""
        view = mail.view
        text = as_text(view.text) if view.text is not None else [Line(plain("This mail has no plain text part."))]
        self._pages = {
            "laid out": laid_out(blocks) if blocks is not None else text,
            "text": text,
            "headers": as_headers(view.headers, view.tree),
            "source": as_text(view.source),
        }
        lines = [
            joined(plain(f"{name:<9}", "$text-muted"), plain(value, "bold" if name == "Subject" else "", limit=200))
            for name, value in view.headers
            if name in _ENVELOPE
        ]
        self.query_one("#mail-envelope", Plain).show(joined(*lines, separator="\n"))
        self._show_about(about, note)

    def show_none(self, about: RowView, note: str) -> None:
        """Show that this row has no mail; why is told elsewhere."""
        self._pages = {}
        self._show_about(about, note)

    def clear(self) -> None:
        """Show nothing at all."""
        self._pages = {}
        self._who = plain("")
        self.query_one("#mail-who", Plain).show(self._who)
        self.query_one("#mail-note").display = False
        self._show_page()

    def scroll_to_top(self) -> None:
        self.query_one("#mail-scroll").scroll_home(animate=False)

    def next_view(self) -> None:
        """The view after this one."""
        self._choose(VIEWS[(VIEWS.index(self._view) + 1) % len(VIEWS)])

    @on(ViewName.Clicked)
    def clicked(self, event: ViewName.Clicked) -> None:
        event.stop()
        self._choose(event.view)

    def _choose(self, view: str) -> None:
        self._view = view
        self._show_page()
        self.scroll_to_top()

    def _show_about(self, about: RowView, note: str) -> None:
        """Which row this is, and whether its mail would be sent."""
        who = plain(about.address or "no usable address", limit=200)
        self._who = joined(plain(f"row {about.row:,}", "bold"), who, separator=" · ")
        self.query_one("#mail-who", Plain).show(self._who)
        notes = [plain(note, "$text-muted")] if note else []
        if not about.matched:
            notes.append(plain("! The filter leaves this row out: it gets no mail.", "$text-warning"))
        elif about.problem is not None and about.address is not None:
            notes.append(plain(f"! It gets no mail of its own: {about.problem.reason}.", "$text-warning"))
        place = self.query_one("#mail-note", Plain)
        place.show(joined(*notes, separator="  "))
        place.display = bool(notes)
        self._show_page()

    def _show_page(self) -> None:
        self.remove_class("-waiting")
        self.query_one("#mail-scroll").loading = False
        self.query_one("#mail-envelope").display = bool(self._pages)
        for name in self.query(ViewName):
            name.set_class(name.view == self._view, "-chosen")
        self.query_one("#mail-content", Wrapped).show_lines(self._pages.get(self._view, ()))
