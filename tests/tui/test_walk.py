"""The walk through the app in a real terminal, from an empty home to the exported report."""

from __future__ import annotations

import pytest

from scripts.tmux import Tmux
from scripts.walk import walk

needs_tmux = pytest.mark.skipif(not Tmux.is_there(), reason="tmux is not installed")


@needs_tmux
@pytest.mark.parametrize("rows", [300, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.timeout(900)
def test_a_walk_from_an_empty_home_to_the_report(rows: int) -> None:
    """Nobody twice and nobody lost, over a pause and a killed terminal; what the page shows is of no machine."""
    page, found = walk(rows)
    print(f"\nwalk: {found}")
    assert found.accepted == found.arrived == found.sent == found.audience == rows
    assert not found.broken
    text = str(page)
    assert "║ paused" in text
    assert "» Summer news is sending" in text
    assert f"{rows:,} recipients written" in text
    assert "/tmp" not in text
