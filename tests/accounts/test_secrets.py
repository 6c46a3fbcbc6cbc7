"""Where a password is looked for, in which order, and where it never shows."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.errors import KeyringLocked

from mailtui.accounts import password_command
from mailtui.accounts.keyring_store import KeyringProblem
from mailtui.accounts.password_command import CommandFailed, ask_command
from mailtui.accounts.secrets import Place, SecretSettings, SecretSource, variable_for
from mailtui.errors import ConfigError, SecretMissing
from mailtui.kit.paths import Home
from mailtui.service.settings import read_settings
from tests.accounts.test_keyring_store import backend

SECRET = "hunter2-canary"


@pytest.fixture(autouse=True)
def _no_keyring_of_this_machine() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend("keyring.backends.fail", None))
    yield
    keyring.set_keyring(before)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_the_variable_of_an_account() -> None:
    assert variable_for("acme") == "MAILTUI_PASSWORD_ACME"
    assert variable_for("acme-eu.2") == "MAILTUI_PASSWORD_ACME_EU_2"


async def test_the_places_are_asked_in_their_order(tmp_path: Path) -> None:
    """Each of them is the first that has it, once those before it have not."""
    asked: list[str] = []

    async def ask(account: str) -> str:
        asked.append(account)
        return "typed"

    (tmp_path / "mailtui.acme").write_text("credential\n")
    settings = SecretSettings(commands={"acme": python("print('command')")})
    environ = {"MAILTUI_PASSWORD_ACME": "variable", "CREDENTIALS_DIRECTORY": str(tmp_path)}

    def source(given: dict[str, str] | None = None) -> SecretSource:
        return SecretSource(environ, settings=lambda: settings, given=given, ask=ask)

    keyring.set_keyring(backend("keyring.backends.SecretService", lambda service, name: f"{service} {name} kept"))
    expected = [(source({"acme": "given"}), "given", Place.HANDED), (source(), "mailtui acme kept", Place.KEYRING)]
    for each, secret, place in expected:
        assert (await each.where("acme")).place is place
        assert await each.password("acme") == secret
    keyring.set_keyring(backend("keyring.backends.SecretService", None))
    assert ((await source().where("acme")).place, await source().password("acme")) == (Place.VARIABLE, "variable")
    del environ["MAILTUI_PASSWORD_ACME"]
    assert ((await source().where("acme")).place, await source().password("acme")) == (Place.COMMAND, "command")
    settings = SecretSettings()
    assert ((await source().where("acme")).place, await source().password("acme")) == (Place.SYSTEMD, "credential")
    (tmp_path / "mailtui.acme").unlink()
    assert (await source().where("acme")).place is None
    assert asked == [], "a person is asked last"
    one = source()
    assert [await one.password("acme"), await one.password("acme")] == ["typed", "typed"]
    assert asked == ["acme"], "and once"


async def test_c04_a_variable_is_a_line_of_text() -> None:
    """Files that become variables bring their line's end along; other bytes than text could not be said to a server."""
    for text, expected in (
        ("from a file\n", "from a file"),
        (" pä$$ 😀 \r\n", " pä$$ 😀 "),
        ("x" * 2_000, "x" * 2_000),
    ):
        assert await SecretSource({"MAILTUI_PASSWORD_ACME": text}).password("acme") == expected
    for text, word in (("\n", "not set"), ("\udcff", "it is no text in UTF-8")):
        with pytest.raises(SecretMissing) as caught:
            await SecretSource({"MAILTUI_PASSWORD_ACME": text}).password("acme")
        assert f"MAILTUI_PASSWORD_ACME ({word})" in caught.value.detail


async def test_what_was_tried_is_told_with_what_was_found_there(tmp_path: Path) -> None:
    (tmp_path / "mailtui.beta").write_bytes(b"\xff\xfe")
    commands = {"acme": python("import sys; print('x' * 9, file=sys.stderr); sys.exit(3)")}
    source = SecretSource({"CREDENTIALS_DIRECTORY": str(tmp_path)}, settings=lambda: SecretSettings(commands=commands))
    with pytest.raises(SecretMissing) as caught:
        await source.password("acme")
    for words in ("none on this machine", "MAILTUI_PASSWORD_ACME (not set)", "it ended with 3: xxxxxxxxx"):
        assert words in caught.value.detail
    assert "mailtui accounts password acme" in caught.value.hint
    assert "no text in UTF-8" in (await source.where("beta")).tried[-1]

    def mistakes() -> SecretSettings:
        raise ConfigError("The settings have mistakes")

    with pytest.raises(SecretMissing, match="The settings have mistakes"):
        await SecretSource({}, settings=mistakes).password("acme")


async def test_a_password_that_was_refused_is_looked_for_anew() -> None:
    kept = backend("keyring.backends.SecretService", None)
    kept.kept = "wrong"
    keyring.set_keyring(kept)
    source = SecretSource({})
    assert await source.password("acme") == "wrong"
    kept.kept = "right"
    assert await source.password("acme") == "wrong", "one question is enough as long as it works"
    source.forget("acme", "another")
    assert await source.password("acme") == "wrong"
    source.forget("acme", "wrong")
    assert await source.password("acme") == "right"
    kept.kept = "newer"
    assert await source.password("acme", anew=True) == "newer"
    source.tell("acme", "typed")
    assert await source.password("acme", anew=True) == "typed", "what a person typed counts until it is refused"
    source.forget("acme", "typed")
    assert await source.password("acme") == "newer"


