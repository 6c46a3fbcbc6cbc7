"""R-08, in short: what is scheduled begins at its time, once each, and waiting for it costs little."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sinks import NotHere
from benchmarks.waiting import measure


def test_r08_a_runner_over_many_scheduled_campaigns_wakes_for_each_and_rests_until_then(tmp_path: Path) -> None:
    try:
        waited = measure(tmp_path, campaigns=40, rows=4_000, seconds=0.4)
    except NotHere as error:
        pytest.skip(str(error))
    print(f"\n{waited}")
    assert waited.campaigns.count == waited.own_times.count == 10
    assert waited.campaigns.median < 5_000 and waited.own_times.median < 10_000, "in milliseconds, on a busy machine"
    assert waited.cpu < 50 and waited.turns < 100, "it does not turn in circles"
