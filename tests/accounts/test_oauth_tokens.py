"""Access tokens of a real authorization server, which takes each refresh token once and ends a login for the second."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.core
import pytest

from mailtui.accounts.oauth.login import Asked, BrowserLogin
from mailtui.accounts.oauth.spec import OAuthSpec
from mailtui.accounts.oauth.tokens import TokenSource
from mailtui.accounts.secrets import SecretSource
from mailtui.errors import AccountError, LoginEnded, TokenUnavailable
from mailtui.kit.hidden import without_secrets
from mailtui.smtp.endpoint import TokenGrant
from tests.servers.idp.person import Person
from tests.servers.idp.provider import MAIL, AuthorizationServer, authorization_server

USER = "news@example.com"
QUICK = 0.02  # of the pauses between tries, and of how long an answer may take


@pytest.fixture(scope="module")
def running() -> Iterator[AuthorizationServer]:
    with authorization_server() as server:
        yield server


@pytest.fixture
def idp(running: AuthorizationServer) -> AuthorizationServer:
    running.forget()
    running.live(3600)
    return running


@pytest.fixture
def nowhere() -> Iterator[None]:
    """A machine without a keyring."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.core.load_keyring("keyring.backends.fail.Keyring"))
    yield
    keyring.set_keyring(before)


class Logins:
    """A file in the place of the keyring, which several processes read; it can be told to keep nothing."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.locked = False

    async def refresh_token(self, account: str) -> str:
        return str(json.loads(self.file.read_text())[account])

    async def keep_refresh_token(self, account: str, token: str) -> None:
        if self.locked:
            raise AccountError("The keyring is locked")
        self.file.write_text(json.dumps({account: token}))

    async def client_secret(self, account: str) -> str | None:
        return None


class Clock:
    """The time of day, put forward or back by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


async def logged_in(idp: AuthorizationServer, file: Path) -> tuple[Logins, TokenGrant]:
    """Somebody logs in, and the login is kept."""
    provider = OAuthSpec.model_validate(idp.oauth()).resolved()

    def browse(address: str) -> None:
        Person(USER).agree(address)

    asked = Asked("acme", USER, provider, "mailtui", provider.scope())
    granted = await BrowserLogin(asked, browse, lambda _: None).run()
    logins = Logins(file)
    await logins.keep_refresh_token("acme", granted.refresh)
    idp.forget()
    return logins, TokenGrant(provider.token_url, "mailtui", provider.scope())


def renewals(idp: AuthorizationServer) -> int:
    return len([item for item in idp.asked() if item.path == "/token"])


