"""Owns how two texts differ: which lines stand in one of them only, and in the others which words.

Two recipients' mails are mostly the same. So what is the same at both ends is set aside first, and what is left is
compared by lines, and lines that took each other's place by words. Nothing is left out of that, however long they are.
Texts that have little in common cost no more than a bounded time: past it a stretch counts as another one as a whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_MATCHED = 1_500  # lines or words where they differ; more are paired as they stand
_PATIENCE = 2_000_000  # pairs of equal lines or words that are weighed, in half a second
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
    first, last = _same_ends(left, right)
    middle = left[first : len(left) - last], right[first : len(right) - last]
    same = [_same(line) for line in left[:first]]
    return (*same, *_Comparison().of_lines(*middle), *(_same(line) for line in left[len(left) - last :]))


def _same(line: str) -> Pair:
    pieces = (Piece(line),)
    return Pair(pieces, pieces)


class _Comparison:
    """One comparison, and how much patience is left for it."""

    def __init__(self) -> None:
        self._patience = _PATIENCE

    def of_lines(self, left: Sequence[str], right: Sequence[str]) -> Iterator[Pair]:
        matcher = self._matcher(left, right)
        if matcher is None:
            yield from self._paired(left, right)
            return
        for tag, from_left, to_left, from_right, to_right in matcher.get_opcodes():
            if tag == "equal":
                yield from map(_same, left[from_left:to_left])
            else:
                yield from self._paired(left[from_left:to_left], right[from_right:to_right])

    def _paired(self, left: Sequence[str], right: Sequence[str]) -> Iterator[Pair]:
        """Lines that took each other's place; the longer text's last ones stand alone."""
        for one, other in zip(left, right, strict=False):
            yield _same(one) if one == other else self._by_words(one, other)
        for line in left[len(right) :]:
            yield Pair((Piece(line, changed=True),), None)
        for line in right[len(left) :]:
            yield Pair(None, (Piece(line, changed=True),))

    def _by_words(self, left: str, right: str) -> Pair:
        one, other = _WORDS.findall(left), _WORDS.findall(right)
        first, last = _same_ends(one, other)
        inner = one[first : len(one) - last], other[first : len(other) - last]
        pieces: tuple[list[Piece], list[Piece]] = ([], [])
        for part in pieces:
            part.append(Piece("".join(one[:first])))
        matcher = self._matcher(*inner)
        if matcher is None or matcher.ratio() < _ALIKE:
            for part, words in zip(pieces, inner, strict=True):
                part.append(Piece("".join(words), changed=True))
        else:
            for tag, from_left, to_left, from_right, to_right in matcher.get_opcodes():
                pieces[0].append(Piece("".join(inner[0][from_left:to_left]), changed=tag != "equal"))
                pieces[1].append(Piece("".join(inner[1][from_right:to_right]), changed=tag != "equal"))
        for part in pieces:
            part.append(Piece("".join(one[len(one) - last :])))
        return Pair(_merged(pieces[0]), _merged(pieces[1]))

    def _matcher(self, left: Sequence[str], right: Sequence[str]) -> SequenceMatcher[str] | None:
        """What finds the same in both; None where that would take more patience than is left."""
        if max(len(left), len(right)) > _MATCHED:
            return None
        of_right = Counter(right)
        weighed = sum(count * of_right[item] for item, count in Counter(left).items())
        if weighed > self._patience:
            return None
        self._patience -= weighed
        return SequenceMatcher(None, left, right, autojunk=False)


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
