"""Owns the line that says how many entries of the suppression list count for whom."""

from __future__ import annotations

from textual.content import Content

from mailtui.kit.words import counted
from mailtui.service.suppression import SuppressionCounts
from mailtui.tui.text import Plain, joined, plain

_LISTS_SHOWN = 12


class SuppressedLists(Plain):
    """All, those for everybody, and those of each list by its name."""

    def tell(self, counts: SuppressionCounts, shown: str | None) -> None:
        """Show them; the one that is shown below (`""` for everybody's, None for all) in the colours of a cursor."""
        self.show(_lists(counts, shown))


def _lists(counts: SuppressionCounts, shown: str | None) -> Content:
    of_campaigns = sum(number for _, number in counts.campaigns)
    kinds: list[tuple[str | None, str, int]] = [(None, "all", counts.total), ("", "for everybody", counts.everybody)]
    kinds += [(name, name, number) for name, number in counts.lists[:_LISTS_SHOWN]]
    cells = [_kind(name, number, here=key == shown) for key, name, number in kinds]
    if len(counts.lists) > _LISTS_SHOWN:
        cells.append(plain(f"and {counted(len(counts.lists) - _LISTS_SHOWN, 'list')} more", "$text-muted"))
    if of_campaigns:
        cells.append(joined(plain(f"{of_campaigns:,}", "bold"), plain(" of single campaigns", "$text-muted")))
    return joined(*cells, separator="  ")


def _kind(name: str, number: int, *, here: bool) -> Content:
    if here:
        return plain(f"[{number:,} {name}]", "bold $block-cursor-foreground on $block-cursor-background", limit=60)
    return joined(plain(f"{number:,}", "bold"), " ", plain(name, "$text-muted", limit=40))
