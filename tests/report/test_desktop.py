"""What has happened, on a desktop: by a real session bus and a real notification daemon."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from pathlib import Path

import pytest

from mailtui.accounts.secrets import SecretSource
from mailtui.outbox.notices import Event, Happening
from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.records import Counts
from mailtui.outbox.states import CampaignState
from mailtui.report.desktop import is_local, show
from mailtui.sandbox.server import SandboxServer
from mailtui.service.herald import OwnHerald
from tests.cli.program import Mailtui, wait_until
from tests.outbox.conftest import new_campaign
from tests.servers.notification_daemon import desktop
from tests.servers.secret_service import session


def test_e02_a_desktop_shows_the_end_of_a_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stranger wrote is shown as it is, and without anybody's address."""
    with desktop() as (environ, shown):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        asyncio.run(_paused(tmp_path, "<i>550</i> & <bob@example.com>"))
        wait_until(lambda: "550" in shown.read_text() and "Weekly" in shown.read_text())
        said = shown.read_text()
        assert "summary: 'News & <b>more</b>'" in said
        assert "summary: 'Weekly'" in said and "body: 'Not sent: no list for &lt;…@example.com&gt;.'" in said
        assert "Paused: &lt;i&gt;550&lt;/i&gt; &amp; &lt;…@example.com&gt;. 7 sent." in said, "no markup of theirs"


@pytest.mark.long
def test_e02_a_run_shows_its_end_on_the_desktop_with_nobodys_address(tmp_path: Path) -> None:
    with desktop() as (environ, shown):
        mailtui = Mailtui(tmp_path, {**environ, "MAILTUI_NOTIFY__DESKTOP": "true"})
        assert asyncio.run(_sent(mailtui, tmp_path)) == 0
        wait_until(lambda: "News c" in shown.read_text())
        assert "Finished: 3 sent." in shown.read_text() and "@" not in shown.read_text()


async def _paused(folder: Path, reason: str) -> None:
    """A campaign is held, and the runner's herald hears of it."""
    desk = parse_outbox(f"sqlite:///{folder}/outbox.db").desk()
    named = dataclasses.replace(new_campaign(), name="News & <b>more</b>")
    campaign = await desk.create_draft(named, now=time.time())
    desk.close()
    assert campaign is not None
    herald = OwnHerald({**os.environ, "MAILTUI_HOME": str(folder)}, SecretSource({}), scale=1.0)
    state, counts = CampaignState.PAUSED, Counts(sent=7)
    herald.show(Happening(Event.PAUSED, time.time(), campaign, state, counts, reason, held=True))
    herald.show_missed("Weekly", "no list for <bob@example.com>")
    await herald.settle()


async def _sent(mailtui: Mailtui, folder: Path) -> int:
    async with SandboxServer(folder / "caught") as server:
        campaign = mailtui.campaign(3, port=server.port)
        return (await asyncio.to_thread(mailtui.run, "run", campaign, "--yes")).code


def test_e02_where_nobody_shows_anything_that_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with session() as environ:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", environ["DBUS_SESSION_BUS_ADDRESS"])
        assert asyncio.run(show("News", "Finished", os.environ)) == "nobody shows notifications here"
    assert asyncio.run(show("News", "Finished", os.environ)), "the bus has gone"
    for address in ("", "nonsense", "tcp:host=localhost,port=1"):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        assert asyncio.run(show("News", "Finished", os.environ)) == "there is no session bus"


def test_e02_a_desktop_is_local_where_somebody_sits_at_it() -> None:
    here = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "DISPLAY": ":0"}
    assert is_local(here)
    assert is_local({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "WAYLAND_DISPLAY": "wayland-0"})
    assert not is_local({**here, "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"})
    assert not is_local({"DISPLAY": ":0"})
    assert not is_local({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"})
