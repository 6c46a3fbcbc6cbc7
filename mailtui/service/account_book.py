"""Owns the accounts as a person keeps them: looked at, written into the settings file, changed, removed.

A secret is never without its account: the account is written first and its secrets are removed first, and what cannot
be done to its end is undone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtui.accounts.keyring_store import KeyringProblem, Trouble
from mailtui.accounts.presets import Preset, presets
from mailtui.accounts.secrets import unknown_account
from mailtui.dispatch.members import members_from_json
from mailtui.errors import AccountError, ConfigError, MailtuiError, UsageError
from mailtui.kit.file_lock import exclusive
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.words import counted
from mailtui.kit.yaml_file import parse_yaml
from mailtui.kit.yaml_keys import rename, take_out
from mailtui.outbox.states import CampaignState
from mailtui.service.account_draft import (
    AccountDraft,
    draft_of_account,
    draft_of_preset,
    edited,
    moved_to_preset,
    problems_of,
    seen_of,
)
from mailtui.service.account_secrets import give_back, kept_as, move_secrets, remove_secrets
from mailtui.service.account_tests import LastTest, forget_test, last_tests
from mailtui.service.limits_on_record import limits_changed
from mailtui.service.searching import has_words
from mailtui.service.secret_places import SecretKind, SecretPlace, secret_place
from mailtui.service.settings_file import Written, change, require_changeable, text_of
from mailtui.service.settings_layers import PROJECT_FILE
from mailtui.service.waiting import Waiting, give
from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.limits import Limits
from mailtui.smtp.limits_text import in_words

if TYPE_CHECKING:
    from mailtui.service.facade import Service

__all__ = ["AccountBook", "AccountDraft", "AccountRow", "LastTest", "Preset", "SecretKind", "SecretPlace", "Waiting"]

_OVER = (CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.DRAFT)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the settings. `origin` is where it is written; limits are those that count."""

    name: str
    endpoint: Endpoint
    origin: str
    preset: str
    senders: tuple[str, ...]
    weight: int
    connections: int | None
    limits: Limits
    last_test: LastTest | None

    @property
    def at_most(self) -> str:
        """Its limits for people; empty where it has none."""
        return in_words(self.limits)

    def is_meant(self, search: str) -> bool:
        """Whether every word of a search is in its name, its server, its user, its provider or whom it sends as."""
        known = (self.name, str(self.endpoint), self.endpoint.user, self.preset, *self.senders)
        return has_words(known, search)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, with the names of the settings file where it has some."""
        endpoint = self.endpoint
        return {
            "account": self.name,
            "preset": self.preset or None,
            "host": endpoint.host,
            "port": endpoint.port,
            "security": str(endpoint.security),
            "user": endpoint.user,
            "auth": str(endpoint.auth),
            "from": list(self.senders),
            "limits": {"per_hour": None, "per_day": None, **self.limits.as_said()},
            "connections": self.connections,
            "weight": self.weight,
            "origin": self.origin,
            "last_test": None if self.last_test is None else dataclasses.asdict(self.last_test),
        }


class AccountBook:
    """The accounts of one user's settings. Reading is cheap; whatever asks the keyring is awaited."""

    def __init__(self, service: Service) -> None:
        self._service = service

    # looking

    def rows(self) -> list[AccountRow]:
        """The accounts by name. Where their secrets are is asked for one by one: `secret_place`."""
        settings = self._service.settings
        tests = last_tests(settings.home)
        rows = []
        for name, spec in sorted(settings.spec.accounts.items()):
            endpoint, test = settings.endpoint(name), tests.get(name)
            rows.append(
                AccountRow(
                    name,
                    endpoint,
                    settings.layers.origin(("accounts", name)),
                    spec.preset or "",
                    spec.senders,
                    spec.weight,
                    spec.connections,
                    spec.limits.limits(),
                    test if test is not None and test.server == str(endpoint) else None,
                )
            )
        return rows

    async def secret_place(self, name: str) -> SecretPlace:
        """Where the account's secret would come from. Never raises for a keyring that cannot be asked."""
        return await secret_place(self._service, name)

    def presets(self) -> list[Preset]:
        """The providers that are known, in the order to show them."""
        return list(presets().values())

    def preset(self, name: str) -> Preset:
        """One of them. Raises `UsageError` for one that there is not."""
        if name not in presets():
            hint = did_you_mean(name, list(presets())) or "See: mailtui accounts presets"
            raise UsageError(f"There is no preset {name}".rstrip(), hint=hint)
        return presets()[name]

    def secret_hint(self, draft: AccountDraft) -> str:
        """What to give as the password of such an account, as its provider says; empty where nothing is known."""
        known = presets().get(draft.preset)
        return "" if known is None else known.secret_hint

    async def users(self, name: str) -> list[str]:
        """The ids of campaigns that are not over and are sent through an account."""
        if not self._service.outbox.path.exists():
            return []
        campaigns = await self._service.reader.campaigns()
        return [
            one.id
            for one in campaigns
            if one.state not in _OVER and name in (member.name for member in members_from_json(one.endpoint))
        ]

    # writing

    def draft(self, *, preset: str = "", name: str = "") -> AccountDraft:
        """A draft to fill in: for a preset, of an account that there is, or empty. Raises `UsageError`, `ConfigError`
        for an account that cannot be changed here.
        """
        if name:
            file = self._file_of(name)
            return draft_of_account(name, _said(text_of(file), file, name) or {})
        return draft_of_preset(self.preset(preset).name) if preset else AccountDraft()

    def moved(self, draft: AccountDraft, preset: str) -> AccountDraft:
        """The draft of an account that goes over to another provider; '' is none. Raises `UsageError`."""
        if preset in ("", draft.preset):
            return draft
        return moved_to_preset(draft, self.preset(preset).name)

    def problems(self, draft: AccountDraft, *, replaces: str | None = None) -> dict[str, str]:
        """What is wrong with a draft, by the names of its fields; empty when it can be saved."""
        return problems_of(
            draft, taken=tuple(name for name in self._service.settings.spec.accounts if name != replaces)
        )

    async def save(self, draft: AccountDraft, *, replaces: str | None = None, secret: str | None = None) -> None:
        """Write the account; `replaces` names the one that it was, `secret` is stored along with it.

        All of it is done or nothing. Raises `ConfigError` for a draft with problems, `UsageError` or `MailtuiError`
        where the settings file cannot be changed, `AccountError` where the keyring takes no secret.
        """
        problems = self.problems(draft, replaces=replaces)
        if problems:
            lines = "\n".join(f"{name}: {text}" for name, text in problems.items())
            raise ConfigError(f"The account {draft.name or 'without a name'} has mistakes", detail=lines)
        file = self._service.settings.home.settings_file if replaces is None else self._file_of(replaces)
        if replaces not in (None, draft.name):
            await self._require_unused(str(replaces), "renamed")
        former = () if replaces is None else kept_as(self._service, replaces)
        server = None if replaces is None else self._service.settings.endpoint(replaces)

        def edit(text: str) -> str:
            said = None if replaces is None else _said(text, file, replaces)
            if replaces != draft.name and _said(text, file, draft.name) is not None:
                raise MailtuiError(
                    f"Another program has written an account {draft.name} just now",
                    detail=str(file),
                    hint="Nothing was written. Give this one another name.",
                )
            if replaces is not None and (said is None or seen_of(said) != draft.seen):
                raise MailtuiError(
                    f"The account {replaces} was changed by another program since it was read here",
                    detail=str(file),
                    hint="Nothing was written. Look at it again, and change it anew.",
                )
            if replaces not in (None, draft.name):
                text = rename(text, ("accounts", str(replaces)), draft.name)
            return edited(text, draft.name, draft, said)

        written = await self._change(file, edit)
        try:
            self._service.settings_changed()
            if replaces is not None and former != kept_as(self._service, draft.name):
                await move_secrets(self._service, replaces, former, draft.name)
            if secret is not None:
                await self.store_secret(draft.name, secret)
        except (MailtuiError, asyncio.CancelledError) as error:
            await asyncio.to_thread(written.undo)
            if replaces is None and secret is not None and not _never_kept(error):
                await give_back(self._service, draft.name)
            self._service.settings_changed()
            if isinstance(error, asyncio.CancelledError):
                raise
            error.detail = "\n".join(part for part in (error.detail, "The settings file is as it was.") if part)
            raise
        if replaces is not None and server != self._service.settings.endpoint(draft.name):
            await self._forget_test(replaces)
        if replaces is not None and self._service.outbox.path.exists():
            await limits_changed(draft.name, self._service.settings, self._service.desk)

    async def store_secret(self, name: str, secret: str) -> Waiting:
        """Keep an account's password in the keyring. A runner that lives gets it, too, and campaigns go on that waited
        for it; which ones do. Raises `AccountError`, `UsageError`.
        """
        self._require_password(name, secret)
        await self._service.keyring.set(name, secret)
        self._service.secrets.tell(name, None)
        return await give(self._service, name, {name: secret})

    async def use_secret(self, name: str, secret: str) -> Waiting:
        """Use a password until this program ends, and as long as a runner lives; it is written nowhere. Else as
        `store_secret`.
        """
        self._require_password(name, secret)
        self._service.secrets.tell(name, secret)
        return await give(self._service, name, {name: secret})

    def _require_password(self, name: str, secret: str) -> None:
        endpoint = self._service.settings.endpoint(name)
        if not endpoint.user:
            raise UsageError(
                f"The account {name} logs in nowhere, so it needs no password",
                hint=f"Give it a user first: mailtui accounts change {name} --user NAME",
            )
        if endpoint.grant is not None:
            raise UsageError(
                f"The account {name} logs in at a provider, not with a password",
                hint=f"Log in: mailtui accounts login {name}",
            )
        if not secret or any(sign in secret for sign in "\r\n\0"):
            raise UsageError("That is no password: it is " + ("empty" if not secret else "more than one line"))

    async def forget_secret(self, name: str) -> bool:
        """Take it out of the keyring again; False where there was none. Raises `AccountError`."""
        self._service.settings.account(name)
        self._service.secrets.tell(name, None)
        return await self._service.keyring.delete(name)

    async def remove(self, name: str, *, force: bool = False) -> KeyringProblem | None:
        """Remove an account with its secrets; gives back what kept the keyring from giving them up, if anything did.

        Raises `UsageError` while a campaign needs it and `KeyringProblem` for a keyring that does not answer, both
        unless it is forced.
        """
        file = self._file_of(name)
        if not force:
            await self._require_unused(name, "removed")
        require_changeable(file)
        take_out(text_of(file), ("accounts", name))  # for what it raises, before anything is gone
        left = await remove_secrets(self._service, name, force=force)
        await self._change(file, lambda text: take_out(text, ("accounts", name)))
        await self._forget_test(name)
        self._service.settings_changed()
        return left

    async def _forget_test(self, name: str) -> None:
        """How the last test went says nothing of what is written now."""
        with contextlib.suppress(OSError):  # it is a note, and what it would be about is done
            await asyncio.to_thread(forget_test, self._service.settings.home, name)

    async def _change(self, file: Path, edit: Callable[[str], str]) -> Written:
        """Change a settings file, one process of ours after the other."""
        async with exclusive(self._service.settings.home.run / "settings.lock"):
            writing = asyncio.create_task(asyncio.to_thread(change, file, edit))
            try:
                return await asyncio.shield(writing)
            except asyncio.CancelledError:
                (await writing).undo()  # a thread goes on
                raise

    async def _require_unused(self, name: str, done: str) -> None:
        users = await self.users(name)
        if users:
            raise UsageError(
                f"The account {name} is still needed, and was not {done}",
                detail=f"{counted(len(users), 'campaign')} sent through it: {', '.join(users)}",
                hint="Let them finish, or cancel them first: mailtui cancel ID",
            )

    def _file_of(self, name: str) -> Path:
        """The file that an account is written in. Raises `AccountError` for none, or where there is more than one."""
        home = self._service.settings.home
        files = [path for path in (Path(PROJECT_FILE).absolute(), home.settings_file) if path.is_file()]
        having = [path for path in files if _said(text_of(path), path, name) is not None]
        if len(having) == 1:
            return having[0]
        if having:
            raise AccountError(
                f"The account {name} is written in two files",
                detail="\n".join(map(str, having)),
                hint="Take it out of one of them first.",
            )
        if name in self._service.settings.spec.accounts:
            raise AccountError(
                f"The account {name} is in no settings file",
                detail=self._service.settings.layers.origin(("accounts", name, "host")),
                hint="Change it where it is set.",
            )
        raise unknown_account(name, sorted(self._service.settings.spec.accounts), file=str(home.settings_file))


def _never_kept(error: BaseException) -> bool:
    """Whether an error says that the keyring has nothing of what it was to keep."""
    return not isinstance(error, asyncio.CancelledError) and getattr(error, "trouble", None) is not Trouble.NOT_KEPT


def _said(text: str, file: Path, name: str) -> Mapping[str, Any] | None:
    """What a file says of an account, None where it does not have it. Raises `ConfigError`."""
    data = parse_yaml(text, file).data
    accounts = data.get("accounts") if isinstance(data, dict) else None
    found = accounts.get(name) if isinstance(accounts, dict) else None
    return found if isinstance(found, dict) else None
