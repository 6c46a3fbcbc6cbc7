"""The keyring: which ones are used, what they keep, and what is said when they do not. Against a real Secret Service,
and against what keyring's own backends do on other systems.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.core
import keyring.errors
import pytest
import secretstorage

from mailtui.accounts import keyring_store
from mailtui.accounts.keyring_store import KeyringProblem, KeyringStore, Trouble, client_entry, dkim_entry
from tests.servers.secret_service import UNLOCKED, needs_secret_service, session

SECRET = "hunter2-canary"


@pytest.fixture(scope="module")
def unlocked() -> Iterator[dict[str, str]]:
    """One daemon for all cases."""
    with session(UNLOCKED) as environ:
        yield environ


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend("keyring.backends.fail", None))
    yield
    keyring.set_keyring(before)


def at(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> KeyringStore:
    """A store of the keyring of a session."""
    from keyring.backends import SecretService

    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", environ["DBUS_SESSION_BUS_ADDRESS"])
    real: Any = SecretService.Keyring
    keyring.set_keyring(real())
    return KeyringStore()


def backend(module: str, answer: Any, *, keeps: bool = True) -> Any:
    """A keyring backend that says it is of `module`; `answer` is a value, an exception or a function."""

    class Keyring(keyring.backend.KeyringBackend):
        priority = 1
        kept: str | None = None

        def get_password(self, service: str, username: str) -> str | None:
            if isinstance(answer, Exception):
                raise answer
            found: str | None = answer(service, username) if callable(answer) else answer
            return self.kept or found

        def set_password(self, service: str, username: str, password: str) -> None:
            if isinstance(answer, Exception):
                raise answer
            self.kept = password if keeps else None

        def delete_password(self, service: str, username: str) -> None:
            self.kept = None

    Keyring.__module__ = module
    made: Any = Keyring
    return made()


async def trouble(asked: Any) -> KeyringProblem:
    """What a question to the keyring comes to; the secret is in nothing that it says."""
    with pytest.raises(KeyringProblem) as caught:
        await asked
    said = caught.value
    assert SECRET not in f"{said} {said.word} {said!r} {said.__cause__!r} {said.__context__!r}"
    return said


@needs_secret_service
async def test_c03_what_is_stored_is_there_until_it_is_removed(
    unlocked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = at(unlocked, monkeypatch)
    assert await store.name() == "SecretService"
    assert await store.get("acme") is None
    pem = "-----BEGIN PRIVATE KEY-----\n" + "x" * 3_000 + "\n"
    for entry, secret in (("acme", "pä$$ wörd 😀"), (dkim_entry("acme"), pem), (client_entry("acme"), "c")):
        await store.set(entry, secret)
    assert await KeyringStore().get("acme") == "pä$$ wörd 😀"
    assert await store.get("acme dkim") == pem
    await store.set("acme", "another one")
    assert await store.get("acme") == "another one"
    with secretstorage.dbus_init() as connection:
        attributes = {"service": "mailtui", "username": "acme"}
        items = list(secretstorage.search_items(connection, attributes))
        assert [item.get_secret() for item in items] == [b"another one"], "one entry, for every program to see"
    assert [await store.delete("acme"), await store.delete("acme")] == [True, False]
    assert await store.get("acme") is None
    assert await store.get("acme client") == "c", "entries of other names are left alone"


@needs_secret_service
async def test_c03_a_locked_keyring_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with session(UNLOCKED) as environ:
        store = at(environ, monkeypatch)
        await store.set("acme", SECRET)
        with secretstorage.dbus_init() as connection:
            secretstorage.get_default_collection(connection).lock()
        for asked in (store.get("acme"), store.set("acme", SECRET), store.delete("acme")):
            assert (await trouble(asked)).trouble is Trouble.LOCKED
    said = await trouble(store.get("acme"))
    assert said.trouble is Trouble.BROKEN, "its session has ended"


@needs_secret_service
async def test_c03_a_keyring_that_nobody_can_open_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with session() as environ:
        store = at(environ, monkeypatch)
        for asked in (store.get("acme"), store.set("acme", SECRET)):
            said = await trouble(asked)
            assert (said.trouble, "no desktop" in said.detail) == (Trouble.DENIED, True)


@needs_secret_service
async def test_c03_a_keyring_that_never_answers_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keyring_store, "_PATIENCE", 0.2)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    with session(home=tmp_path / "no" / "such") as environ:
        store = at(environ, monkeypatch)
        ticking = asyncio.create_task(tick())
        said = await trouble(store.get("acme"))
        assert (said.trouble, "unlock" in said.word) == (Trouble.NO_ANSWER, True)
        assert ticks > 2, "the loop went on"
        threads = threading.active_count()
        began = time.monotonic()
        for _ in range(20):
            assert (await trouble(store.get("acme"))).trouble is Trouble.NO_ANSWER
        assert time.monotonic() - began < 5, "whoever asks again is not held up again"
        assert threading.active_count() <= threads, "one question is left behind, no more"
        ticking.cancel()


def test_c02_without_a_session_there_is_none() -> None:
    """And the variable of keyring's, or its file, cannot make us use a false one."""
    code = """
import asyncio, os, pathlib, keyring, keyring.core
from mailtui.accounts.keyring_store import *
def say():
    try: print(asyncio.run(KeyringStore().name()))
    except KeyringProblem as problem: print(problem.trouble, "/", problem.word)
say()
for name in ("null", "fail", "nosuch"):
    os.environ["PYTHON_KEYRING_BACKEND"] = f"keyring.backends.{name}.Keyring"
    keyring.core._keyring_backend = None
    say()
del os.environ["PYTHON_KEYRING_BACKEND"]
folder = pathlib.Path(os.environ["XDG_CONFIG_HOME"], "python_keyring"); folder.mkdir()
(folder / "keyringrc.cfg").write_text("[backend]\\ndefault-keyring=keyring.backends.null.Keyring\\n")
keyring.core._keyring_backend = None
say()
"""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("DBUS_", "XDG_", "PYTHON_KEY"))}
    with tempfile.TemporaryDirectory() as folder:
        environ |= {"XDG_CONFIG_HOME": folder, "HOME": folder, "XDG_RUNTIME_DIR": "/nonexistent"}
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [
        "none / none on this machine",
        "not real / keyring.backends.null is not the system's",
        "none / none on this machine",
        "broken / it could not be asked: ModuleNotFoundError",
        "not real / keyring.backends.null is not the system's",
    ], done.stderr


