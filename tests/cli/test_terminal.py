"""At a real pseudo-terminal: the question before a send, the bar, colours, and what a person may answer."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import pytest

from tests.cli.program import PROGRAM, Mailtui, Oracle, wait_until
from tests.servers.aiosmtpd_server import PASSWORD, USER, Authority, Security, aiosmtpd_server

pty = pytest.importorskip("pty")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """A command with a terminal on stdin and stderr; stdout too, unless it is piped."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self.seen = ""

    def until(self, text: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.plain:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            self._read(0.1)

    @property
    def plain(self) -> str:
        return CONTROL.sub("", self.seen)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                return False
            self._read(0.1)
        return True

    def end(self, seconds: float = 40.0) -> int:
        assert self.ends_within(seconds), self.seen
        while self._read(0.1):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # the other side is gone
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


def _take_terminal() -> None:
    """In the child: the terminal on stdin is its own, so that Ctrl-C typed there reaches it.

    It hears Ctrl-C as whatever is started at a terminal does, also where the tests run in a shell's background.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(mailtui: Mailtui, *arguments: object, **env: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    environ = mailtui.environment(**{"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **env})
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=mailtui.folder,
        env=environ,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_the_count_is_typed_the_bar_comes_and_goes(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(60, port=sandbox.port, dispatch={"rate": "40/s"})
    with terminal(mailtui, "run", campaign) as screen:
        screen.until("Type 60 to send")
        for part in (
            "News c",
            f"127.0.0.1:{sandbox.port} (not encrypted, on this machine)",
            "60 of 60 rows",
            "p0@example.com, p59@example.com",
            "40/s",
        ):
            assert part in screen.plain, screen.plain
        assert sandbox.accepted == {}
        screen.type("60\n")
        screen.until("of 60")
        assert screen.end() == 0
        assert "\x1b[?25h" in screen.seen, "the cursor is given back"
        assert "\x1b[2K" in screen.seen, "the bar is wiped"
        final = screen.plain[screen.plain.rindex("News c  ") :]
        assert "finished" in final
        assert "%" not in final
    assert sandbox.accepted.total() == 60


@pytest.mark.parametrize("answer", ["2\n", "\n", "\x03"])
def test_anything_else_sends_nothing(mailtui: Mailtui, sandbox: Oracle, answer: str) -> None:
    with terminal(mailtui, "run", mailtui.campaign(3, port=sandbox.port)) as screen:
        screen.until("Type 3 to send")
        time.sleep(0.3)  # a person's key comes after the prompt, never in the same millisecond
        screen.type(answer)
        for _ in range(4):
            # Python loses a Ctrl-C that comes in the instant before it begins to read; a person presses it again.
            if answer == "\x03" and not screen.ends_within(3.0):
                screen.type(answer)
        assert screen.end() == 130
        assert "Nothing was sent." in screen.plain or "Stopped." in screen.plain
    assert sandbox.accepted == {}
    assert not mailtui.home.data.exists()


def test_no_colour_when_it_is_not_wanted(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port)
    assert mailtui.call("run", campaign, "--yes").code == 0
    with terminal(mailtui, "status") as screen:
        assert screen.end() == 0
        assert "\x1b[1m" in screen.seen
    with terminal(mailtui, "status", NO_COLOR="1") as screen:
        assert screen.end() == 0
        assert "\x1b" not in screen.seen
    with terminal(mailtui, "run", campaign, "--yes", NO_COLOR="1") as screen:
        assert screen.end() == 0
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", screen.seen), "a colour"


def test_a_changed_message_is_asked_about(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port)
    first = mailtui.call("run", campaign, "--yes", "--json").json["campaign"]
    campaign.write_text(campaign.read_text().replace("}}, news", "}}, more news"))
    assert mailtui.call("run", campaign, "--yes").code == 2
    for answer, code, mails in (("s", 130, 2), ("t", 0, 2), ("n", 0, 4)):
        if answer == "n":
            campaign.write_text(campaign.read_text().replace("more", "most"))
        with terminal(mailtui, "run", campaign, "--yes") as screen:
            screen.until("(n)ew")
            assert first in screen.plain
            screen.type(f"{answer}\n")
            assert screen.end() == code, screen.plain
        assert sandbox.accepted.total() == mails


def test_only_who_is_new_is_asked_about(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(3, port=sandbox.port)
    first = mailtui.call("run", campaign, "--yes", "--json").json["campaign"]
    with terminal(mailtui, "run", campaign) as screen:
        assert screen.end() == 0, screen.plain
        assert f"already sent  3 ({first}, " in screen.plain
        assert "Everybody on the list has it already; nothing was sent." in screen.plain
        assert "finished" not in screen.plain, "the old outcome is not told as a new one"
    quiet = mailtui.call("run", campaign)
    said = "Everybody on the list has it already; nothing was sent.\n"
    assert (quiet.code, quiet.out, quiet.err) == (0, "", said), "no question, so no terminal is needed"
    mailtui.campaign(5, port=sandbox.port)
    with terminal(mailtui, "run", campaign) as screen:
        screen.until("Type 2 to send")
        assert "to send      2 new" in screen.plain
        screen.type("2\n")
        assert screen.end() == 0, screen.plain
    assert sandbox.accepted.total() == 5


def test_findings_are_broken_between_words(mailtui: Mailtui) -> None:
    campaign = mailtui.campaign(3, port=9, headers=None)
    whole = [" ".join(line.split()) for line in mailtui.call("check", campaign).out.splitlines() if len(line) > 60]
    assert whole
    with terminal(mailtui, "check", campaign, COLUMNS="50") as screen:
        assert screen.end() == 0
        shown = " ".join(screen.plain.split())
        assert all(line in shown for line in whole), shown
        assert [line for line in screen.plain.splitlines() if len(line) > 50 and "Checking" not in line] == []


def test_the_sandbox_tells_when_mails_arrive(mailtui: Mailtui) -> None:
    with terminal(mailtui, "sandbox", "--port", "0", "--folder", "caught") as screen:
        screen.until("messages.mbox")
        found = re.search(r"127\.0\.0\.1:(\d+)", screen.plain)
        assert found is not None
        assert mailtui.call("run", mailtui.campaign(3, port=int(found[1])), "--yes").code == 0
        screen.until("3 mails caught, the last to p")
        screen.type("\x03")
        assert screen.end() == 0


def test_a_password_is_asked_for_and_not_shown(mailtui: Mailtui, authority: Authority) -> None:
    with aiosmtpd_server(authority, security=Security.STARTTLS, auth=True) as server:
        ca = authority.write_pem(mailtui.folder / "ca.pem")
        mailtui.home.config.mkdir(parents=True)
        account = {"host": "127.0.0.1", "port": server.port, "security": "starttls", "user": USER, "ca": str(ca)}
        mailtui.home.settings_file.write_text(f"accounts: {json.dumps({'acme': account})}\n")
        campaign = mailtui.campaign(2, port=9, smtp=None, account="acme")
        with terminal(mailtui, "run", campaign, "--yes") as screen:
            screen.until("Password of acme")
            time.sleep(0.2)
            screen.type(f"{PASSWORD}\n")
            assert screen.end() == 0, screen.plain
            assert PASSWORD not in screen.seen
        with terminal(mailtui, "run", campaign, "--yes", "--new", "--detach") as screen:
            screen.until("Password of acme")
            time.sleep(0.2)
            screen.type(f"{PASSWORD}\n")
            assert screen.end() == 0, screen.plain
        wait_until(lambda: len(server.taken) == 4)
        wait_until(lambda: mailtui.runner() is None)


@pytest.mark.parametrize(
    ("answer", "state"), [("p", "paused"), pytest.param("c", "cancelled", marks=pytest.mark.long), ("l", "running")]
)
def test_a_watcher_is_asked_what_ctrl_c_means(mailtui: Mailtui, sandbox: Oracle, answer: str, state: str) -> None:
    campaign = mailtui.campaign(400, port=sandbox.port, dispatch={"rate": "20/s"})
    short = mailtui.call("run", campaign, "--yes", "--detach").out.strip()
    with terminal(mailtui, "status", short, "--follow") as screen:
        screen.until("of 400")
        screen.process.send_signal(signal.SIGINT)
        screen.until("(p)ause it, (c)ancel it, or (l)et it run on?")
        screen.type(f"{answer}\n")
        assert screen.end() == 130
    wait_until(lambda: mailtui.call("status", short, "--json").json["state"] == state)


def test_cancel_asks_first(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(400, port=sandbox.port, dispatch={"rate": "20/s"})
    short = mailtui.call("run", campaign, "--yes", "--detach").out.strip()
    assert mailtui.call("pause", short).code == 0
    wait_until(lambda: mailtui.call("status", short, "--json").json["state"] == "paused")
    sent = mailtui.call("status", short, "--json").json["sent"]
    for answer, code in (("\n", 130), ("y\n", 0)):
        assert mailtui.call("status", short, "--json").json["state"] == "paused"
        with terminal(mailtui, "cancel") as screen:
            screen.until("cannot be undone")
            assert f"News c ({short}): {sent} got it; {400 - sent} who wait would get nothing." in screen.plain
            screen.type(answer)
            assert screen.end() == code, screen.plain
    wait_until(lambda: mailtui.call("status", short, "--json").json["state"] == "cancelled")


def test_text_from_strangers_does_not_act_on_the_terminal(mailtui: Mailtui, faulty: object) -> None:
    box: Oracle = faulty(  # type: ignore[operator]
        'rules:\n  - {stage: rcpt, recipient: "p2@*", raw: "550 5.1.1 \\x1b]0;PWNED\\x07 \\x9b31m gone\\r\\n"}\n'
    )
    rows = ["email,first_name,city", "p1@example.com,A,\u202eYork\x9b31m", "p2@example.com,B,York", "b\x9bd,C,York"]
    campaign = mailtui.campaign(rows, port=box.port)
    campaign.write_text(campaign.read_text().replace('"News c"', '"News \\u202e \\u009b31m"'))
    looks: list[list[object]] = [["report", "--format", "csv"], ["render", campaign, "--out", "-"]]
    commands = [["run", campaign, "--yes"], *looks]
    for command in commands:
        with terminal(mailtui, *command, NO_COLOR="1") as screen:
            screen.end()
            plain = CONTROL.sub("", screen.seen)
            bad = [c for c in plain if c in "\u202e\x7f\x07\x1b" or "\x80" <= c <= "\x9f"]
            assert bad == [], (command, screen.seen)
            assert "PWNED" not in screen.seen or "]0;PWNED" in plain


def test_brackets_in_a_name_are_no_markup(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(40, port=sandbox.port, dispatch={"rate": "40/s"})
    campaign.write_text(campaign.read_text().replace("News c", "[/] [red]"))
    with terminal(mailtui, "run", campaign, "--yes") as screen:
        assert screen.end() == 0, screen.plain
        assert "[/] [red]" in screen.plain


@pytest.mark.parametrize("signals", [1, 2], ids=["once", "by shell and system"])
def test_d14_a_closed_window_lets_what_is_under_way_finish(mailtui: Mailtui, faulty: object, signals: int) -> None:
    box: Oracle = faulty("rules:\n  - {stage: dot, seconds: 2}\n")  # type: ignore[operator]
    campaign = mailtui.campaign(20, port=box.port, dispatch={"workers": 3})
    master, slave = pty.openpty()
    running = mailtui.start(
        "run", campaign, "--yes", env={"MAILTUI_TIME_SCALE": "1"}, start_new_session=True,
        stdin=slave, stdout=slave, stderr=slave, preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(slave)
    wait_until(
        lambda: mailtui.home.outbox_file.exists() and mailtui.call("status", "--json").json.get("in_flight") == 3
    )
    os.close(master)  # the system hangs up on the session
    if signals == 2:
        running.send_signal(signal.SIGHUP)
    running.wait(timeout=30)
    status = mailtui.call("status", "--json").json
    assert (status["state"], status["unknown"], status["in_flight"]) == ("paused", 0, 0)
    assert status["sent"] == box.accepted.total() < 20


def test_what_a_window_means_is_a_whole_sentence(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port)
    with terminal(mailtui, "run", campaign, "--yes", "--window", "8", COLUMNS="60") as screen:
        assert screen.end() == 0
        said = screen.plain[screen.plain.index("window 8: faster to a server that is far away") :].splitlines()[:3]
        assert " ".join(line.strip() for line in said).endswith("a connection may end unknown, not 1."), said
        assert all(len(line) <= 60 for line in said)


def _busy(mailtui: Mailtui, port: int) -> str:
    """A campaign that a runner in the background sends for long."""
    busy = mailtui.campaign(4000, port=port, name="busy", dispatch={"rate": "20/s"})
    return mailtui.call("run", busy, "--yes", "--detach").out.strip()


def test_ctrl_c_right_after_the_launch_asks_as_later(mailtui: Mailtui, sandbox: Oracle) -> None:
    _busy(mailtui, sandbox.port)
    runner = mailtui.runner()
    assert runner
    _stop_between_writes(mailtui, runner)  # so that it cannot take anything up, nor the board come
    try:
        campaign = mailtui.campaign(5, port=sandbox.port)
        with terminal(mailtui, "run", campaign, "--yes") as screen:
            wait_until(lambda: '"News c"' in mailtui.call("list", "--json").out and "draft" not in _states(mailtui))
            screen.type("\x03")
            screen.until("(p)ause it, (c)ancel it, or (l)et it run on?")
            assert "Stopped." not in screen.plain and "^C" not in screen.plain
            screen.type("l\n")
            assert screen.end() == 130
            short = mailtui.call("status", "--json").json["campaign"]
            assert f"News c is launched as {short}. Process" in screen.plain
            assert f"mailtui cancel {short}" in screen.plain
        unseen = mailtui.start("run", mailtui.campaign(5, port=sandbox.port, name="d"), "--yes")
        wait_until(lambda: '"News d"' in mailtui.call("list", "--json").out and "draft" not in _states(mailtui))
        unseen.send_signal(signal.SIGINT)
        _, said = unseen.communicate(timeout=30)
        assert unseen.returncode == 130
        assert f"News d is launched as {mailtui.call('status', '--json').json['campaign']}" in said
    finally:
        mailtui.end_runner()


def _stop_between_writes(mailtui: Mailtui, runner: int) -> None:
    """Stop a runner where it does not hold the outbox, which a launch beside it has to write."""
    connection = apsw.Connection(str(mailtui.home.outbox_file))
    try:
        while True:
            os.kill(runner, signal.SIGSTOP)
            try:
                connection.execute("BEGIN IMMEDIATE; ROLLBACK")
            except apsw.BusyError:
                os.kill(runner, signal.SIGCONT)
                time.sleep(0.01)
            else:
                return
    finally:
        connection.close()


def _states(mailtui: Mailtui) -> list[str]:
    return [line["state"] for line in mailtui.call("list", "--json").lines]


def test_ctrl_c_before_a_launch_is_live_says_that_nothing_was_sent(mailtui: Mailtui, sandbox: Oracle) -> None:
    _busy(mailtui, sandbox.port)  # beside a runner a launch goes by small steps
    campaign = mailtui.campaign(150_000, port=sandbox.port)
    with terminal(mailtui, "run", campaign, "--yes") as screen:
        screen.until("Launching")
        wait_until(lambda: "draft" in _states(mailtui))
        screen.type("\x03")
        assert screen.end() == 130
        assert "Nothing was sent; the next run begins anew." in screen.plain, screen.plain
        assert "Stopped." not in screen.plain
    assert "draft" not in _states(mailtui), "nobody's address stays behind"
    mailtui.end_runner()


def test_who_answers_when_it_has_ended_gets_its_outcome(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(90, port=sandbox.port, dispatch={"rate": "15/s", "burst": 1})
    short = mailtui.call("run", campaign, "--yes", "--detach").out.strip()
    with terminal(mailtui, "status", short, "--follow") as screen:
        screen.until("of 90")
        screen.type("\x03")
        screen.until("(p)ause it, (c)ancel it, or (l)et it run on?")
        wait_until(lambda: mailtui.call("status", short, "--json").json["state"] == "finished")
        screen.type("p\n")
        assert screen.end() == 0, screen.plain
        assert f"{short}  finished" in screen.plain
        assert "resume" not in screen.plain


@pytest.mark.parametrize("columns", [100, 60])
def test_ctrl_c_leaves_no_mark_in_the_bar(mailtui: Mailtui, sandbox: Oracle, columns: int) -> None:
    campaign = mailtui.campaign(400, port=sandbox.port, dispatch={"rate": "30/s"})
    with terminal(mailtui, "run", campaign, "--yes", COLUMNS=str(columns)) as screen:
        screen.until("of 400")
        screen.type("\x03")
        assert screen.end() == 130
        assert "^C" not in screen.plain
        assert "Pausing: what is under way finishes." in screen.plain
