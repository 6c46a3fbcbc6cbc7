"""Q-05 in short: each reader gets its seeds, and inputs that hypothesis builds from its words and from noise."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    pieces = st.one_of(st.sampled_from(target.words), st.sampled_from(target.seeds), st.binary(max_size=12))
    return st.lists(pieces, max_size=12).map(b"".join)


@pytest.mark.parametrize("name", list(TARGETS))
def test_q05_seeds(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].check(seed)
        for cut in range(0, len(seed), max(1, len(seed) // 40)):
            TARGETS[name].check(seed[:cut])
            TARGETS[name].check(seed[cut:])


@pytest.mark.parametrize("name", list(TARGETS))
def test_q05_a_stranger_s_bytes_end_in_a_reading_or_in_that_reader_s_own_error(name: str) -> None:
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(TARGETS[name]))
    def run(data: bytes) -> None:
        TARGETS[name].check(data)

    run()
