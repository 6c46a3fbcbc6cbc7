"""Webhooks as a person has them: kept in the settings, told by whatever runner lives, and shown."""

from __future__ import annotations

import json
import signal

from mailtui.kit.settings import PREFIX
from tests.cli.conftest import StartSandbox
from tests.cli.program import Mailtui, Oracle, wait_until
from tests.servers.hook import HANG, Receiver, is_signed, receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _told(mailtui: Mailtui, hook: Receiver, *events: str, name: str = "ci") -> None:
    """Have everybody who runs mailtui here tell this receiver."""
    mailtui.environ[f"{PREFIX}WEBHOOK_{name.upper()}"] = SECRET
    file = mailtui.home.settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    said = {"url": hook.url, **({"events": list(events)} if events else {})}
    file.write_text(f"webhooks: {json.dumps({name: said})}\n")


def _logs(mailtui: Mailtui) -> str:
    return "".join(log.read_text() for log in mailtui.home.logs.glob("*.log"))


def _notices(mailtui: Mailtui, campaign: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = mailtui.call("status", campaign, "--json").json["notices"]
    return found


def test_e02_a_server_that_fails_three_times_hears_it_once_with_the_true_status(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    """The run in the foreground ends, and a runner in the background goes on telling."""
    with receiver([500, 503, 500, 200]) as hook:
        _told(mailtui, hook)
        campaign = mailtui.campaign(5, port=sandbox.port)
        ended = mailtui.run("run", campaign, "--yes", "--json")
        assert ended.code == 0, ended.err
        assert "ci could not be told yet; that is tried again in the background." in ended.err
        wait_until(lambda: hook.taken)
        wait_until(lambda: mailtui.runner() is None)
        assert len(hook.posts) == 4 and len(hook.taken) == 1
        assert len({post.headers["webhook-id"] for post in hook.posts}) == 1, "one notice, whenever it is tried"
        assert all(is_signed(post, SECRET) for post in hook.posts)
        said = hook.taken[0].said
        assert said["type"] == "campaign.finished"
        assert said["data"]["campaign"] == ended.json["campaign"]
        assert (said["data"]["state"], said["data"]["audience"], said["data"]["counts"]["sent"]) == ("finished", 5, 5)
    [notice] = _notices(mailtui, ended.json["campaign"])
    assert (notice["state"], notice["attempts"], notice["said"]) == ("delivered", 4, "it answered 200")
    shown = mailtui.call("report", ended.json["campaign"]).out
    assert "told       ci  finished: told at " in shown and ", at the 4th try (it answered 200)" in shown
    kept = (mailtui.home.outbox_file.read_bytes(), _logs(mailtui).encode(), ended.out.encode(), ended.err.encode())
    assert not any(SECRET.encode() in text or b"told?by=" in text for text in kept), "no secret, and no path of it"


def test_e02_a_killed_runner_s_notice_is_told_by_the_next_one(mailtui: Mailtui, faulty: StartSandbox) -> None:
    """kill -9 while a post is under way, and again while it waits to be tried anew; nobody's address goes out."""
    box = faulty('rules:\n  - {stage: rcpt, recipient: "p1@*", raw: "550 5.1.1 <p1@example.com> is nobody\\r\\n"}\n')
    with receiver([HANG, 500, 200]) as hook:
        _told(mailtui, hook)
        mailtui.environ["MAILTUI_TIME_SCALE"] = "1"
        launched = mailtui.run("run", mailtui.campaign(4, port=box.port), "--yes", "--detach").out.strip()
        wait_until(lambda: len(hook.posts) == 1)
        mailtui.end_runner()
        assert _notices(mailtui, launched)[0]["attempts"] == 0
        shown = mailtui.call("status", launched)
        assert "finished: not told yet; the next runner tries" in shown.out
        mailtui.environ["MAILTUI_TIME_SCALE"] = "0.02"
        for posts in (2, 3):
            runner = mailtui.start("runner", "--until-idle")
            wait_until(lambda posts=posts: len(hook.posts) == posts)  # type: ignore[misc]
            wait_until(lambda: _notices(mailtui, launched)[0]["attempts"])
            runner.send_signal(signal.SIGKILL) if posts == 2 else runner.wait(20)
            runner.communicate()
        wait_until(lambda: _notices(mailtui, launched)[0]["state"] == "delivered")
        assert len(hook.posts) == 3 and len(hook.taken) == 1
        assert len({post.headers["webhook-id"] for post in hook.posts}) == 1
        assert len({post.body for post in hook.posts}) == 1
        data = hook.taken[0].said["data"]
        assert (data["state"], data["counts"]["sent"], data["counts"]["failed"]) == ("finished", 3, 1)
        assert not any("p1" in post.body or "@" in post.body for post in hook.posts)
