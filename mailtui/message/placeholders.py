"""Owns marks that somebody forgot to fill in: those of other programs, of letters, and braces that are left over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mailtui.errors import Place
from mailtui.kit.safe_text import safe_text
from mailtui.message.remarks import NOWHERE, Remark
from mailtui.message.templates import TemplateText

_WORDS = (
    r"(?:(?:insert|your|enter|add|recipient'?s?|customer'?s?|contact)[ _-])?"
    r"(?:(?:first|last|full|given|family|company|user|customer|recipient|contact)[ _-]?name|f[ _-]?name|l[ _-]?name"
    r"|name|surname|vorname|nachname|anrede|pr[ée]nom|nom|nombre|e-?mail(?:[ _-]address)?|company|firma|city|phone)"
)
_MARKS = re.compile(
    rf"(?i:\[\[?{_WORDS}\]|%{_WORDS}%|<<\s*{_WORDS}\s*>>|«\s*{_WORDS}\s*»|&lt;&lt;\s*{_WORDS}\s*&gt;&gt;"
    r"|\blorem ipsum\b|\[(?:insert|your) [^\]\n]{1,40}\])|\*\|[A-Z0-9_:]{2,}\|\*"
    r"|%(?=[A-Z_]*[G-Z_])[A-Z][A-Z_]{3,}%(?![0-9A-Fa-f]{2})"
)
_LEFT_OVER = re.compile(r"\{\{|\{%|%\}|\*\|[A-Z0-9_:]{2,}\|\*")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}(.*?)\{%-?\s*endraw\s*-?%\}", re.DOTALL)
_FEW = 5

_HINT = "A field is written {{ name }}, with a column of the list."


class Placeholders:
    """What is looked for, for a list with these columns: `{first_name}` is a mark where first_name is a column."""

    def __init__(self, columns: Sequence[str]) -> None:
        names = "|".join(re.escape(name) for name in sorted(columns, key=len, reverse=True) if len(name) > 1)
        self._own = (
            re.compile(
                rf"(?<!\{{)\{{\s*({names})\s*\}}(?!\}})|\$\{{({names})\}}|\[({names})\]|%({names})%|<<({names})>>"
            )
            if names
            else None
        )

    def in_template(self, text: TemplateText) -> Iterator[Remark]:
        """Marks in what the template says to everybody, each with its place; a few of them."""
        written = _JINJA.sub(_blanked, _RAW.sub(_blanked, text.source))
        seen: set[str] = set()
        for found in self._all(written):
            mark = found.group()
            if mark not in seen and len(seen) < _FEW:
                seen.add(mark)
                line = written.count("\n", 0, found.start()) + 1
                column = found.start() - written.rfind("\n", 0, found.start())
                message = f"{safe_text(mark, limit=40)} looks like a mark that is still to be filled in"
                place = Place(text.name, line, column)
                yield Remark("warning", "placeholder", message, _HINT, f"{text.name} {mark}", place)

    def _all(self, text: str) -> Iterator[re.Match[str]]:
        yield from _MARKS.finditer(text)
        if self._own is not None:
            yield from self._own.finditer(text)

    @staticmethod
    def in_mail(text: str) -> Remark | None:
        """Braces of a template that readers would see."""
        found = _LEFT_OVER.search(text)
        return None if found is None else _left_over(found.group(), "")

    @staticmethod
    def in_cell(text: str, column: str) -> Remark | None:
        """The same in a cell of the list, which is data: nothing fills it in."""
        found = _LEFT_OVER.search(text)
        return None if found is None else _left_over(found.group(), column)


def may_leave(template: str) -> bool:
    """Whether a template may leave braces to its readers: where it says so, or has some that are none of its own."""
    if "raw" in template or "'{" in template or '"{' in template:
        return True
    return left_over(_JINJA.sub(_blanked, template))


def left_over(text: str) -> bool:
    """Whether there may be any; quick, for the cells of every row."""
    return ("{" in text or "%}" in text or "*|" in text) and _LEFT_OVER.search(text) is not None


def _left_over(mark: str, column: str) -> Remark:
    if column:
        message = f"cells of the column {safe_text(column, limit=40)} have {mark} in them, and readers see it"
        return Remark(
            "warning", "leftover", message, "Cells are never read as templates: mend the list.", column, NOWHERE
        )
    message = f"readers see {mark} in the mail"
    return Remark("warning", "leftover", message, "A field is written {{ name }}, and nothing around it.", mark)


def _blanked(found: re.Match[str]) -> str:
    """Blanks as long as what was found, with its line breaks, so that places stay."""
    return re.sub(r"[^\n]", " ", found.group())
