"""What a launcher hands to the runner it starts, beside its environment."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from mailtui.service.engine import _read_secrets


def test_passwords_of_other_accounts_come_with_the_one_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        json.dump({"accounts": {"acme": "typed"}, "variables": {"MAILTUI_PASSWORD_BETA": "from the shell"}}, pipe)
    secrets = _read_secrets(reading)
    assert asyncio.run(secrets("acme")) == "typed"
    assert asyncio.run(secrets("beta")) == "from the shell"
    assert "MAILTUI_PASSWORD_BETA" not in os.environ
