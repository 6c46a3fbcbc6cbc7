"""The samples that ship load and do what their comments say, read by the code that reads a user's files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailtui.accounts.spec import AccountSpec
from mailtui.audience.address import is_address
from mailtui.campaign.campaign import load_campaign
from mailtui.report.spec import NotifySpec, WebhookSpec
from mailtui.sandbox.process import find_sandbox, stop_sandbox
from mailtui.schedule.recipients import recipient_time
from mailtui.schedule.recurring import next_after, settle
from mailtui.service.campaigns import CampaignDesk
from mailtui.service.previews import PreviewDesk
from mailtui.service.samples import sample_folder
from mailtui.service.settings import read_settings
from mailtui.smtp.limits_spec import AccountLimitsSpec, BatchSpec, WarmUpSpec
from tests.campaign.conftest import rendered

SAMPLES = Path(__file__).parents[2] / "sample_data"
CAMPAIGNS = ("spring", "own-mail", "orders", "weekly")
AUDIENCE = 34


@pytest.fixture
def desk(tmp_path: Path) -> CampaignDesk:
    return CampaignDesk(read_settings({"MAILTUI_HOME": str(tmp_path)}))


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_these_are_the_samples_that_mailtui_copies() -> None:
    assert sample_folder() == SAMPLES


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_server_is_the_sandbox_with_a_port_that_the_demo_can_replace(name: str) -> None:
    text = (SAMPLES / name / "campaign.yaml").read_text("utf-8")
    assert text.count("smtp: {host: 127.0.0.1, port: 2525, security: plain}") == 1
    assert text.count("port: 2525") == 1


def test_spring_has_nothing_wrong_but_what_is_meant_to_show(desk: CampaignDesk) -> None:
    found = desk.check(load_campaign(SAMPLES / "spring"), every_row=True, progress=silent)
    assert (found.counts.rows, found.counts.problems, found.counts.duplicates) == (42, 2, 2)
    assert found.counts.recipients == found.rendered == AUDIENCE
    assert [(item.severity, item.code) for item in found.findings] == [
        ("warning", "bad-rows"),
        ("note", "duplicates"),
        ("note", "special-domain"),
    ]


def test_spring_shows_what_its_comments_promise(desk: CampaignDesk) -> None:
    campaign = load_campaign(SAMPLES / "spring")
    mails = {recipient.address: message for recipient, message in rendered(desk, campaign)}
    assert len(mails) == AUDIENCE
    first = mails["amara.okafor@example.com"]
    assert "customer number is 000471" in (first.text or "")
    assert b"List-Unsubscribe: <mailto:leave@acme.test?subject=unsubscribe%20v1.preview.1." in first.data
    for message in mails.values():
        assert message.text is not None
        assert message.html is not None
        for part in (message.text, message.html):
            assert "1 Main Street" in part
            assert "to  " not in part
            assert " None" not in part
        assert "<table" not in message.html
    nameless = mails["seedclub@example.org"]
    assert (nameless.text or "").startswith("Hello there,")
    assert "on its way.\n" in (mails["patrick.obrien@example.net"].text or "")
    with desk.open_audience(campaign) as audience:
        plans = {recipient.fields["plan"] for recipient in audience.recipients()}
        assert plans == {"orchard", "garden", "seedling"}, "every branch of the templates is used"
        assert all(item.fields["unsubscribed"] == "" for item in audience.recipients())


def test_own_mail_needs_no_template(desk: CampaignDesk) -> None:
    campaign = load_campaign(SAMPLES / "own-mail")
    found = desk.check(campaign, every_row=True, progress=silent)
    assert [item.code for item in found.findings] == ["special-domain"]
    shown = PreviewDesk(desk).of(campaign, row=3)
    assert dict(shown.view.headers)["Subject"] == "Key no. 007, please"
    assert dict(shown.view.headers)["From"] == "The hall <hall@acme.test>"
    assert (shown.view.text or "").startswith("Hello Денис,\n\ncould you")


def test_weekly_says_when_it_goes_to_whom(desk: CampaignDesk) -> None:
    campaign = load_campaign(SAMPLES / "weekly")
    found = desk.check(campaign, every_row=True, progress=silent)
    assert [item.code for item in found.findings] == ["special-domain"]
    schedule = settle(campaign.schedule, 0.0)
    monday = next_after(schedule, datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert monday is not None
    with desk.open_audience(campaign) as audience:
        zones = [recipient.fields["zone"] for recipient in audience.recipients()]
    times = [recipient_time(schedule, monday.at, zone=zone) for zone in zones]
    assert min(times) == times[0] == times[-1] == monday.at, "nobody's clock has passed it when it begins"
    shown = {
        f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %H:%M}" for at, zone in zip(times, zones, strict=True) if zone
    }
    assert shown == {"Mon 09:00"}


@pytest.fixture
def sample_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    (tmp_path / "config").mkdir()
    shutil.copy(SAMPLES / "settings.yaml", tmp_path / "config" / "settings.yaml")
    monkeypatch.chdir(tmp_path)  # a mailtui.yaml of the current folder would count
    yield {"MAILTUI_HOME": str(tmp_path)}


def test_the_sample_settings_load(sample_settings: dict[str, str]) -> None:
    settings = read_settings(sample_settings)
    assert sorted(settings.spec.accounts) == ["acme", "gmail", "local", "office"]
    assert (settings.endpoint("acme").port, settings.endpoint("office").port) == (587, 465)


def test_every_variable_that_the_sample_settings_name_works(sample_settings: dict[str, str]) -> None:
    text = (SAMPLES / "settings.yaml").read_text("utf-8")
    values = {"MAILTUI_OUTBOX__URL": "sqlite:///here.db", "MAILTUI_CHECKS__SAMPLE": "7"}
    values["MAILTUI_ACCOUNTS__ACME__HOST"] = "other.acme.test"
    assert set(re.findall(r"^#   (MAILTUI_[A-Z]+__[A-Z_]+) ", text, re.MULTILINE)) == set(values)
    settings = read_settings({**sample_settings, **values})
    assert settings.outbox_url == "sqlite:///here.db"
    assert settings.spec.checks.sample == 7
    assert settings.endpoint("acme").host == "other.acme.test"


def test_a_setting_left_out_of_the_sample_would_be_noticed(sample_settings: dict[str, str]) -> None:
    text = (SAMPLES / "settings.yaml").read_text("utf-8")
    for row in read_settings(sample_settings).provenance():
        assert row.key.rsplit(".", 1)[-1] + ":" in text or row.key.endswith(".allow_plain"), row.key
    for model in (AccountSpec, AccountLimitsSpec, BatchSpec, WarmUpSpec, NotifySpec, WebhookSpec):
        for name, field in model.model_fields.items():
            assert f"{field.alias or name}:" in text or name in ("allow_plain", "since"), name


def test_all_addresses_lead_nowhere() -> None:
    reserved = re.compile(r"(^|\.)(example\.(com|net|org)|test)$", re.IGNORECASE)
    for path in SAMPLES.rglob("*"):
        if path.is_file():
            for domain in re.findall(r"[^@\s<>\"]+@([^@\s<>\",?]+)", path.read_bytes().decode("utf-8", "replace")):
                domain = domain.rstrip(".")
                assert reserved.search(domain) or not is_address(f"x@{domain}"), f"{path}: {domain}"


async def test_the_demo_sends_it_and_touches_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "mailtui", "demo", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "MAILTUI_HOME": str(home)},
        cwd=SAMPLES.parent,
        timeout=60,
        check=False,
    )
    sandbox = find_sandbox(home / "state" / "demo" / "sandbox")
    if sandbox is not None:
        await stop_sandbox(sandbox)  # else it stays for a while, for who wants to look at the mails
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["sent"], outcome["audience"]) == (AUDIENCE, AUDIENCE)
    assert [path.name for path in home.iterdir()] == ["state"]
