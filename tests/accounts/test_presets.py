"""What is known of providers: every one is whole, and becomes an account that can be used."""

from __future__ import annotations

import pydantic
import pytest

from mailtui.accounts.oauth.providers import ProviderName
from mailtui.accounts.presets import Preset, presets
from mailtui.accounts.spec import AccountSpec
from mailtui.kit.paths import Home
from mailtui.service.settings import read_settings
from mailtui.smtp.endpoint import Security

PROMISED = {
    *("gmail", "google-workspace", "google-workspace-relay", "microsoft365", "ses", "mailgun", "mailgun-eu"),
    *("sendgrid", "postmark", "fastmail", "yahoo", "icloud", "postfix", "local"),
}


def test_every_promised_provider_is_known() -> None:
    assert set(presets()) == PROMISED


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.name)
def test_a_preset_is_whole_and_becomes_an_account(preset: Preset) -> None:
    assert preset.page.startswith("https://") and preset.title and preset.port in (25, 465, 587)
    assert (preset.port == 465) is (preset.security is Security.TLS)
    assert (preset.security is Security.PLAIN) is (preset.name == "local")
    assert not preset.oauth or ProviderName(preset.oauth)
    assert all(text.isprintable() for text in (preset.title, preset.user_hint, preset.secret_hint, *preset.notes))
    assert not preset.login or preset.secret_hint
    given = {"host": preset.host.replace("{region}", "eu-west-1")} if preset.regional else {}
    given |= {} if preset.host else {"host": "mail.acme.test"}
    spec = AccountSpec.model_validate({"preset": preset.name, **given})
    endpoint = spec.endpoint("acme")
    assert (endpoint.port, endpoint.security, endpoint.user) == (preset.port, preset.security, preset.user)
    assert (spec.limits.per_hour, spec.limits.per_day) == (preset.per_hour, preset.per_day)
    assert spec.connections == preset.connections


def test_what_an_account_says_counts_before_its_preset() -> None:
    said = {"preset": "microsoft365", "port": 25, "limits": {"per_day": 7}, "connections": None}
    spec = AccountSpec.model_validate(said)
    assert (spec.port, spec.host, spec.limits.per_day, spec.limits.per_hour) == (25, "smtp.office365.com", 7, None)
    assert spec.connections is None
    assert AccountSpec.model_validate({"preset": "gmail", "limits": {}}).limits.per_day is None


def test_the_settings_say_what_comes_of_a_preset(home: Home) -> None:
    home.config.mkdir(parents=True)
    home.settings_file.write_text("accounts: {a: {preset: gmail, user: x, port: 587, security: starttls}}")
    settings = read_settings({"MAILTUI_HOME": str(home.config.parent)})
    told = {row.key: (row.value, row.origin) for row in settings.provenance()}
    assert told["accounts.a.host"] == ("smtp.gmail.com", "preset gmail")
    assert told["accounts.a.limits.per_day"] == ("500", "preset gmail")
    assert told["accounts.a.port"] == ("587", f"{home.settings_file}:1")
    assert "accounts.a.certificate" not in told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"preset": "gmial"}, "there is no preset gmial. Did you mean gmail"),
        ({"preset": "ses", "user": "x"}, "has one a region, email-smtp.{region}.amazonaws.com"),
        ({"preset": "postfix"}, "host is missing"),
        ({"preset": "gmail", "password": "x"}, "mailtui accounts password ACCOUNT"),
    ],
)
def test_what_a_preset_cannot_fill_in_is_told(said: dict[str, str], told: str) -> None:
    with pytest.raises(pydantic.ValidationError) as raised:
        AccountSpec.model_validate(said)
    assert told in str(raised.value)
