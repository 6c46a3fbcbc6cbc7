"""C8: each time of a recurring campaign is a run of its own, frozen from the list as it is then, and there once whoever
dies meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from mailtui.accounts.keyring_store import dkim_entry
from mailtui.accounts.secrets import SecretSource
from mailtui.kit.paths import Home, private_folder
from mailtui.message.dkim_key import make_key
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState, RecurrenceState
from mailtui.outbox.timed_records import NewRecurrence, Recurrence
from mailtui.sandbox.server import SandboxServer
from mailtui.schedule.moment import as_local
from mailtui.schedule.schedule import Missed, Schedule
from mailtui.service.herald import OwnHerald
from mailtui.service.occurrences import ChildOccurrences
from tests.campaign.conftest import WriteCampaign, write_campaign
from tests.dispatch.bench import House, accepted
from tests.dispatch.test_clock import Clock, runner_at

__all__ = ["write_campaign"]

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


async def recurs(
    house: House, path: Path, due: float, *, missed: Missed = Missed.ASK, times: int | None = None
) -> Recurrence:
    """A campaign file that is due at a time, the first of them or a later one."""
    start = as_local(due - 24 * HOUR, "UTC").text
    schedule = Schedule(at=start, every="1 hour", timezone="UTC", missed=missed, times=times)
    new = NewRecurrence("every1", f"{path}\nNews", "News", str(path), "{}", schedule.to_json(), due)
    assert await house.desk.put_recurrence(new, actor="ann", now=due - 25 * HOUR)
    return await now_is(house)


async def now_is(house: House) -> Recurrence:
    found = await house.reader.recurrence("every1")
    assert found is not None
    return found


async def runs(house: House) -> list[Campaign]:
    """The campaigns that came of it, no drafts."""
    return [one for one in await house.reader.campaigns() if one.state is not CampaignState.DRAFT]


async def until_passed(house: House, due: float) -> Recurrence:
    async with asyncio.timeout(60):
        while (recurrence := await now_is(house)).next_at == due:
            await asyncio.sleep(0.02)
    return recurrence


async def test_c8_each_time_is_a_run_of_its_own_from_the_list_as_it_is_then(
    house: House, home: Home, tmp_path: Path, write_campaign: WriteCampaign
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        smtp = {"host": "127.0.0.1", "port": server.port, "security": "plain"}
        path = write_campaign(2, smtp=smtp)
        first = float(int(time.time()))
        await recurs(house, path, first, times=2)
        running = asyncio.create_task(house.send(seconds=90))
        passed = await until_passed(house, first)
        assert (passed.runs, passed.last_at, passed.reason) == (1, first, "")
        assert passed.next_at == first + HOUR
        write_campaign(3, body="Another text\n", smtp=smtp)
        second = float(int(time.time()))
        assert await house.desk.change_recurrence("every1", actor="ann", now=second, next_at=second)
        await running
        ended = await now_is(house)
        assert (ended.state, ended.runs, ended.next_at, ended.last_at) == (RecurrenceState.ENDED, 2, None, second)
        made = await runs(house)
        assert [(one.occurrence_at, one.audience, one.state) for one in made] == [
            (first, 2, CampaignState.FINISHED),
            (second, 3, CampaignState.FINISHED),
        ]
        assert sorted(accepted(server.folder).values()) == [1, 2, 2], "who is on the list twice gets it each time"
        assert all(one.woke_at is not None and one.woke_at >= (one.occurrence_at or 0) for one in made)


class Listening(OwnHerald):
    """Notes what would be shown on a desktop."""

    def __init__(self) -> None:
        super().__init__({}, SecretSource({}), scale=1.0)
        self.heard: list[tuple[str, str]] = []

    def show_missed(self, name: str, reason: str) -> None:
        self.heard.append((name, reason))


async def test_c8_what_stands_in_the_way_is_told_and_on_record_and_the_next_time_comes_all_the_same(
    house: House, home: Home, tmp_path: Path, write_campaign: WriteCampaign
) -> None:
    due, herald = time.time(), Listening()
    path = write_campaign(2, body="{{ nobody_knows }}\n")
    await recurs(house, path, due)
    running = asyncio.create_task(house.runner(herald=herald).run(lambda: None))
    passed = await until_passed(house, due)
    assert (passed.state, passed.runs, passed.last_at) == (RecurrenceState.ACTIVE, 0, None)
    assert passed.next_at == pytest.approx(due + HOUR, abs=1) and "nobody_knows" in passed.reason
    assert passed.reason.startswith("nothing was sent for ") and "There is a mistake in the message: " in passed.reason
    assert not running.done(), "it stays for the next time"
    assert herald.heard == [("News", passed.reason)]
    await house.desk.change_recurrence("every1", actor="ann", now=time.time(), state=RecurrenceState.ENDED)
    await running
    assert await runs(house) == []


async def test_d06_a_key_that_was_handed_over_alone_reaches_what_makes_a_time(
    house: House, home: Home, tmp_path: Path, write_campaign: WriteCampaign
) -> None:
    """The runner has it from its launcher; no keyring can be asked, and neither environment nor arguments have it."""
    text = "accounts: {acme: {host: 127.0.0.1, port: 9, security: plain, dkim: {selector: s1}}}\n"
    private_folder(home.config)
    (home.config / "settings.yaml").write_text(text, "utf-8")
    (home.config / "settings.yaml").chmod(0o600)
    path = write_campaign(2, smtp=None, account="acme")
    due = float(int(time.time()))
    recurrence = await recurs(house, path, due)
    secrets = SecretSource({})
    made = ChildOccurrences(house.outbox, os.environ, secrets)
    assert "keyring" in (await made.make(recurrence, due)).problem
    secrets.tell(dkim_entry("acme"), make_key("ed25519").decode())
    occurred = await made.make(recurrence, due)
    assert (occurred.problem, [one.id for one in await runs(house)]) == ("", [occurred.campaign])


@pytest.mark.parametrize(
    "missed", [Missed.SKIP, *(pytest.param(one, marks=pytest.mark.long) for one in (Missed.ASK, Missed.SEND))]
)
async def test_t02_of_several_missed_times_the_last_one_counts_by_the_policy(
    house: House, home: Home, tmp_path: Path, write_campaign: WriteCampaign, missed: Missed
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        path = write_campaign(2, smtp={"host": "127.0.0.1", "port": server.port, "security": "plain"})
        due = float(int(time.time())) - 3 * 24 * HOUR - 20 * MINUTE
        await recurs(house, path, due, missed=missed)
        running = asyncio.create_task(house.send(seconds=90))
        last = due + 3 * 24 * HOUR
        async with asyncio.timeout(60):
            while (recurrence := await now_is(house)).next_at != last + HOUR:
                await asyncio.sleep(0.02)
        made = await runs(house)
        if missed is Missed.SKIP:
            assert made == [] and "was left out" in recurrence.reason and recurrence.runs == 0
        else:
            [one] = made
            assert (one.occurrence_at, recurrence.runs, recurrence.last_at) == (last, 1, last)
            rests = CampaignState.FINISHED if missed is Missed.SEND else CampaignState.PAUSED
            await house.until_state(one, rests)
        sent = {"person1@example.com", "person2@example.com"} if missed is Missed.SEND else set()
        assert len(accepted(server.folder)) == len(sent)
        await house.desk.change_recurrence("every1", actor="ann", now=time.time(), state=RecurrenceState.ENDED)
        await running


@pytest.mark.long
async def test_t03_one_run_for_each_time_whatever_is_done_to_the_clock(
    house: House, home: Home, tmp_path: Path, write_campaign: WriteCampaign
) -> None:
    clock = Clock(tmp_path / "clock")
    async with SandboxServer(tmp_path / "sandbox") as server, asyncio.timeout(90):
        path = write_campaign(2, smtp={"host": "127.0.0.1", "port": server.port, "security": "plain"})
        due = float(int(time.time())) + HOUR
        await recurs(house, path, due, missed=Missed.SEND)
        wanted: list[float] = []
        async with runner_at(house, clock.file) as runner:

            async def put(by: float, *, comes: float | None = None) -> None:
                """Put the clock; nothing comes of it, or the campaign of this time alone."""
                clock.put(by)
                wanted.extend([] if comes is None else [comes])
                while len(await runs(house)) < len(wanted):
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.5)
                assert [one.occurrence_at for one in await runs(house)] == wanted

            for by in (0, -HOUR, -DAY, DAY - time.time()):  # the last is in 1970
                await put(by)
            await put(HOUR + 30, comes=due)
            for by in (0, HOUR, -DAY, HOUR + 40):
                await put(by)
            await put(DAY + HOUR + 50, comes=due + DAY)  # of a day's times the last one
            for by in (DAY, HOUR, 0, DAY + HOUR + 55):
                await put(by)
            runner.send_signal(signal.SIGSTOP)
            await put(DAY + 4 * HOUR + 20 * 60)
            runner.send_signal(signal.SIGCONT)  # 20 minutes late, which is within the hour that it may be
            await put(DAY + 4 * HOUR + 21 * 60, comes=due + DAY + 3 * HOUR)
            for one in await runs(house):
                await house.until_state(one, CampaignState.FINISHED)
            passed = await until_passed(house, due + DAY + 3 * HOUR)
            assert (passed.runs, passed.next_at) == (3, due + DAY + 4 * HOUR)
            runner.send_signal(signal.SIGTERM)
            assert await runner.wait() == 0
        assert sorted(accepted(server.folder).values()) == [3, 3], "each of the two gets each of the three runs once"
