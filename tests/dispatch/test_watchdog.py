"""A render that does not end is stopped, and nothing else ever is."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.renderers import Batch, Renderers
from mailtui.dispatch.sending import Sending
from mailtui.dispatch.watchdog import Overrun, Watchdog, _raise_in, _Strike, row_seconds
from mailtui.message.compose import CompiledMessage
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.outbox.states import CampaignState
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted, address

ENDLESS = """Hello {{ name }}
{% if name == "Zoé 3" %}{% for a in range(90000) %}{% for b in range(90000) %}{% for c in range(90000) %}{% endfor %}
{% endfor %}{% endfor %}{% endif %}"""


def _compute(seconds: float) -> str:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return "done"


def test_a_render_that_does_not_end_is_stopped_and_the_next_one_is_not() -> None:
    watchdog = Watchdog(0.1)
    try:
        for _ in range(2):
            with pytest.raises(Overrun):
                watchdog.run(lambda: _compute(60))
            assert watchdog.run(lambda: _compute(0.01)) == "done"
    finally:
        watchdog.close()


def test_what_catches_every_exception_does_not_catch_the_strike() -> None:
    def stubborn() -> str:
        while True:
            with contextlib.suppress(Exception):  # as a template's own code might
                _compute(60)

    watchdog = Watchdog(0.1)
    try:
        with pytest.raises(Overrun):
            watchdog.run(stubborn)
    finally:
        watchdog.close()


def test_strikes_that_go_astray_are_followed_by_others() -> None:
    """As in a finalizer, where what is raised goes nowhere."""
    lost = 0
    watchdog = Watchdog(0.1)

    def work() -> str:
        nonlocal lost
        while lost < 4:
            try:
                _compute(20)
                break
            except _Strike:
                lost += 1
        return _compute(20)

    try:
        with pytest.raises(Overrun):
            watchdog.run(work)
    finally:
        watchdog.close()
    assert lost == 4


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="the time of a thread is not known there")
def test_a_strike_comes_when_the_time_is_over_and_a_runner_does_not_count_as_silent() -> None:
    seconds = row_seconds(1.0)
    watchdog = Watchdog(seconds)
    began = time.thread_time()
    try:
        with pytest.raises(Overrun):
            watchdog.run(lambda: _compute(30))
    finally:
        watchdog.close()
    assert seconds <= time.thread_time() - began < 3.0


def test_waiting_for_the_processor_is_not_the_rows_fault() -> None:
    watchdog = Watchdog(0.05)
    try:
        watchdog.run(lambda: time.sleep(0.5))
    finally:
        watchdog.close()


def test_a_render_that_ends_as_it_is_struck_leaves_nothing_behind() -> None:
    """Renders as long as the limit: many are struck in their last instant. Whatever is raised is raised inside."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    watchdog = Watchdog(0.002)
    overruns = 0
    try:
        for nth in range(400):
            try:
                watchdog.run(lambda nth=nth: _compute(0.0020 + 0.000005 * (nth % 200)))  # type: ignore[misc]
            except Overrun:
                overruns += 1
            _compute(0.0005)  # outside of the render: an exception here would fail the test
        _compute(0.05)
    finally:
        sys.setswitchinterval(interval)
        watchdog.close()
    assert 0 < overruns < 400


def test_a_strike_that_comes_too_late_does_not_strike() -> None:
    """The watcher aimed at a render, and was kept from the processor until that had ended."""
    watchdog = Watchdog(60)
    tokens: list[object] = []
    try:
        watchdog.run(lambda: tokens.append(watchdog._token))
        late = threading.Thread(target=watchdog._strike, args=tokens)
        late.start()
        late.join()
        _compute(0.01)  # outside of the render: an exception here would fail the test
        assert watchdog.run(lambda: "done") == "done"
    finally:
        watchdog.close()


def test_a_render_waits_for_a_watcher_that_is_aiming_and_takes_its_strike() -> None:
    """The watcher has looked at the token for the last time, and strikes when the render has just ended."""
    watchdog = Watchdog(60)
    ended = threading.Event()
    watched = threading.get_ident()

    def strike() -> None:
        ended.wait()
        time.sleep(0.05)
        watchdog._struck = True
        _raise_in(watched, _Strike)
        watchdog._aiming = False

    striker = threading.Thread(target=strike)

    def work() -> None:
        watchdog._aiming = True
        striker.start()
        ended.set()

    try:
        with contextlib.suppress(Overrun):
            watchdog.run(work)
        _compute(0.2)  # outside of the render: an exception here would fail the test
        striker.join()
    finally:
        watchdog.close()


