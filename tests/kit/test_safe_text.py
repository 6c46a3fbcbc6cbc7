"""Nothing that could act on a terminal passes; everything else does, unchanged."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.kit.safe_text import safe_json, safe_text

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *BIDI,
    "\u2028",
    "\u2029",
    "\ud800",
    "\udc80",
    "\udfff",
]
anything = st.text(st.characters(codec=None), max_size=80)


def acts(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in (
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    )


@pytest.mark.parametrize("character", HOSTILE, ids=lambda character: f"{ord(character):04x}")
def test_each_hostile_character_is_shown_and_not_let_through(character: str) -> None:
    shown = safe_text(f"a{character}b")
    assert shown.startswith("a")
    assert shown.endswith("b")
    assert character not in shown or character == " "
    assert len(shown) >= 3, "a reader must see that something stood there"
    shown.encode()


@given(anything)
def test_no_text_acts(text: str) -> None:
    assert not any(acts(character) for character in safe_text(text))
    assert not any(acts(character) for character in safe_text(text, newlines=True).replace("\n", ""))


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=50))
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert safe_text(text) == text


@given(anything, st.integers(1, 40))
def test_a_limit_holds_for_what_was_written(text: str, limit: int) -> None:
    shown = safe_text(text, limit=limit)
    assert shown == safe_text(text) if len(text) <= limit else shown.endswith("…")
    assert len(shown) <= 6 * limit


def test_line_feeds_stay_only_where_they_are_wanted() -> None:
    assert safe_text("a\nb\tc\rd") == "a⏎b c\\x0dd"
    assert safe_text("a\nb\rc", newlines=True) == "a\nb\\x0dc"


@given(st.dictionaries(anything, anything, max_size=4))
def test_safe_json_says_the_same_and_acts_on_nothing(value: dict[str, str]) -> None:
    text = safe_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not any(acts(character) for character in text)
    text.encode()
