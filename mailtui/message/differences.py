"""Owns how two texts differ: which lines stand in one of them only, and in the others which words.

Two recipients' mails are mostly the same. So what is the same at both ends is set aside first, and what is left is
compared by lines, and lines that took each other's place by words. Texts that have little in common cost no more than
a bounded time: past a limit a stretch counts as another one as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

LINES = 4_000
"""Of each text so many lines are compared."""
_LINES_MATCHED = 1_500  # in the middle, where they differ; beyond, they are paired as they stand
_WORDS_MATCHED = 600
_ALIKE = 0.3  # below, two lines have only blanks and commas in common

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of each text, beside each other; None where the other text has a line that this one has not."""

    left: tuple[Piece, ...] | None
    right: tuple[Piece, ...] | None

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.left == self.right

    @property
    def left_text(self) -> str | None:
        return None if self.left is None else "".join(piece.text for piece in self.left)

    @property
    def right_text(self) -> str | None:
        return None if self.right is None else "".join(piece.text for piece in self.right)


def differences(left: Sequence[str], right: Sequence[str]) -> tuple[Pair, ...]:
    """Both texts line by line beside each other, in order."""
    left, right = left[:LINES], right[:LINES]
    first, last = _same_ends(left, right)
    middle = left[first : len(left) - last], right[first : len(right) - last]
    same = [_same(line) for line in left[:first]]
    return (*same, *_compared(*middle), *(_same(line) for line in left[len(left) - last :]))


def _same(line: str) -> Pair:
    pieces = (Piece(line),)
    return Pair(pieces, pieces)


def _compared(left: Sequence[str], right: Sequence[str]) -> Iterator[Pair]:
    if max(len(left), len(right)) > _LINES_MATCHED:
        yield from _paired(left, right)
        return
    for tag, from_left, to_left, from_right, to_right in SequenceMatcher(
        None, left, right, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            yield from map(_same, left[from_left:to_left])
        else:
            yield from _paired(left[from_left:to_left], right[from_right:to_right])


def _paired(left: Sequence[str], right: Sequence[str]) -> Iterator[Pair]:
    """Lines that took each other's place; the longer text's last ones stand alone."""
    for one, other in zip(left, right, strict=False):
        yield _by_words(one, other)
    for line in left[len(right) :]:
        yield Pair((Piece(line, changed=True),), None)
    for line in right[len(left) :]:
        yield Pair(None, (Piece(line, changed=True),))


def _by_words(left: str, right: str) -> Pair:
    if left == right:
        return _same(left)
    one, other = _WORDS.findall(left), _WORDS.findall(right)
    first, last = _same_ends(one, other)
    cut = slice(first, len(one) - last), slice(first, len(other) - last)
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    for part in pieces:
        part.append(Piece("".join(one[:first])))
    inner = one[cut[0]], other[cut[1]]
    matcher = SequenceMatcher(None, *inner, autojunk=False)
    if max(map(len, inner)) > _WORDS_MATCHED or matcher.ratio() < _ALIKE:
        for part, words in zip(pieces, inner, strict=True):
            part.append(Piece("".join(words), changed=True))
    else:
        for tag, from_left, to_left, from_right, to_right in matcher.get_opcodes():
            pieces[0].append(Piece("".join(inner[0][from_left:to_left]), changed=tag != "equal"))
            pieces[1].append(Piece("".join(inner[1][from_right:to_right]), changed=tag != "equal"))
    for part in pieces:
        part.append(Piece("".join(one[len(one) - last :])))
    return Pair(_merged(pieces[0]), _merged(pieces[1]))


def _same_ends(left: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """How many are the same at the beginning, and of the others at the end."""
    shorter = min(len(left), len(right))
    first = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    rest = shorter - first
    last = next((at for at in range(rest) if left[-1 - at] != right[-1 - at]), rest)
    return first, last


def _merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Without empty pieces, and neighbours of one kind as one."""
    merged: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if merged and merged[-1].changed == piece.changed:
            merged[-1] = Piece(merged[-1].text + piece.text, piece.changed)
        else:
            merged.append(piece)
    return tuple(merged)
