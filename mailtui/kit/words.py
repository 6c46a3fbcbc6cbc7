"""Owns small habits of language: numbers with their nouns, sentences with their full stops."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 row, 2 rows, 1,000 rows. `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size_in_words(size: int) -> str:
    """A size in bytes for people: 900 bytes, 12 KB, 3.4 MB."""
    if size < 1024:
        return counted(size, "byte")
    return f"{size / 1024:,.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:,.1f} MB"


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends with a mark of its own."""
    return text if not text or text.endswith((".", "?", "!", ":", "…")) else f"{text}."
