"""Accounts are added, changed and removed on the command line: by options, and by answers at a terminal."""

from __future__ import annotations

import pytest

from tests.cli.program import Mailtui
from tests.cli.test_terminal import terminal
from tests.servers.secret_service import UNLOCKED, needs_secret_service, session

SECRET = "correct horse 42"  # pragma: allowlist secret


def test_an_account_is_kept_by_options_alone(mailtui: Mailtui) -> None:
    mailtui.environ["MAILTUI_PASSWORD_POST"] = SECRET
    added = mailtui.call(
        "accounts", "add", "acme", "--preset", "ses", "--region", "eu-west-1", "--user", "AKIA", "--json"
    )
    assert (added.code, added.json["host"], added.json["secret"]) == (
        0,
        "email-smtp.eu-west-1.amazonaws.com",
        "missing",
    )
    for arguments, told in (
        (("acme", "--host", "a.test"), "There is an account acme already."),
        (("b", "--preset", "gmail"), "--user: Gmail wants a login: your whole address"),
        (("b", "--preset", "gmial"), "Did you mean gmail?"),
        (("b", "--host", "a.test", "--port", "x"), "--port: "),
        (("b", "--preset", "ses", "--user", "x"), "--host: Write the region in place of {region}"),
        (("--host", "a.test"), "An account needs a name"),
        (("b", "--host", "a.test", "--region", "eu-west-1"), "and a.test is not of one"),
        (("b", "--host", "a.test", "--password-stdin", "--no-password"), "there is one, or there is none"),
    ):
        refused = mailtui.call("accounts", "add", *arguments)
        assert (refused.code, refused.out) == (2, "") and told in refused.err, refused.err
    changed = mailtui.call(
        *(
            "accounts",
            "change",
            "acme",
            "--name",
            "post",
            "--per-hour",
            "500",
            "--from",
            "a@acme.test",
            "--from",
            "@b.test",
        )
    )
    assert changed.code == 0 and "post is changed in" in changed.err
    [row] = mailtui.call("accounts", "list", "--json").lines
    assert (row["account"], row["from"], row["limits"]["per_hour"]) == ("post", ["a@acme.test", "@b.test"], 500)
    assert row["secret"] == "variable"
    assert "500/h" in mailtui.call("accounts", "list").out
    assert mailtui.call("accounts", "change", "post", "--per-hour", "", "--json").json["limits"]["per_hour"] is None
    moved = mailtui.call("accounts", "change", "post", "--preset", "fastmail", "--json").json
    assert (moved["preset"], moved["host"], moved["user"]) == ("fastmail", "smtp.fastmail.com", "AKIA")
    assert mailtui.call("accounts", "change", "post").code == mailtui.call("accounts", "remove", "post").code == 2
    assert mailtui.call("accounts", "password", "post").code == 2
    assert mailtui.call("accounts", "change", "pots", "--weight", "2").code == 3
    removed = mailtui.call("accounts", "remove", "post", "--yes", "--json").json
    assert (removed["account"], removed["removed"]) == ("post", True)
    assert removed["keyring"], "that nothing could be taken out of it"
    assert mailtui.call("accounts", "list", "--json").out == ""
    assert SECRET not in mailtui.home.settings_file.read_text()
    mailtui.home.settings_file.chmod(0o644)
    assert f"chmod 600 {mailtui.home.settings_file}" in mailtui.call("accounts", "list").err


def test_the_presets_are_told(mailtui: Mailtui) -> None:
    commands = mailtui.call("accounts", "--help").out.partition("Commands:")[2]
    assert "presets" in commands and "..." not in commands, "every command in a whole sentence"
    listed = mailtui.call("accounts", "presets")
    assert "smtp.gmail.com:465" in listed.out and "2,000/day" in listed.out
    one = mailtui.call("accounts", "presets", "microsoft365")
    assert "SMTP AUTH has to be switched on" in one.out and "1,800/h, 10,000/day" in one.out
    assert mailtui.call("accounts", "presets", "sendgrid", "--json").json["user"] == "apikey"
    assert mailtui.call("accounts", "presets", "senfgrid").code == mailtui.call("accounts", "presets", "").code == 2


