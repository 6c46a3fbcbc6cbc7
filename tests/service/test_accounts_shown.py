"""C9: what people are told of a campaign's accounts, and of a pause that ends by itself."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailtui.accounts.secrets import Place
from mailtui.campaign.again import Again
from mailtui.cli.later import confirm_recurring
from mailtui.cli.run import _confirm
from mailtui.cli.sending import detach
from mailtui.cli.watching import print_outcome
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.durations import show_moment
from mailtui.kit.paths import Home
from mailtui.outbox.records import AccountRest, Mark, ProgressSnapshot, Result, WorkerSnapshot
from mailtui.outbox.states import CampaignState, DeliveryState, RestKind
from mailtui.sandbox.server import SandboxServer
from mailtui.service.advice import Sooner, doubt_refused, sooner
from mailtui.service.facade import Service
from mailtui.service.schedules import Schedule
from mailtui.service.views import CampaignView
from mailtui.smtp.verdict import SAID_AT, Stage
from tests.campaign.conftest import WriteCampaign
from tests.campaign.test_freeze import launch
from tests.campaign.test_senders import NEWS, TEAM

SETTINGS = f"""accounts:
  acme: {{host: 127.0.0.1, port: 9, security: plain, from: "{NEWS}", weight: 3, limits: {{per_hour: 12}}}}
  backup: {{host: mx.backup.test, user: team, from: "{TEAM}"}}
