"""Logging in at a provider, as the service sees it before a provider is asked."""

from __future__ import annotations

import json
import os

import pytest

from mailtui.errors import AccountError
from mailtui.kit.paths import Home
from mailtui.service import oauth
from mailtui.service.facade import Service


async def test_d3_what_logs_in_with_a_password_is_told_so_also_without_a_keyring(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    home.config.mkdir(parents=True)
    account = {"host": "127.0.0.1", "port": 1, "security": "plain", "user": "me"}
    home.settings_file.write_text(json.dumps({"accounts": {"acme": account}}))
    with Service.open(os.environ) as service:
        with pytest.raises(AccountError, match="acme has no login by a provider"):
            await oauth.login(service, "acme", lambda _: None)
        with pytest.raises(AccountError, match="acme has no login by a provider"):
            await oauth.logout(service, "acme")
