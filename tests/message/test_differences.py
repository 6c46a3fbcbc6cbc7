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


def test_b5_a_line_far_down_a_long_text_counts() -> None:
    left = [f"line {number}" for number in range(9_000)]
    right = [*left[:8_990], "another", *left[8_991:]]
    assert changed(differences(left, right)) == [("line 8990", "another")]


def test_b5_texts_with_little_in_common_are_compared_in_bounded_time() -> None:
    chance = random.Random(1)
    before = time.process_time()
    texts = [[" ".join(chance.choices("abcdefgh", k=290)) for _ in range(400)] for _ in range(2)]
    assert len(differences(*texts)) == 400
    texts = [chance.choices("ab", k=1_400) for _ in range(2)]
    assert [pair.left_text for pair in differences(*texts) if pair.left is not None] == texts[0]
    assert time.process_time() - before < 5  # nine where all words of each line are weighed
