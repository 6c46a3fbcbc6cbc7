"""Signals that Python itself would lose."""

from __future__ import annotations

import signal

import pytest

from mailtui.cli.signals import ctrl_c_kept


class _Interrupted:
    """Whose finalizer is under way when the signal comes."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_that_comes_in_a_finalizer_is_not_lost() -> None:
    before = signal.getsignal(signal.SIGINT)
    with ctrl_c_kept() as heed:
        heed()
        _Interrupted()
        with pytest.raises(KeyboardInterrupt):
            heed()
    assert signal.getsignal(signal.SIGINT) is before