async def test_the_secret_of_a_client_is_known_when_the_keyring_goes_away() -> None:
    kept = backend("keyring.backends.SecretService", None)
    keyring.set_keyring(kept)
    source = SecretSource({}, given={"acme client": "handed over"})
    assert await source.client_secret("acme") == "handed over"
    kept.kept = "newer"
    assert await source.client_secret("acme") == "newer"
    keyring.set_keyring(backend("keyring.backends.SecretService", KeyringLocked()))
    assert await source.client_secret("acme") == "newer"
    with pytest.raises(KeyringProblem):
        await SecretSource({}).client_secret("acme")


async def test_a_login_by_oauth_is_kept_where_it_is_looked_for() -> None:
    kept = backend("keyring.backends.SecretService", None)
    keyring.set_keyring(kept)
    source = SecretSource({}, given={"acme login": "handed over"})
    assert await source.refresh_token("acme") == "handed over"
    await source.keep_refresh_token("acme", "rotated")
    assert (kept.kept, await source.refresh_token("acme")) == ("rotated", "rotated")
    kept.kept = "by another process"
    assert await source.refresh_token("acme") == "by another process", "the keyring is newer than the pipe"
    keyring.set_keyring(backend("keyring.backends.fail", None))
    assert await source.refresh_token("acme") == "by another process", "an older one is good no more"
    keyring.set_keyring(kept)
    kept.kept = None
    with pytest.raises(SecretMissing):
        await source.refresh_token("acme")  # somebody logged out
    assert await SecretSource({}, given={"acme": "by --password-fd"}).refresh_token("acme") == "by --password-fd"
    keyring.set_keyring(backend("keyring.backends.SecretService", None))
    with pytest.raises(SecretMissing, match="mailtui accounts login acme"):
        await SecretSource({}).refresh_token("acme")


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print('pä$$ wörd'); print('user: me')", "pä$$ wörd"),
        ("import sys; sys.stdout.buffer.write(b'no end of line')", "no end of line"),
        ("import sys; sys.stdout.buffer.write(b' blank \\r\\n')", " blank "),
        ("import os; print(sorted(name for name in os.environ if 'PASSWORD' in name))", "[]"),
        ("import sys; print(sys.stdin.read() == '' and not sys.stdin.isatty())", "True"),
        ("import os, sys; print('first'); sys.stdout.write('x' * 1_000_000)", "first"),
        ("import os, time; print('kept open', flush=True); os.fork() or time.sleep(5)", "kept open"),
    ],
)
async def test_c04_the_first_line_of_a_command_is_the_password(
    code: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_command, "_AFTERWARDS", 0.1)
    environ = {"MAILTUI_PASSWORD_BETA": SECRET, "PATH": "/usr/bin", "PYTHONUTF8": "1"}
    assert await ask_command("acme", python(code), environ) == answer


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (("no-such-program",), "cannot be started: No such file"),
        (python(f"import sys; print('{SECRET}'); sys.exit(2)"), "it ended with 2"),
        (python("import sys; print('gpg: \\x1b[31mno\\nmore', file=sys.stderr); sys.exit(1)"), "gpg: "),
        (python("pass"), "it printed nothing"),
        (python("print(); print('second line')"), "it printed nothing"),
        (python("print('x' * 100_000)"), "too long"),
        (python(f"import sys; sys.stdout.buffer.write(b'\\xff{SECRET}')"), "no text in UTF-8"),
        (python(f"import time; print('{SECRET}', flush=True); time.sleep(60)"), "not ended within 0.2 seconds"),
    ],
)
async def test_c04_a_command_without_a_password_is_told_without_what_it_printed(
    command: tuple[str, ...], word: str
) -> None:
    with pytest.raises(CommandFailed) as caught:
        await ask_command("acme", command, {"PATH": "/usr/bin"}, seconds=0.2 if "sleep" in command[-1] else 30)
    said = f"{caught.value} {caught.value.word}"
    assert word in said
    assert SECRET not in said
    assert "\x1b" not in said
    assert "more" not in said, "one line of what it complained of"


async def test_c01_the_settings_say_which_keyring_and_which_command(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(backend("keyrings.alt.file", "kept"))
    home.config.mkdir(parents=True)
    account = {"host": "127.0.0.1", "security": "plain", "user": "me", "password_command": "echo 'two words'"}
    settings: dict[str, object] = {"accounts": {"acme": account}}
    for said, expected in (({}, "two words"), ({"keyring": {"allow": ["keyrings.alt.file"]}}, "kept")):
        home.settings_file.write_text(json.dumps(settings | said))
        home.settings_file.chmod(0o600)
        read = read_settings(os.environ)
        assert await SecretSource({"PATH": "/usr/bin:/bin"}, settings=read.secrets).password("acme") == expected
