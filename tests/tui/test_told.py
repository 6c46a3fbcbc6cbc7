"""E2: who is told by webhook, who has taken it, and ringing when a campaign has come to rest."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from mailtui.kit.paths import Home
from mailtui.kit.ringing import ringing
from mailtui.outbox.notices import Event, Happening, notices_of
from mailtui.outbox.records import Counts
from mailtui.outbox.states import CampaignState, NoticeState
from mailtui.service.facade import Service
from mailtui.service.herald import is_worth_a_ring
from mailtui.tui.app import MailtuiApp
from mailtui.tui.ringing import Endings
from tests.tui.conftest import grid, launch, shows, until

SETTINGS = """webhooks:
  ci: {url: "https://ci.example.com/a-secret-path"}
  chat: {url: "https://chat.example.com/hook", events: [finished]}
"""


@pytest.fixture
def told(home: Home, monkeypatch: pytest.MonkeyPatch) -> Service:
    home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text(SETTINGS)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("MAILTUI_WEBHOOK_CI", "a secret of sixteen letters")
    return Service.open(os.environ)


async def test_e02_the_app_shows_who_is_told_and_who_has_taken_it(told: Service, sample: Path) -> None:
    launched = (await launch(told, sample)).campaign
    ledger, now = told.outbox.ledger(), time.time()
    happening = Happening(Event.FINISHED, now, launched, CampaignState.FINISHED, Counts(sent=3))
    notices = notices_of(happening)
    await ledger.set_state(launched.number, CampaignState.FINISHED, actor="runner", now=now, notices=notices)
    by_target = {notice.target: notice.id for notice in notices}
    running = MailtuiApp(told)
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "webhook ci: finished: not told yet; the next runner tries"))
        await ledger.notice_told(by_target["ci"], NoticeState.DELIVERED, now, "it answered 200", now=now)
        await ledger.notice_told(by_target["chat"], NoticeState.GIVEN_UP, now, "it answered 410", now=now)
        await until(lambda: shows(running, "webhook ci: finished: told at ", "(it answered 200)"))
        await until(lambda: shows(running, "webhook chat: finished: given up after 1 try (it answered 410)"))
        await pilot.press("0")
        await until(lambda: shows(running, "webhook ci  https://ci.example.com is told: finished, paused, cancelled"))
        await until(lambda: shows(running, "its secret is missing: mailtui webhooks secret chat"))
        assert not any("a-secret-path" in line for line in grid(running))
    ledger.close()
    told.close()


async def test_e02_the_app_rings_when_a_campaign_comes_to_rest(told: Service, sample: Path) -> None:
    launched = (await launch(told, sample)).campaign
    ledger, written = told.outbox.ledger(), list[str]()
    watching = asyncio.create_task(Endings(told, written.append, lambda: False).watch())
    await asyncio.sleep(0.3)  # the campaign runs since its launch
    reason = "the server refused\x1b]9;evil\a the login"
    now = time.time()
    await ledger.set_state(launched.number, CampaignState.PAUSED, actor="runner", now=now, reason=reason, held=True)
    await until(lambda: written)
    assert len(written) == 1
    assert written[0].startswith("\x1b]9;") and written[0].endswith("\x1b\\\a")
    assert "Paused: the server refused" in written[0] and written[0].count("\x1b") == 2, "a stranger's words do nothing"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    ledger.close()
    told.close()


def test_e02_a_ring_is_for_what_took_long_or_when_nobody_looks() -> None:
    assert not is_worth_a_ring(None, waited=5.0, looks=True)
    assert is_worth_a_ring(None, waited=60.0, looks=True)
    assert is_worth_a_ring(None, waited=5.0, looks=False)
    assert is_worth_a_ring(wanted=True, waited=0.0, looks=True)
    assert not is_worth_a_ring(wanted=False, waited=60.0, looks=False)


def test_e02_a_terminal_that_would_show_it_as_text_just_rings() -> None:
    assert ringing("done", {"TERM": "linux"}) == ringing("done", {}) == "\a"
    assert ringing("done", {"TERM": "xterm-256color"}) == "\x1b]9;done\x1b\\\a"
