"""How two texts differ."""

from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from mailtui.message.differences import Pair, differences

_LINES = st.lists(st.text("ab ,é", max_size=8), max_size=12)


def changed(pairs: tuple[Pair, ...]) -> list[tuple[str | None, str | None]]:
    return [(pair.left_text, pair.right_text) for pair in pairs if not pair.same]


def test_b5_words_that_differ_and_lines_that_one_has_alone() -> None:
    left = ["Dear Ann,", "", "three trees", "Bye"]
    right = ["Dear Bob,", "", "three trees", "and moss", "Bye"]
    pairs = differences(left, right)
    assert changed(pairs) == [("Dear Ann,", "Dear Bob,"), (None, "and moss")]
    assert pairs[0].left is not None
    assert [(piece.text, piece.changed) for piece in pairs[0].left] == [("Dear ", False), ("Ann", True), (",", False)]


@given(_LINES, _LINES)
def test_b5_both_texts_are_there_whole_and_in_order(left: list[str], right: list[str]) -> None:
    pairs = differences(left, right)
    assert [pair.left_text for pair in pairs if pair.left is not None] == left
    assert [pair.right_text for pair in pairs if pair.right is not None] == right
    assert (changed(pairs) == []) == (left == right)


def test_b5_texts_with_nothing_in_common_are_compared_in_bounded_time() -> None:
    chance = random.Random(1)
    texts = [[" ".join(chance.choices("abcdefgh", k=400)) for _ in range(3_000)] for _ in range(2)]
    before = time.process_time()
    assert len(differences(*texts)) == 3_000
    assert time.process_time() - before < 20
