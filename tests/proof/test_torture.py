"""The attacks of `python -m proof` in short: the same blows, the same judge, a few of each.

Where one fails, its message names what was seen; the seed stands in the test.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.smtp.gear import Gear
from proof.launches import Trials, cancelled, launched_twice
from proof.nemesis import KILLS, PAUSES, Attack, Blow, Ordeal, ordeal
from proof.soak import soak
from proof.suppress import suppressed_late
from proof.terms import Terms

SCALE = 0.004  # a message that is refused for now is tried again after a second or two
pytestmark = pytest.mark.timeout(300)


def attack(folder: Path, kind: Attack, terms: Terms) -> Ordeal:
    found = ordeal(folder / "x", terms, attack=kind)
    print(f"\n{found.verdict}; {dict(found.blows)}")
    assert found.verdict.broken == {}
    assert found.verdict.audience == found.verdict.sent + found.verdict.unknown + found.verdict.failed
    assert sum(found.blows[blow] for blow in kind.counted) == terms.blows, "it was over before there were enough"
    assert found.most_in_flight <= terms.most_in_doubt
    assert found.unknown_by_kill <= found.kills * terms.most_in_doubt
    assert found.looks > terms.blows
    return found


@pytest.mark.parametrize(
    ("seed", "window", "gear"), [pytest.param(4, 1, Gear.LOCKSTEP, marks=pytest.mark.long), (5, 4, Gear.CHUNKED)]
)
def test_d01_d15_killed_again_and_again_and_the_books_add_up(
    tmp_path: Path, seed: int, window: int, gear: Gear
) -> None:
    found = attack(tmp_path, KILLS, Terms(300 + 200 * window, 6, 4, seed=seed, scale=SCALE, window=window))
    assert found.gears[gear] > 0, "the seed makes the server offer something else"


def test_d12_paused_and_killed_and_nobody_is_skipped_or_gets_it_twice(tmp_path: Path) -> None:
    attack(tmp_path, PAUSES, Terms(200, 2, 4, seed=1, rate=60.0, scale=SCALE))


def test_the_same_attack_finds_what_is_wrong_with_marking_after_the_250(tmp_path: Path) -> None:
    """The harness is worth something only if it sees the duplicates of a design that has them."""
    found = ordeal(tmp_path / "x", Terms(600, 6, 16, seed=1, scale=SCALE), naive=True)
    assert found.blows[Blow.KILL] >= 3
    assert found.verdict.duplicates > 0
    assert (found.verdict.stuck, found.verdict.lost, found.verdict.strangers) == (0, 0, 0)


def kept(trials: Trials, times: int) -> None:
    assert trials.count == times
    assert trials.broken.total() == 0, trials


def test_d11_two_launches_at_once_make_one_campaign(tmp_path: Path) -> None:
    trials = launched_twice(tmp_path / "x", times=3, seed=1)
    kept(trials, 3)
    assert trials.accepted == trials.states["sent"] == trials.messages


def test_d13_cancelled_at_any_moment_a_cancelled_row_has_not_arrived(tmp_path: Path) -> None:
    trials = cancelled(tmp_path / "x", times=2, seed=1)
    kept(trials, 2)
    assert trials.states["cancelled"] > 0


def test_b04_whoever_is_put_on_the_suppression_list_in_time_gets_nothing(tmp_path: Path) -> None:
    late = suppressed_late(tmp_path / "x", times=1, seed=1)
    print(f"\n{late}")
    assert late.kept, late
    assert late.kills > 0
    assert late.found["claimed"] > 5, "they came while their mails were being prepared"


def test_q06_open_files_stay_as_they_are(tmp_path: Path) -> None:
    """Too short to say much about memory; the long form is for that."""
    found = soak(tmp_path / "x", messages=3_000, connections=8, seed=1, scale=SCALE)
    assert found.verdict.broken == {}
    assert found.files_last <= found.files_first + 2
    assert found.growth < 0.5
