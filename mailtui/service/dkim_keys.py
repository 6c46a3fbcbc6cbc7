"""Owns an account's key for DKIM, for faces: making one, keeping it, and the DNS record with its public half."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from mailtui.accounts.dkim_spec import IN_KEYRING, SigningSpec
from mailtui.accounts.keyring_store import KeyringProblem, Trouble, dkim_entry
from mailtui.audience.address import AddressError, parse_address
from mailtui.errors import AccountError, UsageError
from mailtui.kit.paths import create_private, private_folder, sync
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.message.dkim import KINDS, DkimSpec
from mailtui.message.preflight import Finding
from mailtui.service.account_book import AccountBook

if TYPE_CHECKING:
    from mailtui.service.facade import Service

__all__ = ["KINDS", "DkimKey", "DkimKeys", "Finding"]

_STRING = 255
"""Bytes of one string of a TXT record (RFC 1035 section 3.3)."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key of an account: where it is kept, and what the DNS must say for others to verify by it. No secret."""

    account: str
    selector: str
    domain: str
    kind: str
    bits: int
    kept: str
    """The file, or `keyring`."""
    record: str
    """The text of the TXT record."""

    @property
    def name(self) -> str:
        """Where the record belongs."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def caution(self) -> str:
        """What is to be known before mails are signed by it, '' for nothing."""
        if self.kind == "rsa":
            return ""
        return "Many who verify mails do not know Ed25519 yet, large mailbox providers among them; all know rsa."

    @property
    def strings(self) -> tuple[str, ...]:
        """The record's text in strings that a zone file takes."""
        return tuple(self.record[at : at + _STRING] for at in range(0, len(self.record), _STRING))

    @property
    def line(self) -> str:
        """The record as a line of a zone file."""
        return f"{self.name}. IN TXT " + " ".join(f'"{text}"' for text in self.strings)

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in ("account", "selector", "domain", "kind", "bits", "kept")}
        return {**values, "name": self.name, "record": self.record, "strings": list(self.strings)}


class DkimKeys:
    """The keys of one user's accounts."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def there(self, account: str) -> bool:
        """Whether an account has a key already. Raises `AccountError` where that cannot be found out."""
        spec = self._service.settings.account(account).dkim
        file = None if spec is None else spec.key_file(self._service.settings.home.config)
        if file is not None and file.exists():
            return True
        try:
            return await self._service.keyring.get(dkim_entry(account)) is not None
        except KeyringProblem as problem:
            if problem.trouble in (Trouble.NONE, Trouble.NOT_REAL):
                return False
            raise

    async def of(self, account: str, *, domain: str = "") -> DkimKey:
        """The key that an account signs with. Raises `AccountError`, `UsageError` where no domain is known."""
        spec = self._service.settings.account(account).dkim
        if spec is None:
            raise UsageError(
                f"The account {account} does not sign its mails",
                hint=f"Make a key for it: mailtui accounts dkim {account} --make rsa --domain acme.test",
            )
        pem = (await self._service.secrets.signing_key(account)).encode()
        file = spec.key_file(self._service.settings.home.config)
        kept = IN_KEYRING if file is None else str(file)
        return _described(account, spec.selector, self._domain_of(account, domain), kept, pem)

    async def make(
        self, account: str, kind: str, *, domain: str = "", selector: str = "", file: Path | None = None
    ) -> DkimKey:
        """Make a key, keep it in the keyring or in a new `file` (a whole path) of mode 0600, and have the account sign
        with it. A key that was there before is replaced; a file is not.

        Without a `selector`, one that the account has not yet: the former key's record stays good for mails that are
        on their way. Raises `AccountError`, `ConfigError`, `UsageError`; then nothing was changed.
        """
        from mailtui.message.dkim_key import make_key  # loads what makes keys, which few commands need

        former = self._service.settings.account(account).dkim
        signed_for = self._domain_of(account, domain)
        if former is not None and await self.there(account):  # one that is lost is no use to any campaign
            await self._require_unused(account)
        spec = _checked(selector or _fresh(former), domain, former)
        book = AccountBook(self._service)
        draft = book.draft(name=account)
        pem = await asyncio.to_thread(make_key, kind)
        kept = IN_KEYRING if file is None else str(file)
        draft = dataclasses.replace(
            draft,
            sign_selector=spec.selector,
            sign_domain=spec.domain,
            sign_key="" if file is None else kept,
        )
        undo = await self._keep(account, pem, file)
        try:
            await book.save(draft, replaces=account)
        except BaseException:
            await undo()
            raise
        return _described(account, spec.selector, signed_for, kept, pem)

    async def _require_unused(self, account: str) -> None:
        """Campaigns that are not over sign by the former selector: with another key, nobody could verify the rest."""
        users = await AccountBook(self._service).users(account)
        if users:
            raise UsageError(
                f"{counted(len(users), 'campaign')} not over yet would be signed by a key that the DNS does not have",
                detail=f"Sent through {account}: {', '.join(users)}",
                hint="Make the new key when they are over, or cancel them first: mailtui cancel ID",
            )

    async def compare(self, key: DkimKey) -> Finding:
        """What the DNS says of a key; asked only when a person wants it."""
        from mailtui.accounts.domain import dkim_findings
        from mailtui.accounts.domain.names import Names
        from mailtui.audience.mx.servers import parse_server

        names = Names(tuple(map(parse_server, self._service.settings.spec.dns.servers)))
        try:
            return await dkim_findings.compare(names, key.name, key.record)
        finally:
            names.close()

    async def published(self, account: str) -> Finding | None:
        """What the DNS says of the key that an account signs with; None where it does not sign. Raises as `of`."""
        found = self._service.settings.spec.accounts.get(account)
        if found is None or found.dkim is None:
            return None
        return await self.compare(await self.of(account))

    async def _keep(self, account: str, pem: bytes, file: Path | None) -> _Undo:
        """Put the key where it is to be, and how to take it back."""
        if file is not None:
            await asyncio.to_thread(_write, file, pem)
            return _Undo(self._service, "", None, file)
        entry = dkim_entry(account)
        try:
            before = await self._service.keyring.get(entry)
            await self._service.keyring.set(entry, pem.decode())
        except KeyringProblem as problem:
            raise AccountError(
                f"The key was not made: {problem.title[:1].lower()}{problem.title[1:]}",
                detail=problem.detail,
                hint=f"Keep it in a file that only you can read: mailtui accounts dkim {account} --make rsa "
                f"--file {self._service.settings.home.config / f'{account}-dkim.pem'}",
            ) from None
        self._service.secrets.tell(entry, None)
        return _Undo(self._service, entry, before, None)

    def _domain_of(self, account: str, given: str) -> str:
        """The domain that a key signs for: as given, as in the settings, or that of the account's own addresses."""
        found = self._service.settings.account(account)
        if given:
            return _checked("s1", given, None).domain
        if found.dkim is not None and found.dkim.domain:
            return found.dkim.domain
        domains = {_domain(sender) for sender in found.senders}
        if len(domains) == 1:
            return domains.pop()
        raise UsageError(
            f"The domain that {account} signs for is not known",
            detail="" if not domains else f"Its addresses are of {', '.join(sorted(domains))}.",
            hint="Name the domain that stands in From: --domain acme.test",
        )