def test_an_exception_of_the_render_comes_through() -> None:
    watchdog = Watchdog(0.1)
    try:
        with pytest.raises(ZeroDivisionError):
            watchdog.run(lambda: 1 // 0)
        _compute(0.3)  # nothing is watched any more
    finally:
        watchdog.close()


@pytest.mark.parametrize("processes", [0, 1])
async def test_n06_a_row_that_takes_too_long_holds_its_campaign_and_no_other(
    house: House, tmp_path: Path, processes: int
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        plan = SendPlan(workers=2, render_processes=processes)
        endless = await house.launch(8, server.port, plan, text=ENDLESS)
        other = await house.launch(60, server.port, SendPlan(workers=2, rate=40), id="c2")
        await house.send(seconds=60)
    assert await house.state(endless) is CampaignState.PAUSED
    assert await house.state(other) is CampaignState.FINISHED
    held = await house.reader.campaign("c1")
    assert held.held
    assert held.reason.startswith("row 3 took more than 0.5 seconds to render and was stopped at text:2.")
    rows = await house.rows(endless)
    assert (rows[address(3)].state, rows[address(3)].attempts) == ("queued", 0)
    counts = await house.counts(endless)
    assert (counts.claimed, counts.in_flight, counts.failed, counts.unknown) == (0, 0, 0, 0)
    assert counts.sent + counts.queued == 8
    took = accepted(server.folder)
    assert took[address(3)] == 0
    assert (await house.counts(other)).sent == 60
    assert max(took.values()) == 1


async def test_n06_a_process_stops_the_row_and_tells_which(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The long row comes when the process is up, so that it is stopped there and not in the runner."""
    text = ENDLESS.replace("Zoé 3", "Zoé 700")
    caplog.set_level("INFO", "mailtui")
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(900, server.port, SendPlan(workers=2, rate=300, render_processes=1), text=text)
        began = asyncio.get_running_loop().time()
        await house.send(scale=0.05, seconds=60)
    assert asyncio.get_running_loop().time() - began < 30
    reason = (await house.reader.campaign("c1")).reason
    assert reason.startswith("row 700 took more than 0.5 seconds to render and was stopped at text:2.")
    rows = await house.check_books(campaign, server.folder)
    assert rows[address(700)].state == "queued"
    ended = [record.facts for record in caplog.records if record.getMessage() == "a render process ended"]  # type: ignore[attr-defined]
    assert sum(facts["answered"] for facts in ended) > 300, "the process rendered, and the row was one of its"


@pytest.mark.parametrize(("processes", "size", "first"), [(0, 40, 1), (2, 3_000, 2_000)])
async def test_n06_after_a_row_that_took_too_long_nothing_else_of_its_campaign_is_rendered(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, size: int, first: int
) -> None:
    """Every row from the first on is endless, and many connections ask for one."""
    text = ENDLESS.replace('name == "Zoé 3"', f"name[4:]|int >= {first}")
    done: list[str] = []
    render, give, hold = CompiledMessage.render, Renderers.give, Sending.hold

    def counted(self: CompiledMessage, recipient: Recipient, **how: Any) -> RenderedMessage | RenderProblem:
        done.append("rendered")
        return render(self, recipient, **how)

    def noted(self: Renderers, batch: Batch) -> None:
        done.append("given")
        give(self, batch)

    def held(self: Sending, reason: str) -> None:
        done.append("held")
        hold(self, reason)
        self.supply.renderers.most = 10_000
        self.supply._have_more()  # as when another process has something, and room, at this very moment

    monkeypatch.setattr(CompiledMessage, "render", counted)
    monkeypatch.setattr(Renderers, "give", noted)
    monkeypatch.setattr(Sending, "hold", held)
    async with SandboxServer(tmp_path / "sandbox") as server:
        plan = SendPlan(workers=8, window=4, render_processes=processes)
        campaign = await house.launch(size, server.port, plan, text=text)
        await house.send(seconds=60)
    assert await house.state(campaign) is CampaignState.PAUSED
    counts = await house.counts(campaign)
    assert counts.sent < first
    # While a row takes all the time there is, short patience may miss an answer that is there.
    assert (counts.sent + counts.queued + counts.unknown, counts.claimed) == (size, 0)
    assert ("given" in done) == (processes > 0)
    assert done.index("held") == len(done) - 1