"""
REASON = "hourly limit of acme reached; backup: 421 4.7.0 Later"


@pytest.fixture
def service(home: Home) -> Service:
    home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    home.settings_file.touch(mode=0o600)
    home.settings_file.write_text(SETTINGS)
    return Service.open(os.environ)


async def paused(service: Service, path: Path, until: float) -> CampaignView:
    """Twelve by acme, the others by backup, which rests; the campaign goes on at its time."""
    campaign = (await asyncio.to_thread(launch, service, path)).campaign
    ledger, now = service.outbox.ledger(), time.time()
    claims = await ledger.claim(campaign.number, 16, now=now, lease=60)
    carriers = ["acme" if n < 12 else "backup" for n in range(16)]
    marks = [Mark(c.campaign, c.id, c.fence, name, (name,)) for c, name in zip(claims, carriers, strict=True)]
    await ledger.commit(marks, [], [], now=now)
    sent = [Result(c.campaign, c.id, c.fence, DeliveryState.IN_FLIGHT, DeliveryState.SENT, 1) for c in claims]
    await ledger.commit([], sent, [], now=now)
    await ledger.rest_account(AccountRest("backup", until, RestKind.QUOTA, "421 4.7.0 Later", now))
    await ledger.set_state(
        campaign.number, CampaignState.PAUSED, actor="runner", now=now, reason=REASON, held=True, resume_at=until
    )
    ledger.close()
    return await service.view(campaign.id)


def test_c9_a_pause_for_a_time_tells_each_account_and_when_it_goes_on(
    service: Service,
    write_campaign: WriteCampaign,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_campaign(30, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    until = time.time() + 2_970
    view = asyncio.run(paused(service, path, until))
    assert view.exit_code is ExitCode.PAUSED and view.resume_at == until
    told = view.to_json()
    assert told["resume_at"].startswith("20") and told["resume_at"].endswith("+00:00")
    acme, backup = told["accounts"]
    assert (acme["sent"], acme["weight"], acme["hour"], acme["well"]) == (12, 3, {"sent": 12, "limit": 12}, False)
    assert (backup["sent"], backup["reason"], backup["day"]) == (4, "421 4.7.0 Later", {"sent": 4, "limit": None})
    assert json.loads(json.dumps(told)) == told

    def shown() -> tuple[str, str]:
        async def show() -> None:
            await print_outcome(service, await service.view(view.id), as_json=False)

        asyncio.run(show())
        found = capsys.readouterr()
        return " ".join(found.out.split()), " ".join(found.err.split())

    out, steps = shown()
    assert f"because {REASON} it can go on at {show_moment(until)}, in 49 min" in out and "no process waits" in out
    assert "through acme 12 sent, resting until" in out and "12 of 12 an hour: hourly limit of acme reached" in out
    assert f"through backup 4 sent, resting until {show_moment(until)}: 421 4.7.0 Later" in out
    assert f"Have it go on then, in the background: mailtui resume {view.id}" in steps
    monkeypatch.setattr(service._launcher, "pid", lambda: 4711)
    out, steps = shown()
    assert (
        f"it goes on by itself at {show_moment(until)}" in out
        and f"Try at once with: mailtui resume {view.id}" in steps
    )
    now = asyncio.run(service.accounts_now())
    assert (now["acme"].hour, now["acme"].quota, now["acme"].well) == (12, "12 of 12 an hour", False)
    assert (now["backup"].day, now["backup"].quota, now["backup"].state) == (
        4,
        "",
        f"resting until {show_moment(until)}",
    )


def test_c3_who_is_about_to_send_is_told_how_long_it_takes_after_what_was_sent(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = write_campaign(30, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    asyncio.run(paused(service, path, time.time() + 60))
    plan = service.prepare(service.campaigns.load(write_campaign(5, smtp=None, account="acme")), plan={})
    assert plan.takes is None
    least = asyncio.run(service.forecast(plan, again=Again.NEW)).takes
    assert least is not None and least.seconds == pytest.approx(3_600, abs=60)
    assert least.because == "by the limits of acme and what was sent lately"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("hourly limit of acme reached", Sooner.HIGHER_LIMIT),
        ("daily limit of acme reached; warm-up day 2 of backup: 75 of 75 mails", Sooner.HIGHER_LIMIT),
        ("sending window closed; opens Mon 2026-11-23 09:00 UTC", Sooner.NEVER),
        (REASON, Sooner.TRY),
        ("421 4.7.0 Later", Sooner.TRY),
        ("", Sooner.TRY),
    ],
)
def test_c3_nobody_is_told_to_try_what_a_limit_or_the_hours_keep_back(reason: str, expected: Sooner) -> None:
    assert sooner(reason) is expected


async def test_c9_workers_are_counted_by_account_and_one_account_without_limits_needs_no_part(
    service: Service, write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = write_campaign(4, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    campaign = (await asyncio.to_thread(launch, service, two)).campaign
    monkeypatch.setattr(service._launcher, "pid", lambda: os.getpid())
    ledger, now = service.outbox.ledger(), time.time()
    of = ("acme", "acme", "backup")
    workers = tuple(WorkerSnapshot(n, "dot", "a@b.c", 0, 0, 1.0, "", 1.0, "cross", account=a) for n, a in enumerate(of))
    await ledger.commit([], [], [(campaign.number, ProgressSnapshot(now, 1.0, None, None, "", workers))], now=now)
    await ledger.rest_account(AccountRest("backup", now - 1, RestKind.LOGIN, "over by now", now - 9))
    view = await service.view(campaign.id)
    assert [(part.name, part.workers, part.now.well) for part in view.accounts] == [
        ("acme", 2, True),
        ("backup", 1, True),
    ]
    assert [part.facts(at_work=True) for part in view.accounts] == [
        "0 sent, 2 workers, 0 of 12 an hour",
        "0 sent, 1 worker",
    ]
    await ledger.rest_account(AccountRest("backup", None, RestKind.REFUSED, "535 no", now))
    ledger.close()
    out = (await service.view(campaign.id)).accounts[1]
    assert out.facts(at_work=True) == "0 sent, out: 535 no" and out.to_json()["until"] is None
    one = write_campaign(4, **{"smtp": None, "account": "backup", "from": None, "name": "One"})
    single = (await asyncio.to_thread(launch, service, one)).campaign
    assert (await service.view(single.id)).accounts == ()


def test_c9_who_confirms_sees_every_account_and_from(
    service: Service,
    write_campaign: WriteCampaign,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_campaign(4, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    plan = service.prepare(service.campaigns.load(path), plan={})
    monkeypatch.setattr("mailtui.cli.run._at_terminal", lambda: True)
    prompted: Callable[..., str] = lambda *_, **__: "4"  # noqa: E731
    monkeypatch.setattr("click.prompt", prompted)
    _confirm(plan)
    said = capsys.readouterr().err
    assert "  accounts     acme    75 %  127.0.0.1:9 (not encrypted, on this machine)\n" in said
    assert "               backup  25 %  mx.backup.test:465 (TLS) as team\n" in said
    assert f"from {NEWS} (75 %) or {TEAM} (25 %), for each recipient always the same" in " ".join(said.split())


def test_c8_who_agrees_to_times_is_told_what_they_take_the_place_of(
    service: Service,
    write_campaign: WriteCampaign,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_campaign(4)
    monday, later = Schedule(cron="0 9 * * MON"), Schedule(at="2199-01-01 09:00")
    monkeypatch.setattr("mailtui.cli.run._at_terminal", lambda: True)
    asked: list[str] = []

    def prompted(text: str, **_: object) -> str:
        asked.append(text)
        return "4"

    monkeypatch.setattr("click.prompt", prompted)
    _confirm(service.prepare(service.campaigns.load(path), plan={}, schedule=later))
    assert asked == ["Type 4 to schedule it, anything else to stop"]
    plan = service.prepare(service.campaigns.load(path), plan={}, schedule=monday)
    id = asyncio.run(service.scheduled.recur(plan)).recurrence.id
    rows = asyncio.run(service.scheduled.rows())
    capsys.readouterr()
    confirm_recurring(plan, rows)
    said = " ".join(capsys.readouterr().err.split())
    assert "until now at 09:00 on Monday" in said and f"({id}); this takes its place" in said
    other = service.campaigns.load(write_campaign(4, name="Other"))
    confirm_recurring(service.prepare(other, plan={}, schedule=monday), rows)
    assert "takes its place" not in capsys.readouterr().err


async def test_c9_of_several_accounts_the_one_that_was_refused_has_its_password_asked_for_anew(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = write_campaign(2, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    campaign = (await asyncio.to_thread(launch, service, path)).campaign
    for account in ("acme", "backup"):
        service.tell_password(account, "typed")
    ledger = service.outbox.ledger()
    reason = f"{SAID_AT} {Stage.AUTH}: 535 no. See its password"
    await ledger.rest_account(AccountRest("backup", None, RestKind.REFUSED, reason, time.time()))
    ledger.close()
    await doubt_refused(service, campaign)
    assert [(await service.secrets.where(name)).place for name in ("acme", "backup")] == [Place.HANDED, None]
    service.tell_password("backup", "typed once more")
    await doubt_refused(service, campaign)
    assert await service.secrets.password("backup") == "typed once more", "the server has not refused this one"


async def test_c9_who_is_sent_through_another_account_needs_no_password_of_the_former(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path
) -> None:
    """The account that a campaign was launched with is gone for good: another one takes what is left."""
    async with SandboxServer(tmp_path / "sandbox") as server:
        text = SETTINGS + f"  spare: {{host: 127.0.0.1, port: {server.port}, security: plain}}\n"
        service.settings.home.settings_file.write_text(text)
        service = Service.open(os.environ)
        first = await asyncio.to_thread(launch, service, write_campaign(3, smtp=None, account="backup"))
        again = await asyncio.to_thread(launch, service, write_campaign(3, smtp=None, account="spare"))
        assert not again.is_new and first.campaign.id == again.campaign.id
        await detach(service, again)
        async with asyncio.timeout(20):
            while (view := await service.view(again.campaign.id)).state != CampaignState.FINISHED or view.runner:
                await asyncio.sleep(0.05)
        assert view.counts.sent == 3 == server.counters.accepted


def test_c11_the_server_that_a_campaign_was_launched_through_is_not_told_another_logins_password(
    service: Service, write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = launch(service, write_campaign(3, smtp=None, account="backup")).campaign
    monkeypatch.setenv("MAILTUI_PASSWORD_BACKUP", "of the new one")
    changed = {"host: mx.backup": "host: mx.other", "user: team": "user: anna"}
    for before, after in changed.items():
        service.settings.home.settings_file.write_text(SETTINGS.replace(before, after))
        with pytest.raises(UsageError, match=r"another login by now: (team|anna) at") as refused:
            asyncio.run(Service.open(os.environ).secret_for(launched))
        assert "mailtui run CAMPAIGN" in refused.value.hint
    service.settings.home.settings_file.write_text(SETTINGS.replace("user: team", "user: team, weight: 2, port: 465"))
    assert asyncio.run(Service.open(os.environ).secret_for(launched)) == {"backup": "of the new one"}