@pytest.mark.parametrize("module", ["keyring.backends.null", "keyrings.alt.file", "keyring.backends.SecretServiceBut"])
async def test_c01_only_the_systems_own_keyrings_are_used(module: str) -> None:
    keyring.set_keyring(backend(module, SECRET))
    store = KeyringStore()
    for asked in (store.name(), store.get("acme"), store.set("acme", SECRET), store.delete("acme")):
        said = await trouble(asked)
        assert said.trouble is Trouble.NOT_REAL
        assert module in said.title
        assert f"keyring: {{allow: [{module}]}}" in said.hint
    allowed = KeyringStore(lambda: [module])
    await allowed.set("acme", "chosen")
    assert await allowed.get("acme") == "chosen", "a person may insist"
    with pytest.raises(KeyringProblem):
        await KeyringStore(lambda: [f"{module}.other", "keyring"]).get("acme")


async def test_c01_of_a_chain_only_the_real_members_are_used() -> None:
    chain = backend("keyring.backends.chainer", SECRET)
    false, real, other = backend("keyrings.alt.file", SECRET), backend("keyring.backends.libsecret", None), None
    other = backend("keyring.backends.kwallet", "of the other one")
    chain.backends = [false, real, other]
    keyring.set_keyring(chain)
    store = KeyringStore()
    assert await store.name() == "libsecret, kwallet"
    assert await store.get("acme") == "of the other one"
    await store.set("acme", "ours")
    assert (false.kept, real.kept, other.kept) == (None, "ours", None)
    other.kept = "an older one"
    assert await store.delete("acme"), "from every member"
    assert (real.kept, other.kept) == (None, None)
    chain.backends = [false]
    assert (await trouble(store.get("acme"))).trouble is Trouble.NOT_REAL
    assert await KeyringStore(lambda: ["keyrings.alt.file"]).get("acme") == SECRET
    chain.backends = []
    assert (await trouble(store.get("acme"))).trouble is Trouble.NONE


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (keyring.errors.NoKeyringError(SECRET), Trouble.NONE),
        (keyring.errors.KeyringLocked(SECRET), Trouble.LOCKED),
        (keyring.errors.InitError(SECRET), Trouble.DENIED),
        (keyring.errors.PasswordSetError(SECRET), Trouble.DENIED),
        (ConnectionError(SECRET), Trouble.BROKEN),
    ],
)
async def test_c03_a_keyring_in_trouble_is_told_without_its_words(problem: Exception, told: Trouble) -> None:
    keyring.set_keyring(backend("keyring.backends.macOS", problem))
    for asked in (KeyringStore().get("acme"), KeyringStore().set("acme", SECRET)):
        assert (await trouble(asked)).trouble is told


async def test_c03_what_is_not_kept_is_noticed_at_once() -> None:
    keyring.set_keyring(backend("keyring.backends.kwallet", "what was there", keeps=False))
    assert (await trouble(KeyringStore().set("acme", SECRET))).trouble is Trouble.NOT_KEPT
    keyring.set_keyring(backend("keyring.backends.kwallet", None, keeps=False))
    assert (await trouble(KeyringStore().set("acme", SECRET))).trouble is Trouble.NOT_KEPT


async def test_c03_what_is_too_long_for_windows_is_not_written() -> None:
    kept = backend("keyring.backends.Windows", None)
    keyring.set_keyring(kept)
    store = KeyringStore()
    await store.set("acme", "😀" * 640)
    said = await trouble(store.set("acme", "😀" * 640 + "x"))
    assert (said.trouble, "1,281" in said.detail, "1,280" in said.detail) == (Trouble.TOO_LONG, True, True)
    assert kept.kept == "😀" * 640, "what was there is still there"


def test_the_patience_is_short() -> None:
    assert keyring_store._PATIENCE <= 5
