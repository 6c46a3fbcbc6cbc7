"""X-02, X-03: in a real terminal nothing that strangers wrote moves its title, its clipboard or its keyboard."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

import pytest

from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from scripts.tmux import Tmux
from tests.proof.checker import environment

# Title (OSC 0 and 2), clipboard (OSC 52), link (OSC 8), and questions whose answers a terminal types: DSR, DA, DECRQSS.
EVIL = "\x1b]0;PWNED\x07\x1b]2;PWNED\x1b\\\x1b]52;c;UFdORUQ=\x07\x1b]8;;http://x.test\x07l\x1b[6n\x1b[c\x1bP$qm\x1b\\\x9b6n"


@pytest.mark.skipif(not Tmux.is_there(), reason="tmux is not installed")
async def test_x02_x03_a_real_terminal_is_unmoved(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "list.csv").write_text(f'email,name\na@example.com,"{EVIL}"\nb@example.com,"{EVIL}"\n')
    (folder / "body.txt.j2").write_text("Dear {{ name }}\n")
    refusal = f"550 5.1.1 {EVIL} gone\r\n".encode("latin-1")
    faults = Faults((FaultRule(Stage.RCPT, Action.REPLY, reply=refusal, recipient="a@*"),))
    async with SandboxServer(tmp_path / "caught", faults=faults) as server:
        (folder / "campaign.yaml").write_text(
            f"name: c\nsmtp: {{host: 127.0.0.1, port: {server.port}, security: plain}}\nfrom: n@acme.test\n"
            "subject: s\ntext: body.txt.j2\naudience: {source: list.csv}\n"
        )
        await asyncio.to_thread(_look, folder, tmp_path)


def _look(folder: Path, home: Path) -> None:
    tmux = Tmux(home, environment(home / "home"), patience=30)
    try:
        title = tmux.fact("pane_title")
        program = f"{shlex.quote(sys.executable)} -m mailtui"
        for number, arguments in enumerate(
            (f"audience {folder}/list.csv", f"preview {folder}", f"run {folder} --yes", "report", "status")
        ):
            tmux.type(f"clear; {program} {arguments}; echo done-$((40 + {number}))")
            tmux.press("Enter")
            tmux.until(lambda screen, number=number: f"done-{40 + number}" in screen, f"the end of {arguments}")  # type: ignore[misc]
        tmux.type(f"clear; {program} {folder}")  # a campaign in place of a command: the app with it
        tmux.press("Enter")
        tmux.until(lambda screen: "1home" in screen, "the app")
        tmux.until(lambda screen: "a@example.com" in screen, "the list")
        tmux.press("3")
        tmux.until(lambda screen: "Leave the line" in screen, "the rules")
        tmux.press("Escape")
        tmux.until(lambda screen: "Leave the line" not in screen, "the rules, their line left")
        for key, seen in (("4", "body.txt.j2"), ("5", "a@example.com"), ("8", "5.1.1")):
            tmux.press(key)
            tmux.until(lambda screen, seen=seen: seen in screen, seen)  # type: ignore[misc]
        tmux.press("C-q")
        screen = tmux.until(lambda screen: screen.rstrip().endswith("$"), "the shell again")
        assert tmux.fact("pane_title") == title, "no title was set"
        assert tmux.fact("buffer_sample") == "", "nothing was put into the clipboard"
        assert "PWNED" not in title
        assert "R^" not in screen
        assert "[c" not in screen.rsplit("$", 1)[-1], "no answer of the terminal was typed into the shell"
    finally:
        tmux.close()
