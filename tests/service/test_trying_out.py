"""Trying an account out: whom it names as sender and recipient, and that nothing comes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mailtui.kit.paths import Home
from mailtui.sandbox.faults import Action, FaultRule, Faults
from mailtui.sandbox.faults import Stage as FaultStage
from mailtui.sandbox.manners import Manners
from mailtui.sandbox.server import SandboxServer
from mailtui.service.accounts import server_of, try_out
from mailtui.service.facade import Service


@pytest.mark.parametrize(
    ("said", "sender"),
    [
        ({"user": "anna@sender.example", "from": ["@acme.test", "News <news@acme.test>"]}, "news@acme.test"),
        ({"user": "anna@sender.example", "from": "@acme.test"}, "anna@sender.example"),
        ({"user": "anna@sender.example", "from": "News <news@müller.example>"}, "news@xn--mller-kva.example"),
        ({"user": "anna", "auth": "cram-md5"}, ""),
        ({"user": "anna b@sender.example"}, ""),
    ],
)
async def test_the_sender_is_the_accounts_own_and_the_recipient_too(
    home: Home, tmp_path: Path, said: dict[str, Any], sender: str
) -> None:
    async with SandboxServer(tmp_path / "box", manners=Manners(users={said["user"]: "pä$$"})) as server:
        account = {"host": "127.0.0.1", "port": server.port, "security": "plain", **said}
        home.config.mkdir(parents=True, exist_ok=True)
        home.settings_file.write_text(json.dumps({"accounts": {"acme": account}}))
        with Service.open({**os.environ, "MAILTUI_PASSWORD_ACME": "pä$$"}) as service:
            trial = await try_out(service, server_of(service, "acme"))
            assert trial.probe.ok, trial.probe.steps
            assert trial.to_json()["obstacle"] is None
            steps = {str(step.name): step.text for step in trial.probe.steps}
            assert "with CRAM-MD5, unprotected on the way" in steps["login"]
            if sender:
                assert steps["sender"].startswith(f"may send as {sender}: 250")
                assert steps["recipient"].startswith(f"may write to {sender}: 250")
            else:
                assert list(steps)[-1] == "gear"
            sent = await try_out(service, server_of(service, "acme"), to="me@x.test")
            assert [str(step.name) for step in sent.probe.steps][-3:] == ["sender", "recipient", "mail"]
            assert sent.probe.steps[-2].text.startswith("may write to me@x.test")
        assert server.counters.accepted == 1
        home.settings_file.write_text(json.dumps({"accounts": {"acme": {**account, "security": "starttls"}}}))
        with Service.open({**os.environ, "MAILTUI_PASSWORD_ACME": "pä$$"}) as service:
            trial = await try_out(service, server_of(service, "acme"))
        assert trial.to_json()["obstacle"] == "STARTTLS not offered"


async def test_a_refused_recipient_is_no_mail_that_was_not_sent_where_none_was_to_be(
    home: Home, tmp_path: Path
) -> None:
    nobody = Faults((FaultRule(FaultStage.RCPT, Action.REPLY, b"550 5.1.1 no such user\r\n"),))
    async with SandboxServer(tmp_path / "box", faults=nobody) as server:
        account = {"host": "127.0.0.1", "port": server.port, "security": "plain", "from": "news@acme.test"}
        home.config.mkdir(parents=True, exist_ok=True)
        home.settings_file.write_text(json.dumps({"accounts": {"acme": account}}))
        with Service.open(os.environ) as service:
            asked = await try_out(service, server_of(service, "acme"))
            mailed = await try_out(service, server_of(service, "acme"), to="me@x.test")
    assert (asked.failure, mailed.failure) == (
        "The server would not take such a mail; none was sent.",
        "The mail was not sent.",
    )
