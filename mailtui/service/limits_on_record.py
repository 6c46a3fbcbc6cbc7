"""Owns putting the limits of accounts on record: they are the accounts', whatever campaign uses them, and a runner that
lives takes them over from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailtui.errors import MailtuiError
from mailtui.outbox.ports import Desk
from mailtui.service.settings import Settings


async def put_limits(names: Iterable[str], settings: Settings, desk: Callable[[], Desk]) -> None:
    """Have what the settings say now of these accounts' limits hold from now on; accounts that the settings do not
    have are left as they are.
    """
    accounts = settings.spec.accounts
    said = {name: accounts[name].limits.limits().to_json() for name in names if name in accounts}
    if not said:
        return
    writing = desk()
    try:
        await writing.put_limits(said)
    finally:
        writing.close()


async def limits_changed(account: str, settings: Settings, desk: Callable[[], Desk]) -> None:
    """An account was changed: campaigns that are under way go by its limits as they are now.

    Raises `MailtuiError` where the outbox cannot be written, and says what that means.
    """
    try:
        await put_limits([account], settings, desk)
    except MailtuiError as error:
        said = "The settings are written. Campaigns under way go by the account's former limits until they resume."
        error.detail = "\n".join(part for part in (error.detail, said) if part)
        raise
