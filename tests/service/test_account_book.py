"""The account book: what is written into the settings file and the keyring, what is kept, what is refused."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from pathlib import Path

import pytest

from mailtui.campaign.again import Again
from mailtui.errors import AccountError, ConfigError, MailtuiError, UsageError
from mailtui.kit.yaml_file import parse_yaml
from mailtui.service.account_book import AccountBook, AccountDraft, SecretKind
from mailtui.service.account_tests import LastTest, last_tests, note_test
from mailtui.service.doctor import examine
from mailtui.service.facade import Service
from tests.campaign.conftest import WriteCampaign
from tests.service.account_file import FILE, SECRET, Shelf, mode, service_of


async def test_an_account_is_added_and_the_file_keeps_all_it_says(book: AccountBook, file: Path, shelf: Shelf) -> None:
    file.chmod(0o644)
    draft = dataclasses.replace(
        book.draft(preset="gmail"), name="me", user="me@acme.test", senders="me@acme.test, @b.test"
    )
    assert book.problems(draft) == {}
    await book.save(draft, secret=SECRET)
    added = '  me:\n    preset: gmail\n    user: me@acme.test\n    from: [me@acme.test, "@b.test"]\n'
    assert file.read_text() == FILE.replace("# it is slow\n", f"# it is slow\n{added}")
    assert mode(file) == 0o600
    assert shelf.held == {"mailtui me": SECRET}
    acme, me = book.rows()
    assert (acme.name, me.preset, str(me.endpoint), me.limits.per_day) == ("acme", "gmail", "smtp.gmail.com:465", 500)
    assert me.senders == ("me@acme.test", "@b.test") and me.origin == f"{file}:12"
    assert (await book.secret_place("me")).kind is SecretKind.KEYRING
    assert SECRET not in file.read_text() + json.dumps(me.to_json())


async def test_an_account_is_changed_where_it_stands(book: AccountBook, file: Path, shelf: Shelf) -> None:
    shelf.held = {"mailtui acme": SECRET, "mailtui acme dkim": "PEM"}
    draft = book.draft(name="acme")
    assert (draft.host, draft.port, draft.user, draft.security) == ("smtp.acme.test", "", "news@acme.test", "starttls")
    await book.save(draft, replaces="acme")
    assert file.read_text() == FILE  # nothing to change is nothing changed
    changed = dataclasses.replace(
        draft, name="post", user="post@acme.test", security="tls", per_hour="1,000", sign_selector="s1", weight="2"
    )
    await book.save(changed, replaces="acme")
    text = file.read_text()
    for kept in (
        "# the newsletter",
        "# behind the firewall",
        "timeouts: {dot: 20m}  # it is slow",
        "# the end",
        "# rows",
    ):
        assert kept in text
    assert parse_yaml(text, file).data["accounts"] == {
        "post": {
            "host": "smtp.acme.test",
            "security": "tls",
            "user": "post@acme.test",
            "timeouts": {"dot": "20m"},
            "limits": {"per_hour": 1000},
            "weight": 2,
            "dkim": {"selector": "s1"},
        }
    }
    assert shelf.held == {"mailtui post": SECRET, "mailtui post dkim": "PEM"}
    assert (await book.secret_place("post")).kind is SecretKind.KEYRING
    again = dataclasses.replace(book.draft(name="post"), per_hour="", sign_selector="", weight="")
    await book.save(again, replaces="post")
    assert set(parse_yaml(file.read_text(), file).data["accounts"]["post"]) == {"host", "security", "user", "timeouts"}


async def test_what_was_changed_meanwhile_is_not_written_over(book: AccountBook, file: Path) -> None:
    draft = dataclasses.replace(book.draft(name="acme"), weight="5")
    file.write_text(FILE.replace("sample: 7", "sample: 9"))
    await book.save(draft, replaces="acme")
    assert "sample: 9" in file.read_text() and "weight: 5" in file.read_text()
    theirs = file.read_text().replace("smtp.acme.test", "other.acme.test")
    file.write_text(theirs)
    with pytest.raises(MailtuiError, match="acme was changed by another program"):
        await book.save(dataclasses.replace(draft, weight="6"), replaces="acme")
    assert file.read_text() == theirs


async def test_an_account_that_another_program_adds_meanwhile_is_not_replaced(book: AccountBook, file: Path) -> None:
    draft, renamed = (
        AccountDraft(name="new", host="ours.test"),
        dataclasses.replace(book.draft(name="acme"), name="new"),
    )
    with Service.open({"MAILTUI_HOME": str(file.parents[1])}) as service:
        await AccountBook(service).save(AccountDraft(name="new", host="theirs.test"))
    theirs = file.read_text()
    for attempt in (book.save(draft), book.save(renamed, replaces="acme")):
        with pytest.raises(MailtuiError, match="Another program has written an account new just now"):
            await attempt
    assert file.read_text() == theirs and "theirs.test" in theirs


async def test_who_writes_at_the_same_time_waits_and_nothing_is_lost(book: AccountBook, file: Path) -> None:
    names = [f"a{number}" for number in range(12)]
    with Service.open({"MAILTUI_HOME": str(file.parents[1])}) as service:
        books = (book, AccountBook(service))
        drafts = [AccountDraft(name=name, host="mail.acme.test") for name in names]
        await asyncio.gather(*(books[number % 2].save(draft) for number, draft in enumerate(drafts)))
    assert set(parse_yaml(file.read_text(), file).data["accounts"]) == {"acme", *names}


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
async def test_a_file_that_others_can_write_is_refused_with_the_command_that_mends_it(
    book: AccountBook, file: Path
) -> None:
    draft = AccountDraft(name="new", host="mail.acme.test")
    for place, loose, mend in (
        (file, 0o660, "chmod 600"),
        (file, 0o602, "chmod 600"),
        (file.parent, 0o777, "chmod 700"),
    ):
        before = mode(place)
        place.chmod(loose)
        with pytest.raises(ConfigError) as raised:
            await book.save(draft)
        assert raised.value.hint.endswith(f"{mend} {place}")
        told = {item.name: item for item in await examine(service_of(book)) if item.name == "settings"}
        assert told["settings"].health == "wrong" and f"{mend} {place}" in told["settings"].hint
        place.chmod(before)
    assert file.read_text() == FILE
    file.chmod(0o644)
    assert [item.health for item in await examine(service_of(book)) if item.name == "settings"] == ["note"]
    file.write_text(FILE.replace("'news@acme.test'", "x\n    password_command: pass show acme"))
    file.chmod(0o620)
    with pytest.raises(ConfigError, match="it names commands that mailtui would start"):
        Service.open({"MAILTUI_HOME": str(file.parents[1])})


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
async def test_a_file_that_its_owner_made_read_only_is_left_alone(book: AccountBook, file: Path) -> None:
    file.chmod(0o400)
    for attempt in (book.save(AccountDraft(name="new", host="a.test")), book.remove("acme")):
        with pytest.raises(ConfigError, match="is read-only") as raised:
            await attempt
        assert raised.value.hint.endswith(f"chmod u+w {file}")
    assert (file.read_text(), mode(file)) == (FILE, 0o400)


async def test_a_file_behind_a_link_stays_there(book: AccountBook, file: Path, tmp_path: Path) -> None:
    real = tmp_path / "shared.yaml"
    file.rename(real)
    file.symlink_to(real)
    await book.save(AccountDraft(name="new", host="mail.acme.test"))
    assert file.is_symlink() and "mail.acme.test" in real.read_text()


async def test_an_account_is_removed_with_its_secrets_unless_it_is_needed(
    book: AccountBook, file: Path, shelf: Shelf, write_campaign: WriteCampaign
) -> None:
    others = {"mailtui other": "kept"}
    entries = ("acme", "acme login", "acme client", "acme dkim")
    shelf.held = {**{f"mailtui {entry}": SECRET for entry in entries}, **others}
    service = service_of(book)
    note_test(
        service.settings.home, "acme", LastTest(1.0, ok=True, step="gear", text="fine", server="smtp.acme.test:587")
    )
    assert book.rows()[0].last_test is not None
    path = write_campaign(2, smtp=None, account="acme")
    plan = service.prepare(service.campaigns.load(path), plan={})
    launch = await service.launch(plan, again=Again.NEW, progress=lambda _: None)
    assert await book.users("acme") == [launch.campaign.id]
    for attempt in (
        book.remove("acme"),
        book.save(dataclasses.replace(book.draft(name="acme"), name="b"), replaces="acme"),
    ):
        with pytest.raises(UsageError, match="is still needed") as raised:
            await attempt
        assert launch.campaign.id in raised.value.detail
    assert file.read_text() == FILE and len(shelf.held) == 5
    await book.remove("acme", force=True)
    assert shelf.held == others
    assert book.rows() == []
    assert parse_yaml(file.read_text(), file).data["accounts"] == {} and "# the end" in file.read_text()
    with pytest.raises(AccountError, match="There is no account acme"):
        await book.remove("acme")


async def test_a_test_of_another_login_is_forgotten(book: AccountBook) -> None:
    for field, text, kept in (("weight", "2", True), ("user", "other", False), ("name", "new", False)):
        home, former = service_of(book).settings.home, book.rows()[0]
        test = LastTest(1.0, ok=True, step="gear", text="fine", server=str(former.endpoint))
        note_test(home, former.name, test)
        await book.save(dataclasses.replace(book.draft(name=former.name), **{field: text}), replaces=former.name)
        assert last_tests(home) == ({former.name: test} if kept else {}), field


async def test_a_note_of_a_test_that_is_damaged_or_of_another_server_is_none(book: AccountBook) -> None:
    home = service_of(book).settings.home
    test = LastTest(1.5, ok=False, step="login", text="535 no", size=0, server="smtp.acme.test:587")
    note_test(home, "acme", test)
    assert book.rows()[0].last_test == test
    for field, wrong in (("at", "now"), ("ok", 1), ("text", None), ("server", "elsewhere.test:587"), ("size", "9")):
        noted = {"acme": {**dataclasses.asdict(test), field: wrong}}
        (home.state / "account-tests.json").write_text(json.dumps(noted))
        assert book.rows()[0].last_test is None, field
    for text in ("", "[1]", '{"acme": 7}', "\x00"):
        (home.state / "account-tests.json").write_text(text)
        assert book.rows()[0].last_test is None


async def test_c03_an_account_of_a_folder_gets_what_was_kept_for_its_own_server(
    file: Path, shelf: Shelf, tmp_path: Path
) -> None:
    """A folder of somebody else's may name an account as one of which the keyring has the password."""
    folder = tmp_path / "mailtui.yaml"
    shelf.held = {"mailtui here": "of another server", "mailtui here dkim": "KEY"}

    def book_of(host: str) -> AccountBook:
        folder.write_text(f"accounts: {{here: {{host: {host}, user: me}}}}\n")
        return AccountBook(Service.open({"MAILTUI_HOME": str(file.parents[1])}))

    book = book_of("a.test")
    place = await book.secret_place("here")
    assert place.kind is SecretKind.MISSING and "no entry mailtui here for me at a.test:465" in place.text
    with pytest.raises(AccountError):
        await service_of(book).secrets.signing_key("here")
    await book.store_secret("here", SECRET)
    assert shelf.held["mailtui here for me at a.test:465"] == SECRET
    assert (await book_of("evil.test").secret_place("here")).kind is SecretKind.MISSING
    book = book_of("a.test")
    assert await service_of(book).secrets.password("here") == SECRET
    await book.save(dataclasses.replace(book.draft(name="here"), name="there", host="b.test"), replaces="here")
    assert await service_of(book).secrets.password("there") == SECRET, "a person moved it"
    await book.remove("there")
    assert shelf.held == {"mailtui here": "of another server", "mailtui here dkim": "KEY"}


