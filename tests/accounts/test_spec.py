"""How a server is written down: safe by default, and no secret anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from mailtui.accounts.spec import AccountSpec, InlineServerSpec
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.timeouts import Timeouts


@pytest.mark.parametrize(("security", "port"), [("tls", 465), ("starttls", 587), ("plain", 25)])
def test_ports_follow_the_security(security: str, port: int) -> None:
    endpoint = AccountSpec(host="localhost", security=Security(security)).endpoint("acme")
    assert (endpoint.port, endpoint.security, endpoint.user, endpoint.account) == (port, security, "", "acme")
    assert AccountSpec(host="localhost", port=9).endpoint("acme").port == 9


def test_a_file_in_the_home_of_nobody_is_a_file_that_is_not_there() -> None:
    endpoint = AccountSpec(host="localhost", ca="~nobody-here/ca.pem").endpoint("acme", folder=Path("/settings"))
    assert endpoint.ca == "/settings/~nobody-here/ca.pem"


def test_implicit_tls_is_the_default() -> None:
    assert AccountSpec(host="mail.example.org").security is Security.TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_plain_may_stay_on_this_machine(host: str) -> None:
    assert AccountSpec(host=host, security=Security.PLAIN).host == host


@pytest.mark.parametrize(
    "host", ["mail.example.org", "10.0.0.1", "localhost.example.org", "0.0.0.0", "127.0.0.1.example.org"]
)
def test_plain_to_elsewhere_must_be_insisted_on(host: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="allow_plain: true"):
        AccountSpec(host=host, security=Security.PLAIN)
    assert AccountSpec(host=host, security=Security.PLAIN, allow_plain=True).allow_plain


@pytest.mark.parametrize("data", [
    {"host": "a b"}, {"host": ""}, {"host": "a\r\nb"}, {"host": "a", "port": 0}, {"host": "a", "port": 70_000},
    {"host": "a", "security": "none"}, {"host": "a", "helo": "x\ny"}, {"host": "a", "user": ""}, {},
])  # fmt: skip
def test_what_is_no_server_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        AccountSpec.model_validate(data)


@pytest.mark.parametrize("key", ["user", "username", "password"])
def test_a_login_in_a_campaign_file_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        InlineServerSpec.model_validate({"host": "localhost", "security": "plain", key: "hunter2"})
    [error] = caught.value.errors(include_input=False)
    assert f"a login does not belong in a campaign file ({key})" in error["msg"]
    assert "hunter2" not in error["msg"]


def test_an_inline_relay_is_keyed_by_where_it_is_and_finds_its_ca_beside_the_campaign() -> None:
    spec = InlineServerSpec(host="127.0.0.1", port=2525, security=Security.STARTTLS, ca="own/ca.pem")
    endpoint = spec.inline_endpoint(Path("/campaigns/spring"))
    assert endpoint.account == "inline:127.0.0.1:2525"
    assert endpoint.ca == str(Path("/campaigns/spring/own/ca.pem"))


def test_n01_timeouts_are_those_of_the_rfc_unless_written_otherwise_and_travel_with_the_campaign() -> None:
    usual = AccountSpec(host="localhost").endpoint("acme")
    assert usual.timeouts == Timeouts()
    spec = AccountSpec.model_validate({"host": "localhost", "timeouts": {"dot": "20m", "connect": "90s"}})
    endpoint = spec.endpoint("acme")
    assert (endpoint.timeouts.dot, endpoint.timeouts.connect, endpoint.timeouts.greeting) == (1200, 90, 300)
    assert Endpoint.from_json(endpoint.to_json()) == endpoint
    raw = json.loads(endpoint.to_json())
    del raw["timeouts"]
    assert Endpoint.from_json(json.dumps(raw)).timeouts == Timeouts(), "an outbox of an earlier version"


@pytest.mark.parametrize("written", [{"dot": "0s"}, {"dot": "soon"}, {"dot": 600}, {"idle": "5m"}])
def test_n01_what_is_no_time_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        AccountSpec.model_validate({"host": "localhost", "timeouts": written})
