"""Owns showing one mail: whose it is, its envelope, and its content in five views, or how it differs from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message

from mailtui.service.lists import RowView
from mailtui.service.previews import VIEWS, FileView, Pair, Preview
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.difference_lines import DifferenceLines, told
from mailtui.tui.widgets.wrapped import Line, Wrapped

_ENVELOPE = ("From", "Subject")
_COLUMNS_FROM = 100  # columns of the terminal from which two mails stand beside each other by themselves


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
        & > #mail-who { height: 1; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #mail-views { height: 1; background: $surface; }
        & ViewName { width: auto; height: 1; padding: 0 1; color: $text-muted; }
        & ViewName:hover { color: $text-accent; }
        & ViewName.-chosen {
            color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold;
        }
        & #mail-said {
            width: 1fr; height: 1; padding: 0 1; text-align: right; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > #mail-note { height: auto; padding: 0 1; }
        & > #mail-envelope {
            height: auto; padding: 0 1; border-bottom: solid $panel; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > #mail-scroll { height: 1fr; padding: 0 1; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
        & #mail-content { height: auto; max-width: 100; }
        & #mail-differences { height: auto; display: none; }
        &.-comparing #mail-differences { display: block; }
        &.-comparing #mail-content { display: none; }
        &.-waiting > #mail-envelope, &.-waiting > #mail-scroll > * { opacity: 50%; }
    }
    .-narrow ViewName { padding: 0; margin-right: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view = VIEWS[0]
        self._pages: Mapping[str, Sequence[Line]] = {}
        self._pairs: Mapping[str, Sequence[Pair]] | None = None
        self._beside: bool | None = None
        self._who = plain("")
        self._said = plain("")

    def compose(self) -> ComposeResult:
        yield Plain(id="mail-who")
        with Horizontal(id="mail-views"):
            for view in VIEWS:
                yield ViewName(view)
            yield Plain(id="mail-said")
        yield Plain(id="mail-note")
        yield Plain(id="mail-envelope")
        with VerticalScroll(id="mail-scroll"):
            yield Wrapped(id="mail-content")
            yield DifferenceLines(id="mail-differences")

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

    def show_mail(self, about: RowView, mail: Preview, pages: Mapping[str, Sequence[Line]], note: str) -> None:
        """Show a mail; `pages` are its views by their names, `note` what to say about where in the list this is."""
        self._pages = pages
        lines = [
            joined(plain(f"{name:<9}", "$text-muted"), plain(value, "bold" if name == "Subject" else "", limit=200))
            for name, value in mail.view.headers
            if name in _ENVELOPE
        ]
        if mail.message.copies:
            copies = plain(", ".join(mail.message.copies), limit=200)
            lines.append(joined(plain(f"{'Copies':<9}", "$text-muted"), copies))
        if mail.view.files:
            lines.append(joined(plain(f"{'Files':<9}", "$text-muted"), _files(mail.view.files)))
        self.query_one("#mail-envelope", Plain).show(joined(*lines, separator="\n"))
        self._pairs = None
        self._show_about(_named(about.row, about.address), about, note)

    def show_differences(self, marked: Preview, about: RowView, pairs: Mapping[str, Sequence[Pair]], note: str) -> None:
        """Show how the mail of `about` differs from the one that was marked, in each of the views."""
        self._pages, self._pairs = {}, pairs
        other = marked.recipient
        minus, plus = plain("- ", "bold $text-error"), plain("+ ", "bold $text-success")
        who = joined(minus, _named(other.row, other.address), "   ", plus, _named(about.row, about.address))
        self._show_about(who, about, note)

    def show_none(self, about: RowView, note: str) -> None:
        """Show that this row has no mail; why is told elsewhere."""
        self._pages, self._pairs = {}, None
        self._show_about(_named(about.row, about.address), about, note)

    def clear(self) -> None:
        """Show nothing at all."""
        self._pages, self._pairs = {}, None
        self._who = plain("")
        self.query_one("#mail-who", Plain).show(self._who)
        self.query_one("#mail-note").display = False
        self._show_page()

    def say(self, text: Content) -> None:
        """What is said beside the names of the views: where among those found this is, which row is marked."""
        self._said = text
        self._show_said()

    def scroll_to_top(self) -> None:
        scroll = self.query_one("#mail-scroll")
        scroll.scroll_home(animate=False)
        scroll.vertical_scrollbar.position = 0  # one that is not seen now would stand where it was when it is again

    def next_view(self, by: int) -> None:
        """The view after this one, or before it."""
        self._choose(VIEWS[(VIEWS.index(self._view) + by) % len(VIEWS)])

    def turn(self) -> None:
        """Show what differs in two columns, or below each other, other than now."""
        self._beside = not self._in_columns
        self._show_page()

    def on_resize(self, _: events.Resize) -> None:
        if self._pairs is not None:
            self._show_page()

    @property
    def _in_columns(self) -> bool:
        return self.size.width >= _COLUMNS_FROM if self._beside is None else self._beside

    @on(ViewName.Clicked)
    def clicked(self, event: ViewName.Clicked) -> None:
        event.stop()
        self._choose(event.view)

    def _choose(self, view: str) -> None:
        self._view = view
        self._show_page()
        self.scroll_to_top()

    def _show_about(self, who: Content, about: RowView, note: str) -> None:
        """Which row this is, and whether its mail would be sent."""
        self._who = who
        self.query_one("#mail-who", Plain).show(who)
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
        self.set_class(self._pairs is not None, "-comparing")
        if self._pairs is None:
            self.query_one("#mail-content", Wrapped).show_lines(self._pages.get(self._view, ()))
        else:
            pairs = self._pairs[self._view]
            self.query_one(DifferenceLines).show_pairs(pairs, beside=self._in_columns)
        self._show_said()

    def _show_said(self) -> None:
        said = self._said if self._pairs is None else plain(told(self._pairs[self._view]), "$text-muted")
        self.query_one("#mail-said", Plain).show(said)


def _files(files: Sequence[FileView]) -> Content:
    """What a mail carries, by name and size; images that stand in its text are marked."""
    told = [f"{file.name} ({_size(file.size)}{', in the text' if file.cid else ''})" for file in files]
    return plain(", ".join(told), limit=400)


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 1_000 else f"{size / 1_000:,.0f} kB"


def _named(row: int, address: str | None) -> Content:
    return joined(plain(f"row {row:,}", "bold"), plain(address or "no usable address", limit=200), separator=" · ")
