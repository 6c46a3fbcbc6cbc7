"""Webhooks as a person has them: kept in the settings, told by whatever runner lives, and shown."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
from pathlib import Path
from unittest import mock

import pytest

from mailtui.cli.main import run
from mailtui.kit.settings import PREFIX
from tests.cli.conftest import StartSandbox
from tests.cli.program import Mailtui, Oracle, wait_until
from tests.servers.certificates import Authority
from tests.servers.hook import FLOOD, HANG, MOVED, Receiver, is_signed, receiver
from tests.tui.terminal import Terminal

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


@pytest.mark.long
def test_e02_a_run_in_the_foreground_leaves_the_rest_to_the_background(mailtui: Mailtui, sandbox: Oracle) -> None:
    """The run in the foreground ends, and a runner in the background goes on telling."""
    with receiver([500, 503, 500, 200]) as hook:
        _told(mailtui, hook)
        campaign = mailtui.campaign(5, port=sandbox.port)
        ended = mailtui.call("run", campaign, "--yes", "--json")
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


def test_e02_a_server_that_fails_three_times_hears_it_once_also_when_runners_are_killed(
    mailtui: Mailtui, faulty: StartSandbox
) -> None:
    """kill -9 while a post is under way, and again while it waits to be tried anew; nobody's address goes out."""
    box = faulty('rules:\n  - {stage: rcpt, recipient: "p1@*", raw: "550 5.1.1 <p1@example.com> is nobody\\r\\n"}\n')
    with receiver([HANG, 500, 503, 200]) as hook:
        _told(mailtui, hook)
        mailtui.environ["MAILTUI_TIME_SCALE"] = "0.2"
        launched = mailtui.call("run", mailtui.campaign(4, port=box.port), "--yes", "--detach").out.strip()
        wait_until(lambda: len(hook.posts) == 1)
        mailtui.end_runner()
        assert _notices(mailtui, launched)[0]["attempts"] == 0
        assert "finished: not told yet; the next runner tries" in mailtui.call("status", launched).out
        runner = mailtui.start("runner", "--until-idle")
        wait_until(lambda: _notices(mailtui, launched)[0]["attempts"])
        runner.send_signal(signal.SIGKILL)
        runner.communicate()
        mailtui.environ["MAILTUI_TIME_SCALE"] = "0.02"
        assert mailtui.run("runner", "--until-idle").code == 0, "it stays until everybody is told"
        [notice] = _notices(mailtui, launched)
        assert (notice["state"], notice["attempts"], notice["said"]) == ("delivered", 3, "it answered 200")
        assert [post.answered for post in hook.posts] == [HANG, 500, 503, 200]
        assert len({post.headers["webhook-id"] for post in hook.posts}) == 1, "one notice, whenever it is tried"
        assert len({post.body for post in hook.posts}) == 1
        assert all(is_signed(post, SECRET) for post in hook.posts)
        said = hook.taken[0].said
        data = said["data"]
        assert (said["type"], data["campaign"], data["state"]) == ("campaign.finished", launched, "finished")
        assert (data["audience"], data["counts"]["sent"], data["counts"]["failed"]) == (4, 3, 1)
        assert not any("p1" in post.body or "@" in post.body for post in hook.posts)
    shown = mailtui.call("report", launched).out
    assert "told       ci  finished: told at " in shown and ", at the 3rd try (it answered 200)" in shown


def test_e02_hooks_are_added_tested_and_removed_and_their_secrets_are_in_no_file(
    mailtui: Mailtui, tmp_path: Path
) -> None:
    """Over TLS, by an authority that the system is told to trust."""
    authority = Authority()
    pem = tmp_path / "authority.pem"
    pem.write_bytes(authority.ca.cert_pem.bytes())
    assert "Nobody is told: there is no webhook yet." in mailtui.call("webhooks", "list").err
    for url, why in (
        ("http://ci.example.com/x", "http:// goes for this machine only"),
        ("https://me:secret@ci.example.com/", "has no user and password in it"),
        ("ftp://ci.example.com/", "is no address with https://"),
    ):
        refused = mailtui.call("webhooks", "add", "ci", url)
        assert (refused.code, why in refused.err) == (2, True), refused.err
    assert mailtui.call("webhooks", "add", "login", "https://ci.example.com/").code == 2
    with receiver(authority=authority) as hook:
        added = mailtui.call("webhooks", "add", "ci", hook.url, "--event", "finished", "--json")
        secret = added.json["secret"]
        assert secret.startswith("whsec_") and added.json["kept"] is False
        assert "Set it for mailtui and its runner: MAILTUI_WEBHOOK_CI" in added.err
        assert secret not in mailtui.home.settings_file.read_text()
        assert mailtui.call("webhooks", "test", "ci").code == 3, "it has no secret yet"
        unkept = mailtui.call("webhooks", "secret", "ci", "--new")
        assert (unkept.code, "instead: MAILTUI_WEBHOOK_CI" in unkept.err, unkept.out) == (3, True, ""), unkept.err
        mailtui.environ["MAILTUI_WEBHOOK_CI"] = secret
        listed = mailtui.call("webhooks", "list", "--json").json
        assert (listed["webhook"], listed["secret"], listed["events"]) == ("ci", "found", ["finished"])
        stranger = mailtui.call("webhooks", "test", "ci")
        assert stranger.code == 3 and "its certificate is not trusted" in stranger.out
        assert not hook.posts
        mailtui.environ["SSL_CERT_FILE"] = str(pem)
        told = mailtui.run("webhooks", "test", "ci")
        assert (told.code, told.out) == (0, "ci: taken: it answered 200\n")
        assert is_signed(hook.posts[0], secret) and hook.posts[0].said["type"] == "mailtui.test"
    assert mailtui.call("webhooks", "add", "ci", "https://ci.example.com/").code == 2, "there is one"
    with receiver([500]) as hook:
        other = "a secret from elsewhere, as it is"
        mailtui.environ["MAILTUI_WEBHOOK_OTHER"] = other
        assert mailtui.run("webhooks", "add", "other", hook.url, "--secret-stdin", stdin=f"{other}\n").code == 0
        failed = mailtui.call("webhooks", "test", "other", "--json")
        assert (failed.code, failed.json["status"], failed.json["taken"]) == (3, 500, False)
        assert is_signed(hook.posts[0], other)
    assert mailtui.call("webhooks", "remove", "ci").code == 2, "nobody was asked"
    assert mailtui.call("webhooks", "remove", "ci", "--yes").code == 0
    assert "ci.example" not in mailtui.home.settings_file.read_text()


