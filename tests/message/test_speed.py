"""A wide gate on the benchmark, so that an accident on the hot path shows (G6; the figure is benchmarks/mime.py)."""

from __future__ import annotations

from benchmarks.mime import measure
from benchmarks.parts import preflight


def test_g6_the_skeleton_takes_a_small_fraction_of_the_standard_library() -> None:
    result = measure(rounds=3, count=60)
    assert result["EmailMessage"] / result["skeleton 8bit"] >= 15
    assert result["EmailMessage"] / result["skeleton base64"] >= 10
    assert result["EmailMessage"] / result["render + MIME 8bit"] >= 15  # the templates included


def test_a_check_is_not_much_slower_than_rendering_alone() -> None:
    """The figure is benchmarks/parts/preflight.py; a short list's processes take longer to start than to work."""
    loop, check = preflight.measure(rows=3_000, rounds=1)
    assert loop[0] / check[0] > 0.04
