"""Launches, orders, kills and crashes in any order, against a model (Q-04); in full by `python -m proof model`."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.model import run_model


@pytest.mark.timeout(300)
def test_q04_in_any_order_nobody_gets_it_twice_and_the_books_add_up(tmp_path: Path) -> None:
    tally = run_model(tmp_path, runs=6, steps=10, seed=1)
    assert tally.runs >= 6
    assert tally.accepted > 0
    assert tally.steps["launch"] >= 6
