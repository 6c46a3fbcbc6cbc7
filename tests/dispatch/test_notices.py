"""E2: what waits in the outbox is posted: one thing after the other to each webhook, and webhooks beside each other."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.notices import Notices
from mailtui.dispatch.storage import Storage
from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.states import NoticeState
from mailtui.outbox.timed_records import NewNotice
from mailtui.service.herald import OwnHerald
from tests.servers.hook import receiver

SECRET = "a secret of sixteen letters"


async def test_e02_a_pile_of_notices_goes_out_at_once_and_what_fails_stops_only_its_own(tmp_path: Path) -> None:
    environ = {"MAILTUI_HOME": str(tmp_path), "MAILTUI_WEBHOOK_GOOD": SECRET, "MAILTUI_WEBHOOK_BAD": SECRET}
    ledger = parse_outbox(f"sqlite:///{tmp_path}/outbox.db").ledger()
    now = time.time()
    for name in ("good", "bad", "gone"):
        pile = [NewNotice(f"{name}{n:02}", "finished", now - 50 + n, f'{{"n":{n}}}', name) for n in range(30)]
        await ledger.add_notices(None, pile)
    with receiver() as good, receiver([500]) as bad:
        file = tmp_path / "config" / "settings.yaml"
        file.parent.mkdir()
        file.write_text(f"webhooks: {json.dumps({'good': {'url': good.url}, 'bad': {'url': bad.url}})}\n")
        herald = OwnHerald(environ, SecretSource(environ), scale=1.0)
        notices = Notices(ledger, Storage(patience=1.0, say=print), herald, wall=time.time, scale=1.0)
        deadline = time.monotonic() + 20
        while await ledger.due_notices(now, 1, ["bad"]) and time.monotonic() < deadline:
            await notices.look()
            await asyncio.sleep(0.05)
        assert await notices.awaited(since=0.0, to_the_end=True), "the other one has taken nothing"
        await notices.part()
        assert [post.said["n"] for post in good.posts] == list(range(30))
        assert len(bad.posts) < 30
    left = await ledger.notices(None)
    assert {notice.target for notice in left} == {"bad"}, "one that the settings do not have is given up"
    assert {notice.state for notice in left} == {NoticeState.WAITING}
    ledger.close()


async def test_e02_settings_that_cannot_be_looked_at_make_a_notice_wait(tmp_path: Path) -> None:
    """As in a folder that went away under the runner: no webhook may bring it down."""
    environ = {"MAILTUI_HOME": str(tmp_path / ("x" * 300))}  # longer than a name can be
    notice = NewNotice("1", "finished", 0.0, "{}", "ci")
    ledger = parse_outbox(f"sqlite:///{tmp_path}/outbox.db").ledger()
    await ledger.add_notices(None, [notice])
    [waiting] = await ledger.due_notices(time.time(), 1)
    told = await OwnHerald(environ, SecretSource(environ), scale=1.0).post(waiting)
    assert (told.taken, told.final) == (False, False)
    assert told.said.endswith("settings.yaml cannot be read")
    ledger.close()


def test_e02_posting_loads_no_model_of_the_settings(tmp_path: Path) -> None:
    """It takes as long to load as thousands of mails to send, in the process that sends them."""
    (tmp_path / "config").mkdir()
    script = """
import asyncio, sys
from mailtui.accounts.secrets import SecretSource
from mailtui.outbox.states import NoticeState
from mailtui.outbox.timed_records import Notice
from mailtui.service.herald import OwnHerald
environ = {"MAILTUI_HOME": sys.argv[1], "MAILTUI_WEBHOOK_CI": sys.argv[2]}
told = lambda name: asyncio.run(OwnHerald(environ, SecretSource(environ), scale=1.0).post(
    Notice("1", None, "started", 0.0, "{}", name, NoticeState.WAITING, 0, 0.0, "", None)))
print(told("ci").said, told("odd").said, told("none").said, "pydantic" in sys.modules, sep="; ")
"""
    with receiver() as hook:
        hooks = {"ci": {"url": hook.url}, "odd": {"url": f"{hook.url}/ä"}}
        (tmp_path / "config" / "settings.yaml").write_text(f"webhooks: {json.dumps(hooks)}\n")
        command = (sys.executable, "-c", script, str(tmp_path), SECRET)
        environ = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        ended = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    odd, gone = "its address in the settings cannot be posted to", "it is not in the settings any more"
    assert ended.stdout == f"it answered 200; {odd}; {gone}; False\n", ended.stderr
    assert len(hook.posts) == 1
