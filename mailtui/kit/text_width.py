"""Owns how many columns of a terminal a text takes: twice as many for CJK, two for an emoji however it is put together.

As Textual counts, by Unicode Standard Annex 11 (East Asian Width) and the emoji sequences of Technical Standard 51.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_JOINER = "\u200d"
_AS_EMOJI = "\ufe0f"
_CLUSTER = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"  # two letters that are a flag
    "|.[\U0001f3fb-\U0001f3ff\ufe0f\u20e3]*(?:\u200d.[\U0001f3fb-\U0001f3ff\ufe0f]*)*",
    re.DOTALL,
)


def text_width(text: str) -> int:
    """Columns that a line of text takes; controls count for nothing."""
    if text.isascii():
        return len(text)
    return sum(_cluster_width(cluster) for cluster in clusters(text))


def clusters(text: str) -> list[str]:
    """The text in pieces that are not to be taken apart where a line is broken."""
    return list(text) if text.isascii() else _CLUSTER.findall(text)


@lru_cache(4096)
def _cluster_width(cluster: str) -> int:
    if len(cluster) == 1:
        return _letter_width(cluster)
    if _AS_EMOJI in cluster or cluster[0] >= "\U0001f1e6":
        return 2
    return max(map(_letter_width, cluster)) if _JOINER in cluster else sum(map(_letter_width, cluster))


def _letter_width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Mc", "Me", "Cf", "Cc") or "\u1160" <= letter <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
