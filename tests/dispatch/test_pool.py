"""C9: several accounts in one campaign. One dies, is refused or is full, and the others go on: nobody is lost, nobody
gets it twice, nobody failed for it; an account's trouble is told once, in however many campaigns.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.members import Member, members_from_json, members_to_json
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.split import Part, split
from mailtui.message.mime import TransferEncoding
from mailtui.outbox.records import Campaign, DeliveryRow, NewDelivery
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import captured_message
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.limits import Limit, Limits
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.limits import Limits as AccountLimits
from mailtui.smtp.timeouts import Timeouts
from tests.dispatch.bench import House, Passwords, accepted
from tests.dispatch.test_breakers import held, launch_to_domains
from tests.dispatch.test_crashes import _runner
from tests.dispatch.test_runner import reply
from tests.servers.programs import free_port

_SLOWLY = FaultRule(Stage.DOT, Action.DELAY, seconds=0.005)


_PATIENT = Timeouts().scaled(500)
"""Where an hour is less than a second a reply would have milliseconds, which a busy machine takes now and then."""


def account(
    name: str,
    server: SandboxServer,
    *,
    user: str = "",
    weight: int = 1,
    connections: int | None = None,
    senders: tuple[str, ...] = (),
    **limits: int,
) -> Member:
    endpoint = Endpoint(name, "127.0.0.1", server.port, Security.PLAIN, user=user, timeouts=_PATIENT)
    return Member(endpoint, weight, connections, AccountLimits(**limits), senders)  # type: ignore[arg-type]


def slow(
    folder: Path, *rules: FaultRule, users: dict[str, str] | None = None, limits: Limits | None = None
) -> SandboxServer:
    return SandboxServer(folder, faults=Faults((*rules, _SLOWLY), limits=limits), users=users)


async def anybody(account: str) -> str:
    return "right"


async def balance(house: House, campaign: Campaign, *servers: SandboxServer) -> dict[str, DeliveryRow]:
    """Hold the books against what all servers took: everybody once, nobody failed. The rows."""
    rows = await house.rows(campaign)
    took: Counter[str] = Counter()
    for server in servers:
        took += accepted(server.folder)
    assert max(took.values(), default=0) <= 1, "nobody got it twice"
    sent = {who for who, row in rows.items() if row.state == "sent"}
    assert sent <= set(took), "nothing is called sent that was not accepted"
    assert took.keys() & rows.keys() <= {who for who, row in rows.items() if row.state in ("sent", "unknown")}
    assert not [row for row in rows.values() if row.state == "failed"]
    return rows


# one of two dies


async def test_c9_a_server_that_dies_in_mid_run_is_done_without(house: House, tmp_path: Path) -> None:
    async with slow(tmp_path / "a") as one, slow(tmp_path / "b") as other:
        campaign = await house.launch(
            300, 0, SendPlan(workers=4), members=[account("acme", one), account("backup", other)]
        )
        running = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent > 60)
        await one.stop()
        await running
        rows = await balance(house, campaign, one, other)
    states = Counter(row.state.value for row in rows.values())
    assert states["sent"] + states["unknown"] == 300 and states["unknown"] <= 2, "at most the replies under way"
    assert await house.state(campaign) is CampaignState.FINISHED
    by = Counter(row.account for row in rows.values() if row.state == "sent")
    assert by["acme"] == one.counters.accepted - states["unknown"] and by["backup"] == other.counters.accepted


async def test_c9_a_server_that_was_given_up_is_used_again_like_any_other(house: House, tmp_path: Path) -> None:
    port = free_port()
    back = SandboxServer(tmp_path / "a", port=port, faults=Faults((_SLOWLY,)))
    async with slow(tmp_path / "b") as other:
        acme = Member(Endpoint("acme", "127.0.0.1", port, Security.PLAIN))
        campaign = await house.launch(300, 0, SendPlan(workers=4, rate=300), members=[acme, account("backup", other)])
        running = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent > 40)
        async with back:
            await running
            await balance(house, campaign, back, other)
        assert back.counters.connections == 2, "with its share of the workers, and not with the one who tried"


async def test_r05_a_login_that_is_revoked_is_tried_twice_at_most_in_all_campaigns_together(
    house: House, tmp_path: Path
) -> None:
    users = {"anna": "right"}
    limits = Limits(messages_per_connection=Limit(3, b""))
    takes_time = FaultRule(Stage.AUTH, Action.DELAY, seconds=0.02)
    async with slow(tmp_path / "a", takes_time, users=users, limits=limits) as one, slow(tmp_path / "b") as other:
        members = [account("acme", one, user="anna", weight=30), account("backup", other)]
        first = await house.launch(150, 0, SendPlan(workers=32), members=members)
        second = await house.launch(150, 0, SendPlan(workers=32), id="c2", members=members)
        running = asyncio.create_task(house.send(secrets=anybody, scale=1.0))
        await house.until(second, lambda counts: counts.sent > 40)
        users["anna"] = "another"
        await running
        assert one.counters.accepted and 1 <= one.counters.auth_failures <= 2, "however many want to log in just then"
        for campaign in (first, second):
            rows = await balance(house, campaign, one, other)
            assert {row.state.value for row in rows.values()} == {"sent"}


async def test_r05_a_wrong_password_is_said_once_by_three_campaigns(house: House, tmp_path: Path) -> None:
    async with slow(tmp_path / "a", users={"anna": "another"}) as server:
        members = [account("acme", server, user="anna")]
        campaigns = [await house.launch(20, 0, SendPlan(workers=8), id=f"c{n}", members=members) for n in range(3)]
        await house.send(secrets=anybody)
        assert server.counters.auth_attempts == 1
        for campaign in campaigns:
            held = await house.reader.campaign(campaign.id)
            assert (held.state, held.held, held.resume_at) == (CampaignState.PAUSED, True, None)
            assert "535" in held.reason
        await house.order(campaigns[0], OrderKind.RESUME)
        await house.send(secrets=anybody)
        assert server.counters.auth_attempts == 2, "a person wanted it tried again"


class Tokens(Passwords):
    """A stale token, and a fresh one from the moment on at which that was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Credential | None] = []

    async def login(self, endpoint: Endpoint, *, refused: Credential | None = None) -> Credential:
        self.asked.append(refused)
        return Credential.token("fresh" if any(self.asked) else "stale")


