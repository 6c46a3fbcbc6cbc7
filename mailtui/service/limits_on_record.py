"""Owns putting the limits of accounts on record: they are the accounts', whatever campaign uses them, and a runner that
lives takes them over from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
