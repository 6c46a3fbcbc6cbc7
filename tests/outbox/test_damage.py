"""S-06, S-07, S-09: from a damaged outbox, or an older copy, nothing is sent; the file stays, and advice is given."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from mailtui.dispatch import tenure
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import MailtuiError, OutboxDamaged, OutboxOutdated
from mailtui.outbox.health import back_up, examine
from mailtui.outbox.sqlite_file import open_for_writing
from mailtui.outbox.states import OrderKind
from mailtui.outbox.witness import Witness, require_newest
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted
from tests.proof.test_failpoints import server_is_idle

SIZE = 150


def _files(path: Path) -> dict[str, bytes]:
    """The outbox and its log, as they are."""
    return {end: Path(f"{path}{end}").read_bytes() for end in ("", "-wal") if Path(f"{path}{end}").exists()}


def _put(path: Path, files: dict[str, bytes]) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    for end, content in files.items():
        Path(f"{path}{end}").write_bytes(content)


async def _runner(house: House, scale: str = "0.05") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, scale,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _killed_half_way(house: House, server: SandboxServer) -> Path:
    """A campaign whose runner was killed in the middle: what is left is in the file and in its log."""
    campaign = await house.launch(SIZE, server.port, SendPlan(workers=2, rate=60))
    process = await _runner(house, "1")
    await _looked_twice(house)
    await house.until(campaign, lambda counts: counts.sent >= SIZE // 3)
    process.kill()
    await process.communicate()
    house.close()
    return house.outbox.path


async def _looked_twice(house: House) -> None:
    """Wait until the witness has looked at a runner at work."""
    folder = house.folder / "sightings"
    seen: set[bytes] = set()
    async with asyncio.timeout(30):
        while len(seen) < 3:
            await asyncio.sleep(0.05)
            seen |= {file.read_bytes() for file in folder.glob("*.json")}


# damage


def _flip(files: dict[str, bytes], dice: random.Random) -> str:
    """Change one to eight bytes somewhere, or cut the end off; what was done, in words.

    Damage to the last commits of a log cannot be told from a power loss, and is left out.
    """
    end = dice.choice(["", "", "-wal"])
    content = bytearray(files[end])
    at = dice.randrange(len(content) if end == "" else len(content) // 2)
    if dice.random() < 0.2:
        files[end] = bytes(content[:at])
        return f"outbox.db{end} cut at {at}"
    for position in range(at, min(at + dice.choice((1, 1, 8)), len(content))):
        content[position] ^= dice.randrange(1, 256)
    files[end] = bytes(content)
    return f"outbox.db{end} changed at {at}"


async def _try_to_send(house: House) -> str:
    """Let a runner have a try; how it ended."""
    try:
        await house.send()
    except MailtuiError as error:
        assert error.title and error.hint, "advice is given"
        return type(error).__name__
    return "sent"


async def _claimable(house: House) -> set[str]:
    """Who would be sent to by the next runner. The file is as the last one left it, and stays so."""
    ledger, reader = house.outbox.ledger(), house.outbox.reader()
    try:
        await ledger.recover(now=time.time())
        rows = await reader.deliveries(1, limit=SIZE + 1)
        return {row.address for row in rows if row.state in ("queued", "claimed", "deferred")}
    finally:
        ledger.close()
        reader.close()


async def _damage(folder: Path, *, trials: int, seed: int) -> Counter[str]:
    """Damage the files in many ways, each from the same start; how the runners ended."""
    dice = random.Random(seed)
    house = House(folder)
    sightings = folder / "sightings"
    ends: Counter[str] = Counter()
    async with SandboxServer(folder / "sandbox") as server:
        path = await _killed_half_way(house, server)
        start = _files(path)
        await server_is_idle(server)
        before = accepted(server.folder)
        for number in range(trials):
            files = dict(start)
            what = f"{number}: {_flip(files, dice)}"
            _put(path, files)
            kept = _files(path)
            try:
                sound = examine(path).ok and require_newest(path, sightings)
            except MailtuiError:
                sound = False
            if sound:
                end = "harmless"  # in a name, in a reply, or in space that is not used
                assert not await _claimable(house) & set(before), f"{what}: somebody would get it again"
            else:
                end = await _try_to_send(house)
                assert end != "sent", what
                assert accepted(server.folder) == before, f"{what}: something was sent"
                assert _files(path)[""] == kept[""], f"{what}: the file was changed"
            ends[end] += 1
    print(f"\n{trials} damages: {dict(ends)}")
    return ends


async def test_s06_nothing_is_sent_from_a_damaged_outbox(tmp_path: Path) -> None:
    ends = await _damage(tmp_path, trials=60, seed=3)
    assert ends.total() - ends["harmless"] >= 20


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_s06_in_full(tmp_path: Path) -> None:
    ends = await _damage(tmp_path, trials=600, seed=4)
    assert ends.total() - ends["harmless"] >= 200


async def test_s06_an_index_that_points_to_somebody_else_is_found(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.launch(200, 1)
    house.close()
    path = house.outbox.path
    # A compact copy has no remains of old rows in its pages.
    content = back_up(path, tmp_path / "compact.db").read_bytes()
    pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    # Of the rows' own pages (0x0D) and an index's (0x0A), the one that finds a person in a campaign.
    page = next(number for number, page in enumerate(pages) if page[0] == 0x0A and b"u7.c1@" in page)
    at = content.index(b"u7.c1@", page * 4096)
    _put(path, {"": content[:at] + b"u0" + content[at + 2 :]})
    with pytest.raises(OutboxDamaged) as caught:
        await house.send()
    assert str(path) in caught.value.detail and ".recover" in caught.value.hint


@pytest.mark.parametrize("left", ["empty", "only the log"])
async def test_s06_no_fresh_outbox_takes_the_place_of_a_lost_one(tmp_path: Path, left: str) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path)
        path = await _killed_half_way(house, server)
        files = _files(path)
        assert files["-wal"]
        if left == "empty":
            _put(path, {"": b""})
        else:
            _put(path, {"-wal": files["-wal"]})
        for opened in (house.outbox.desk, house.outbox.ledger, house.outbox.reader):
            with pytest.raises(OutboxDamaged):
                opened()
        found = _files(path)
        assert found == ({"": b""} if left == "empty" else {"-wal": files["-wal"]}), "left as it was"


# older copies


async def _half_sent(house: House, server: SandboxServer) -> Path:
    """A campaign that was paused half-way, and the copy that somebody made of its outbox then."""
    campaign = await house.launch(SIZE, server.port, SendPlan(workers=2, rate=600))
    sending = asyncio.create_task(house.send(scale=1.0))
    await house.until(campaign, lambda counts: counts.sent >= SIZE // 3)
    await house.order(campaign, OrderKind.PAUSE)
    await sending
    house.close()
    return back_up(house.outbox.path, house.folder / "copy.db")


async def test_s07_an_older_copy_sends_nothing_until_it_is_accepted(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path)
        copy = await _half_sent(house, server)
        again = House(tmp_path)
        campaign = await again.reader.campaign("c1")
        await again.order(campaign, OrderKind.RESUME)
        await again.send()
        again.close()
        assert sum(accepted(server.folder).values()) == SIZE
        _put(house.outbox.path, {"": copy.read_bytes()})
        restored = House(tmp_path)
        await restored.order(campaign, OrderKind.RESUME)
        for _ in range(2):
            with pytest.raises(OutboxOutdated) as caught:
                await restored.send()
        assert "outbox accept" in caught.value.hint
        assert sum(accepted(server.folder).values()) == SIZE, "nobody got it again"
        Witness(restored.outbox.path, tmp_path / "sightings").accept()
        await restored.send()
        assert sum(accepted(server.folder).values()) > SIZE, "accepted is accepted"
        assert restored.said == []
        restored.close()
        # The one it was a copy of goes on being known for it.
        _put(house.outbox.path, {"": copy.read_bytes()})
        with pytest.raises(OutboxOutdated):
            require_newest(house.outbox.path, tmp_path / "sightings")


async def test_s07_a_copy_made_while_sending_is_known_after_a_kill(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path)
        campaign = await house.launch(2_000, server.port, SendPlan(workers=2, rate=60))
        process = await _runner(house, "1")
        await house.until(campaign, lambda counts: counts.sent >= 5)
        middle = _files(house.outbox.path)
        await _looked_twice(house)
        process.kill()
        await process.communicate()
        house.close()
        after = _files(house.outbox.path)
        assert require_newest(house.outbox.path, tmp_path / "sightings")
        _put(house.outbox.path, middle)
        with pytest.raises(OutboxOutdated):
            await house.send()
        _put(house.outbox.path, after)
        assert require_newest(house.outbox.path, tmp_path / "sightings"), "the newer file is put back"


async def test_s07_without_its_log_a_killed_outbox_is_older(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path)
        path = await _killed_half_way(house, server)
        _put(path, {"": path.read_bytes()})
        with pytest.raises((OutboxOutdated, OutboxDamaged)):
            await house.send()


async def test_s07_an_outbox_from_elsewhere_is_warned_of_once_and_sent(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        here = House(tmp_path)
        copy = await _half_sent(here, server)
        there = tmp_path / "another machine"
        there.mkdir()
        shutil.copyfile(copy, there / "outbox.db")
        moved = House(there)
        campaign = await moved.reader.campaign("c1")
        await moved.order(campaign, OrderKind.RESUME)
        await moved.send()
        assert len(moved.said) == 1 and "worked on from another place" in moved.said[0]
        await moved.send()
        assert len(moved.said) == 1
        moved.close()
        # and back, which has only gone on
        _put(here.outbox.path, _files(moved.outbox.path))
        assert require_newest(here.outbox.path, tmp_path / "sightings")
    assert max(accepted(server.folder).values()) == 1


async def test_s07_a_fresh_outbox_is_nobodys_copy(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path)
        await house.launch(3, server.port)
        await house.send()
        house.close()
    assert house.said == []
    [sighting] = (tmp_path / "sightings").iterdir()
    assert os.stat(sighting).st_mode & 0o077 == 0


async def test_s09_a_runner_tells_that_its_place_is_a_bad_one(tmp_path: Path) -> None:
    (tmp_path / "Dropbox").mkdir()
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path / "Dropbox")
        await house.launch(2, server.port)
        await house.send()
        house.close()
    assert len(house.said) == 1 and "cloud service" in house.said[0]


async def test_s06_a_check_that_had_no_time_to_end_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenure, "_LONGEST_CHECK", 0.0)
    async with SandboxServer(tmp_path / "sandbox") as server:
        house = House(tmp_path)
        campaign = await house.launch(3000, server.port)
        await house.order(campaign, OrderKind.CANCEL)
        await house.send()
        house.close()
    assert len(house.said) == 1 and "mailtui outbox check" in house.said[0]


async def test_s06_a_log_that_is_damaged_in_its_middle_is_no_power_loss(tmp_path: Path) -> None:
    house = House(tmp_path)
    campaign = await house.launch(3, 1)
    for _ in range(8):
        await house.order(campaign, OrderKind.SET, workers=2)
    path = house.outbox.path
    sound = _files(path)
    house.close()
    frame = 24 + 4096
    for end, faults in ((len(sound["-wal"]) - frame, 0), (32 + frame, 1), (8, 1)):
        log = bytearray(sound["-wal"])
        log[end + 10] ^= 0x55
        _put(path, {"": sound[""], "-wal": bytes(log)})
        assert len(examine(path).faults) == faults, f"changed at {end} of {len(log)}"


async def test_s06_counts_that_do_not_fit_the_rows_are_damage(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.launch(3, 1)
    house.close()
    connection = open_for_writing(house.outbox.path, busy_ms=5)
    connection.execute("UPDATE delivery SET state = 'sent' WHERE row = 2")
    connection.close()
    with pytest.raises(OutboxDamaged, match="damaged") as caught:
        await house.send()
    assert "1 are sent, and 0 were counted" in caught.value.detail
