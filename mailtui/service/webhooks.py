"""Owns the webhooks as a person keeps them: looked at, written into the settings file, tried out, removed.

The secret that a webhook's posts are signed with is in the keyring or a variable, never in the file.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic

from mailtui.accounts.keyring_store import KeyringProblem, Trouble, webhook_entry
from mailtui.accounts.secrets import webhook_variable
from mailtui.errors import ConfigError, UsageError, WebhookSecretMissing
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.yaml_file import parse_yaml
from mailtui.kit.yaml_keys import put, take_out
from mailtui.outbox.notices import USUAL_EVENTS, Event, trial_body
from mailtui.report.addresses import require_plain_name, server_of
from mailtui.report.spec import WebhookSpec
from mailtui.report.webhook import Answer, Posting, new_secret, post, require_secret
from mailtui.service.settings_file import change_in_turn, require_changeable, text_of
from mailtui.smtp.timeouts import time_scale

if TYPE_CHECKING:
    from mailtui.service.facade import Service

__all__ = ["USUAL_EVENTS", "Answer", "Event", "WebhookRow", "Webhooks", "new_secret"]


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook of the settings. `origin` is where it is written; `waiting`: how many notices it has not taken yet."""

    name: str
    url: str
    events: tuple[str, ...]
    origin: str
    waiting: int

    @property
    def server(self) -> str:
        """Where it is, without its path, which may be secret."""
        return server_of(self.url)

    def to_json(self) -> dict[str, Any]:
        """All of it, with the names of the settings file where it has some."""
        return {
            "webhook": self.name,
            "url": self.url,
            "events": [str(event) for event in self.events],
            "origin": self.origin,
            "waiting": self.waiting,
        }


class Webhooks:
    """The webhooks of one user's settings."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def rows(self) -> list[WebhookRow]:
        """All of them, by name. Looking makes no outbox."""
        settings, waiting = self._service.settings, Counter[str]()
        if self._service.outbox.path.exists():
            waiting.update(notice.target for notice in await self._service.reader.notices(None))
        return [
            WebhookRow(name, spec.url, spec.events, settings.layers.origin(("webhooks", name)), waiting[name])
            for name, spec in sorted(settings.spec.webhooks.items())
        ]

    async def secret_problem(self, name: str) -> WebhookSecretMissing | None:
        """What is missing before its posts can be signed; None where nothing is."""
        try:
            await self._service.secrets.webhook_secret(name)
        except WebhookSecretMissing as error:
            return error
        return None

    async def add(self, name: str, url: str, events: Sequence[str], secret: str) -> KeyringProblem | None:
        """Write a webhook into the settings, and its secret into the keyring; what kept that from taking it, where
        there is no keyring: then a variable has to say it. Raises `UsageError`, `ConfigError`, `KeyringProblem`.
        """
        spec = _spec_of(name, url, events)
        _require_good(secret)
        if name in self._service.settings.spec.webhooks:
            hint = f"Remove it first, or take another name: mailtui webhooks remove {name}"
            raise UsageError(f"There is a webhook {name} already", hint=hint)
        said: dict[str, Any] = {"url": url}
        if spec.events != USUAL_EVENTS:
            said["events"] = [str(event) for event in spec.events]
        home = self._service.settings.home
        written = await change_in_turn(
            home.settings_file,
            lambda text: put(text, ("webhooks", name), said),
            lock=home.run / "settings.lock",
        )
        try:
            self._service.settings_changed()
            return await self._keep(name, secret)
        except (KeyringProblem, ConfigError, asyncio.CancelledError):
            await asyncio.to_thread(written.undo)
            self._service.settings_changed()
            raise

    async def _keep(self, name: str, secret: str) -> KeyringProblem | None:
        try:
            await self._service.keyring.set(webhook_entry(name), secret)
        except KeyringProblem as problem:
            if problem.trouble not in (Trouble.NONE, Trouble.NOT_REAL):
                raise
            return problem
        return None

    async def store_secret(self, name: str, secret: str) -> None:
        """Keep another secret in the keyring; what is posted from now on is signed with it. Raises `UsageError`,
        `KeyringProblem`.
        """
        self._require(name)
        _require_good(secret)
        problem = await self._keep(name, secret)
        if problem is not None:
            hint = f"Set it for mailtui and its runner instead: {self.variable(name)}"
            raise KeyringProblem(problem.trouble, problem.word, problem.title, detail=problem.detail, hint=hint)

    async def remove(self, name: str) -> KeyringProblem | None:
        """Take it out of the settings, with its secret; what kept the keyring from giving that up, if anything did.
        What waits to be posted to it is given up. Raises `UsageError`, `ConfigError`, `KeyringProblem`.
        """
        self._require(name)
        home, left = self._service.settings.home, None
        file = home.settings_file
        require_changeable(file)
        if name not in _written(file):
            origin = self._service.settings.layers.origin(("webhooks", name))
            raise UsageError(f"The webhook {name} is not in {file}", detail=origin, hint="Take it out where it is set.")
        try:
            await self._service.keyring.delete(webhook_entry(name))
        except KeyringProblem as problem:
            if problem.trouble not in (Trouble.NONE, Trouble.NOT_REAL):
                raise
            left = problem
        lock = home.run / "settings.lock"
        await change_in_turn(file, lambda text: take_out(text, ("webhooks", name)), lock=lock)
        self._service.settings_changed()
        return left

    async def test(self, name: str) -> Answer:
        """Post a test to it, once. Raises `UsageError`, `WebhookSecretMissing`, `ConfigError` for a bad secret."""
        self._require(name)
        secret = await self._service.secrets.webhook_secret(name)
        url = self._service.settings.spec.webhooks[name].url
        posting = Posting(url, secret, uuid.uuid4().hex, trial_body(time.time()))
        try:
            return await post(posting, scale=time_scale(self._service.environ))
        except ValueError as error:
            raise ConfigError(f"The webhook {name} cannot be signed", detail=str(error)) from None

    def variable(self, name: str) -> str:
        """The environment variable that may hold its secret."""
        return webhook_variable(name)

    def _require(self, name: str) -> None:
        known = sorted(self._service.settings.spec.webhooks)
        if name not in known:
            hint = did_you_mean(name, known) or f"To add it: mailtui webhooks add {name} https://…"
            raise UsageError(f"There is no webhook {name} in the settings", hint=hint)


def _spec_of(name: str, url: str, events: Sequence[str]) -> WebhookSpec:
    try:
        require_plain_name(name)
        return WebhookSpec.model_validate({"url": url, **({"events": list(events)} if events else {})})
    except pydantic.ValidationError as error:
        raise UsageError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def _require_good(secret: str) -> None:
    try:
        require_secret(secret)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _written(file: Path) -> dict[str, Any]:
    """The webhooks that a settings file has."""
    data = parse_yaml(text_of(file), file).data
    found = data.get("webhooks") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}
