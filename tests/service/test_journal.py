"""X-05: the log of a runner in the background is lines of JSON, whatever a server says, and holds no address."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from proof.campaign import write_campaign
from tests.proof.checker import MAILTUI, environment

HOSTILE = '550 5.7.708 quota of news@acme.test\x1b]0;title\x07 {"event": "forged"} \u202e\r\n'.encode()


async def test_x05_a_runners_log_is_json_and_tells_what_happened(tmp_path: Path) -> None:
    faults = Faults((FaultRule(Stage.MAIL, Action.REPLY, reply=HOSTILE, nth=3),))
    async with SandboxServer(tmp_path / "caught", faults=faults) as server:
        campaign = write_campaign(tmp_path / "c", server.port, 20, workers=1)

        async def mailtui(*arguments: str) -> str:
            child = await asyncio.create_subprocess_exec(
                *MAILTUI, *arguments, env=environment(tmp_path / "home"), stdout=asyncio.subprocess.PIPE
            )
            assert child.stdout is not None
            said = (await child.stdout.read()).decode()
            await child.wait()
            return said

        await mailtui("run", str(campaign), "--yes", "--detach", "--json")
        await mailtui("status", "--follow", "--json")
    [log] = (tmp_path / "home" / "state" / "logs").glob("runner-*.log")
    assert log.stat().st_mode & 0o077 == 0
    lines = log.read_text("utf-8").split("\n")
    assert lines.pop() == ""
    events = {line["event"]: line for line in map(json.loads, lines)}
    assert list(events) == ["the runner begins", "campaign taken up", "campaign rests", "the runner leaves"]
    assert events["campaign rests"]["state"] == "paused"
    assert "quota of …@acme.test" in events["campaign rests"]["reason"]
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for line in lines for character in line)
    assert "@example.com" not in log.read_text("utf-8").replace("…@", "")
