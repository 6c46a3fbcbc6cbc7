"""Where a password is looked for, in which order, and where it never shows."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import keyring
import keyring.backend
import keyring.errors
import pytest

from mailtui.accounts import secrets
from mailtui.accounts.secrets import SecretSource, backend_name, variable_for
from mailtui.errors import SecretMissing

SECRET = "hunter2-canary"


def backend(module: str, answer: Any) -> Any:
    """A keyring backend that says it is of `module`; `answer` is a value, an exception or a function."""

    class Keyring(keyring.backend.KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            if isinstance(answer, Exception):
                raise answer
            found: str | None = answer(service, username) if callable(answer) else answer
            return found

        def set_password(self, service: str, username: str, password: str) -> None:
            raise AssertionError("nothing is ever written")

        def delete_password(self, service: str, username: str) -> None:
            raise AssertionError("nothing is ever written")

    Keyring.__module__ = module
    made: Any = Keyring
    return made()


@pytest.fixture(autouse=True)
def _no_keyring_of_this_machine() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend("keyring.backends.fail", None))
    yield
    keyring.set_keyring(before)


def test_the_variable_of_an_account() -> None:
    assert variable_for("acme") == "MAILTUI_PASSWORD_ACME"
    assert variable_for("acme-eu.2") == "MAILTUI_PASSWORD_ACME_EU_2"


async def test_the_order_is_given_keyring_environment_question() -> None:
    asked: list[str] = []

    def ask(account: str) -> str:
        asked.append(account)
        return "typed"

    environ = {"MAILTUI_PASSWORD_ACME": "variable"}
    keyring.set_keyring(backend("keyring.backends.SecretService", lambda service, name: f"{service} {name} kept"))
    assert await SecretSource(environ, given={"acme": "given"}, ask=ask)("acme") == "given"
    assert await SecretSource(environ, ask=ask)("acme") == "mailtui acme kept"
    keyring.set_keyring(backend("keyring.backends.SecretService", None))
    assert await SecretSource(environ, ask=ask)("acme") == "variable"
    assert asked == []
    source = SecretSource({}, ask=ask)
    assert [await source("acme"), await source("acme")] == ["typed", "typed"]
    assert asked == ["acme"], "a person is asked once"


@pytest.mark.parametrize(
    ("module", "word"),
    [
        ("keyring.backends.fail", "none on this machine"),
        ("keyring.backends.null", "does not keep secrets"),
        ("keyrings.alt.file", "does not keep secrets"),
        ("keyring.backends.SecretServiceButNot", "does not keep secrets"),
    ],
)
async def test_only_the_systems_own_keyrings_are_read(module: str, word: str) -> None:
    keyring.set_keyring(backend(module, SECRET))
    with pytest.raises(SecretMissing) as caught:
        await SecretSource({})("acme")
    assert word in str(caught.value)
    assert SECRET not in str(caught.value)
    assert (await backend_name())[1] is False


async def test_of_a_chain_only_the_real_members_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = backend("keyring.backends.chainer", SECRET)
    chain.backends = [backend("keyrings.alt.file", "plaintext"), backend("keyring.backends.libsecret", "real")]
    keyring.set_keyring(chain)
    assert await backend_name() == ("libsecret", True)
    assert await SecretSource({})("acme") == "real"
    chain.backends = chain.backends[:1]
    with pytest.raises(SecretMissing):
        await SecretSource({})("acme")


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (keyring.errors.KeyringLocked(SECRET), "it is locked"),
        (keyring.errors.InitError(SECRET), "could not be asked: InitError"),
        (ConnectionError(SECRET), "could not be asked: ConnectionError"),
    ],
)
async def test_a_keyring_in_trouble_is_told_without_its_words(problem: Exception, word: str) -> None:
    keyring.set_keyring(backend("keyring.backends.SecretService", problem))
    with pytest.raises(SecretMissing) as caught:
        await SecretSource({})("acme")
    assert word in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "MAILTUI_PASSWORD_ACME" in str(caught.value)
    assert await SecretSource({"MAILTUI_PASSWORD_ACME": "x"})("acme") == "x", "the next place is asked"


async def test_a_keyring_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> ModuleType:
        raise ImportError("no such backend")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    with pytest.raises(SecretMissing, match=r"cannot be used \(ImportError\)"):
        await SecretSource({})("acme")


async def test_a_keyring_that_never_answers_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_PATIENCE", 0.3)
    released = threading.Event()
    keyring.set_keyring(backend("keyring.backends.SecretService", lambda *_: released.wait(30)))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    started = time.monotonic()
    with pytest.raises(SecretMissing, match="unlock prompt"):
        await SecretSource({})("acme")
    assert time.monotonic() - started < 10, "the keyring itself would take thirty seconds"
    assert ticks > 10, "the loop went on"
    ticking.cancel()
    released.set()


def test_the_patience_is_five_seconds() -> None:
    assert secrets._PATIENCE <= 5


@pytest.mark.parametrize("name", ["null.Keyring", "fail.Keyring", "nosuch.Keyring"])
def test_the_variable_of_keyring_cannot_make_us_read_a_false_one(name: str) -> None:
    code = "import asyncio\nfrom mailtui.accounts.secrets import *\nprint(asyncio.run(backend_name()))"
    environ = {**os.environ, "PYTHON_KEYRING_BACKEND": f"keyring.backends.{name}"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("False)")
    assert "Traceback" not in done.stderr


IN_A_SESSION = """
printf 'test\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
exec "$1" -c '
import asyncio, keyring
from mailtui.accounts.secrets import SecretSource, backend_name
keyring.set_password("mailtui", "acme", "pä$$ wörd")
print(asyncio.run(backend_name()))
print(asyncio.run(SecretSource({})("acme")))
'
"""


@pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")),
    reason="needs gnome-keyring and dbus-run-session (Debian: gnome-keyring, dbus)",
)
def test_a_real_secret_service(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(run), "LANG": "C.UTF-8"}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = ["dbus-run-session", "--", "bash", "-c", IN_A_SESSION, "bash", sys.executable]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["('SecretService', True)", "pä$$ wörd"], done.stderr
