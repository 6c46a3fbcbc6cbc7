"""A settings file with an account, and a keyring in memory, for the tests of the account book."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from mailtui.service.account_book import AccountBook
from mailtui.service.facade import Service

SECRET = "correct horse"  # pragma: allowlist secret
FILE = f"""# Settings of ours
keyring: {{allow: [{__name__}]}}
checks: {{sample: 7}}   # rows

accounts:
  # the newsletter
  acme:
    host: smtp.acme.test   # behind the firewall
    security: starttls
    user: 'news@acme.test'
    timeouts: {{dot: 20m}}  # it is slow
# the end
"""


class Shelf(keyring.backend.KeyringBackend):
    """A keyring in memory; `refuses` names an entry that it does not take, `keeps` one that it does not
    give up."""

    priority = 0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[str, str] = {}
        self.refuses = ""
        self.keeps = ""

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        if username == self.refuses:
            raise keyring.errors.KeyringLocked("no")
        self.held[f"{service} {username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        if username == self.keeps:
            raise keyring.errors.KeyringLocked("no")
        del self.held[f"{service} {username}"]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    before, shelf = keyring.get_keyring(), Shelf()
    keyring.set_keyring(shelf)
    yield shelf
    keyring.set_keyring(before)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "home" / "config" / "settings.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(FILE, "utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def book(file: Path, shelf: Shelf) -> Iterator[AccountBook]:
    with Service.open({"MAILTUI_HOME": str(file.parents[1])}) as service:
        yield AccountBook(service)


def service_of(book: AccountBook) -> Service:
    return book._service


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777
