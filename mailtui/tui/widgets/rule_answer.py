"""Owns the lines that say what a filter comes to, and what is wrong with it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Input

from mailtui.errors import RuleError
from mailtui.kit.words import counted, sentence
from mailtui.service.lists import AudienceCounts
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.understood import matched_text

_SHOWN = 300


class RuleAnswer(Plain):
    """What the filter in the editor comes to."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._answer = plain("")
        self._set = plain("")

    def count_begins(self) -> None:
        """The last answer is still what is known, and another one is on its way."""
        self.show(joined(plain(self._answer.plain, "$text-muted"), _counting()))

    def tell_about(self, share: float, rows: int) -> None:
        """A first guess."""
        near = _rounded(share * rows)
        self.show(joined(plain(f"about {near:,} of {counted(rows, 'row')} match", "bold"), _counting()))

    def tell_counts(self, counts: AudienceCounts, *, filtered: bool, everybody: bool, is_set: bool) -> None:
        """What was counted, and whether the filter is in use."""
        matched = matched_text(counts, filtered=filtered, everybody=everybody)
        self._answer, self._set = matched, _whether_set(is_set)
        self.show(joined(self._answer, self._set, separator="\n"))

    def tell_why(self, said: str) -> None:
        """Which part of the filter keeps everybody out, or in, below what was counted."""
        said_so = plain(said, "$text-warning", limit=_SHOWN)
        self.show(joined(self._answer, said_so, self._set, separator="\n"))

    def tell_incomplete(self, message: str) -> None:
        """What a filter that is being built still lacks."""
        self._answer = plain("")
        missing = joined(plain("· ", "bold $text-warning"), plain(sentence(message), "$text-warning", limit=_SHOWN))
        self.show(
            joined(missing, plain("enter on its line chooses it, d takes it away", "$text-muted"), separator="\n")
        )

    def tell_mistake(self, text: str, error: RuleError, editor: Input, hint: str = "") -> None:
        """What is wrong with the filter, with a caret below the place in the editor where there is one in sight."""
        problem = error.problems[0] if error.problems else None
        message = problem.message if problem is not None else error.title
        lines = [joined(plain("× ", "$text-error"), plain(sentence(message), "$text-error", limit=_SHOWN))]
        hint = hint or (problem.hint if problem is not None else error.hint)
        if hint:
            lines.append(plain(hint, limit=_SHOWN))
        column = problem.place.column if problem is not None else None
        if column is not None:
            at = cell_len(plain(text[: column - 1]).plain) - editor.scroll_offset.x
            at += editor.content_region.x - self.content_region.x
            if 0 <= at < self.content_size.width:
                lines.insert(0, plain(" " * at + "^", "bold $text-error"))
        self.show(joined(*lines, separator="\n"))


def _counting() -> Content:
    return plain("   counting ...", "$text-muted")


def _whether_set(is_set: bool) -> Content:
    if is_set:
        return plain("This is the filter as it is set.", "$text-muted")
    return plain("Not used yet: ^s uses it, ^r goes back.", "$text-warning")


def _rounded(number: float) -> int:
    """A guess with no more digits than it deserves."""
    digits = len(str(int(number)))
    return int(round(number, -max(0, digits - 2)))
