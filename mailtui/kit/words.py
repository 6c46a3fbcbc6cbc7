"""Owns small habits of language: numbers with their nouns, sentences with their full stops."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 row, 2 rows, 1,000 rows. `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends with a mark of its own."""
    return text if not text or text.endswith((".", "?", "!", ":", "…")) else f"{text}."
