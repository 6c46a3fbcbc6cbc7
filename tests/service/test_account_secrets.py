"""What the keyring has for an account: where it is, and that nothing is left of what did not come about."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from keyring.backends import fail

from mailtui.errors import AccountError, UsageError
from mailtui.service.account_book import AccountBook, AccountDraft, SecretKind
from mailtui.service.doctor import examine
from tests.service.account_file import FILE, SECRET, Shelf, service_of


async def test_a_secret_that_is_not_kept_leaves_no_account(book: AccountBook, file: Path, shelf: Shelf) -> None:
    shelf.refuses = "new"
    draft = AccountDraft(name="new", host="mail.acme.test", user="me")
    with pytest.raises(AccountError, match="locked"):
        await book.save(draft, secret=SECRET)
    assert file.read_text() == FILE and [row.name for row in book.rows()] == ["acme"]
    shelf.held = {"mailtui acme": SECRET, "mailtui acme client": "C"}
    shelf.refuses = "new client"
    with pytest.raises(AccountError, match="locked"):
        await book.save(dataclasses.replace(book.draft(name="acme"), name="new"), replaces="acme")
    assert file.read_text() == FILE and shelf.held == {"mailtui acme": SECRET, "mailtui acme client": "C"}
    shelf.refuses, shelf.keeps = "", "acme client"  # which comes after the password that is gone by then
    with pytest.raises(AccountError, match="locked"):
        await book.save(dataclasses.replace(book.draft(name="acme"), name="new"), replaces="acme")
    assert file.read_text() == FILE and shelf.held == {"mailtui acme": SECRET, "mailtui acme client": "C"}
    with pytest.raises(AccountError, match="locked"):
        await book.remove("acme")
    assert (left := await book.remove("acme", force=True)) is not None and left.word == "it is locked"
    assert shelf.held == {"mailtui acme client": "C"} and book.rows() == []
    file.write_text(FILE)
    service_of(book).settings_changed()
    for wrong in ("", "two\nlines"):
        with pytest.raises(UsageError):
            await book.store_secret("acme", wrong)


async def test_whoever_is_stopped_while_the_keyring_takes_the_password_has_done_nothing(
    book: AccountBook, file: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, with a keyring that asks somebody to unlock it."""
    began, goes_on = threading.Event(), threading.Event()

    def slowly(service: str, username: str, password: str) -> None:
        shelf.held[f"{service} {username}"] = password
        began.set()
        goes_on.wait(10)

    monkeypatch.setattr(shelf, "set_password", slowly)
    saving = asyncio.create_task(book.save(AccountDraft(name="new", host="a.test", user="me"), secret=SECRET))
    await asyncio.to_thread(began.wait, 10)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert file.read_text() == FILE and shelf.held == {}
    assert [row.name for row in book.rows()] == ["acme"]
    goes_on.set()


async def test_where_a_secret_is(book: AccountBook, file: Path, shelf: Shelf) -> None:
    place = await book.secret_place("acme")
    assert (place.kind, place.hint) == (SecretKind.MISSING, "Store it: mailtui accounts password acme")
    assert "MAILTUI_PASSWORD_ACME" in place.text
    look = service_of(book)
    [told] = [item for item in await examine(look) if item.name == "accounts"]
    assert (told.health, told.text, told.hint) == ("note", "acme cannot log in yet", place.hint)
    await book.store_secret("acme", SECRET)
    assert [item.health for item in await examine(look) if item.name == "accounts"] == ["ok"]
    assert (await book.secret_place("acme")).kind is SecretKind.KEYRING
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    assert "MAILTUI_PASSWORD_ACME" in (await book.secret_place("acme")).hint
    keyring.set_keyring(shelf)
    assert await book.forget_secret("acme") and not await book.forget_secret("acme")
    await book.save(dataclasses.replace(book.draft(name="acme"), password_command="pass show acme"), replaces="acme")
    assert (await book.secret_place("acme")).kind is SecretKind.COMMAND
    await book.save(
        dataclasses.replace(book.draft(name="acme"), password_command="", oauth_provider="google", oauth_client_id="c"),
        replaces="acme",
    )
    place = await book.secret_place("acme")
    assert (place.kind, place.hint) == (SecretKind.MISSING, "Log in: mailtui accounts login acme")
    shelf.held["mailtui acme"] = SECRET
    assert (await book.secret_place("acme")).kind is SecretKind.MISSING, "a password is no login"
    shelf.held["mailtui acme login"] = "a refresh token"
    assert (await book.secret_place("acme")).kind is SecretKind.OAUTH
    await service_of(book).secrets.refresh_token("acme")
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    place = await book.secret_place("acme")
    assert place.text == "logged in; the token is kept in memory until mailtui ends", "a keyring that goes away"
    keyring.set_keyring(shelf)
    with pytest.raises(UsageError, match="logs in at a provider"):
        await book.store_secret("acme", SECRET)
    await book.save(AccountDraft(name="relay", host="127.0.0.1", security="plain"))
    assert (await book.secret_place("relay")).kind is SecretKind.NOT_NEEDED