@dataclass(frozen=True, slots=True)
class _Undo:
    service: Service
    entry: str
    before: str | None
    file: Path | None

    async def __call__(self) -> None:
        if self.file is not None:
            self.file.unlink(missing_ok=True)
        elif self.before is None:
            await self.service.keyring.delete(self.entry)
        else:
            await self.service.keyring.set(self.entry, self.before)


def _described(account: str, selector: str, domain: str, kept: str, pem: bytes) -> DkimKey:
    from mailtui.message.dkim_key import read_signing_key

    key = read_signing_key(pem)
    return DkimKey(account, selector, domain, key.kind, key.bits, kept, key.record)


def _checked(selector: str, domain: str, former: SigningSpec | None) -> DkimSpec:
    """What was given, as the settings would take it. Raises `UsageError`."""
    import pydantic

    try:
        spec = SigningSpec(selector=selector, domain=domain or None)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        given = selector if first["loc"] == ("selector",) else domain
        raise UsageError(f"{safe_text(given, limit=60)!r}: {first['ctx']['error']}") from None
    return DkimSpec(spec.selector, spec.domain or (former.domain if former is not None else None) or "")


def _fresh(former: SigningSpec | None) -> str:
    """A selector that the account has not now: the month, and a letter where it has that already."""
    month = time.strftime("m%Y%m")
    taken = "" if former is None else former.selector
    names = [month, *(month + letter for letter in ascii_lowercase[1:])]
    return names[names.index(taken) + 1] if taken in names[:-1] else month


def _domain(sender: str) -> str:
    address = sender[sender.find("<") + 1 : -1] if sender.endswith(">") else sender
    try:
        return parse_address(f"anybody{address}" if address.startswith("@") else address).domain
    except AddressError:
        return ""  # the settings let none in


def _write(path: Path, pem: bytes) -> None:
    try:
        private_folder(path.parent)
        stream = create_private(path)
        try:
            with stream:
                stream.write(pem)
            sync(path)
        except OSError:
            path.unlink()  # a part of a key is good for nobody, and would be in the way
            raise
    except FileExistsError:
        raise UsageError(
            f"{path} is there already", hint="A key may be in it that is still needed. Name another file."
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
