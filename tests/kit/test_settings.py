"""Layers: flag, environment, project file, user file, default; and where each value came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.errors import ConfigError
from mailtui.kit.paths import Home
from mailtui.service.settings import read_settings


@pytest.fixture
def files(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    home.config.mkdir(parents=True)
    home.settings_file.write_text("outbox: {url: sqlite:///user.db}\nchecks: {sample: 2}\n")
    (tmp_path / "mailtui.yaml").write_text("outbox: {url: sqlite:///project.db}\n")
    return tmp_path


def test_the_first_layer_that_says_something_wins(home: Home, files: Path) -> None:
    environ = {"MAILTUI_HOME": str(home.config.parent)}
    told = []

    def look(outbox: str | None = None) -> None:
        settings = read_settings(environ, outbox=outbox)
        origin = {row.key: row.origin for row in settings.provenance()}
        told.append((settings.outbox_url, origin["outbox.url"], settings.spec.checks.sample, origin["checks.sample"]))

    environ["MAILTUI_OUTBOX"] = "sqlite:///variable.db"
    environ["MAILTUI_CHECKS__SAMPLE"] = "7"
    look("sqlite:///flag.db")
    look()
    environ.clear()
    environ["MAILTUI_HOME"] = str(home.config.parent)
    look()
    (files / "mailtui.yaml").unlink()
    look()
    home.settings_file.unlink()
    look()
    user = str(home.settings_file)
    assert told == [
        ("sqlite:///flag.db", "option --outbox", 7, "environment variable MAILTUI_CHECKS__SAMPLE"),
        (
            "sqlite:///variable.db",
            "environment variable MAILTUI_OUTBOX",
            7,
            "environment variable MAILTUI_CHECKS__SAMPLE",
        ),
        ("sqlite:///project.db", "mailtui.yaml:1", 2, f"{user}:2"),
        ("sqlite:///user.db", f"{user}:1", 2, f"{user}:2"),
        (f"sqlite:///{home.outbox_file}", "default", 20, "default"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAILTUI_CHECKS__SAMPEL", "3", ["MAILTUI_CHECKS__SAMPEL", "Did you mean sample?"]),
        ("MAILTUI_CHEKS__SAMPLE", "3", ["MAILTUI_CHEKS__SAMPLE", "Did you mean MAILTUI_CHECKS__"]),
        ("MAILTUI_CHECKS__SAMPLE", "many", ["MAILTUI_CHECKS__SAMPLE", "whole number", "'many'"]),
        ("MAILTUI_CHECKS__SAMPLE", "[", ["MAILTUI_CHECKS__SAMPLE", "not valid YAML"]),
    ],
)
def test_a_variable_that_is_wrong_is_named(home: Home, name: str, value: str, expected: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({"MAILTUI_HOME": str(home.config.parent), name: value})
    assert all(part in str(caught.value) for part in expected), str(caught.value)


def test_a_password_variable_is_no_setting_however_it_is_written(home: Home) -> None:
    """An account may be called a--b; its variable then looks like section and key."""
    environ = {
        "MAILTUI_HOME": str(home.config.parent),
        "MAILTUI_PASSWORD_A__B": "hunter2: [",
        "MAILTUI_PASSWORD_X": "y",
    }
    settings = read_settings(environ)
    assert "hunter2" not in repr(settings.layers.data)


def test_a_password_in_the_settings_is_refused_and_not_repeated(home: Home) -> None:
    home.config.mkdir(parents=True)
    home.settings_file.write_text("accounts:\n  acme: {host: h.test, user: u, password: hunter2, prot: 3}\n")
    with pytest.raises(ConfigError, match="a password does not belong in the settings") as caught:
        read_settings({"MAILTUI_HOME": str(home.config.parent)})
    assert "hunter2" not in str(caught.value)
    assert f"{home.settings_file}:2:3: accounts.acme" in str(caught.value)


def test_a_settings_file_that_is_a_list(home: Home) -> None:
    home.config.mkdir(parents=True)
    home.settings_file.write_text("- a\n")
    with pytest.raises(ConfigError, match="no settings file"):
        read_settings({"MAILTUI_HOME": str(home.config.parent)})


def test_a_section_that_is_empty_says_nothing(home: Home, files: Path) -> None:
    """As when the last account was taken out, or all of them were made comments."""
    home.config.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text("accounts:\n  acme: {host: a.test}\nchecks:\n")
    (files / "mailtui.yaml").write_text("accounts:\n  # none\n")
    settings = read_settings({"MAILTUI_HOME": str(home.config.parent)})
    assert list(settings.spec.accounts) == ["acme"] and settings.spec.checks.sample
    (files / "mailtui.yaml").unlink()
    for text, told in (
        ("acounts:\n", "Did you mean accounts?"),
        ("accounts:\n  acme:\n", "accounts.acme: a map of keys and values is expected here; nothing stands there"),
        ("accounts: acme\n", "accounts: a map of keys and values is expected here; got 'acme'"),
    ):
        home.settings_file.write_text(text)
        with pytest.raises(ConfigError) as raised:
            read_settings({"MAILTUI_HOME": str(home.config.parent)})
        assert told in str(raised.value.detail), raised.value.detail