async def test_c08_a_token_that_the_server_has_no_way_to_be_told_is_not_fetched_anew(
    house: House, tmp_path: Path
) -> None:
    async with slow(tmp_path / "a", users={"anna": "x"}) as server:  # takes passwords only
        campaign = await house.launch(5, 0, SendPlan(workers=1), members=[account("acme", server, user="anna")])
        runner = house.runner()
        runner._secrets = tokens = Tokens()
        async with asyncio.timeout(20):
            await runner.run(lambda: None)
        assert (tokens.asked, server.counters.auth_attempts) == ([None], 0)
    reason = (await house.reader.campaign(campaign.id)).reason
    assert "no login with a token" in reason
    assert "said at" not in reason, "nor is a password doubted for it"


async def test_c08_a_refused_token_is_refreshed_once(house: House, tmp_path: Path) -> None:
    manners = dataclasses.replace(SandboxServer(tmp_path)._manners, tokens={"anna": "fresh"})
    async with SandboxServer(tmp_path / "a", manners=manners) as server:
        campaign = await house.launch(50, 0, SendPlan(workers=4), members=[account("acme", server, user="anna")])
        runner = house.runner()
        runner._secrets = tokens = Tokens()
        async with asyncio.timeout(20):
            await runner.run(lambda: None)
        assert server.counters.auth_failures == 1
    assert (await house.counts(campaign)).sent == 50
    assert tokens.asked.count(Credential.token("stale")) == 1


