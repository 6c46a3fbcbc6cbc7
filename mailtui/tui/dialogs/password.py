"""Owns asking for an account's password: hidden, kept in memory until the app is closed, written nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from mailtui.errors import LoginEnded, SecretMissing
from mailtui.service.advice import doubt_refused
from mailtui.service.facade import Service
from mailtui.service.launching import LaunchPlan
from mailtui.service.views import CampaignView
from mailtui.tui.dialogs.missed import MissedDialog
from mailtui.tui.dialogs.oauth_login import log_in
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.safe_input import SafeInput

Value = TypeVar("Value")


class PasswordDialog(ModalScreen[str | None]):
    """What was typed, or None."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, missing: SecretMissing) -> None:
        super().__init__()
        self._missing = missing

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"The password of {self._missing.account}", limit=200), classes="title")
            yield Plain("It is kept in memory until the app is closed, and written nowhere.", classes="muted")
            yield SafeInput(password=True, id="password")
            yield Plain("To have it kept in the keyring: p on the accounts screen (0).", classes="muted")
            with Buttons():
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Use it", id="use", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#use")
    def done(self) -> None:
        self.dismiss(self.query_one(Input).value or None)

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        self.dismiss(None)


async def asking_password(app: App[Any], service: Service, work: Callable[[], Awaitable[Value]]) -> Value:
    """Do what may need a password or a login at a provider, asking for it where it is missing. Raises `SecretMissing`
    or `LoginEnded` when none is given.
    """
    while True:
        try:
            return await work()
        except LoginEnded as error:
            if not await log_in(app, service, error.account):
                raise
            continue
        except SecretMissing as error:
            missing = error
        if missing.login:
            if not await log_in(app, service, missing.account):
                raise missing
            continue
        password = await app.push_screen_wait(PasswordDialog(missing))
        if password is None:
            raise missing
        service.tell_password(missing.account, password)


async def resuming(app: App[Any], service: Service, view: CampaignView) -> str:
    """Go on with a campaign; the runner's answer. A password that its server has refused is looked for anew, since it
    may have been mistyped. Where recipients' own times have passed, a person says what becomes of them. Raises
    `SecretMissing` when no password is given.
    """
    skips = False
    if view.asks_about_missed:
        wanted = await app.push_screen_wait(MissedDialog(view.name, view.reason))
        if wanted is None:
            return "it waits"
        skips = wanted == "skip"
    await doubt_refused(service, view.campaign)
    return await asking_password(app, service, lambda: service.resume(view, skip_missed=skips))


async def launching_password(app: App[Any], service: Service, plan: LaunchPlan) -> None:
    """See that the password is there before anything is launched: without it nothing could be sent. One that was
    refused is asked for anew. Raises `SecretMissing` when none is given.
    """
    earlier = plan.planned.earlier if plan.planned is not None else None
    if earlier is not None:
        await doubt_refused(service, earlier)
    await asking_password(app, service, lambda: service.secrets_of(plan.members))
