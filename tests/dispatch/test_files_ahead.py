"""M-12, F-12: large files keep nobody waiting, and those that no server takes are told before a mail is sent."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailtui.dispatch import files_ahead
from mailtui.dispatch.plan import SendPlan
from mailtui.message.enclosed import PartsRead, read_parts
from mailtui.message.files import FileRef, refer_to
from mailtui.message.frozen import SharedFile
from mailtui.outbox.records import Campaign, NewDelivery
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import captured_message, read_captured
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted, address
from tests.servers.scripted import Talk, scripted_peer

SIZE = 600_000


async def with_large_files(house: House, port: int, *, large: int, small: int) -> Campaign:
    """The first rows have a large file each."""
    campaign = await house.launch(1, port, SendPlan(workers=2, render_processes=0))
    rows = []
    for nth in range(2, 2 + large + small):
        files: tuple[FileRef, ...] = ()
        if nth < 2 + large:
            path = house.folder / f"{nth}.bin"
            path.write_bytes(bytes([nth]) * SIZE)
            files = (refer_to(path, path.name),)
        rows.append(NewDelivery(address(nth), nth, address(nth), (f"Zoé {nth}",), files=files))
    await house.desk.add(campaign.number, rows, now=time.time())
    return campaign


async def test_m12_others_get_their_mail_while_a_large_file_is_read(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, began = threading.Event(), threading.Event()

    def slowly(refs: Sequence[FileRef]) -> PartsRead:
        began.set()
        assert go_on.wait(30)
        return read_parts(refs)

    monkeypatch.setattr(files_ahead, "read_parts", slowly)
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await with_large_files(house, server.port, large=3, small=0)
        await house.add(campaign.number, range(10, 20))
        sending = asyncio.create_task(house.send())
        # One large file is being read; whoever stands behind the next one waits, and nobody else.
        await house.until(campaign, lambda counts: counts.sent == 1)
        assert began.is_set()
        (house.folder / "4.bin").unlink()
        go_on.set()
        await sending
    counts = await house.counts(campaign)
    assert (counts.sent, counts.failed) == (13, 1)
    assert (await house.rows(campaign))[address(4)].reason == "not rendered: attachment changed: 4.bin (attachments)"
    large = [mail for mail in read_captured(server.folder) if len(captured_message(server.folder, mail.number)) > SIZE]
    assert len(large) == 2
    assert await house.state(campaign) is CampaignState.FINISHED


@pytest.mark.parametrize("kind", [OrderKind.PAUSE, OrderKind.CANCEL])
async def test_m12_a_row_whose_file_is_being_read_is_given_back(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: OrderKind
) -> None:
    go_on, began = threading.Event(), threading.Event()

    def slowly(refs: Sequence[FileRef]) -> PartsRead:
        began.set()
        assert go_on.wait(30)
        return read_parts(refs)

    monkeypatch.setattr(files_ahead, "read_parts", slowly)
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await with_large_files(house, server.port, large=2, small=3)
        sending = asyncio.create_task(house.send())
        await asyncio.to_thread(began.wait, 20)
        await house.order(campaign, kind)
        paused = kind is OrderKind.PAUSE
        await house.until_state(campaign, CampaignState.PAUSED if paused else CampaignState.CANCELLED)
        go_on.set()
        await sending
    rows = await house.rows(campaign)
    assert {rows[address(nth)].state.value for nth in (2, 3)} == {"queued" if paused else "cancelled"}
    assert (await house.counts(campaign)).claimed == 0
    assert max(accepted(server.folder).values(), default=0) <= 1


async def test_f12_files_of_everybody_that_a_server_does_not_take_hold_the_campaign(house: House) -> None:
    async def server(talk: Talk) -> None:
        await talk.send(b"220 hi\r\n")
        await talk.line()
        await talk.send(b"250-x.test\r\n250 SIZE 1000000\r\n")
        await talk.rest()

    data = bytes(800_000)
    shared = SharedFile("a.bin", "a.bin", "application/octet-stream", hashlib.sha256(data).hexdigest(), data)
    async with scripted_peer(server, strict=False) as peer:
        campaign = await house.launch(3, peer.port, files=(shared,))
        await house.send()
    assert await house.state(campaign) is CampaignState.PAUSED
    counts = await house.counts(campaign)
    assert (counts.queued, counts.failed) == (3, 0), "nobody's row is burnt"
    reason = (await house.reader.campaign("c1")).reason
    assert reason.startswith("the files of every mail come to 1.0 MB on their way, and the server takes no mail")
    assert b"MAIL" not in peer.received