async def test_c08_one_renewal_serves_everybody_and_the_next_refresh_token_is_kept(
    idp: AuthorizationServer, tmp_path: Path
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    first = await logins.refresh_token("acme")
    source = TokenSource(logins, tmp_path / "run")
    tokens = await asyncio.gather(*(source.access("acme", grant) for _ in range(30)))
    assert len(set(tokens)) == 1
    assert renewals(idp) == 1
    assert await logins.refresh_token("acme") != first
    assert without_secrets(f"{tokens[0]} {await logins.refresh_token('acme')}") == "(hidden) (hidden)"
    # What a server would not take is renewed once for all who were refused, and then no more.
    again = await asyncio.gather(*(source.access("acme", grant, refused=tokens[0]) for _ in range(30)))
    assert set(again) & set(tokens) == set()
    assert len(set(again)) == 1
    assert without_secrets(tokens[0]) == tokens[0], "what has run out is remembered by nobody"
    assert renewals(idp) == 2
    with pytest.raises(LoginEnded, match="is refused where it is used"):
        await source.access("acme", grant, refused=again[0])
    assert renewals(idp) == 2
    assert await source.access("acme", grant) == again[0]
    await logged_in(idp, tmp_path / "logins")  # as somebody else, whom the server knows
    assert await source.access("acme", grant, refused=again[0]) not in again, "another login is another try"


async def test_c08_a_token_is_renewed_ahead_of_time_by_either_clock(idp: AuthorizationServer, tmp_path: Path) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    clock = Clock()
    source = TokenSource(logins, tmp_path / "run", wall=clock)
    first = await source.access("acme", grant)
    clock.now += 3600 - 310
    assert await source.access("acme", grant) == first
    clock.now += 20  # five minutes before its end
    second = await source.access("acme", grant)
    assert second != first
    clock.now -= 86_400
    assert await source.access("acme", grant) == second
    assert renewals(idp) == 2
    # A machine that slept: its monotonic clock stood still.
    clock.now += 86_400 + 7_200
    assert await source.access("acme", grant) not in (first, second)
    # A clock that was put back does not keep a token young.
    idp.fail({"body": '{"access_token":"brief","token_type":"Bearer","expires_in":"0.1"}'})
    source = TokenSource(logins, tmp_path / "run", wall=clock)
    assert await source.access("acme", grant) == "brief"
    clock.now -= 600
    await asyncio.sleep(0.1)
    assert await source.access("acme", grant) != "brief"
    # A short life has no five minutes to spare.
    idp.live(2)
    source = TokenSource(logins, tmp_path / "run", wall=clock)
    short = await source.access("acme", grant)
    assert await source.access("acme", grant) == short
    clock.now += 1.7
    assert await source.access("acme", grant) != short


async def test_c08_while_it_lasts_a_token_is_used_when_the_provider_is_away(
    idp: AuthorizationServer, tmp_path: Path
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    clock = Clock()
    source = TokenSource(logins, tmp_path / "run", scale=QUICK, wall=clock)
    first = await source.access("acme", grant)
    away: list[dict[str, object]] = [
        {"status": 503, "headers": {"Retry-After": "1"}},
        {"body": "<html>"},
        {"fill": 200_000},
    ]
    clock.now += 3600 - 60
    idp.fail(*away)
    assert await source.access("acme", grant) == first
    assert renewals(idp) == 1 + 3
    assert await source.access("acme", grant) == first
    assert renewals(idp) == 1 + 3, "who did not answer is left alone for a while"
    clock.now += 60
    with pytest.raises(TokenUnavailable) as caught:
        await source.access("acme", grant)
    assert "larger than 128 KiB, tried 3 times" in caught.value.detail
    assert caught.value.exit_code == 6
    for _ in range(200):  # put off for 10 s, here 0.2
        await asyncio.sleep(0.01)
        try:
            assert await source.access("acme", grant) != first
            break
        except TokenUnavailable:
            continue
    else:
        raise AssertionError("it was never asked again")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 429, "headers": {"Retry-After": "60"}}, "it answered 429"),
        ({"body": '{"access_token":7}'}, "no access token"),
    ],
)
async def test_c08_what_may_pass_is_no_end_of_a_login(
    idp: AuthorizationServer, tmp_path: Path, fault: dict[str, object], said: str
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    idp.fail(fault, fault, fault)
    source = TokenSource(logins, tmp_path / "run", scale=QUICK)
    with pytest.raises(TokenUnavailable) as caught:
        await source.access("acme", grant)
    assert said in caught.value.detail
    if "headers" in fault:
        await asyncio.sleep(12 * QUICK)  # longer than usual, shorter than it wants
        with pytest.raises(TokenUnavailable):
            await source.access("acme", grant)
        assert renewals(idp) == 1
    idp.forget()
    assert await TokenSource(logins, tmp_path / "run").access("acme", grant)


async def test_c08_an_ended_login_is_told_once_and_a_new_one_counts_at_once(
    idp: AuthorizationServer, tmp_path: Path
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    source = TokenSource(logins, tmp_path / "run")
    token = await source.access("acme", grant)
    idp.revoke_all()
    for _ in range(3):
        with pytest.raises(LoginEnded) as caught:
            await source.access("acme", grant, refused=token)
    assert renewals(idp) == 2, "a login that has ended is not tried again"
    assert caught.value.exit_code == 6
    assert caught.value.hint == "Log in again: mailtui accounts login acme"
    assert "invalid_grant" in caught.value.detail
    assert await logins.refresh_token("acme") not in str(caught.value)
    await logged_in(idp, tmp_path / "logins")
    assert await source.access("acme", grant, refused=token)

    idp.fail({"status": 401, "body": '{"error":"invalid_client"}'})
    with pytest.raises(AccountError) as wrong:
        await TokenSource(logins, tmp_path / "run").access("acme", grant)
    assert not isinstance(wrong.value, LoginEnded | TokenUnavailable)
    assert "client_id" in wrong.value.hint


async def test_c08_less_is_asked_for_than_was_agreed_to(idp: AuthorizationServer, tmp_path: Path) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    source = TokenSource(logins, tmp_path / "run")
    less = TokenGrant(grant.token_url, grant.client_id, MAIL)
    both = await asyncio.gather(source.access("acme", less), source.access("acme", grant))
    assert len(set(both)) == 2
    more = TokenGrant(grant.token_url, grant.client_id, "openid")
    with pytest.raises(AccountError, match="does not give the leave"):
        await source.access("acme", more)


async def test_c08_a_refresh_token_that_cannot_be_kept_is_not_lost(idp: AuthorizationServer, tmp_path: Path) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    source = TokenSource(logins, tmp_path / "run")
    before = await logins.refresh_token("acme")
    logins.locked = True
    first = await source.access("acme", grant)
    second = await source.access("acme", grant, refused=first)
    assert await logins.refresh_token("acme") == before
    logins.locked = False
    clock = Clock()
    clock.now *= 2
    source._wall = clock  # much later
    third = await source.access("acme", grant)
    assert len({first, second, third}) == 3
    assert await TokenSource(logins, tmp_path / "run").access("acme", grant), "the newest was kept at last"


async def test_c02_a_server_without_a_keyring_is_handed_the_login(
    idp: AuthorizationServer, tmp_path: Path, nowhere: None
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    token = await logins.refresh_token("acme")
    source = TokenSource(SecretSource({"MAILTUI_PASSWORD_ACME": token}), tmp_path / "run")
    first = await source.access("acme", grant)
    assert await source.access("acme", grant, refused=first) != first, "the next refresh token stays in memory"
    logins, _ = await logged_in(idp, tmp_path / "logins")
    (tmp_path / "mailtui.acme").write_text(await logins.refresh_token("acme") + "\n")
    by_systemd = SecretSource({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert await TokenSource(by_systemd, tmp_path / "run").access("acme", grant)
    with pytest.raises(AccountError, match="There is no keyring"):
        await TokenSource(SecretSource({}), tmp_path / "run").access("acme", grant)


async def test_c08_whoever_gives_up_does_not_lose_the_next_refresh_token(
    idp: AuthorizationServer, tmp_path: Path
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    source = TokenSource(logins, tmp_path / "run")
    before = await logins.refresh_token("acme")
    idp.fail({"late": 300})
    worker = asyncio.create_task(source.access("acme", grant))
    while not renewals(idp):
        await asyncio.sleep(0.01)
    worker.cancel()
    await source.settle()
    assert await logins.refresh_token("acme") != before
    assert await TokenSource(logins, tmp_path / "run").access("acme", grant)


_PROCESS = """
import asyncio, sys
from pathlib import Path
from mailtui.accounts.oauth.tokens import TokenSource
from mailtui.kit.hidden import without_secrets
from mailtui.smtp.endpoint import TokenGrant
from tests.accounts.test_oauth_tokens import Logins

async def main():
    folder, url, scope = sys.argv[1:]
    source = TokenSource(Logins(Path(folder) / "logins"), Path(folder) / "run")
    grant = TokenGrant(url, "mailtui", scope)
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            await asyncio.gather(*(source.access("acme", grant) for _ in range(5)))
            source._held.clear()
        print("done", flush=True)

asyncio.run(main())
"""


async def test_c08_two_processes_take_turns_and_one_that_is_killed_blocks_nobody(
    idp: AuthorizationServer, tmp_path: Path
) -> None:
    logins, grant = await logged_in(idp, tmp_path / "logins")
    command = [sys.executable, "-c", _PROCESS, str(tmp_path), grant.token_url, grant.scope]
    both = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        for _ in range(2)
    ]
    try:
        for process in both:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("10\n")
            process.stdin.flush()
        for process in both:
            assert process.stdout is not None
            # Had two of them used the same refresh token, the server would have ended the login.
            assert await asyncio.to_thread(process.stdout.readline) == "done\n"
        assert renewals(idp) == 20
        assert idp.most_at_once() == 1
        assert {item.status for item in idp.asked()} == {200}

        idp.fail({"delay": 60_000, "status": 500})
        assert both[0].stdin is not None
        both[0].stdin.write("1\n")
        both[0].stdin.flush()
        while renewals(idp) == 20:
            await asyncio.sleep(0.01)
        both[0].kill()
        assert await asyncio.wait_for(TokenSource(logins, tmp_path / "run").access("acme", grant), 30)
    finally:
        for process in both:
            process.kill()
            process.communicate()
