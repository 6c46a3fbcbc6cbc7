"""Figures are worth something only when every message was counted and ratios are taken round by round."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS
from benchmarks.contest import Contender, Size, Take, WrongCount, contest
from benchmarks.figures import Report, Spread, Target
from benchmarks.mail import prebuilt
from benchmarks.profile import ENGINE, MIME, OUTBOX, SESSION, TEMPLATES, room_of
from benchmarks.sinks import NotHere, Sink, own_sink
from scripts import page

ROOT = Path(__file__).parents[2]


def test_prebuilt_mail_has_the_size_that_is_asked_for() -> None:
    for size in (400, 401, 402, 1_024, 10_239, 10_240, 10_241):
        message = prebuilt(size, 7)
        assert len(message) == size
        assert message.endswith(b"\r\n")
        assert message != prebuilt(size, 8)
        assert all(len(line) < 998 and not line.endswith(b"\r") for line in message.split(b"\r\n"))


def test_a_spread_tells_the_median_and_divides_round_by_round() -> None:
    mine, other = Spread.of([2.0, 9.0, 4.0]), Spread.of([1.0, 3.0, 4.0])
    assert mine.show(1) == "4.0 [2.0–9.0]"
    assert mine.over(other).takes == (2.0, 3.0, 1.0)
    assert Spread.of([1.5]).show() == "1.50"


def test_a_target_says_whether_it_was_met() -> None:
    report = Report(targets=[Target("A", 2.0, 2.5), Target("B", 2.0, 2.5, most=True, unit="MB")])
    assert report.with_targets(judged=True) == [
        "",
        "- A: at least 2.00 ×; it is 2.50 ×, met.",
        "- B: at most 2.00 MB; it is 2.50 MB, **not met**.",
    ]
    assert report.with_targets(judged=False) == []
    assert [item["met"] for item in report.as_json()["targets"]] == [True, False]


@pytest.mark.parametrize("less", [0, 1])
def test_a_message_that_did_not_arrive_ends_the_measurement(less: int) -> None:
    def send(sink: Sink, messages: int, _patience: float) -> Take:
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            for number in range(messages - less):
                client.sendmail("a@sender.test", ["b@x.test"], prebuilt(400, number))
        return Take(messages, 0.01 * messages, 0.001 * messages)

    try:
        with own_sink() as sink:
            if less:
                with pytest.raises(WrongCount, match="19 arrived"):
                    contest(sink, [Contender("x", send, first=20)], Size(seconds=0.3, rounds=2))
                return
            [result] = contest(sink, [Contender("x", send, first=20)], Size(seconds=0.3, rounds=2)).values()
            assert [take.messages for take in result.takes] == [30, 30]
            assert result.rate.median == pytest.approx(100)
            assert result.cpu.median == pytest.approx(1_000)
    except NotHere as error:
        pytest.skip(str(error))


def test_a_profile_knows_whose_work_a_file_is() -> None:
    def room(name: str) -> str | None:
        return room_of(str(ROOT / "mailtui" / name))

    assert room("message/templates.py") == TEMPLATES
    assert room("message/compose.py") == MIME
    assert room("smtp/session.py") == SESSION
    assert room("dispatch/recorder.py") == OUTBOX
    assert room("dispatch/worker.py") == ENGINE
    assert room_of("body.html.j2") == TEMPLATES
    assert room_of(json.__file__) is None


def test_the_page_has_a_place_for_every_part() -> None:
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    for name in (*PARTS, "targets"):
        assert text.count(f"<!-- measured: {name} -->\n") == 1
        assert text.count(f"<!-- end of measured: {name} -->\n") == 1


def test_a_table_of_the_page_is_read_as_it_was_written(tmp_path: Path) -> None:
    """So that measuring one part keeps what the page says of the others."""
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- measured: targets -->\n<!-- end of measured: targets -->\nafter\n")
    assert page.rows_of(file, "measured", "targets") == []
    rows = [("rtt", "at least 0.95 ×; it is 0.86 ×", "**no**"), ("size", "at most 1.0 MB; it is 1.9 MB", "**no**")]
    page.write_block(file, "measured", "targets", [*page.table(("part", "target", "met"), rows), "", "On 2 cores."])
    assert page.rows_of(file, "measured", "targets") == rows
    assert file.read_text().startswith("before\n") and file.read_text().endswith("\nafter\n")


def test_a_whole_part_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "profile", "--short", "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    if "Not measured" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "| session |" in done.stdout
    found = json.loads((tmp_path / "short" / "profile.json").read_text())
    assert found["rooms"]["session"] > 0
    assert found["rooms"]["outbox"] > 0
