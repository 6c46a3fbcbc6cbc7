"""Owns the mail as the texts make it now, beside them while they are written."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.editing import LiveMail
from mailtui.service.previews import FileView
from mailtui.tui.text import Plain, from_home, joined, plain
from mailtui.tui.widgets.mail_text import as_text, files_line, laid_out
from mailtui.tui.widgets.wrapped import Line, Wrapped

_SHOWN = 200  # lines and blocks: more than anybody reads beside a text, and drawn while one types


class Live(Vertical):
    """The last mail that could be made stays, dimmed, until there is the next."""

    DEFAULT_CSS = """
    Live {
        width: 1fr;
        border-left: solid $panel;
        padding: 0 1;
        & > #live-who { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #live-subject { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #live-files { height: auto; max-height: 2; color: $text-muted; display: none; }
        & > #live-trouble { height: auto; max-height: 6; }
        & > VerticalScroll { height: 1fr; margin-top: 1; }
        & Wrapped { height: auto; }
        &.-old Wrapped, &.-old > #live-subject, &.-old > #live-files { opacity: 50%; }
    }
    """

    def compose(self) -> ComposeResult:
        yield Plain(plain("the mail as it is now", "$text-muted"), id="live-who")
        yield Plain(id="live-subject")
        yield Plain(id="live-files")
        yield Plain(id="live-trouble")
        with VerticalScroll(can_focus=False):
            yield Wrapped(id="live-content")

    def clear(self) -> None:
        """Another message is open."""
        self.query_one("#live-who", Plain).show(plain("the mail as it is now", "$text-muted"))
        self.query_one("#live-subject", Plain).show("")
        self._show_files(())
        self.query_one("#live-trouble", Plain).show("")
        self.query_one(Wrapped).show_lines(())

    def wait(self) -> None:
        """A newer one is on its way."""
        self.add_class("-old")

    def tell(self, mail: LiveMail) -> None:
        """Show a mail."""
        self.remove_class("-old")
        who = joined(plain(f"row {mail.recipient.row:,}", "bold"), plain(mail.recipient.address), separator=" · ")
        subject = next((value for name, value in mail.view.headers if name == "Subject"), "")
        text = as_text(mail.view.text) if mail.view.text is not None else [Line(plain("(no text)", "$text-muted"))]
        self.query_one("#live-who", Plain).show(who)
        self.query_one("#live-subject", Plain).show(plain(subject, "bold", limit=200))
        self._show_files(mail.view.files)
        self.query_one("#live-trouble", Plain).show("")
        self.query_one(Wrapped).show_lines(_cut(text) if mail.blocks is None else _cut(laid_out(mail.blocks[:_SHOWN])))

    def _show_files(self, files: Sequence[FileView]) -> None:
        line = self.query_one("#live-files", Plain)
        line.show(joined("+ ", files_line(files)) if files else "")
        line.display = bool(files)

    def tell_why_not(self, why: MailtuiError | str) -> None:
        """Say why there is none now; the one before stays below, dimmed."""
        self.add_class("-old")
        if isinstance(why, MailtuiError):
            parts = [sentence(why.title), why.detail, why.hint]
            why = from_home("\n".join(part for part in parts if part))
        told = plain(f"× {why}", "$text-error", limit=800, newlines=True)
        self.query_one("#live-trouble", Plain).show(told)


def _cut(lines: Sequence[Line]) -> list[Line]:
    """What is shown of a mail; the preview has it whole."""
    if len(lines) < _SHOWN:
        return list(lines)
    return [*lines[:_SHOWN], Line(plain("The rest is shown in the preview.", "$text-warning"))]