@pytest.mark.parametrize("said", ["421 4.3.2 Closing", "550 5.4.5 Daily user sending limit exceeded"])
async def test_c9_one_that_refuses_everything_from_some_moment_on_burns_nobody(
    house: House, tmp_path: Path, said: str
) -> None:
    refusals = [reply(Stage.MAIL, said, nth=n) for n in range(41, 241)]
    async with slow(tmp_path / "a", *refusals) as one, slow(tmp_path / "b") as other:
        members = [account("acme", one), account("backup", other)]
        campaign = await house.launch(200, 0, SendPlan(workers=8), members=members)
        await house.send(only=campaign)
        rows = await balance(house, campaign, one, other)
        assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}
        assert one.counters.accepted == 40


async def test_c9_what_all_accounts_refuse_alike_is_the_messages_own_trouble(house: House, tmp_path: Path) -> None:
    spam = reply(Stage.DOT, "550 5.7.1 refused as spam")
    async with slow(tmp_path / "a", spam) as one, slow(tmp_path / "b", spam) as other:
        campaign = await launch_to_domains(house, 10, 20, one.port, SendPlan(workers=8))
        members = members_to_json([account("acme", one), account("backup", other)])
        await house.order(campaign, OrderKind.SET, endpoint=members)
        await house.send()
    assert (await house.counts(campaign)).failed <= 50
    assert "in the same words" in await held(house, campaign)


async def test_c9_a_mail_keeps_its_from_and_waits_for_an_account_that_may_send_as_it(
    house: House, tmp_path: Path
) -> None:
    """Accounts take turns; one of them is refused, and its people hear from nobody else."""
    barred = [reply(Stage.MAIL, "550 5.7.708 Account barred", nth=n) for n in range(11, 200)]
    senders = ("Anna <anna@acme.test>", "Bob <bob@acme.test>")
    async with slow(tmp_path / "a", *barred) as one, slow(tmp_path / "b") as other:
        members = [account("acme", one, senders=senders[:1]), account("backup", other, senders=senders[1:])]
        campaign = await house.launch(120, 0, SendPlan(workers=4), members=members, turns=senders)
        await house.send()
        rows = await balance(house, campaign, one, other)
        assert (one.counters.accepted, other.counters.accepted) == (10, 60)
        assert "acme: " in await held(house, campaign) and "barred" in await held(house, campaign)
        await house.order(campaign, OrderKind.SET, endpoint=members_to_json(members[1:]))
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
        assert "no account of the campaign may send as" in await held(house, campaign), "and not for ever"
        spare = [account("backup", other, senders=("@acme.test",))]
        await house.order(campaign, OrderKind.SET, endpoint=members_to_json(spare))
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
        rows = await balance(house, campaign, one, other)
        froms = Counter(line for n in range(1, 111) for line in captured_message(other.folder, n).split(b"\r\n")[:3])
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert (froms[b"From: Anna <anna@acme.test>"], froms[b"From: Bob <bob@acme.test>"]) == (50, 60)


async def test_c9_a_mail_that_one_server_cannot_take_waits_for_one_that_can(house: House, tmp_path: Path) -> None:
    """Also where the campaign met the lesser one first, and where the better one is not to be used for a while."""
    plain = SandboxServer(tmp_path / "a", extensions=("PIPELINING", "8BITMIME"))
    barred = reply(Stage.MAIL, "550 5.4.5 Daily user sending limit exceeded", nth=2)
    async with plain as one, slow(tmp_path / "b", barred) as other:
        members = [account("acme", one), account("backup", other)]
        campaign = await house.launch(20, 0, SendPlan(workers=4), members=members)
        names = [f"jörg{n}@example.com" for n in range(8)]
        rows = [NewDelivery(name, 100 + n, name, ("Jörg",)) for n, name in enumerate(names)]
        await house.desk.add(campaign.number, rows, now=time.time())
        ledger = house.outbox.ledger()
        first = SentEncoding(TransferEncoding.EIGHT_BIT, smtputf8=False)
        await ledger.fix_encoding(campaign.number, first.to_json())
        ledger.close()
        await house.send(scale=0.0002)  # an hour is 0.7 seconds
        found = await balance(house, campaign, one, other)
    assert {row.state.value for row in found.values()} == {"sent"}
    assert {found[name].account for name in names} == {"backup"}