def test_e02_a_folder_s_settings_tell_nobody(mailtui: Mailtui) -> None:
    (mailtui.folder / "mailtui.yaml").write_text('webhooks: {them: {url: "https://them.example.com/"}}\n')
    refused = mailtui.call("webhooks", "list")
    assert refused.code == 3
    assert "who is told of your campaigns is for your own settings to say" in refused.err


def test_e02_what_answers_without_an_end_or_points_elsewhere_holds_nothing_up(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    """Several webhooks: one that floods, one that redirects, one that hangs, one that has gone, and a good one."""
    with receiver([FLOOD]) as flood, receiver([MOVED]) as moved, receiver([HANG]) as hang, receiver([410]) as gone:
        hooks = {"flood": flood, "moved": moved, "hang": hang, "gone": gone}
        said = {name: {"url": hook.url, "events": ["started", "finished"]} for name, hook in hooks.items()}
        for name in said:
            mailtui.environ[f"MAILTUI_WEBHOOK_{name.upper()}"] = SECRET
        mailtui.home.settings_file.parent.mkdir(parents=True, exist_ok=True)
        mailtui.home.settings_file.write_text(f"webhooks: {json.dumps(said)}\n")
        mailtui.environ["MAILTUI_TIME_SCALE"] = "1"
        launched = mailtui.call("run", mailtui.campaign(3, port=sandbox.port), "--yes", "--detach").out.strip()
        wait_until(lambda: mailtui.call("status", launched, "--json").json["state"] == "finished")
        assert SECRET not in Path(f"/proc/{mailtui.runner()}/environ").read_text(), "no program inherits it"
        other = mailtui.call("run", mailtui.campaign(3, port=sandbox.port, name="d"), "--yes", "--detach").out.strip()
        wait_until(lambda: mailtui.call("status", other, "--json").json["state"] == "finished")
        hanging = [*_notices(mailtui, launched), *_notices(mailtui, other)]
        waiting = [one["attempts"] for one in hanging if one["webhook"] == "hang"]
        assert waiting == [0] * 4, "everybody has their mail while a webhook has not even answered to the beginning"
        wait_until(lambda: len(flood.posts) == 4 and len(gone.posts) == 4 and len(moved.posts) == 4 and hang.posts)
        wait_until(lambda: all(one["attempts"] for one in _notices(mailtui, launched) if one["webhook"] == "moved"))
        by_name = {name: [one for one in _notices(mailtui, launched) if one["webhook"] == name] for name in hooks}
        assert [(one["event"], one["state"]) for one in by_name["flood"]] == [
            ("started", "delivered"),
            ("finished", "delivered"),
        ]
        assert {one["state"] for one in by_name["gone"]} == {"given_up"}
        assert "wants to hear nothing any more" in str(by_name["gone"][0]["said"])
        assert {one["said"] for one in by_name["moved"]} == {"it answered 302, a redirect, which is not followed"}
        assert {one["state"] for one in by_name["hang"]} == {"waiting"}
        listed = {row["webhook"]: row["waiting"] for row in mailtui.call("webhooks", "list", "--json").lines}
        assert (listed["flood"], listed["gone"], listed["moved"], listed["hang"]) == (0, 0, 4, 4)
        mailtui.end_runner()


def test_e02_a_run_rings_at_its_terminal_and_says_what_became_of_it(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(3, port=sandbox.port)
    command = ("-m", "mailtui", "run", str(campaign), "--yes")
    with Terminal(command, mailtui.environment(MAILTUI_NOTIFY__TERMINAL="true")) as terminal:
        assert terminal.ends() == 0
    assert b"\x1b]9;News c: Finished: 3 sent.\x1b\\\a" in terminal.output
    assert b"\a" not in _at_a_terminal(mailtui, "status"), "nobody waited"
    assert b"\a" not in _at_a_terminal(mailtui, "status", "--follow"), "nor here, where it had come to rest before"


def _at_a_terminal(mailtui: Mailtui, *arguments: str) -> bytes:
    """What a command writes to a terminal, in this process; for one that starts nothing."""
    ours, theirs = pty.openpty()
    environ = mailtui.environment(MAILTUI_NOTIFY__TERMINAL="true", TERM="xterm-256color")
    with open(theirs, "w", encoding="utf-8") as screen, open(ours, "rb", buffering=0) as shown:
        with mock.patch.dict(os.environ, environ, clear=True), contextlib.redirect_stderr(screen):
            with contextlib.redirect_stdout(screen):
                assert run(arguments) == 0
            screen.flush()
        return shown.read(1 << 16)
