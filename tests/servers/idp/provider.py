"""Owns running the authorization server: one process for a test module, and what it is told to do besides its work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.programs import die_with_parent

INSTALLED = Path(__file__).parents[3] / ".cache" / "idp"
CLIENT, SECRET_CLIENT, CLIENT_SECRET = "mailtui", "mailtui-secret", "known-only-to-google"
MAIL, SHEETS = "https://mail.google.com/", "https://www.googleapis.com/auth/spreadsheets.readonly"


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one request to an address that is counted."""

    path: str
    status: int


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """A running server. Everything it gives out is forgotten with it."""

    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def introspection_url(self) -> str:
        """Where a mail server asks whose a token is; nobody has to say who asks."""
        return f"{self.issuer}/introspect"

    def oauth(self, **changed: object) -> dict[str, object]:
        """`oauth:` of an account that logs in here."""
        return {
            "provider": "custom",
            "client_id": CLIENT,
            "authorization_url": f"{self.issuer}/auth?prompt=consent",
            "token_url": f"{self.issuer}/token",
            "device_url": f"{self.issuer}/device/auth",
            "revocation_url": f"{self.issuer}/token/revocation",
            "issuer": self.issuer,
            "scopes": [MAIL, "offline_access"],
            **changed,
        }

    def live(self, seconds: float) -> None:
        """How long access tokens are good for from now on."""
        self._control(life=seconds)

    def say_life(self, seconds: float) -> None:
        """Tell clients that tokens are good for so long, until `forget`; they live on, so a slow machine loses none."""
        self._control(said=seconds)

    def end_at(self, number: int) -> None:
        """End every login as soon as tokens are asked for the so-manieth time, until `forget`."""
        self._control(endAt=number)

    def fail(self, *faults: dict[str, object], path: str = "/token") -> None:
        """Answer the next requests so: status, body, headers, fill (bytes), delay, drip, late (ms)."""
        self._control(faults=[{"path": path, **fault} for fault in faults])

    def revoke_all(self) -> None:
        """End every login, as a person may do on the provider's page."""
        self._control(revoke=True)

    def forget(self) -> None:
        """Begin to count anew, and leave out the faults that nobody ran into."""
        self._control(forget=True)

    def asked(self) -> Sequence[Asked]:
        """What was asked since `forget`."""
        return [Asked(entry["path"], entry["status"]) for entry in self._control()["asked"]]

    def most_at_once(self) -> int:
        """How many of these requests were being answered at the same time, at most."""
        return int(self._control()["mostInFlight"])

    def reader_of(self, token: str) -> str | None:
        """Whose an access token is, as a service asks that is shown it; None for one that is not good."""
        found = self._introspect(token)
        return str(found["sub"]) if found["active"] else None

    def scope_of(self, token: str) -> str:
        """What an access token gives leave to."""
        return str(self._introspect(token)["scope"])

    def _introspect(self, token: str) -> dict[str, Any]:
        body = urllib.parse.urlencode({"token": token}).encode()
        with urllib.request.urlopen(self.introspection_url, body, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
        return found

    def _control(self, **wanted: object) -> dict[str, Any]:
        body = json.dumps(wanted).encode()
        with urllib.request.urlopen(f"{self.issuer}/control", body, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer


@contextmanager
def authorization_server() -> Iterator[AuthorizationServer]:
    """Run one; skips where it is not installed."""
    node = shutil.which("node")
    package = INSTALLED / "node_modules" / "oidc-provider" / "lib" / "index.js"
    if node is None or not package.exists():
        pytest.skip("the authorization server is missing; tests/servers/idp/install.sh brings it, with npm")
    process = subprocess.Popen(
        [node, str(Path(__file__).with_name("server.mjs")), package.as_uri()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "NODE_ENV": "test"},
        preexec_fn=die_with_parent,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said, "the authorization server did not start"
        yield AuthorizationServer(json.loads(said)["port"])
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()
