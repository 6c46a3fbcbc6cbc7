"""Owns the place on a screen where an error stands in full: what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from mailtui.errors import ConfigError, MailtuiError
from mailtui.kit.words import sentence
from mailtui.tui.text import Plain, from_home, joined, plain
from mailtui.tui.ways_on import way_on

_PROBLEMS = 50
_DETAIL = 4_000


class Trouble(VerticalScroll, can_focus=False):
    """Hidden until there is something to tell; long texts scroll."""

    DEFAULT_CSS = """
    Trouble {
        height: auto;
        max-height: 45%;
        padding: 0 1;
        background: $error-muted;
        display: none;
        & > Plain { height: auto; color: $foreground; }
    }
    """

    def compose(self) -> ComposeResult:
        yield Plain()

    def tell(self, *errors: MailtuiError, after: str = "") -> None:
        """Show these errors instead of what stood here; `after` is a last sentence of the screen's own."""
        parts = [part for error in errors for part in _parts(error)]
        if after:
            parts.append(plain(after))
        self.query_one(Plain).show(joined(*parts, separator="\n"))
        self.display = bool(errors)
        self.scroll_home(animate=False)

    def clear(self) -> None:
        """Nothing is wrong any more."""
        self.display = False


def _parts(error: MailtuiError) -> Iterator[Content]:
    title = from_home(sentence(error.title))
    yield joined(plain("× ", "bold $text-error"), plain(title, "bold $text-error", limit=_DETAIL))
    problems = error.problems if isinstance(error, ConfigError) else ()
    if problems:
        for problem in problems[:_PROBLEMS]:
            place = from_home(str(problem.place))
            told = plain(f"{place}: ", "$text-warning") if place else plain("")
            said = from_home(f"{problem.message} {problem.hint}".rstrip())
            yield joined("  ", told, plain(said))
        if len(problems) > _PROBLEMS:
            yield plain(f"  and {len(problems) - _PROBLEMS:,} more")
    elif error.detail:
        yield plain(from_home(error.detail), limit=_DETAIL, newlines=True)
    hint = from_home(way_on(error))
    if hint:
        yield plain(hint, "$text-muted", limit=_DETAIL, newlines=True)
