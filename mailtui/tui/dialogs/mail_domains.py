"""Owns asking whether the domains of a list take mail: how far that is, and what came of it, domain by domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted, sentence
from mailtui.service.mail_domains import MailDomains
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable

_LOOK_EVERY = 0.1
_BAR = 40
_ASKED = "The DNS is asked for nothing but the names of the domains.   esc stops"
_WIDEST = 60
_WORDS: Mapping[str, str] = {
    "ok": "+ takes mail",
    "no_such_domain": "× no such domain",
    "no_mail": "× takes no mail",
    "unknown": "? not known",
}


class MailDomainsDialog(ModalScreen[str | None]):
    """The domain whose rows are to be gone to, or None."""

    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar = [Binding("escape,q", "leave", "Close")]
    CSS = """
    MailDomainsDialog > .dialog { width: 100; }
    MailDomainsDialog RowTable { scrollbar-size-horizontal: 0; margin-top: 1; max-height: 50vh; display: none; }
    MailDomainsDialog #keys { margin-top: 1; }
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._far = (0, 0)
        self._stopped = False
        self._found: MailDomains | None = None
        self._domains: list[str] = []
        self._watch: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Do the recipients' domains take mail?", classes="title")
            yield Plain("Counting domains ...", id="said")
            yield RowTable()
            yield Plain(_ASKED, id="keys", classes="muted")

    def on_mount(self) -> None:
        self._watch = self.set_interval(_LOOK_EVERY, self._show_far)
        start(self, self._ask, "domains")

    def _heard(self, done: int, total: int) -> None:
        """From another thread."""
        if self._stopped:
            raise Superseded
        self._far = done, total

    def _show_far(self) -> None:
        done, total = self._far
        if self._found is None and total:
            full = _BAR * done // total
            bar = joined(plain("━" * full, "$text-accent"), plain("─" * (_BAR - full), "$text-muted"))
            self._say(joined(bar, plain(f"  {done:,} of {counted(total, 'domain')}")))

    async def _ask(self) -> None:
        try:
            found = self._found = await self._bench.mail_domains(self._heard)
        finally:
            if self._watch is not None:
                self._watch.stop()
        if not found.domains:
            self._say(plain("Nobody gets a mail, so there is no domain to ask about.", "$text-warning"))
            return
        lost, unknown = found.lost(), len(found.unknown)
        told = [plain(f"{counted(len(found.domains), 'domain')}: ", "bold")]
        if lost:
            told.append(
                plain(f"× {len(found.refusing):,} take no mail, with {counted(lost, 'recipient')}", "$text-error")
            )
        else:
            told.append(plain("+ none of them is known to take no mail", "$text-success"))
        if unknown:
            told.append(plain(f"; ? {unknown:,} not known, which is held against nobody", "$text-warning"))
        self._say(joined(*told))
        rows = sorted(found.domains, key=lambda row: (row.verdict == "ok", row.verdict == "unknown"))
        table = self.query_one(RowTable)
        self._domains = [row.domain for row in rows]
        shown = [
            TableRow(
                place, f"{row.recipients:,}", (row.domain, _WORDS[row.verdict], row.reason), row not in found.refusing
            )
            for place, row in enumerate(rows)
        ]
        table.show_rows(("domain", "verdict", "why"), shown, label="recipients", widest=_WIDEST)
        table.styles.height = min(len(rows), 200) + 1
        table.display = True
        table.focus()
        self._keys("enter finds its rows   esc closes")

    def _say(self, text: Content) -> None:
        self.query_one("#said", Plain).show(text)

    def _keys(self, text: str) -> None:
        self.query_one("#keys", Plain).show(plain(text, "$text-muted"))

    @on(RowTable.Chosen)
    def chosen(self, event: RowTable.Chosen) -> None:
        self.dismiss(self._domains[event.table.cursor])

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._fail(error)

    def _fail(self, error: MailtuiError) -> None:
        told = "\n".join(filter(None, (sentence(error.title), error.detail, error.hint)))
        self._say(plain(told, "$text-error", newlines=True))
        self._keys("esc closes")

    def action_leave(self) -> None:
        if self._found is None:
            tell(self.app, "Stopped; what was found out is remembered.")
        self._stopped = True
        self.dismiss(None)
