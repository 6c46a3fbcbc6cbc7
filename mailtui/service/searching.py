"""Owns finding one among many, a campaign or an account, by words that a person remembers of it."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable

from mailtui.outbox.records import Campaign


def is_meant(campaign: Campaign, search: str) -> bool:
    """Whether every word is in what people know a campaign by: its name, its id, its file, its list, the list that
    people left, its state, and the day it was launched on, such as 2026-12-01. Capitals and the way in which letters
    are composed do not count. No words mean all campaigns.
    """
    if not search:
        return True
    day = time.strftime("%Y-%m-%d", time.localtime(campaign.launched_at or campaign.created_at))
    file = campaign.series.partition("\n")[0]
    return has_words((campaign.name, campaign.id, file, campaign.source, campaign.list, campaign.state, day), search)


def has_words(known: Iterable[str], search: str) -> bool:
    """Whether every word of a search is in one of these texts; capitals do not count."""
    text = _folded("\n".join(known))
    return all(word in text for word in _folded(search).split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
