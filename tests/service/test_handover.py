"""What a runner is handed beside its environment: by the pipe of whoever starts it, at its door while it lives."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import keyring.core
import pytest

from mailtui.errors import ExitCode, SecretMissing
from mailtui.kit.children import own_environment, own_module
from mailtui.kit.paths import Home
from mailtui.outbox.opening import parse_outbox
from mailtui.service.engine import _secrets
from mailtui.service.facade import Service
from mailtui.service.handover import Door, Handed, door_of, hand_over
from mailtui.service.lists import Again
from mailtui.service.views import CampaignView
from tests.campaign.conftest import WriteCampaign
from tests.servers.aiosmtpd_server import PASSWORD, USER, Authority, aiosmtpd_server


def test_passwords_of_other_accounts_come_with_the_one_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(Handed({"acme": "typed"}, {"MAILTUI_PASSWORD_BETA": "from the shell"}).to_json())
    secrets, _ = _secrets(argparse.Namespace(secrets_fd=reading, password_fd=[]))
    assert asyncio.run(secrets.password("acme")) == "typed"
    assert asyncio.run(secrets.password("beta")) == "from the shell"
    assert "MAILTUI_PASSWORD_BETA" not in os.environ


HANDED = Handed(
    {"acme": "pä$$ wörd", "acme dkim": "-----BEGIN\nKEY"},
    {"MAILTUI_PASSWORD_BETA": "b"},
    {"acme": "me at there"},
    "2xfj2vpz",
    renewed=True,
)


@pytest.mark.parametrize("depth", [0, 12], ids=["a short name", "a name too long for a socket"])
async def test_c04_a_secret_gets_to_a_runner_that_lives(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a-long-name-of-a-folder"] * depth)
    place = door_of(parse_outbox(f"sqlite:///{tmp_path}/outbox.db"), folder)
    taken: list[Handed] = []

    async def take(handed: Handed) -> None:
        taken.append(handed)

    assert not await hand_over(place, HANDED), "nobody lives yet"
    door = Door(place, take)
    door.open()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert await hand_over(place, HANDED)
    assert await hand_over(place, HANDED), "as often as one likes"
    assert taken == [HANDED, HANDED]
    assert "pä$$" not in repr(HANDED)
    await door.close()
    assert not await hand_over(place, HANDED), "the runner has gone, its file is still there"
    second = Door(place, take)
    second.open()
    assert await hand_over(place, HANDED), "the next one takes the place over"
    await second.close()


async def test_c04_what_is_no_secret_gets_no_answer(tmp_path: Path) -> None:
    async def take(_handed: Handed) -> None:
        raise AssertionError("nothing was handed over")

    place = tmp_path / "run.sock"
    door = Door(place, take)
    door.open()
    numbers = b'{"secrets": {"a": 1}, "variables": {}, "logins": {}, "leave": "", "renewed": false}\n'
    for said in (b"hello\n", b"[]\n", numbers, b"", b"x" * (2 << 20)):
        reader, writer = await asyncio.open_unix_connection(str(place))
        writer.write(said)
        if writer.can_write_eof():
            writer.write_eof()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # not read to its end
            assert await reader.read() == b""
        writer.close()
    await door.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_c04_another_user_is_not_let_in_nor_believed() -> None:
    """The file's mode keeps others out; where that was changed, the system's word who is at the other end does."""
    taken: list[Handed] = []

    async def take(handed: Handed) -> None:
        taken.append(handed)

    with tempfile.TemporaryDirectory(prefix="mailtui-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        place = folder / "run.sock"
        door = Door(place, take)
        door.open()
        place.chmod(0o666)
        stranger = await _as_nobody("call", str(place))
        assert (await stranger.communicate())[0] == b"b''\n"
        assert taken == []
        await door.close()
        place.unlink()
        impostor = await _as_nobody("listen", str(place))
        assert impostor.stdout is not None
        assert await impostor.stdout.readline() == b"listening\n"
        assert not await hand_over(place, HANDED)
        assert (await impostor.communicate())[0] == b"b''\n", "not a byte was said to it"


async def _as_nobody(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", _STRANGER, *arguments, stdout=-1)


_STRANGER = """
import os, socket, sys
os.setuid(65534)
own = socket.socket(socket.AF_UNIX)
if sys.argv[1] == "call":
    own.connect(sys.argv[2])
    other = own
    try:
        other.sendall(b'{"secrets": {}, "variables": {}, "logins": {}, "leave": "", "renewed": false}\\n')
    except OSError:
        pass
