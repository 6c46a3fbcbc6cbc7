"""How long is waited by default: never less than RFC 5321 section 4.5.3.2 asks for."""

from __future__ import annotations

from mailtui.smtp.timeouts import Timeouts


def test_n01_no_default_is_shorter_than_the_standards() -> None:
    given = Timeouts()
    assert given.greeting >= 300
    assert given.command >= 300  # MAIL and RCPT
    assert given.data >= 120
    assert given.block >= 180
    assert given.dot >= 600


def test_n01_a_scale_changes_times_and_rate_together() -> None:
    scaled = Timeouts().scaled(0.01)
    assert (scaled.dot, scaled.block, scaled.min_rate) == (6.0, 1.8, 50_000.0)