# shares


def test_c9_workers_are_split_by_weight() -> None:
    def parts(*asked: tuple[int, int | None]) -> list[Part]:
        return [Part(*one) for one in asked]

    assert split(8, parts((3, None), (1, None))) == [6, 2]
    assert split(1, parts((1, None), (1, None), (1, None))) == [1, 1, 1], "at least one each"
    assert split(10, parts((1, 2), (1, None), (2, None))) == [2, 3, 5], "what one may not have goes to the others"
    assert split(10, parts((1, 2), (1, 3))) == [2, 3]
    assert split(16, parts((100, None), (1, None))) == [15, 1]
    assert split(7, parts((1, None), (1, None))) == [4, 3]


async def test_c9_weights_of_three_and_one_give_about_that(house: House, tmp_path: Path) -> None:
    async with slow(tmp_path / "a") as one, slow(tmp_path / "b") as other:
        members = [account("acme", one, weight=3), account("backup", other, connections=5)]
        campaign = await house.launch(240, 0, SendPlan(workers=8), members=members)
        await house.send()
        assert 2.2 < one.counters.accepted / other.counters.accepted < 4
        await balance(house, campaign, one, other)
        assert (one.counters.connections, other.counters.connections) == (6, 2)


def test_c9_members_are_written_down_and_one_alone_as_ever() -> None:
    alone = Endpoint("acme", "127.0.0.1", 25, Security.PLAIN)
    assert members_to_json([Member(alone)]) == alone.to_json()
    assert members_from_json(alone.to_json()) == (Member(alone),)
    several = (
        Member(alone, 3, 2, AccountLimits(per_hour=10, per_day=20), ("Acme <news@acme.test>", "@acme.example")),
        Member(alone),
    )
    assert members_from_json(members_to_json(several)) == several
    before = json.dumps(
        {"members": [{"endpoint": json.loads(alone.to_json()), "per_hour": 10, "senders": ["a@b.test"]}]}
    )
    [old] = members_from_json(before)
    assert (old.limits, old.senders) == (AccountLimits(per_hour=10), ("a@b.test",)), "as it was written before"
    assert several[0].may_send_as("News@acme.test") and several[0].may_send_as("x@acme.example")
    assert not several[0].may_send_as("x@acme.test") and several[1].may_send_as("x@acme.test")


# kill -9


async def _until_settled(house: House, campaign: Campaign, more: int) -> None:
    wanted = (await house.counts(campaign)).settled + more
    await house.until(campaign, lambda counts: counts.settled >= wanted or not counts.open)


async def _kill(house: House, folder: Path, *, kills: int, size: int, quota: int) -> None:
    async with slow(folder / "a") as one, slow(folder / "b") as other:
        members = [account("acme", one, per_hour=quota), account("backup", other, weight=2)]
        campaign = await house.launch(size, 0, SendPlan(workers=6, rate=400), members=members)
        for _ in range(kills):
            process = await _runner(house)
            await _until_settled(house, campaign, size // (kills + 2))
            process.kill()
            await process.wait()
        await house.send(seconds=60)
        rows = await balance(house, campaign, one, other)
        assert one.counters.accepted <= quota
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}
    assert sum(row.state == "unknown" for row in rows.values()) <= kills * 6


async def test_c9_kill_9_in_a_pool_sends_nobody_twice_and_exceeds_no_quota(house: House, tmp_path: Path) -> None:
    await _kill(house, tmp_path, kills=1, size=120, quota=30)


@pytest.mark.long
async def test_c9_kill_9_in_a_pool_often(house: House, tmp_path: Path) -> None:
    await _kill(house, tmp_path, kills=20, size=4_000, quota=700)
