"""Accounts as they are typed: what is wrong with them, and what they come to in the file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mailtui.errors import ConfigError, UsageError
from mailtui.service.account_book import AccountBook, AccountDraft
from tests.service.account_file import FILE


async def test_what_says_nothing_stays_as_it_is(book: AccountBook, file: Path) -> None:
    empty = "    allow_plain: false\n    helo: null\n    limits: {}\n    from: []\n"
    file.write_text(FILE.replace("# the end\n", empty))
    await book.save(dataclasses.replace(book.draft(name="acme"), weight="2"), replaces="acme")
    assert file.read_text() == FILE.replace("# the end\n", f"{empty}    weight: 2\n")


async def test_whoever_changes_the_provider_gets_its_server_and_keeps_their_own_limits(book: AccountBook) -> None:
    """Not the server of the former one, which would get the mail."""
    gmail = dataclasses.replace(book.draft(preset="gmail"), name="me", user="me@acme.test", per_hour="20")
    await book.save(gmail)
    was = book.draft(name="me")
    assert book.moved(was, "gmail") == book.moved(was, "") == was
    moved = book.moved(was, "microsoft365")
    assert (moved.host, moved.port, moved.security) == ("smtp.office365.com", "587", "starttls")
    assert (moved.per_hour, moved.per_day, moved.user) == ("20", "10000", "me@acme.test")
    await book.save(moved, replaces="me")
    [_, me] = book.rows()
    assert (str(me.endpoint), me.preset, me.limits.per_hour, me.limits.per_day) == (
        "smtp.office365.com:587",
        "microsoft365",
        20,
        10000,
    )
    assert book.moved(was, "fastmail").per_day == ""  # that was Gmail's
    assert book.problems(dataclasses.replace(book.moved(was, "postfix")), replaces="me").keys() == {"host"}
    token = dataclasses.replace(was, oauth_provider="google", oauth_client_id="c", auth="xoauth2")
    assert book.moved(token, "google-workspace").oauth_client_id == "c"
    fastmail = book.moved(token, "fastmail")  # which no token of Google's is for
    assert (fastmail.oauth_provider, fastmail.oauth_client_id, fastmail.auth) == ("", "", "")
    apikey = book.moved(was, "sendgrid")
    assert (apikey.user, book.moved(apikey, "fastmail").user) == ("apikey", "")
    with pytest.raises(UsageError, match="There is no preset"):
        book.moved(was, "gmial")


async def test_every_mistake_is_told_at_its_field(book: AccountBook) -> None:
    good = AccountDraft(name="new", host="mail.acme.test", user="me")
    wrong = {
        "name": "ac me",
        "host": "no host",
        "user": "me\nyou",
        "port": "70000",
        "security": "ssl",
        "auth": "xoauth2",
        "senders": "nobody",
        "per_hour": "0",
        "per_day": "many",
        "connections": "x",
        "weight": "101",
        "fingerprint": "12:34",
        "helo": "a b",
        "allow_plain": "perhaps",
        "password_command": "pass 'x",
        "preset": "gmial",
        "oauth_provider": "gogle",
        "key": "key.pem",
        "dkim_selector": "a b",
        "sign_selector": "a b",
    }
    for field, text in wrong.items():
        problems = book.problems(dataclasses.replace(good, **{field: text}))
        assert next(iter(problems)) == field, (field, problems)
        assert problems[field].endswith((".", "?")) and "pattern" not in problems[field]
    for host in ("[::1", ":", "-", "a..b", "mail.acme.test:587", "[::1]:25", "1:2:3"):
        assert list(book.problems(dataclasses.replace(good, host=host))) == ["host"], host
    for host in ("::1", "[2001:db8::1]", "192.0.2.1", "mail_1.acme.test.", "localhost"):
        assert book.problems(dataclasses.replace(good, host=host)) == {}, host
    assert book.problems(dataclasses.replace(good, name="acme")) == {"name": "There is an account acme already."}
    assert "MAILTUI_PASSWORD_ACME" in book.problems(dataclasses.replace(good, name="ACME"))["name"]
    assert list(book.problems(dataclasses.replace(good, security="plain"))) == ["security"]
    assert list(book.problems(dataclasses.replace(good, oauth_provider="google"))) == ["oauth_client_id"]
    assert list(book.problems(dataclasses.replace(book.draft(preset="ses"), name="a", user="b"))) == ["host"]
    assert list(book.problems(dataclasses.replace(book.draft(preset="gmail"), name="a"))) == ["user"]
    with pytest.raises(ConfigError, match="has mistakes"):
        await book.save(dataclasses.replace(good, port="x"))