else:
    own.bind(sys.argv[2])
    own.listen()
    print("listening", flush=True)
    other, _ = own.accept()
try:
    print(other.recv(100), flush=True)
except OSError:
    print(b"", flush=True)
"""


async def test_c04_campaigns_that_wait_for_a_password_go_on_when_it_comes(
    home: Home, write_campaign: WriteCampaign, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pause for want of it under a runner that stays. Who resumes one hands the password over, and the other one
    goes on by itself.
    """
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    keyring.core.init_backend()
    home.config.mkdir(parents=True)
    command = [*own_module("mailtui"), "runner", "--json"]
    with (
        aiosmtpd_server(authority, auth=True) as server,
        subprocess.Popen(command, stdout=-1, stderr=subprocess.DEVNULL, env=own_environment(os.environ)) as runner,
        Service.open(os.environ) as service,
        contextlib.ExitStack() as stack,
    ):
        try:
            assert runner.stdout is not None
            assert json.loads(runner.stdout.readline())["pid"] == runner.pid
            account = {"host": "127.0.0.1", "port": server.port, "security": "plain", "user": USER}
            home.settings_file.write_text(json.dumps({"accounts": {"acme": account}}))
            launching = stack.enter_context(Service.open(os.environ))
            ids = [await _launched(launching, write_campaign(smtp=None, account="acme", name=name)) for name in "AB"]
            for each in ids:
                view = await _settled(service, each, "paused")
                assert view.campaign.reason.startswith(SecretMissing.title_for("acme"))
                assert view.exit_code == ExitCode.PAUSED
            assert server.taken == []
            with pytest.raises(SecretMissing):
                await service.resume(await service.view(ids[0]))
            service.tell_password("acme", PASSWORD)
            await service.resume(await service.view(ids[0]))
            for each in ids:
                await _settled(service, each, "finished")
            assert len(server.taken) == 10
            with sqlite3.connect(service.outbox.path) as outbox:
                orders = outbox.execute(
                    "SELECT actor, count(*) FROM orders GROUP BY campaign ORDER BY campaign"
                ).fetchall()
            assert [count for _, count in orders] == [1, 1], "nobody resumes what somebody else resumes already"
            assert orders[1][0] == "runner"
            environ = Path(f"/proc/{runner.pid}/environ")
            assert not environ.exists() or PASSWORD.encode() not in environ.read_bytes()
            # An outbox that names another server for the account than the settings do, as a stranger's may.
            home.settings_file.write_text(json.dumps({"accounts": {"acme": {**account, "host": "localhost"}}}))
            changed = stack.enter_context(Service.open(os.environ))
            await changed.start_runner({"acme": PASSWORD})
            other = await _launched(launching, write_campaign(smtp=None, account="acme", name="C"))
            reason = (await _settled(service, other, "paused")).campaign.reason
            assert reason.startswith(f"The account acme is another login by now: {USER} at localhost"), reason
            assert len(server.taken) == 10
        finally:
            runner.terminate()


async def _launched(service: Service, file: Path) -> str:
    plan = service.prepare(service.campaigns.load(file), plan={})
    return (await service.launch(plan, again=Again.NEW, progress=lambda _: None)).campaign.id


async def _settled(service: Service, campaign: str, state: str) -> CampaignView:
    async with asyncio.timeout(30):
        while (view := await service.view(campaign)).state != state:
            await asyncio.sleep(0.05)
    return view
