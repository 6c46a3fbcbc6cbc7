"""Rendering in further processes: the same bytes, nobody lost and nobody twice, whatever becomes of a process."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.renderers import Batch, Renderers
from mailtui.dispatch.rendering import Row
from mailtui.dispatch.runner import Runner
from mailtui.dispatch.staffing import Cores, Staffing
from mailtui.message.compose import compile_message
from mailtui.message.mime import TransferEncoding
from mailtui.outbox.copies import copy_key
from mailtui.outbox.records import Claim, NewDelivery
from mailtui.outbox.states import OrderKind
from mailtui.sandbox.capture import Captured, message_of, read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, address, source

WIDE = "Hello {{ name }}\n" + "{% for n in range(60) %}{{ n }} for {{ name }}\n{% endfor %}"


def _children_of(parent: int) -> list[int]:
    """The render processes of a process."""
    out = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    ).stdout
    return [int(line.split()[0]) for line in out.splitlines() if "mailtui.dispatch.renderer" in line]


def _children() -> list[int]:
    return _children_of(os.getpid())


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def _some_child(seconds: float = 15.0) -> int:
    async with asyncio.timeout(seconds):
        while not (found := _children()):
            await asyncio.sleep(0.01)
    return found[0]


def _plan(processes: int, *, workers: int = 4, rate: float | None = None) -> SendPlan:
    return SendPlan(workers=workers, rate=rate, render_processes=processes)


def _run(house: House, scale: float = 0.05, seconds: float = 60.0) -> asyncio.Task[None]:
    return asyncio.create_task(house.send(scale=scale, seconds=seconds))


def _told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, int]]:
    return [record.facts for record in caplog.records if record.getMessage() == event]  # type: ignore[attr-defined]


def _rendered_by_processes(caplog: pytest.LogCaptureFixture) -> int:
    return sum(facts["answered"] for facts in _told(caplog, "a render process ended"))


def _number(mail: Captured) -> int:
    return int(mail.rcpt_to[0][1:].partition(".")[0])


def _without_date(raw: bytes) -> bytes:
    return b"\r\n".join(line for line in raw.split(b"\r\n") if not line.startswith(b"Date: "))


def _with_copies(numbers: range) -> Iterator[NewDelivery]:
    for n in numbers:
        who, own = address(n), f"copy.{address(n)}"
        yield (mail := NewDelivery(who, n, who, (f"Zoé {n}",)))
        yield mail._replace(key=copy_key(who, own), address=own, copy_of=(who, who))


@pytest.mark.parametrize("extensions", [("PIPELINING", "8BITMIME", "SMTPUTF8"), ("PIPELINING",)])
async def test_the_bytes_that_servers_accept_are_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, extensions: tuple[str, ...]
) -> None:
    caplog.set_level("INFO", "mailtui")
    seen: list[dict[str, bytes]] = []
    for processes in (0, 2):
        (folder := tmp_path / str(processes)).mkdir()
        house = House(folder)
        async with SandboxServer(folder / "sandbox", extensions=extensions) as server:
            campaign = await house.launch(500, server.port, _plan(processes, rate=600), text=WIDE)
            await house.desk.add(campaign.number, _with_copies(range(501, 551)), now=time.time())
            await _run(house)
        await house.check_books(campaign, server.folder)
        house.close()
        seen.append(
            {mail.rcpt_to[0]: _without_date(message_of(server.folder, mail)) for mail in read_captured(server.folder)}
        )
    assert _rendered_by_processes(caplog) > 100
    assert _children() == []
    assert len(seen[0]) == 600
    assert seen[0] == seen[1]
    assert all(seen[1][f"copy.{address(n)}"] == seen[1][address(n)] for n in range(501, 551))


async def test_a_copy_sent_again_is_the_same_though_the_message_has_changed(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mailtui")
    other = source("Something else\n", sender="News <news@other.test>")
    rules = (
        FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, odds=0.12),
        FaultRule(Stage.RCPT, Action.REPLY, reply=b"550 5.1.1 no\r\n", recipient="u5*", times=100),
    )
    async with SandboxServer(tmp_path / "sandbox", faults=Faults(rules, 1)) as server:
        campaign = await house.launch(600, server.port, _plan(0))
        await _run(house, scale=0.002)
        unknown = {who for who, row in (await house.rows(campaign)).items() if row.state == "unknown"}
        assert len(unknown) > 30
        await house.desk.put_message(campaign.number, other.digest, other.to_json().encode())
        await house.order(campaign, OrderKind.SET, message=other.digest)
        await house.add(campaign.number, range(601, 901))
        await house.order(campaign, OrderKind.TOP_UP)
        await house.order(campaign, OrderKind.RETRY, only="failed")
        await house.order(campaign, OrderKind.RESOLVE, **{"as": "resend"})
        await house.order(campaign, OrderKind.SET, rate=300.0, render_processes=2)
        await _run(house)
    took: dict[str, list[Captured]] = {}
    for mail in read_captured(server.folder):
        took.setdefault(mail.rcpt_to[0], []).append(mail)
    assert _rendered_by_processes(caplog) > 100
    assert {who for who, mails in took.items() if len(mails) == 2} == unknown
    for who in unknown:
        assert len({mail.sha256 for mail in took[who]}) == 1
    assert {mail.mail_from for mails in took.values() for mail in mails if _number(mail) > 600} == {"news@other.test"}
    renamed = [mail for mails in took.values() for mail in mails if mail.mail_from == "news@other.test"]
    added_before = {mail.message_id.partition("@")[2] for mail in renamed if _number(mail) <= 600}
    assert added_before == {"acme.test>"}, "fixed when they were added"


async def test_a_server_that_offers_less_gets_what_it_takes(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mailtui")
    async with SandboxServer(tmp_path / "sandbox", extensions=("PIPELINING",)) as server:
        campaign = await house.launch(600, server.port, _plan(1, rate=400))
        ledger = house.outbox.ledger()
        await ledger.fix_encoding(campaign.number, SentEncoding(TransferEncoding.EIGHT_BIT, smtputf8=True).to_json())
        ledger.close()
        await _run(house)
    await house.check_books(campaign, server.folder)
    mails = [message_of(server.folder, mail) for mail in read_captured(server.folder)]
    assert len(mails) == 600
    assert all(raw.isascii() for raw in mails)
    assert _rendered_by_processes(caplog) > 100


async def test_processes_that_are_killed_lose_nobody_and_nobody_gets_it_twice(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mailtui")
    dice = random.Random(5)
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(1_500, server.port, _plan(2, rate=1_000), text=WIDE)
        sending = _run(house)
        killed = 0
        for _ in range(2):
            child = await _some_child()
            before = (await house.counts(campaign)).sent
            await house.until(campaign, lambda counts, before=before: counts.sent > before + 100)  # type: ignore[misc]
            os.kill(child, signal.SIGSTOP)  # so that it has rows when it dies
            await asyncio.sleep(0.3)
            os.kill(child, signal.SIGKILL)
            killed += 1
            await asyncio.sleep(dice.uniform(0.2, 0.4))
        await sending
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    told = _told(caplog, "a render process was lost; its rows are rendered anew")
    assert len(told) == killed
    assert sum(facts["rows"] for facts in told) > 0
    assert _children() == []


@pytest.mark.long
async def test_a_process_that_hangs_is_ended_and_its_rows_are_sent(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mailtui")
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(900, server.port, _plan(1, rate=300))
        sending = _run(house)
        stopped = await _some_child()
        await house.until(campaign, lambda counts: counts.sent > 250)
        os.kill(stopped, signal.SIGSTOP)
        await sending
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    [facts] = _told(caplog, "a render process said nothing for long and was ended")
    assert facts["process"] == stopped
    assert facts["rows"] > 1


@pytest.mark.parametrize("order", [OrderKind.PAUSE, OrderKind.CANCEL, None])
async def test_what_is_being_rendered_goes_back(house: House, tmp_path: Path, order: OrderKind | None) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(1_500, server.port, _plan(1, rate=600), text=WIDE)
        runner: Runner = house.runner(scale=0.05)
        running = asyncio.create_task(runner.run(lambda: None))
        child = await _some_child()
        await house.until(campaign, lambda counts: counts.sent > 400)
        os.kill(child, signal.SIGSTOP)  # so that it has rows then
        await asyncio.sleep(0.4)
        if order is None:
            runner.stop()
        else:
            await house.order(campaign, order)
        async with asyncio.timeout(20):
            await running
        counts = await house.counts(campaign)
        assert (counts.claimed, counts.in_flight, counts.unknown) == (0, 0, 0)
        assert _children() == []
        if order is OrderKind.CANCEL:
            assert counts.sent + counts.cancelled == 1_500
        else:
            assert counts.sent + counts.queued == 1_500
            if order is OrderKind.PAUSE:
                await house.order(campaign, OrderKind.RESUME)
            await house.order(campaign, OrderKind.SET, rate=None)
            await _run(house)
            assert (await house.counts(campaign)).sent == 1_500
    await house.check_books(campaign, server.folder)


async def test_signals_to_a_group_do_not_reach_the_rows(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mailtui")
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(900, server.port, _plan(1, rate=400))
        sending = _run(house)
        child = await _some_child()
        assert os.getpgid(child) != os.getpgid(0), "Ctrl-C goes to a group"
        await house.until(campaign, lambda counts: counts.sent > 300)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # as a service manager sends them to each
            os.kill(child, number)
        await sending
    await house.check_books(campaign, server.folder)
    assert _told(caplog, "a render process was lost; its rows are rendered anew") == []


async def test_processes_end_with_a_runner_that_is_killed(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(4_000, server.port, _plan(2, rate=400), text=WIDE)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, "0.05", stdout=subprocess.PIPE
        )
        await house.until(campaign, lambda counts: counts.sent > 300)
        children = _children_of(process.pid)
        assert len(children) == 2
        process.kill()
        await process.wait()
        async with asyncio.timeout(20):
            while any(_alive(child) for child in children):
                await asyncio.sleep(0.02)
        await house.check_books_after_a_crash(campaign, server.folder)


@pytest.mark.parametrize("python", ["/nonexistent/python", "/bin/false"])
async def test_where_no_process_can_be_started_the_runner_renders(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, python: str
) -> None:
    caplog.set_level("INFO", "mailtui")
    monkeypatch.setattr(sys, "executable", python)
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(300, server.port, _plan(2, rate=200))
        await _run(house)
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert len(_told(caplog, "a render process begins")) <= 4, "it is not tried for ever"


@pytest.mark.parametrize("another", [True, pytest.param(False, marks=pytest.mark.long)])
async def test_rows_of_a_process_that_hung_are_not_left_behind_though_another_one_would_not_pay(
    monkeypatch: pytest.MonkeyPatch, another: bool
) -> None:
    """Near the end of a list: one process hangs with rows in its hands, and nobody asked for processes by number."""
    arrived = asyncio.Event()
    lost: list[Claim] = []
    renderers = Renderers(("name",), b"a secret", "c", seconds=0.5, arrived=arrived.set, returned=lost.extend)
    cores = Cores()
    cores.free = 1
    staffing = Staffing(renderers, cores)
    loop = asyncio.get_running_loop()

    def look(open_rows: int) -> bool:
        return staffing.look(
            None, open_rows=open_rows, busy=1.0, resting=False, rendered=(100, 100), cost=200e-6, now=loop.time()
        )

    rows: list[Row] = [("a@example.com", n, "a@example.com", ("Zoé",), (), 1.7e9, 0, -1, ()) for n in range(8)]
    claims = [Claim(1, n, 1, "a@example.com", n, "a@example.com", ("Zoé",), 0, 1.7e9, 1) for n in range(8)]
    message = compile_message(source(), ("name",), secret=b"a secret")
    try:
        assert look(50_000)
        await staffing.adjust(None, loop.time())
        async with asyncio.timeout(60):
            while not renderers.room:
                await arrived.wait()
                arrived.clear()
            os.kill(await _some_child(), signal.SIGSTOP)
            renderers.give(Batch(claims, rows, {0: message}, SentEncoding(TransferEncoding.EIGHT_BIT, smtputf8=False)))
            if not another:
                monkeypatch.setattr(sys, "executable", "/nowhere/python")
            taken: list[Claim] = []
            while len(taken) + len(lost) < len(claims):
                if look(len(claims)):
                    await staffing.adjust(None, loop.time())
                while (done := renderers.take()) is not None:
                    taken.append(done[0])
                await asyncio.sleep(0.05)
    finally:
        await staffing.close()
    assert sorted(claim.id for claim in (*taken, *lost)) == list(range(8))
    assert len(renderers) == 0
    assert cores.free == 1