async def test_an_account_of_a_folder_is_changed_there_and_may_not_stand_in_for_ones_own(
    file: Path, shelf: Shelf, tmp_path: Path
) -> None:
    environ = {"MAILTUI_HOME": str(file.parents[1])}
    folder = tmp_path / "mailtui.yaml"
    folder.write_text("accounts:\n  here: {host: a.test}  # ours\n")
    with Service.open(environ) as service:
        book = AccountBook(service)
        await book.save(dataclasses.replace(book.draft(name="here"), weight="2"), replaces="here")
    assert folder.read_text() == "accounts:\n  here: {host: a.test, weight: 2}  # ours\n"
    assert file.read_text() == FILE
    folder.write_text(FILE[FILE.index("accounts:") :])
    with Service.open({**environ, "MAILTUI_ACCOUNTS__ELSEWHERE__HOST": "a.test"}) as service:
        for name, told in (("acme", "is written in two files"), ("elsewhere", "is in no settings file")):
            with pytest.raises(AccountError, match=told):
                AccountBook(service).draft(name=name)
    for text, told in (
        ("accounts: {acme: {host: evil.test, user: x}}", "another account of this name"),
        ("accounts: {here: {host: a.test, user: x, password_command: rm x}}", "start no command"),
        ("keyring: {allow: [keyrings.alt.file]}", "for your own settings to say"),
        ("google: {sheets_url: 'https://evil.test'}", "for your own settings to say"),
        ("accounts: {Acme: {host: evil.test, user: x}}", "MAILTUI_PASSWORD_ACME would be the password of both"),
    ):
        folder.write_text(text)
        with pytest.raises(ConfigError, match=told):
            Service.open(environ)
