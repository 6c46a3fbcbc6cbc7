"""Owns asking whether an account is to be removed, with its secrets, and doing it."""

from __future__ import annotations

from typing import Any

from textual.app import App

from mailtui.kit.words import counted
from mailtui.service.account_book import AccountBook
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.text import plain, tell

_NAMED = 3


async def remove_account(app: App[Any], book: AccountBook, name: str) -> bool:
    """Whether it was removed. Raises what keeps it."""
    users = await book.users(name)
    lines = [plain("It is taken out of the settings, and its password, login and key out of the keyring.")]
    if users:
        some = ", ".join(users[:_NAMED]) + (" …" if len(users) > _NAMED else "")
        told = f"! {counted(len(users), 'campaign')} not over yet would go on through it: {some}. They would be held."
        lines.append(plain(told, "$text-warning", limit=300))
    dialog = ConfirmDialog(f"Remove the account {name}?", lines, yes="Remove it", no="Leave it")
    if not await app.push_screen_wait(dialog):
        return False
    left = await book.remove(name, force=bool(users))
    told = "and its secrets with it" if left is None else f"but nothing was taken out of the keyring: {left.word}"
    tell(app, f"{name} is removed, {told}.")
    return True
