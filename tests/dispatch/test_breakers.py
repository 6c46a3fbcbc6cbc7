"""What stops a campaign: the account, the dialogue, the same refusal for everybody; and that nobody is burnt by it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mailtui.dispatch.breakers import SAME_DOMAINS, SAME_REFUSALS, Breakers
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign, NewDelivery
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.faults import FaultRule, Faults, Stage
from mailtui.sandbox.limits import Limits, Quota
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp import verdict as words
from mailtui.smtp.replies import Reply
from tests.dispatch.bench import House, address
from tests.dispatch.test_runner import reply, sandbox


async def launch_to_domains(
    house: House, domains: int, each: int, port: int, plan: SendPlan | None = None, *, first: int = 0
) -> Campaign:
    """A campaign to `each` recipients at d0.example, d1.example and so on, in turns."""
    campaign = await house.launch(0, port, plan)
    rows = [
        NewDelivery(f"u{n}@d{n % domains}.example", n + 1, f"u{n}@d{n % domains}.example", (f"Zoé {n}",))
        for n in range(first, first + domains * each)
    ]
    await house.desk.add(campaign.number, rows, now=time.time())
    return await house.reader.campaign(campaign.id)


def in_vain(server: SandboxServer, stage: Stage = Stage.MAIL) -> int:
    """How many messages got that far and were not accepted."""
    return server.counters.commands[stage.upper()] - server.counters.accepted


async def held(house: House, campaign: Campaign) -> str:
    """Why it is held; it must be."""
    after = await house.reader.campaign(campaign.id)
    assert (after.state, after.held) == (CampaignState.PAUSED, True)
    return after.reason


# the account


@pytest.mark.parametrize(
    ("stage", "said", "advice"),
    [
        (Stage.MAIL, "550 5.4.5 Daily user sending limit exceeded", "when the limit has been renewed"),
        (Stage.MAIL, "550 5.7.1 Account disabled", "a From address that this account may send as"),
        (Stage.MAIL, "552 5.3.4 Message size exceeds fixed limit", "Make the message smaller"),
        (Stage.RCPT, "554 5.7.1 Relay access denied", "user and password"),
        (Stage.DOT, "554 5.2.0 STOREDRV; SubmissionQuotaExceededException", "when the limit has been renewed"),
        (Stage.DOT, "554 5.7.1 Your account has been suspended", "log in there"),
        (Stage.DOT, "550 5.7.26 This mail is unauthenticated", "SPF, DKIM and DMARC"),
    ],
)
async def test_r05_what_the_account_is_refused_costs_no_row(
    house: House, tmp_path: Path, stage: Stage, said: str, advice: str
) -> None:
    refusals = [reply(stage, said, nth=n) for n in range(61, 161)]
    async with sandbox(tmp_path, *refusals) as server:
        campaign = await house.launch(400, server.port, SendPlan(workers=8))
        await house.send(only=campaign)
        assert 1 <= in_vain(server, stage) <= 8, "no more than one a connection"
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent", "queued"}
    assert {row.attempts for row in rows.values() if row.state == "queued"} == {0}
    reason = await held(house, campaign)
    assert said.split()[0] in reason and advice in reason


async def _spend_the_quota(house: House, folder: Path, rows: int) -> None:
    limits = Limits(quota=Quota(rows // 4))
    async with SandboxServer(folder, faults=Faults(limits=limits)) as server:
        campaign = await house.launch(rows, server.port, SendPlan(workers=8))
        await house.send(seconds=120, only=campaign)
        assert in_vain(server) <= 8
        assert server.counters.accepted == rows // 4
    counts = await house.counts(campaign)
    assert (counts.sent, counts.queued, counts.failed) == (rows // 4, rows - rows // 4, 0)
    assert "5.4.5" in await held(house, campaign)


async def test_r05_a_quota_that_is_spent_after_a_while_fails_no_row(house: House, tmp_path: Path) -> None:
    await _spend_the_quota(house, tmp_path / "sandbox", 1_000)


@pytest.mark.long
async def test_r05_a_quota_that_is_spent_in_ten_thousand(house: House, tmp_path: Path) -> None:
    await _spend_the_quota(house, tmp_path / "sandbox", 10_000)


async def test_f10_a_login_that_is_put_off_is_tried_twice_and_then_holds(house: House, tmp_path: Path) -> None:
    async def secrets(account: str) -> str:
        return "right"

    rule = reply(Stage.AUTH, "454 4.7.0 Temporary authentication failure")
    async with sandbox(tmp_path, rule, users={"anna": "right"}) as server:
        campaign = await house.launch(50, server.port, SendPlan(workers=8), user="anna")
        await house.send(secrets=secrets, only=campaign)
        assert server.counters.auth_attempts == 2
    assert (await house.counts(campaign)).queued == 50
    assert "454" in await held(house, campaign)


async def test_f10_a_login_that_is_put_off_once_is_no_reason_to_stop(house: House, tmp_path: Path) -> None:
    async def secrets(account: str) -> str:
        return "right"

    rule = reply(Stage.AUTH, "454 4.7.0 Temporary authentication failure", nth=1)
    async with sandbox(tmp_path, rule, users={"anna": "right"}) as server:
        campaign = await house.launch(50, server.port, user="anna")
        await house.send(secrets=secrets)
    assert (await house.counts(campaign)).sent == 50


# the dialogue


async def test_a_protocol_error_is_tried_once_more(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "503 5.5.1 MAIL first", nth=20)) as server:
        campaign = await house.launch(60, server.port)
        await house.send()
        assert server.counters.connections > 4, "the connection that went wrong was given up"
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


@pytest.mark.parametrize("recipient", ["*", "u7.*"])
async def test_a_protocol_error_that_comes_again_holds(house: House, tmp_path: Path, recipient: str) -> None:
    rule = reply(Stage.RCPT, "500 5.5.2 What?", recipient=recipient)
    async with sandbox(tmp_path, rule) as server:
        campaign = await house.launch(60, server.port, SendPlan(workers=2))
        await house.send()
        assert in_vain(server) <= 4
    rows = await house.check_books(campaign, server.folder)
    assert rows[address(7)].state == "queued"
    assert {row.state.value for row in rows.values()} <= {"sent", "queued"}
    assert "500" in await held(house, campaign)


# the same refusal for everybody


async def _refuse_everybody(house: House, folder: Path, stage: Stage, each: int) -> None:
    async with sandbox(folder, reply(stage, "550 5.7.1 Message [4Fz1yX] refused as spam")) as server:
        campaign = await launch_to_domains(house, 10, each, server.port, SendPlan(workers=32))
        await house.send()
        assert in_vain(server) <= 50
    counts = await house.counts(campaign)
    assert SAME_REFUSALS <= counts.failed <= 50
    assert (counts.queued, counts.unknown) == (10 * each - counts.failed, 0)
    assert "were all refused in the same words" in await held(house, campaign)
    async with SandboxServer(folder / "sandbox") as mended:
        endpoint = campaign.endpoint.replace(str(server.port), str(mended.port))
        await house.order(campaign, OrderKind.SET, endpoint=endpoint)
        await house.order(campaign, OrderKind.RETRY, only="failed")
        await house.order(campaign, OrderKind.RESUME)
        await house.send(seconds=120)
    rows = await house.check_books(campaign, folder / "sandbox")
    assert {row.state.value for row in rows.values()} == {"sent"}


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DOT])
async def test_r06_a_message_refused_by_all_touches_fifty_at_the_most(
    house: House, tmp_path: Path, stage: Stage
) -> None:
    await _refuse_everybody(house, tmp_path, stage, each=100)


@pytest.mark.long
@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DOT])
async def test_r06_of_ten_thousand_fifty_at_the_most(house: House, tmp_path: Path, stage: Stage) -> None:
    await _refuse_everybody(house, tmp_path, stage, each=1_000)


@pytest.mark.parametrize(
    "rules",
    [
        (reply(Stage.DOT, "550 5.7.1 Spam", every=2),),  # others are accepted in between
        tuple(
            reply(Stage.RCPT, f"550 5.7.1 Refused for the reason {word}", recipient=f"u?{n}@*")
            for n, word in enumerate("abcdefghij")
        ),  # each in words of its own
        (reply(Stage.RCPT, "550 5.1.1 No such user"),),  # their addresses are at fault
    ],
    ids=["some", "different", "gone"],
)
async def test_r06_refusals_that_are_no_sign(house: House, tmp_path: Path, rules: tuple[FaultRule, ...]) -> None:
    async with sandbox(tmp_path, *rules) as server:
        campaign = await launch_to_domains(house, 10, 9, server.port, SendPlan(workers=2), first=10)
        await house.send()
    assert await house.state(campaign) is CampaignState.FINISHED
    await house.check_books(campaign, server.folder)


def _refused(breakers: Breakers, text: str, domain: str, stage: words.Stage = words.Stage.DOT) -> None:
    verdict = words.Verdict.of(stage, Reply(550, text))
    breakers.refused(verdict, words.judge(verdict), delivery=1, domain=domain)


def test_r06_few_domains_speak_for_themselves_only() -> None:
    reasons: list[str] = []
    breakers = Breakers(lambda why, *_: reasons.append(why))
    for n in range(5 * SAME_REFUSALS):
        _refused(breakers, "5.7.1 Refused", f"d{n % (SAME_DOMAINS - 1)}.example")
    assert not reasons
    _refused(breakers, "5.7.1 Refused", "another.example")
    assert len(reasons) == 1


def test_r06_ids_addresses_and_two_wordings_in_turns_hide_nothing() -> None:
    reasons: list[str] = []
    breakers = Breakers(lambda why, *_: reasons.append(why))
    for n in range(2 * SAME_REFUSALS - 1):
        what = "Refused" if n % 2 else "Not wanted"
        _refused(breakers, f"5.7.1 <u{n}@d{n}.example>: {what} [{n:x}Zq{n}]", f"d{n}.example")
        assert bool(reasons) == (n == 2 * SAME_REFUSALS - 2)


def test_r06_a_success_ends_a_streak() -> None:
    reasons: list[str] = []
    breakers = Breakers(lambda why, *_: reasons.append(why))
    for n in range(10 * SAME_REFUSALS):
        if n % (SAME_REFUSALS - 1) == 0:
            breakers.accepted()
        _refused(breakers, "5.7.1 Refused", f"d{n}.example")
    assert not reasons