@needs_secret_service
def test_at_a_terminal_what_is_missing_is_asked_for_and_the_keyring_keeps_the_password(mailtui: Mailtui) -> None:
    with session(UNLOCKED) as environ:
        mailtui.environ |= {**environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
        with terminal(mailtui, "accounts", "add") as screen:
            screen.until("which campaign files say: ")
            screen.type("ac me\n")
            screen.until("Only letters and digits")
            screen.type("acme\n")
            screen.until("or your own server, HOST or HOST:PORT: ")
            screen.type("my server\n")
            screen.until("no address of a server.")
            screen.type("127.0.0.1:2525\n")
            screen.until("[plain]: ")
            screen.type("\n")
            screen.until("empty for no login: ")
            screen.type("news\n")
            screen.until("Password of acme (empty for later): ")
            screen.type(f"{SECRET}\n")
            screen.until("Try it out now? Nothing is sent. [Y/n]: ")
            screen.type("n\n")
            assert screen.end() == 0
            assert SECRET not in screen.seen and "Its password: in the keyring" in screen.plain
        assert SECRET not in mailtui.home.settings_file.read_text()
        kept = mailtui.run("accounts", "change", "acme", "--weight", "2", "--json").json
        assert (kept["user"], kept["secret"], kept["weight"]) == ("news", "keyring", 2)
        assert (kept["host"], kept["port"], kept["security"]) == ("127.0.0.1", 2525, "plain")
        moved = mailtui.run("accounts", "change", "acme", "--host", "localhost")
        assert "The password in the keyring is said to localhost from now on." in moved.err
        assert mailtui.run("accounts", "remove", "acme", "--yes").code == 0


@needs_secret_service
def test_c03_a_keyring_that_would_not_open_takes_no_answer_away(mailtui: Mailtui) -> None:
    server = ("--host", "127.0.0.1", "--port", "2525", "--security", "plain", "--user", "news")
    with session() as environ:
        mailtui.environ |= {**environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
        with terminal(mailtui, "accounts", "add", "acme", *server) as screen:
            screen.until("Password of acme (empty for later): ")
            screen.type(f"{SECRET}\n")
            screen.until("acme is written, without its password.")
            screen.until("The keyring would not open.")
            screen.until("Try once more to keep the password? [Y/n]: ")
            screen.type("n\n")
            screen.until("acme cannot log in yet. Store it: mailtui accounts password acme")
            screen.until("Try it out now? Nothing is sent. [Y/n]: ")
            screen.type("n\n")
            assert screen.end() == 0
            assert SECRET not in screen.seen
    assert "user: news" in mailtui.home.settings_file.read_text()


@pytest.mark.long
def test_whoever_stops_in_the_middle_has_written_nothing(mailtui: Mailtui) -> None:
    with terminal(mailtui, "accounts", "add", "b", "--host", "127.0.0.1", "--user", "x") as screen:
        screen.until("[plain]: ")
        screen.type("\x03")
        assert screen.end() == 130
    assert not mailtui.home.settings_file.exists()
    mailtui.call("accounts", "add", "asked", "--host", "127.0.0.1", "--security", "plain", "--user", "x")
    for command in ("test", "password"):
        with terminal(mailtui, "accounts", command, "asked") as screen:
            screen.until("Password of asked: ")
            screen.type("\x03")
            assert screen.end() == 130  # and not only once a line was typed
    mailtui.home.settings_file.unlink()
    unkept = mailtui.run("accounts", "add", "b", "--host", "a.test", "--user", "x", "--password-stdin", stdin=SECRET)
    assert unkept.code == 3 and "There is no keyring" in unkept.err and SECRET not in unkept.out + unkept.err
    assert not mailtui.home.settings_file.exists()
