"""Owns pointing out cells that a person would not want in a mail, and that are as they stand in the list: words for
"nothing", what spreadsheets make of formulas and long numbers, letters that were damaged before.

Such cells are never mended: what they were cannot be known for sure, and often not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LOST = "\ufffd"
_SHOWN = 40
_ODD = (
    (re.compile(r"NULL|\\N|\(null\)|<null>"), "is a text like any other: a filter does not find it empty"),
    (re.compile(r'="[^"]*"'), "is how a spreadsheet is told to keep a text; a mail would show it as it stands"),
    (
        re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!)|#{4,}"),
        "is an error of the spreadsheet that wrote it, and not what the cell had",
    ),
    (
        re.compile(r"\d[.,]\d+E\+\d\d"),
        "is a long number that a spreadsheet has shortened: the digits are lost. Make that column text there, and "
        "enter them again",
    ),
    (
        re.compile(r"[#'`*][^@\s]+@[^@\s]+\.[A-Za-z]+"),
        "is an address as it stands, with its first sign: leave the row out if that is what the sign was to say, or "
        "take the sign away",
    ),
    (
        re.compile(r".*&(?:[A-Za-z]{2,8}|#\d{2,5});.*", re.DOTALL),
        "is written as on a web page; a mail would show it as it stands",
    ),
)
# What every odd cell begins with or has: most columns have none, and there may be 1,900 of them.
_MAYBE = re.compile(r"\n\s*[N\\(<=#'`*]|E\+|&")
_WORD = re.compile(r"""[^\s,;|"]*[^\x00-\x7f\s][^\s,;|"]*""")
# As what UTF-8 is taken by mistake, with how many letters have to come out right for it to be no chance.
_MISTAKEN = (("cp1252", 1), ("latin-1", 1), ("cp1251", 2))


def odd_notes(
    columns: Sequence[str], rows: Sequence[Sequence[str]], texts: Iterable[str] | None = None
) -> tuple[str, ...]:
    """A note on each kind of odd cell in a column. `rows` are the first records.

    `texts` is where to look for damaged letters: lines with letters beyond ASCII, or the cells where it is left out.
    """
    notes = []
    for name, column in zip(columns, zip(*rows, strict=True), strict=False):
        if _MAYBE.search("\n" + "\n".join(column)) is None:
            continue
        cells = dict.fromkeys(map(str.strip, column))
        for pattern, said in _ODD:
            found = next((cell for cell in cells if pattern.fullmatch(cell)), None)
            if found is not None:
                notes.append(f"In {name}, {_shown(found)} {said}.")
    damaged = damaged_note((cell for row in rows for cell in row) if texts is None else texts)
    return (*notes, damaged) if damaged else tuple(notes)


def damaged_note(texts: Iterable[str]) -> str:
    """A note on the first word whose letters were damaged before they came into the list; '' without one."""
    for text in texts:
        if text.isascii():
            continue
        for word in _WORD.findall(text):
            if _LOST in word:
                return f"{_shown(word)} has lost a letter before it came into this list. Export it again, as UTF-8."
            right = _undone(word)
            if right:
                return (
                    f"{_shown(word)} looks like {_shown(right)}, read in a wrong encoding; a mail would show it as it "
                    "stands. Was an encoding given? Else export the list again, as UTF-8."
                )
    return ""


def _undone(word: str) -> str:
    """The word as it was, when it is UTF-8 that somebody took for a code page; else ''."""
    for codec, least in _MISTAKEN:
        try:
            right = word.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
        if sum(1 for mark in right if not mark.isascii() and mark.isprintable()) >= least:
            return right
    return ""


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
